"""What everybody offers: AES, RSA and P-256, random bytes; and what a call and an import cost.

What is compared is a whole call from Python: kmshsm resolves the key, checks its state, counts the
call, makes a nonce and an envelope; AESGCM has its key at hand. It is timed with a fresh nonce, as
one must, and with one that is given, which no one may do twice.
"""

from __future__ import annotations

import gc
import os
import resource
import secrets
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from rounds import Contestant, Figure, Group

import kmshsm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kmshsm import Session

SIZES = (32, 1024, 4096, 6144)
DIGEST = bytes([7]) * 32
OURS = "libkmshsm"
THEIRS = "cryptography"

FIGURES = (
    Figure(
        "Python Encrypt 4 KiB", 1.2, "AES-256 encrypt", 4096, "Session.encrypt", "AESGCM.encrypt"
    ),
    Figure(
        "Python Encrypt 4 KiB, AESGCM with a given nonce",
        1.2,
        "AES-256 encrypt",
        4096,
        "Session.encrypt",
        "AESGCM.encrypt, given nonce",
    ),
)


def groups(session: Session) -> Iterator[Group]:
    """The jobs."""
    key = symmetric(session, "Aliyun_AES_256")
    for size in SIZES:
        yield encrypting(session, key, size)
        yield decrypting(session, key, size)
    yield signing(session, "RSA-2048 sign PKCS#1", "RSA_2048", "RSA_PKCS1_SHA_256", sign_rsa)
    yield signing(session, "P-256 sign", "EC_P256", "ECDSA_SHA_256", sign_p256)
    yield randomness(session)
    yield calls()
    yield imports()


def symmetric(session: Session, spec: str) -> str:
    """The id of a new key."""
    return session.create_key(key_spec=spec, protection_level="HSM").id


def encrypting(session: Session, key: str, size: int) -> Group:
    """AES-256-GCM, and an envelope around it."""
    data = os.urandom(size)
    theirs, nonce = AESGCM(os.urandom(32)), os.urandom(12)
    fresh = partial(with_fresh_nonce, theirs, data)
    contestants = [
        Contestant("AESGCM.encrypt", THEIRS, lambda: fresh),
        Contestant(
            "AESGCM.encrypt, given nonce",
            THEIRS,
            lambda: partial(theirs.encrypt, nonce, data, None),
        ),
        Contestant("Session.encrypt", OURS, lambda: partial(session.encrypt, key, data)),
    ]
    return Group("AES-256 encrypt", size, contestants)


def with_fresh_nonce(cipher: AESGCM, data: bytes) -> bytes:
    """Encrypts as one must."""
    return cipher.encrypt(os.urandom(12), data, None)


def decrypting(session: Session, key: str, size: int) -> Group:
    """The way back."""
    data = os.urandom(size)
    theirs, nonce = AESGCM(os.urandom(32)), os.urandom(12)
    sealed = theirs.encrypt(nonce, data, None)
    ours = session.encrypt(key, data)
    contestants = [
        Contestant("AESGCM.decrypt", THEIRS, lambda: partial(theirs.decrypt, nonce, sealed, None)),
        Contestant("Session.decrypt", OURS, lambda: partial(session.decrypt, ours)),
    ]
    return Group("AES-256 decrypt", size, contestants)


def signing(
    session: Session,
    name: str,
    spec: str,
    algorithm: str,
    theirs: Callable[[], Callable[[], bytes]],
) -> Group:
    """A signature of a digest."""
    key = session.create_key(key_spec=spec, key_usage="SIGN/VERIFY", protection_level="HSM")
    ours = partial(session.asymmetric_sign, key.id, key.version().id, algorithm, DIGEST)
    contestants = [
        Contestant("private_key.sign", THEIRS, theirs),
        Contestant("Session.asymmetric_sign", OURS, lambda: ours),
    ]
    return Group(name, None, contestants)


def sign_rsa() -> Callable[[], bytes]:
    """RSA-2048 with PKCS #1 v1.5."""
    key = rsa.generate_private_key(65537, 2048)
    return partial(key.sign, DIGEST, padding.PKCS1v15(), Prehashed(hashes.SHA256()))


def sign_p256() -> Callable[[], bytes]:
    """ECDSA."""
    key = ec.generate_private_key(ec.SECP256R1())
    return partial(key.sign, DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))


def randomness(session: Session) -> Group:
    """32 random bytes."""
    contestants = [
        Contestant("os.urandom", "Python", lambda: partial(os.urandom, 32)),
        Contestant("secrets.token_bytes", "Python", lambda: partial(secrets.token_bytes, 32)),
        Contestant("Session.generate_random", OURS, lambda: partial(session.generate_random, 32)),
    ]
    return Group("random", 32, contestants)


def calls() -> Group:
    """The least that a call into each takes."""
    contestants = [
        Contestant("gc.isenabled", "Python", lambda: gc.isenabled),
        Contestant("kmshsm.indicator", OURS, lambda: kmshsm.indicator),
    ]
    return Group("call overhead", None, contestants)


def imports() -> Group:
    """A new interpreter that imports, with all its processor time."""
    contestants = [
        Contestant(name, peer, partial(interpreter, code))
        for name, peer, code in (
            ("import AESGCM", THEIRS, "from cryptography.hazmat.primitives.ciphers import aead"),
            ("import nothing", "Python", "pass"),
            ("import kmshsm", OURS, "import kmshsm"),
        )
    ]
    return Group("import", None, contestants, clock=children)


def interpreter(code: str) -> Callable[[], object]:
    """What runs a program of Python."""
    return partial(subprocess.run, [sys.executable, "-c", code], check=True)


def children() -> int:
    """The processor time of all programs that have been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((used.ru_utime + used.ru_stime) * 1e9)
