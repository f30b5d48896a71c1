"""Stores for tests: reproducible, marked, and like no other store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import kmshsm
from kmshsm.testing import Calls, Clock, Sessions, open_for_tests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLACE = "memory:?clock=manual&seed=x"


def opened(place: str = PLACE) -> kmshsm.Store:
    return kmshsm.open(place, allow_unprotected_memory=True)


def told(place: str = PLACE) -> list[object]:
    """What a store answers to some calls."""
    with opened(place) as store, store.session() as session:
        key = store.create_key()
        blob = session.encrypt(key.id, b"text", {"a": "b"})
        data_key = session.generate_data_key(key.id)
        return [
            key.id,
            blob,
            session.generate_random(16),
            bytes(data_key.plaintext),
            data_key.ciphertext_blob,
            store.api.create_key(),
        ]


def test_a_seed_says_it_all() -> None:
    assert told() == told()
    for other in ("memory:?clock=manual&seed=y", "memory:?clock=manual"):
        assert not set(map(str, told())) & set(map(str, told(other)))


def test_another_process_has_the_same() -> None:
    script = f"import kmshsm\nwith kmshsm.open({PLACE!r}) as kms: print(kms.create_key().id)"
    run = [sys.executable, "-c", script]
    ids = {subprocess.run(run, capture_output=True, text=True, check=True).stdout for _ in "ab"}
    with opened() as store:
        assert ids == {store.create_key().id + "\n"}


def test_marks() -> None:
    for place, is_test_only in ((PLACE, True), ("memory:", False)):
        with opened(place) as store:
            assert store.is_test_only is is_test_only
            assert store.status()["test_only"] is is_test_only
            assert store.api.list_keys().get("TestOnly", False) is is_test_only
            assert store.tick().get("TestOnly", False) is is_test_only
            key = store.create_key(protection_level="HSM")
            store.encrypt(key.id, b"text")
            assert kmshsm.indicator() == ("not approved" if is_test_only else "approved")
    with pytest.raises(kmshsm.ArgumentError, match="Closed"):
        _ = store.is_test_only


def test_directories_take_no_seed(tmp_path: Path) -> None:
    for place in (f"{tmp_path}/s?seed=x", f"{tmp_path}/s?clock=manual&seed=x"):
        for make in (kmshsm.create, kmshsm.open):
            with pytest.raises(kmshsm.ArgumentError, match="Only stores in memory take a seed"):
                make(place, passphrase=b"x")
    assert not [*tmp_path.iterdir()]


def test_threads_share_a_stream() -> None:
    drawn: list[bytes] = []
    with opened() as store:

        def draw() -> None:
            drawn.extend(store.generate_random(16) for _ in range(100))

        threads = [threading.Thread(target=draw) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(drawn)) == 400


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_leaves_the_parent_its_stream() -> None:
    with opened() as alone:
        expected = [alone.create_key().id for _ in "ab"]
    with opened() as store:
        ids = [store.create_key().id]
        read, write = os.pipe()
        if not (child := os.fork()):
            signal.alarm(300)
            with opened("memory:") as ordinary, opened() as same:
                said = [ordinary.create_key().id, same.create_key().id]
            try:
                store.create_key()
            except kmshsm.InvalidState as error:
                said.append(error.code)
            os.write(write, " ".join(said).encode())
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        os.close(write)
        with open(read, encoding="ascii") as pipe:
            ordinary_id, same_id, code = pipe.read().split()
        ids.append(store.create_key().id)
    assert ids == expected
    assert (same_id, code) == (expected[0], "Module.Forked")
    assert ordinary_id not in expected


def test_the_clock_moves_what_is_due() -> None:
    with open_for_tests("clock") as store:
        clock = Clock(store)
        key = store.create_key()
        key.schedule_deletion(days=7)
        assert f"{clock!r}" == "<Clock 2019-07-04T13:14:15Z>"
        assert clock.advance(7 * 86_400) == clock.now
        with pytest.raises(kmshsm.NotFound):
            key.encrypt(b"text")
        assert store.create_key().metadata.created == clock.now
        for wrong in (-1, 0.5):
            with pytest.raises(ValueError, match="whole seconds"):
                clock.advance(wrong)  # type: ignore[arg-type]


def test_calls_tell_who_did_what() -> None:
    with open_for_tests("calls") as store, Sessions(store, "cn-beijing") as session_for:
        calls = Calls(store)
        key = store.create_key(description="d")
        allow = {"Effect": "Allow", "Action": ["kms:Encrypt"], "Resource": ["*"]}
        alice = session_for(user="alice", policy={"Version": "1", "Statement": [allow]})
        root = session_for("444455556666", "cn-hongkong")
        blob = store.encrypt(key.id, b"the plaintext", {"purpose": "tests"})
        with pytest.raises(kmshsm.AccessDenied):
            alice.api.list_keys()
        with pytest.raises(kmshsm.NotFound):
            root.decrypt(blob)
        seen = [(call.action, call.user, call.account, call.region, call.error) for call in calls]
        assert seen == [
            ("CreateKey", None, "111122223333", "cn-hongkong", None),
            ("Encrypt", None, "111122223333", "cn-hongkong", None),
            ("ListKeys", "alice", "111122223333", "cn-beijing", "Forbidden.NoPermission"),
            ("Decrypt", None, "444455556666", "cn-hongkong", "Forbidden.KeyNotFound"),
        ]
        assert len(calls) == 4
        assert calls[1].keys == (key.id,)
        assert calls[1].parameters["EncryptionContext"] == {"purpose": "tests"}
        assert "plaintext" not in str([*calls]).lower()
        calls.assert_called("Encrypt", times=1, key=key, KeyId=key.id, user=None)
        calls.assert_called("CreateKey", Description="d", region="cn-hongkong")
        calls.assert_refused("ListKeys", "Forbidden.NoPermission", user="alice")
        calls.assert_not_called("Encrypt", user="alice")
        claims: list[tuple[Callable[[], None], str]] = [
            (lambda: calls.assert_called("Encrypt", times=2), "2 expected, 1 found"),
            (lambda: calls.assert_called("ListKeys"), "at least one expected, 0 found"),
            (lambda: calls.assert_called("Encrypt", NoSuch=None), "0 found"),
            (lambda: calls.assert_refused("ListKeys", "Other"), "0 found"),
            (lambda: calls.assert_refused("Encrypt"), "0 found"),
            (lambda: calls.assert_not_called("ListKeys"), "0 expected, 1 found"),
        ]
        for claim, text in claims:
            with pytest.raises(AssertionError, match=text):
                claim()
        calls.clear()
        assert not calls and repr(calls) == "<Calls []>"


def test_users_keep_what_they_were_given() -> None:
    with open_for_tests("users") as store, Sessions(store) as session_for:
        key = store.create_key()
        reader = session_for(user="bob", policy="AliyunKMSReadOnlyAccess")
        assert next(reader.keys()).id == key.id
        with pytest.raises(kmshsm.AccessDenied):
            reader.encrypt(key.id, b"text")
        both = session_for(user="bob", policy=["AliyunKMSFullAccess"])
        assert both.decrypt(reader.encrypt(key.id, b"text")) == b"text"
        with pytest.raises(kmshsm.AccessDenied):
            session_for(user="carol").encrypt(key.id, b"text")
        with pytest.raises(TypeError, match="root needs none"):
            session_for(policy="AliyunKMSFullAccess")
    with pytest.raises(kmshsm.ArgumentError):
        reader.encrypt(key.id, b"text")
