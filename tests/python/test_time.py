"""What falls due, who does it, and what an operator limits."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time
from collections import UserDict
from typing import Any

import pytest

import kmshsm

WEEK = 604_800
NOTHING = {"Deleted": 0, "Rotated": 0, "Expired": 0}


def limited(quotas: Any) -> kmshsm.Store:
    return kmshsm.open("memory:?clock=manual", quotas=quotas)


def doomed(session: kmshsm.Session) -> str:
    """A key whose waiting period has just ended."""
    key: str = session.api.create_key()["KeyMetadata"]["KeyId"]
    session.api.schedule_key_deletion(key, pending_window_in_days=7)
    session.api.advance_clock(WEEK)
    return key


def keeper_is(there: bool) -> bool:
    """A thread has its name, or leaves the system's list, a moment after it began or ended."""

    def names() -> set[str]:
        found = set()
        for thread in pathlib.Path("/proc/self/task").iterdir():
            try:
                found.add((thread / "comm").read_text().strip())
            except OSError:
                continue  # it has ended meanwhile
        return found

    for _ in range(1000):
        if ("kmshsm-keeper" in names()) == there:
            return True
        time.sleep(0.01)
    return False


def test_a_tick_does_all_that_is_due(store: kmshsm.Store, session: kmshsm.Session) -> None:
    assert store.tick() == NOTHING
    rotated = session.api.create_key(enable_automatic_rotation=True, rotation_interval="7d")
    key = doomed(session)
    assert store.tick() == {"Deleted": 1, "Rotated": 1, "Expired": 0}
    assert store.tick() == NOTHING
    assert session.api.list_key_versions(rotated["KeyMetadata"]["KeyId"])["TotalCount"] == 2
    with pytest.raises(kmshsm.NotFound, match=r"Forbidden\.KeyNotFound"):
        session.api.cancel_key_deletion(key)
    store.close()
    with pytest.raises(kmshsm.ArgumentError, match=r"Abi\.Closed"):
        store.tick()


def test_a_manual_clock_moves_what_is_due(session: kmshsm.Session) -> None:
    key = session.api.create_key()["KeyMetadata"]["KeyId"]
    answer = session.api.schedule_key_deletion(key, pending_window_in_days=7)
    session.api.advance_clock(WEEK - 1)
    described = session.api.describe_key(key)["KeyMetadata"]
    assert (described["KeyState"], described["DeleteDate"]) == (
        "PendingDeletion",
        "2019-07-11T13:14:15Z",
    )
    assert "RequestId" in answer
    session.api.advance_clock(1)
    # Whether or not anybody has destroyed it yet.
    with pytest.raises(kmshsm.NotFound):
        session.api.describe_key(key)


def test_a_keeper_does_it_until_the_store_is_closed() -> None:
    assert keeper_is(False)
    with kmshsm.open("memory:?clock=manual", keeper=1) as store, store.session() as session:
        assert keeper_is(True)
        # This thread may come first: then there is another key for the keeper.
        for _ in range(100):
            doomed(session)
            time.sleep(1.5)
            if store.tick() == NOTHING:
                break
        else:
            pytest.fail("nobody keeps the store")
    assert keeper_is(False)


def test_a_keeper_ends_with_the_last_reference() -> None:
    store = kmshsm.open(keeper=86_400)
    assert keeper_is(True)
    del store
    assert keeper_is(False)


def test_an_end_with_a_keeper_is_quiet() -> None:
    code = "import kmshsm; s = kmshsm.open(keeper=1).session(); s.api.create_key()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_leaves_the_keeper_alone() -> None:
    store = kmshsm.open("memory:?clock=manual", keeper=86_400)
    child = os.fork()
    if child == 0:
        signal.alarm(300)
        code = 1
        try:
            store.tick()
        except kmshsm.InvalidState as error:
            code = 0 if error.code == "Module.Forked" else 2
        store.close()
        del store
        os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert keeper_is(True)
    assert store.tick() == NOTHING
    store.close()
    assert keeper_is(False)


@pytest.mark.parametrize("keeper", [0, -1, 2**32, 2**64, 1.5, "60", True, [60]])
def test_a_keeper_takes_whole_seconds(keeper: Any) -> None:
    if type(keeper) is int:
        with pytest.raises(kmshsm.ArgumentError, match=r'"keeper".*1 to 4294967295 seconds'):
            kmshsm.open(keeper=keeper)
    else:
        with pytest.raises(TypeError, match=r"keeper must be an int, .*, not"):
            kmshsm.open(keeper=keeper)


def test_the_quotas_of_the_service() -> None:
    with limited("service") as store, store.session() as session:
        for made in range(200):
            if made % 10 == 0:
                session.api.advance_clock(1)
            session.api.create_key()
        with pytest.raises(kmshsm.InvalidState, match=r"Rejected\.Throttling") as caught:
            session.api.create_key()
        assert caught.value.number == 406
        session.api.advance_clock(1)
        with pytest.raises(kmshsm.InvalidState, match=r"Rejected\.LimitExceeded") as caught:
            session.api.create_key()
        assert caught.value.number == 405
        assert "The quota of keys is 200." in caught.value.message
        store.session("1").create_key()


def test_quotas_of_the_operators_own() -> None:
    rates = {"Symmetric": 2}
    quotas: list[Any] = [
        {"Keys": 1, "RequestsPerSecond": rates},
        UserDict(Keys=1, RequestsPerSecond=rates),
    ]
    for given in quotas:
        with limited(given) as store, store.session() as session:
            key = session.api.create_key()["KeyMetadata"]["KeyId"]
            with pytest.raises(kmshsm.InvalidState, match=r"Rejected\.LimitExceeded"):
                session.api.create_key()
            assert session.decrypt(session.encrypt(key, b"hello")) == b"hello"
            with pytest.raises(kmshsm.InvalidState, match=r"Rejected\.Throttling"):
                session.encrypt(key, b"hello")
            session.api.advance_clock(1)
            session.encrypt(key, b"hello")


@pytest.mark.parametrize(
    ("quotas", "name"),
    [
        ("none", "quotas"),
        ("", "quotas"),
        ({"Key": 1}, "Key"),
        ({"Keys": -1}, "Keys"),
        ({"Keys": "1"}, "Keys"),
    ],
)
def test_quotas_that_are_none(quotas: Any, name: str) -> None:
    with pytest.raises(kmshsm.ArgumentError, match=f'"{name}"'):
        limited(quotas)


@pytest.mark.parametrize("quotas", [5, ["Keys"], True, b"service"])
def test_quotas_of_another_type(quotas: Any) -> None:
    with pytest.raises(TypeError, match='quotas must be "service" or a mapping, not'):
        limited(quotas)
