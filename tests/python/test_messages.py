"""Signatures of messages: in one piece, in many, in files."""

from __future__ import annotations

import concurrent.futures
import contextlib
import gzip
import hashlib
import io
import pathlib
import subprocess
import threading
from typing import Any

import pytest

import kmshsm
from keypairs import REGION as REGION
from keypairs import SIGNS, signer

MESSAGE = bytes(range(256)) * 5000


@pytest.mark.parametrize(("spec", "algorithm"), SIGNS)
def test_a_message_in_pieces_is_the_message(
    session: kmshsm.Session, spec: str, algorithm: str
) -> None:
    key, version = signer(session, spec)
    whole = session.message_digest(key, version, algorithm)
    whole.update(MESSAGE)
    pieces = session.message_digest(key, version, algorithm)
    for at in range(0, len(MESSAGE), 999):
        pieces.update(memoryview(MESSAGE)[at : at + 999])
    pieces.update(b"")
    digest = whole.digest()
    assert type(digest) is bytes
    assert digest == whole.digest() == pieces.digest()
    if algorithm != "SM2DSA":
        assert digest == hashlib.sha256(MESSAGE).digest()
    whole.update(b"more")
    assert whole.digest() != digest

    value = session.asymmetric_sign(key, version, algorithm, digest)
    assert session.verify_message(key, version, algorithm, MESSAGE, value) is True
    value = session.sign_message(key, version, algorithm, MESSAGE)
    assert session.asymmetric_verify(key, version, algorithm, digest, value) is True
    assert session.verify_message(key, version, algorithm, MESSAGE[1:], value) is False


def test_a_digest_outlives_its_session(store: kmshsm.Store) -> None:
    with store.session() as session:
        key, version = signer(session, "EC_P256")
        digest = session.message_digest(key, version, "ECDSA_SHA_256")
    store.close()
    digest.update(b"hello")
    assert digest.digest() == hashlib.sha256(b"hello").digest()


@pytest.mark.parametrize("algorithm", ["ECDSA_SHA_256", "SM2DSA"])
def test_files(session: kmshsm.Session, tmp_path: pathlib.Path, algorithm: str) -> None:
    key, version = signer(session, "EC_SM2" if algorithm == "SM2DSA" else "EC_P256")
    path = tmp_path / "message"
    path.write_bytes(MESSAGE)
    packed = gzip.compress(MESSAGE)
    with path.open("rb") as file:
        value = session.sign_message(key, version, algorithm, file)
        assert file.read() == b""
    assert session.verify_message(key, version, algorithm, MESSAGE, value)
    with path.open("rb", buffering=0) as unbuffered:
        assert session.verify_message(key, version, algorithm, unbuffered, value)
    with gzip.open(io.BytesIO(packed)) as unpacked:
        assert session.verify_message(key, version, algorithm, unpacked, value)
    with path.open("rb") as file:
        file.seek(1)
        assert not session.verify_message(key, version, algorithm, file, value)
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert session.verify_message(key, version, algorithm, process.stdout, value)


def test_files_are_read_piece_by_piece(session: kmshsm.Session) -> None:
    key, version = signer(session, "EC_P256")
    sizes = []

    class Slow:
        """A file that gives less than it is asked for."""

        def __init__(self) -> None:
            self.rest = io.BytesIO(MESSAGE)

        def read(self, size: int, /) -> bytes:
            sizes.append(size)
            return self.rest.read(size // 2 + 1)

    value = session.sign_message(key, version, "ECDSA_SHA_256", Slow())
    assert session.verify_message(key, version, "ECDSA_SHA_256", MESSAGE, value)
    assert len(sizes) > 3
    assert max(sizes) <= 1 << 18


def test_what_is_no_message(session: kmshsm.Session) -> None:
    key, version = signer(session, "EC_P256")

    class WouldBlock:
        """A file without a piece at the moment."""

        def read(self, size: int, /) -> Any:
            return None

    class Broken:
        """A file that cannot be read."""

        def read(self, size: int, /) -> bytes:
            raise OSError(size, "broken")

    wrongs: list[Any] = [5, None, io.StringIO("text"), io.StringIO(), WouldBlock()]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="data must be a bytes-like object, not"):
            session.sign_message(key, version, "ECDSA_SHA_256", wrong)
    names: list[Any] = ["text", pathlib.Path("file")]
    for name in names:
        with pytest.raises(TypeError, match="message must be bytes or a file opened in binary"):
            session.sign_message(key, version, "ECDSA_SHA_256", name)
    with pytest.raises(OSError, match="broken"):
        session.sign_message(key, version, "ECDSA_SHA_256", Broken())


def test_user_ids(session: kmshsm.Session) -> None:
    key, version = signer(session, "EC_SM2")
    value = session.sign_message(key, version, "SM2DSA", b"hello")

    def holds(user_id: Any) -> bool:
        return session.verify_message(key, version, "SM2DSA", b"hello", value, user_id=user_id)

    assert holds(None)
    assert holds(b"1234567812345678")
    assert holds(bytearray(b"1234567812345678"))
    assert not holds(b"ALICE123@YAHOO.COM")
    value = session.sign_message(key, version, "SM2DSA", b"hello", user_id=b"x" * 8191)
    assert holds(b"x" * 8191)
    assert not holds(b"x" * 8190)
    for wrong in (b"", b"x" * 8192):
        with pytest.raises(kmshsm.ArgumentError, match='"UserId"'):
            holds(wrong)
    with pytest.raises(TypeError, match="user_id must be a bytes-like object, not str"):
        holds("ALICE123@YAHOO.COM")
    key, version = signer(session, "RSA_2048")
    with pytest.raises(kmshsm.ArgumentError, match='"UserId"'):
        session.sign_message(key, version, "RSA_PSS_SHA_256", b"hello", user_id=b"me")


def test_threads_sign_with_one_key(session: kmshsm.Session) -> None:
    barrier = threading.Barrier(8)
    pairs = [signer(session, spec) for spec in ("RSA_2048", "EC_P256", "EC_P256K", "EC_SM2")]
    algorithms = ["RSA_PSS_SHA_256", "ECDSA_SHA_256", "ECDSA_SHA_256", "SM2DSA"]

    def work(number: int) -> bool:
        message = bytes([number]) * 100_000
        barrier.wait()
        return all(
            session.verify_message(
                *pair, algorithm, message, session.sign_message(*pair, algorithm, message)
            )
            for _ in range(5)
            for pair, algorithm in zip(pairs, algorithms)
        )

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_a_digest_is_for_one_thread_at_a_time(session: kmshsm.Session) -> None:
    key, version = signer(session, "EC_SM2")
    digest = session.message_digest(key, version, "SM2DSA")
    message = bytes(1 << 24)
    refused = threading.Event()

    def toil() -> None:
        for _ in range(100):
            with contextlib.suppress(RuntimeError):
                digest.update(message)
            if refused.is_set():
                return

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        done = pool.submit(toil)
        # This thread gets to run while the other one hashes.
        while not done.done():
            try:
                digest.digest()
            except RuntimeError:
                refused.set()
        done.result()
    assert refused.is_set()
    assert digest.digest() == digest.digest()
