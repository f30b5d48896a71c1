"""Children of multiprocessing and os.fork: what they inherit is refused, what they open works."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

import kmshsm
from keypairs import signer

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

KEY_FILE = bytes(range(32))
# From 3.12 on Python warns of any fork in a process that has threads: to fork there is the point.
FORKS = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
REFUSED = ["Module.Forked"] * 14
METHODS = ["fork", "spawn", "forkserver"]

# What a forked child finds here; others begin with nothing.
inherited: list[Any] = []
# What the workers of a pool use.
worker: list[kmshsm.Session] = []


@pytest.fixture
def place(tmp_path: pathlib.Path) -> str:
    """A store in a directory."""
    place = str(tmp_path / "store")
    kmshsm.create(place, key_file=KEY_FILE)
    return place


@pytest.fixture
def session(place: str) -> Iterator[kmshsm.Session]:
    """The parent's session in that store."""
    with open_store(place) as store, store.session() as session:
        inherited[:] = [store, session]
        yield session
        inherited.clear()


@pytest.fixture
def key(session: kmshsm.Session) -> str:
    """A key in that store."""
    key_id: str = session.api.create_key(protection_level="HSM")["KeyMetadata"]["KeyId"]
    return key_id


def open_store(place: str) -> kmshsm.Store:
    return kmshsm.open(place, key_file=KEY_FILE, allow_unprotected_memory=True)


def codes(key: str) -> list[str]:
    """What everything that was inherited answers."""
    if not inherited:
        return []
    store, session = inherited
    assert store.status()["state"] == "forked"
    calls: list[Any] = [
        store.session,
        store.tick,
        session.api.list_keys,
        lambda: session.encrypt(key, b""),
        lambda: session.decrypt(bytes(91)),
        lambda: session.generate_data_key(key),
        lambda: session.generate_data_key_without_plaintext(key),
        lambda: session.get_parameters_for_import(
            key, wrapping_key_spec="RSA_2048", wrapping_algorithm="RSAES_OAEP_SHA_256"
        ),
        lambda: session.import_key_material(key, b"x" * 256, b"x" * 57),
        lambda: session.asymmetric_sign(key, key, "SM2DSA", bytes(32)),
        lambda: session.message_digest(key, key, "SM2DSA"),
        lambda: session.asymmetric_decrypt(key, key, "SM2PKE", b"x"),
        lambda: session.get_public_key(key, key),
        lambda: session.re_encrypt(bytes(91), key),
    ]
    answers = []
    for call in calls:
        try:
            call()
        except kmshsm.InvalidState as error:
            answers.append(error.code)
        else:
            answers.append("OK")
    return answers


def child(connection: Any, place: str, key: str, sealed: bytes) -> None:
    """Tells what was inherited, then works in the store on its own, and tells the key it made."""
    connection.send(codes(key))
    with open_store(place) as store, store.session() as session:
        connection.send(session.decrypt(sealed))
        made = session.api.create_key()["KeyMetadata"]["KeyId"]
        connection.send((made, session.encrypt(made, b"from the child")))
    connection.send(codes(key))


@FORKS
@pytest.mark.parametrize("method", METHODS)
def test_a_child_opens_anew(session: kmshsm.Session, place: str, key: str, method: str) -> None:
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    sealed = session.encrypt(key, b"from the parent")
    process: Any = context.Process(  # type: ignore[attr-defined]
        target=child, args=(theirs, place, key, sealed)
    )
    process.start()
    theirs.close()
    expected = REFUSED if method == "fork" else []
    assert ours.recv() == expected
    assert ours.recv() == b"from the parent"
    made, answer = ours.recv()
    assert ours.recv() == expected
    process.join(60)
    assert process.exitcode == 0
    # The parent has been going on all the time, and sees what the child did.
    assert session.decrypt(sealed) == b"from the parent"
    assert session.decrypt(answer) == b"from the child"
    assert session.api.describe_key(made)["KeyMetadata"]["KeyState"] == "Enabled"


def in_forked_child(place: str, key: str, sealed: bytes) -> int:
    """The number of the first thing that is wrong."""
    if codes(key) != REFUSED:
        return 1
    with open_store(place) as store, store.session() as session:
        pair, version = signer(session, "EC_P256")
        session.asymmetric_sign(pair, version, "ECDSA_SHA_256", bytes(32))
        return 0 if session.decrypt(sealed) == b"hello" else 2


@FORKS
def test_a_thread_forks_while_others_encrypt(session: kmshsm.Session, place: str, key: str) -> None:
    sealed = session.encrypt(key, b"hello")
    enough = threading.Event()

    def toil(number: int) -> int:
        rounds = 0
        while not enough.is_set():
            data = bytes([number]) * 100
            assert session.decrypt(session.encrypt(key, data)) == data
            if number == 0:
                session.api.create_key()
            if number == 1:
                # Takes a tenth of a second and more: forks are let through.
                session.api.create_key(key_spec="RSA_2048")
            rounds += 1
        return rounds

    def fork() -> int:
        pid = os.fork()
        if pid == 0:
            signal.alarm(300)
            code = 3
            try:
                code = in_forked_child(place, key, sealed)
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        workers = [pool.submit(toil, number) for number in range(4)]
        try:
            ends = pool.submit(lambda: [fork() for _ in range(10)]).result(120)
        finally:
            enough.set()
        assert ends == [0] * 10
        assert all(done.result() > 0 for done in workers)
    assert session.decrypt(sealed) == b"hello"


def start(place: str) -> None:
    """Begins a worker of a pool. Its session lives as long as the worker."""
    worker.append(open_store(place).session())


def round_trip(job: tuple[str, bytes]) -> bytes:
    key, data = job
    session = worker[0]
    return session.decrypt(session.encrypt(key, data))


@FORKS
@pytest.mark.parametrize("method", METHODS)
def test_a_pool(session: kmshsm.Session, place: str, key: str, method: str) -> None:
    data = [bytes([number]) * 64 for number in range(40)]
    context = multiprocessing.get_context(method)
    with context.Pool(4, start, (place,)) as pool:
        assert pool.map(round_trip, [(key, one) for one in data], chunksize=2) == data
        assert session.decrypt(session.encrypt(key, b"hello")) == b"hello"
        pool.close()
        pool.join()
