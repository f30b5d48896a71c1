"""The self-tests, on demand."""

from __future__ import annotations

import kmshsm


def test_the_report(store: kmshsm.Store) -> None:
    report = kmshsm.self_test()
    assert list(report) == ["passed", "tests", "integrity"]
    assert report["passed"] is True
    tests = report["tests"]
    assert all(list(test) == ["name", "kind", "result"] for test in tests)
    assert {test["result"] for test in tests} == {"passed"}
    assert {test["kind"] for test in tests} == {"known answer", "pairwise", "continuous"}
    names = [test["name"] for test in tests]
    assert len(set(names)) == len(names)
    assert {"aes-256-gcm", "sm4-gcm", "ctr-drbg-aes-256", "rsa-pair"} <= set(names)
    assert report["integrity"]["result"] in {"passed", "not available"}
    # What is open goes on working.
    assert store.status()["state"] == "operational"
    assert store.status()["failure"] is None
