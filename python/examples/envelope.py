"""Envelope encryption: encrypts a file of any size with a data key of its own.

    envelope.py encrypt STORE PASSPHRASE_FILE REGION KEY_ID IN OUT
    envelope.py decrypt STORE PASSPHRASE_FILE REGION - IN OUT

``--allow-unprotected-memory`` may stand in front. ``c-examples/envelope.c`` reads and writes the
same files:

    8 bytes   "KMSENV1\\n"
    2 bytes   n, the length of the encrypted data key, big-endian
    n bytes   the data key (32 bytes), encrypted with the context {"Format": "KMSENV1"}
    chunks    AES-256-GCM, each of 65536 bytes (the last one of 0 to 65536), with a tag of 16

The nonce of a chunk is its number, and its additional data one byte: 1 for the last chunk, else 0.

Python cannot wipe ``bytes``: the data key stays in memory until that is used again. The C example
does wipe it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import kmshsm

ACCOUNT = "111122223333"
MAGIC = b"KMSENV1\n"
CONTEXT = {"Format": "KMSENV1"}
CHUNK = 65536
TAG = 16


class NotAnEnvelope(Exception):  # noqa: N818
    """The file is none of this format, or has been changed or cut off."""


def encrypt(session: kmshsm.Session, key_id: str, source: BinaryIO, target: BinaryIO) -> None:
    """Encrypts a stream with a new data key, which is encrypted under a key of the store."""
    data_key = session.generate_data_key(key_id, context=CONTEXT)
    blob = data_key.ciphertext_blob
    target.write(MAGIC + len(blob).to_bytes(2, "big") + blob)
    cipher = AESGCM(data_key.plaintext)
    number, chunk = 0, source.read(CHUNK)
    while True:
        following = source.read(CHUNK)
        target.write(cipher.encrypt(_nonce(number), chunk, _flag(last=not following)))
        if not following:
            return
        number, chunk = number + 1, following


def decrypt(session: kmshsm.Session, source: BinaryIO, target: BinaryIO) -> None:
    """Decrypts a stream. If it raises, what it has written is not the whole: do not use it."""
    head = source.read(len(MAGIC) + 2)
    if len(head) < len(MAGIC) + 2 or not head.startswith(MAGIC):
        raise NotAnEnvelope("This is not an envelope.")
    blob = source.read(int.from_bytes(head[len(MAGIC) :], "big"))
    cipher = AESGCM(session.decrypt(blob, CONTEXT))
    number, chunk = 0, source.read(CHUNK + TAG)
    while True:
        following = source.read(CHUNK + TAG)
        try:
            target.write(cipher.decrypt(_nonce(number), chunk, _flag(last=not following)))
        except InvalidTag:
            raise NotAnEnvelope("The envelope has been changed or cut off.") from None
        if not following:
            return
        number, chunk = number + 1, following


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _flag(*, last: bool) -> bytes:
    return b"\1" if last else b"\0"


def convert(session: kmshsm.Session, arguments: argparse.Namespace) -> None:
    """From file to file. OUT appears when all of it is written and authentic."""
    part = arguments.target.with_name(arguments.target.name + ".part")
    with arguments.source.open("rb") as source:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as target:
                if arguments.action == "encrypt":
                    encrypt(session, arguments.key_id, source, target)
                else:
                    decrypt(session, source, target)
            part.replace(arguments.target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def main() -> int:
    """Answers the exit code: 0, or the family of the error, as the program kmshsm does."""
    parser = argparse.ArgumentParser(description="Encrypts a file with a data key of its own.")
    parser.add_argument("--allow-unprotected-memory", action="store_true")
    parser.add_argument("action", choices=["encrypt", "decrypt"])
    parser.add_argument("store", type=Path)
    parser.add_argument("passphrase_file", type=Path)
    parser.add_argument("region")
    parser.add_argument("key_id", help="- for decrypt: the file tells")
    parser.add_argument("source", type=Path, metavar="IN")
    parser.add_argument("target", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    try:
        with (
            kmshsm.open(
                arguments.store,
                passphrase=arguments.passphrase_file.read_bytes().removesuffix(b"\n"),
                allow_unprotected_memory=arguments.allow_unprotected_memory,
            ) as store,
            store.session(ACCOUNT, arguments.region) as session,
        ):
            convert(session, arguments)
    except kmshsm.KmsError as error:
        print(f"{arguments.action}: {error}", file=sys.stderr)
        return error.number // 100
    except NotAnEnvelope as error:
        print(f"{arguments.source}: {error}", file=sys.stderr)
        return 5
    except OSError as error:
        print(f"{arguments.action}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
