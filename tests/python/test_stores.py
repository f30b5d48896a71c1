"""Opening and closing, threads and processes."""

from __future__ import annotations

import concurrent.futures
import gc
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

import kmshsm


def test_the_status_tells_versions_and_memory(store: kmshsm.Store) -> None:
    status = store.status()
    assert status["version"] == kmshsm.__version__
    assert status["state"] == "operational"
    assert status["allows_unprotected_memory"] is True
    assert "locked" in status["memory"]


def test_leaving_the_block_closes() -> None:
    with kmshsm.open() as store, store.session() as session:
        key = session.api.create_key()["KeyMetadata"]["KeyId"]
        other = store.session()
    for ended in (
        lambda: session.encrypt(key, b""),
        lambda: session.api.list_keys(),
        store.session,
    ):
        with pytest.raises(kmshsm.ArgumentError, match=r"Abi\.Closed"):
            ended()
    with pytest.raises(kmshsm.ArgumentError, match=r"Abi\.Closed"):
        other.decrypt(b"x" * 91)
    with pytest.raises(kmshsm.ArgumentError, match=r"Abi\.Closed"):
        store.status()
    store.close()
    session.close()


def test_zeroizing_closes_everything() -> None:
    # In a process of its own: it closes the stores of all tests.
    program = """
import kmshsm
store = kmshsm.open()
session = store.session()
key = session.api.create_key()["KeyMetadata"]["KeyId"]
ciphertext = session.encrypt(key, b"hello")
kmshsm.zeroize()
for ended in (lambda: session.decrypt(ciphertext), session.api.list_keys, store.session):
    try:
        ended()
    except kmshsm.ArgumentError as error:
        assert error.code == "Abi.Closed"
    else:
        raise AssertionError
assert store.status()["state"] == "closed"
with kmshsm.open() as store, store.session() as session:
    assert session.api.list_keys()["TotalCount"] == 0
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_sessions_are_of_an_account_in_a_region(store: kmshsm.Store) -> None:
    with pytest.raises(kmshsm.ArgumentError, match="AccountId"):
        store.session("me")
    with pytest.raises(kmshsm.ArgumentError, match="RegionId"):
        store.session(region="nowhere")
    key = store.session().api.create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(kmshsm.NotFound):
        store.session("1").api.describe_key(key)


def test_bad_places() -> None:
    bad: list[dict[str, Any]] = [
        {"place": ""},
        {"place": "memory:?clock=none"},
        {"place": "memory:", "passphrase": b"x"},
        {"place": "/nowhere"},
    ]
    for arguments in bad:
        with pytest.raises(kmshsm.ArgumentError, match="InvalidParameter"):
            kmshsm.open(**arguments)
    with pytest.raises(kmshsm.ArgumentError, match="created by opening it"):
        kmshsm.create("memory:")
    wrong: Any = 5
    with pytest.raises(TypeError):
        kmshsm.open(wrong)


def test_what_is_no_store_of_ours(tmp_path: pathlib.Path) -> None:
    place = tmp_path / "s"

    def refused(error: type[kmshsm.KmsError], code: str, passphrase: bytes = b"right") -> None:
        with pytest.raises(error) as caught:
            kmshsm.open(place, passphrase=passphrase)
        assert caught.value.code == code

    refused(kmshsm.NotFound, "Store.NotFound")
    kmshsm.create(place, passphrase=b"right")
    with kmshsm.open(place, passphrase=b"right") as store:
        key = store.session().api.create_key()["KeyMetadata"]["KeyId"]
        blob = store.session().encrypt(key, b"kept")
    gc.collect()
    refused(kmshsm.AccessDenied, "Store.UnlockFailed", b"wrong")
    database = place / "store.db"
    whole = database.read_bytes()
    database.write_bytes(whole[:63] + b"\x02" + whole[64:])
    refused(kmshsm.StorageError, "Store.TooNew")
    database.write_bytes(whole[: len(whole) // 2])
    refused(kmshsm.StorageError, "Store.Damaged")
    database.write_bytes(b"This is a letter. " * 1000)
    refused(kmshsm.StorageError, "Store.NotAStore")
    database.write_bytes(whole)
    with kmshsm.open(place, passphrase=b"right") as store:
        assert store.session().decrypt(blob) == b"kept"


def test_secrets(tmp_path: pathlib.Path) -> None:
    with pytest.raises(TypeError, match="not both"):
        kmshsm.create(tmp_path / "s", passphrase="x", key_file=bytes(32))
    with pytest.raises(TypeError, match="bytes-like object, not int"):
        kmshsm.create(tmp_path / "s", passphrase=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="bytes-like object, not str"):
        kmshsm.create(tmp_path / "s", key_file="x" * 32)  # type: ignore[arg-type]
    with pytest.raises(kmshsm.ArgumentError, match=r'"key_file".*32 bytes'):
        kmshsm.create(tmp_path / "s", key_file=bytes(31))
    with pytest.raises(kmshsm.ArgumentError, match="must not be empty"):
        kmshsm.create(tmp_path / "s", passphrase="")
    with pytest.raises(kmshsm.ArgumentError, match="passphrase or key_file"):
        kmshsm.create(tmp_path / "s")
    with pytest.raises(kmshsm.ArgumentError, match="passphrase or key_file"):
        kmshsm.open(tmp_path / "s")


def test_a_store_in_a_directory(tmp_path: pathlib.Path) -> None:
    place = tmp_path / "store"
    kmshsm.create(place, passphrase="pässword")
    with pytest.raises(kmshsm.StorageError, match=r"Store\.Exists"):
        kmshsm.create(place, passphrase="pässword")
    secret = bytearray("pässword".encode())
    with kmshsm.open(place, passphrase=secret) as store, store.session() as session:
        key = session.api.create_key()["KeyMetadata"]["KeyId"]
        sealed = session.encrypt(key, b"hello")
    assert secret == "pässword".encode()
    with kmshsm.open(str(place), passphrase="pässword") as store:
        assert store.session().decrypt(sealed) == b"hello"
    with pytest.raises(kmshsm.AccessDenied, match=r"Store\.UnlockFailed"):
        kmshsm.open(place, passphrase="password")
    with pytest.raises(kmshsm.AccessDenied, match=r"Store\.UnlockFailed"):
        kmshsm.open(place, key_file=bytes(32))


def test_what_is_no_store(tmp_path: pathlib.Path) -> None:
    place = tmp_path / "other"
    place.mkdir(mode=0o700)
    (place / "letter.txt").write_text("dear all")
    with pytest.raises(kmshsm.KmsError) as caught:
        kmshsm.open(place, passphrase="x")
    assert caught.value.code in {"Store.NotFound", "Store.NotAStore"}
    with pytest.raises(kmshsm.StorageError):
        kmshsm.create(place, passphrase="x")


def test_eight_threads(session: kmshsm.Session, key: str) -> None:
    barrier = threading.Barrier(8)

    def work(number: int) -> bool:
        data = bytearray([number]) * 1000
        barrier.wait()
        return all(session.decrypt(session.encrypt(key, data)) == data for _ in range(200))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_closing_while_others_work(store: kmshsm.Store) -> None:
    key = store.session().api.create_key()["KeyMetadata"]["KeyId"]

    def work(session: kmshsm.Session) -> str:
        try:
            while True:
                session.encrypt(key, bytes(1000))
        except kmshsm.ArgumentError as error:
            return error.code

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ends = [pool.submit(work, store.session()) for _ in range(4)]
        store.close()
        assert {end.result() for end in ends} == {"Abi.Closed"}


def in_child(connection: Any, session: kmshsm.Session, key: str) -> None:
    """Runs in a forked child."""
    try:
        session.encrypt(key, b"")
    except kmshsm.InvalidState as error:
        connection.send(error.code)
    with kmshsm.open() as store, store.session() as own:
        made = own.api.create_key()["KeyMetadata"]["KeyId"]
        connection.send(own.decrypt(own.encrypt(made, b"hello")))


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_opens_its_own(session: kmshsm.Session, key: str) -> None:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=in_child, args=(theirs, session, key))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert (ours.recv(), ours.recv()) == ("Module.Forked", b"hello")
    assert session.decrypt(session.encrypt(key, b"hello")) == b"hello"


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("place", ["memory:", "directory"])
def test_a_forked_child_may_let_go(place: str, tmp_path: pathlib.Path) -> None:
    passphrase = None
    if place == "directory":
        place, passphrase = str(tmp_path / "store"), b"x"
        kmshsm.create(place, passphrase=passphrase)
    store = kmshsm.open(place, passphrase=passphrase, allow_unprotected_memory=True)
    session = store.session()
    key = session.api.create_key(protection_level="HSM")["KeyMetadata"]["KeyId"]
    sealed = session.encrypt(key, b"hello")
    child = os.fork()
    if child == 0:
        signal.alarm(300)
        session.close()
        store.close()
        del session, store
        gc.collect()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert session.decrypt(sealed) == b"hello"
    store.close()


def test_a_spawned_child_is_refused_the_store(session: kmshsm.Session) -> None:
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=print, args=(session,))
    with pytest.raises(TypeError, match="open the store in each process"):
        child.start()


def test_an_end_without_closing_is_quiet() -> None:
    code = "import kmshsm; s = kmshsm.open().session(); s.api.create_key()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
