"""SM2, SM3 and SM4 beside the packages of PyPI that offer them.

`cryptography` and `tongsuopy` bring a library in C; `gmssl`, `gmalg` and `snowland-smx` are Python
all through. Those have no GCM: what they do instead, CBC or single blocks, is less. They are loaded
by name, for not every machine has them all.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from general import DIGEST, OURS, THEIRS, symmetric
from rounds import Contestant, Group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kmshsm import Session

# By the names of PyPI.
PACKAGES = ("cryptography", "tongsuopy", "gmssl", "gmalg", "snowland-smx")
# Who signs, where nobody says another.
USER = b"1234567812345678"


def groups(session: Session) -> Iterator[Group]:
    """The jobs."""
    key = symmetric(session, "Aliyun_SM4")
    for size in (32, 1024, 4096):
        yield encrypting(session, key, size)
        yield decrypting(session, key, size)
    yield signing(session)
    for size in (32, 4096):
        yield hashing(session, size)


def encrypting(session: Session, key: str, size: int) -> Group:
    """SM4-GCM, or what is offered instead."""
    data, secret = os.urandom(size), os.urandom(16)

    def cryptography() -> Callable[[], bytes]:
        cipher = Cipher(algorithms.SM4(secret), modes.GCM(os.urandom(12)))

        def run() -> bytes:
            sealer = cipher.encryptor()
            return sealer.update(data) + sealer.finalize() + sealer.tag

        run()
        return run

    def tongsuopy() -> Callable[[], object]:
        sealer = import_module("tongsuopy.crypto.ciphers.aead").SM4GCM(secret)
        return lambda: sealer.encrypt(os.urandom(12), data, None)

    def gmssl() -> Callable[[], object]:
        sm4 = import_module("gmssl.sm4")
        cipher = sm4.CryptSM4()
        cipher.set_key(secret, sm4.SM4_ENCRYPT)
        return lambda: cipher.crypt_cbc(os.urandom(16), data)

    def gmalg() -> Callable[[], object]:
        cipher = import_module("gmalg").SM4(secret)
        return lambda: [cipher.encrypt(data[at : at + 16]) for at in range(0, size, 16)]

    def smx() -> Callable[[], object]:
        encrypt = import_module("pysmx.SM4").sm4_encrypt_cbc
        return lambda: encrypt(secret, os.urandom(16), data)

    contestants = [
        Contestant("cryptography, SM4-GCM", THEIRS, cryptography),
        Contestant("tongsuopy, SM4-GCM", "tongsuopy", tongsuopy),
        Contestant("gmssl, SM4-CBC", "gmssl", gmssl),
        Contestant("gmalg, blocks of SM4", "gmalg", gmalg),
        Contestant("snowland-smx, SM4-CBC", "snowland-smx", smx),
        Contestant("Session.encrypt", OURS, lambda: partial(session.encrypt, key, data)),
    ]
    return Group("SM4-GCM encrypt", size, contestants)


def decrypting(session: Session, key: str, size: int) -> Group:
    """SM4-GCM."""
    data, secret, nonce = os.urandom(size), os.urandom(16), os.urandom(12)

    def cryptography() -> Callable[[], bytes]:
        sealer = Cipher(algorithms.SM4(secret), modes.GCM(nonce)).encryptor()
        sealed = sealer.update(data) + sealer.finalize()
        cipher = Cipher(algorithms.SM4(secret), modes.GCM(nonce, sealer.tag))

        def run() -> bytes:
            opener = cipher.decryptor()
            return opener.update(sealed) + opener.finalize()

        run()
        return run

    def tongsuopy() -> Callable[[], object]:
        sealer = import_module("tongsuopy.crypto.ciphers.aead").SM4GCM(secret)
        return partial(sealer.decrypt, nonce, sealer.encrypt(nonce, data, None), None)

    sealed = session.encrypt(key, data)
    contestants = [
        Contestant("cryptography, SM4-GCM", THEIRS, cryptography),
        Contestant("tongsuopy, SM4-GCM", "tongsuopy", tongsuopy),
        Contestant("Session.decrypt", OURS, lambda: partial(session.decrypt, sealed)),
    ]
    return Group("SM4-GCM decrypt", size, contestants)


def signing(session: Session) -> Group:
    """SM2 with SM3, of a message of 32 bytes."""

    def tongsuopy() -> Callable[[], object]:
        ec = import_module("tongsuopy.crypto.asymciphers.ec")
        sm3 = import_module("tongsuopy.crypto.hashes").SM3()
        return partial(ec.generate_private_key(ec.SM2()).sign, DIGEST, ec.ECDSA(sm3))

    def gmssl() -> Callable[[], object]:
        pair = import_module("gmalg").SM2().generate_keypair()
        secret, public = (half.hex() for half in pair)
        return partial(import_module("gmssl.sm2").CryptSM2(secret, public).sign_with_sm3, DIGEST)

    def gmalg() -> Callable[[], object]:
        sm2 = import_module("gmalg").SM2
        secret, public = sm2().generate_keypair()
        return partial(sm2(secret, USER, public).sign, DIGEST)

    def smx() -> Callable[[], object]:
        sm2 = import_module("pysmx.SM2")
        pair = sm2.generate_keypair()
        return lambda: sm2.Sign(
            DIGEST, pair.privateKey, secrets.token_hex(31), 64, uid=USER.decode()
        )

    def ours() -> Callable[[], object]:
        key, version = signer(session)
        return partial(session.sign_message, key, version, "SM2DSA", DIGEST)

    contestants = [
        Contestant("tongsuopy", "tongsuopy", tongsuopy),
        Contestant("gmssl", "gmssl", gmssl),
        Contestant("gmalg", "gmalg", gmalg),
        Contestant("snowland-smx", "snowland-smx", smx),
        Contestant("Session.sign_message", OURS, ours),
    ]
    return Group("SM2 sign", None, contestants)


def signer(session: Session) -> tuple[str, str]:
    """A key of SM2 and its version."""
    key = session.create_key(key_spec="EC_SM2", key_usage="SIGN/VERIFY", protection_level="HSM")
    return key.id, key.version().id


def hashing(session: Session, size: int) -> Group:
    """SM3; ours is the digest that SM2 signs, with the signer's hash in front."""
    data = os.urandom(size)

    def cryptography() -> Callable[[], bytes]:
        def run() -> bytes:
            digest = hashes.Hash(hashes.SM3())
            digest.update(data)
            return digest.finalize()

        run()
        return run

    def tongsuopy() -> Callable[[], object]:
        module: Any = import_module("tongsuopy.crypto.hashes")

        def run() -> object:
            digest = module.Hash(module.SM3())
            digest.update(data)
            return digest.finalize()

        return run

    def gmssl() -> Callable[[], object]:
        sm3_hash = import_module("gmssl.sm3").sm3_hash
        return lambda: sm3_hash(list(data))  # it pads the list that it is given

    def gmalg() -> Callable[[], object]:
        module: Any = import_module("gmalg")

        def run() -> object:
            digest = module.SM3()
            digest.update(data)
            return digest.value()

        return run

    def ours() -> Callable[[], object]:
        key, version = signer(session)

        def run() -> object:
            digest = session.message_digest(key, version, "SM2DSA")
            digest.update(data)
            return digest.digest()

        return run

    contestants = [
        Contestant("hashlib", "Python", lambda: lambda: hashlib.new("sm3", data).digest()),
        Contestant("cryptography", THEIRS, cryptography),
        Contestant("tongsuopy", "tongsuopy", tongsuopy),
        Contestant("gmssl", "gmssl", gmssl),
        Contestant("gmalg", "gmalg", gmalg),
        Contestant(
            "snowland-smx",
            "snowland-smx",
            lambda: partial(import_module("pysmx.SM3").digest, data),
        ),
        Contestant("Session.message_digest", OURS, ours),
    ]
    return Group("SM3", size, contestants)
