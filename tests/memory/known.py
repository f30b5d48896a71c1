"""What follows from secrets that a test knows: schedules, message keys, and all keys of a store.

Written from the formats of ARCHITECTURE.md and the standards, without the library: whoever has a
store's directory and its passphrase can compute what its process holds, and look for it.
"""

from __future__ import annotations

import functools
import shutil
import sqlite3
import struct
import tempfile
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

# --- Block ciphers ------------------------------------------------------------------------------


def block(key: bytes, data: bytes, sm4: bool = False) -> bytes:
    """Blocks under the bare cipher."""
    algorithm = algorithms.SM4(key) if sm4 else algorithms.AES(key)
    return Cipher(algorithm, modes.ECB()).encryptor().update(data)


def multiply(a: int, b: int) -> int:
    """In the field of AES."""
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def aes_box() -> bytes:
    """The S-box of AES (FIPS 197, 5.1.1)."""
    box = bytearray()
    for value in range(256):
        inverse = next((x for x in range(256) if multiply(value, x) == 1), 0)
        turned = inverse
        for turn in range(1, 5):
            turned ^= (inverse << turn | inverse >> (8 - turn)) & 0xFF
        box.append(turned ^ 0x63)
    return bytes(box)


AES_BOX = aes_box()


def aes_schedule(key: bytes) -> bytes:
    """All round keys of AES-256 (FIPS 197, 5.2)."""
    words = [key[at : at + 4] for at in range(0, 32, 4)]
    constant = 1
    for at in range(8, 60):
        word = words[-1]
        if at % 8 == 0:
            word = bytes(AES_BOX[byte] for byte in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = multiply(constant, 2)
        elif at % 8 == 4:
            word = bytes(AES_BOX[byte] for byte in word)
        words.append(bytes(a ^ b for a, b in zip(words[-8], word)))
    return b"".join(words)


def sm4_schedule(key: bytes) -> bytes:
    """All round keys of SM4 (GB/T 32907.2016, 7.3)."""

    def turn(word: int, bits: int) -> int:
        return (word << bits | word >> (32 - bits)) & 0xFFFFFFFF

    def substitute(word: int) -> int:
        return int.from_bytes(bytes(SM4_BOX[b] for b in word.to_bytes(4, "big")), "big")

    system = (0xA3B1BAC6, 0x56AA3350, 0x677D9197, 0xB27022DC)
    words = [a ^ b for a, b in zip(struct.unpack(">4I", key), system)]
    for at in range(32):
        constant = int.from_bytes(bytes((4 * at + j) * 7 % 256 for j in range(4)), "big")
        mixed = substitute(words[-3] ^ words[-2] ^ words[-1] ^ constant)
        words.append(words[-4] ^ mixed ^ turn(mixed, 13) ^ turn(mixed, 23))
    return struct.pack(">32I", *words[4:])


def sm4_box() -> bytes:
    """The S-box of SM4: affine, inverted modulo x^8+x^7+x^6+x^5+x^4+x^2+1, affine again."""

    def times(a: int, b: int) -> int:
        product = 0
        while b:
            product ^= a if b & 1 else 0
            a = a << 1 ^ (0x1F5 if a & 0x80 else 0)
            b >>= 1
        return product

    def affine(value: int) -> int:
        row, out = 0xA7, 0
        for bit in range(8):
            turned = (row << bit | row >> (8 - bit)) & 0xFF
            out |= (bin(turned & value).count("1") & 1) << bit
        return out ^ 0xD3

    inverse = [next((x for x in range(256) if times(v, x) == 1), 0) for v in range(256)]
    return bytes(affine(inverse[affine(value)]) for value in range(256))


SM4_BOX = sm4_box()

# --- Envelopes ----------------------------------------------------------------------------------


def derivation(key: bytes, sm4: bool = False) -> bytes:
    """K1 of XAES: L = E(0), shifted."""
    shifted = int.from_bytes(block(key, bytes(16), sm4), "big") << 1
    return ((shifted ^ (0x87 if shifted >> 128 else 0)) & (2**128 - 1)).to_bytes(16, "big")


def message_key(key: bytes, nonce: bytes, sm4: bool = False) -> bytes:
    """The key of one message, of as many bytes as `key`."""
    k1, blocks = derivation(key, sm4), b""
    for count in (1, 2):
        block_in = struct.pack(">H", count) + b"X\0" + nonce[:12]
        blocks += bytes(a ^ b for a, b in zip(k1, block_in))
    return block(key, blocks, sm4)[: len(key)]


def blob_key(key: bytes, blob: bytes, sm4: bool = False) -> bytes:
    """The message key of a customer's ciphertext."""
    return message_key(key, blob[19:43], sm4)


def xaes_open(key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
    return AESGCM(message_key(key, nonce)).decrypt(nonce[12:], sealed, aad)


# --- A store ------------------------------------------------------------------------------------


def lp(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def rows(place: pathlib.Path) -> dict[bytes, bytes]:
    """The records as they are at this moment, read from a copy: the store may be in use."""
    with tempfile.TemporaryDirectory() as copy:
        for path in place.glob("store.db*"):
            shutil.copy(path, copy)
        database = sqlite3.connect(f"{copy}/store.db")
        try:
            return dict(database.execute("SELECT key, value FROM kv"))
        finally:
            database.close()


@functools.cache
def stretch(passphrase: bytes, salt: bytes, memory: int, passes: int, lanes: int) -> bytes:
    how = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory)
    return how.derive(passphrase)


def keys_of(place: pathlib.Path, passphrase: bytes) -> Iterator[tuple[str, bytes]]:
    """Every secret of a store, with its name, from the passphrase downwards."""
    kv = rows(place)
    uuid, slot = kv[b"\x01"][1:], kv[b"\x02\x00"]
    memory, passes, lanes = struct.unpack(">III", slot[2:14])
    stretched = stretch(passphrase, slot[14:30], memory, passes, lanes)
    yield "the stretched passphrase", stretched
    aad = b"kmshsm/v1/slot" + uuid + b"\0" + slot[:30]
    srk = xaes_open(stretched, slot[30:54], slot[54:], aad)
    yield "the store root key", srk
    yield "the wrapping key of the store root key", message_key(stretched, slot[30:54])
    root = kv[b"\x03"]
    master = xaes_open(srk, root[5:29], root[29:], b"kmshsm/v1/root" + uuid + root[1:5])
    yield "the master key", master
    yield "the wrapping key of the master key", message_key(srk, root[5:29])
    derived = {}
    for label in ("header", "set", "index", "token", "fingerprint"):
        info = b"kmshsm/v1/" + label.encode() + uuid
        derived[label] = HKDFExpand(hashes.SHA256(), 32, info).derive(master)
        yield f"the {label} key", derived[label]
    stored = kv[b"\x04"]
    header = xaes_open(
        derived["header"], stored[1:25], stored[25:], b"kmshsm/v1/header-record" + uuid
    )
    yield "the wrapping key of the header", message_key(derived["header"], stored[1:25])
    # Before them: what the header says of itself, of the records, the trail and the slots.
    number, nonce, sealed = header[189:193], header[193:217], header[217:265]
    domain = xaes_open(srk, nonce, sealed, b"kmshsm/v1/domain" + uuid + number)
    yield "the domain key", domain
    yield "the wrapping key of the domain key", message_key(srk, nonce)
    for name, value in kv.items():
        if name[0] in (0x05, *range(0x10, 0x1A), 0x40, 0x41):
            aad = uuid + lp(name) + value[:30]
            record = xaes_open(domain, value[30:54], value[54:102], aad)
            yield f"the key of record {name.hex()[:6]}", record
            wrapping = message_key(domain, value[30:54])
            yield f"the wrapping key of record {name.hex()[:6]}", wrapping
            body = opened(record, value)
            if name[0] == 0x11 and body[13:]:
                yield f"the material of version {name.hex()[:6]}", body[13:]
            if name[0] == 0x05:
                yield "the key that signs checkpoints", body[13:45]
            if name[0] == 0x18:
                yield f"the secret of access key {name.hex()[:6]}", body[-30:]
            if name[0] == 0x12:
                yield from pair(body)


def opened(key: bytes, record: bytes) -> bytes:
    """A record's body; who looks for secrets need not check the tag."""
    counter = Cipher(algorithms.AES(key), modes.CTR(bytes(15) + b"\2")).decryptor()
    return counter.update(record[102:-16])


def pair(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The private numbers of a wrapping pair, as they are and with their bytes turned round."""
    (public,) = struct.unpack(">I", body[28:32])
    private = serialization.load_der_private_key(
        body[36 + public :], None, unsafe_skip_rsa_key_validation=True
    )
    assert isinstance(private, rsa.RSAPrivateKey)
    numbers = private.private_numbers()
    for name, number, size in (
        ("p", numbers.p, 128),
        ("q", numbers.q, 128),
        ("d mod p-1", numbers.dmp1, 128),
        ("d mod q-1", numbers.dmq1, 128),
        ("1/q mod p", numbers.iqmp, 128),
        ("d", numbers.d, 256),
    ):
        yield f"{name} of a wrapping key", number.to_bytes(size, "big")
        yield f"{name} of a wrapping key in limbs", number.to_bytes(size, "little")
