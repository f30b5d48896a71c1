"""Envelope encryption: encrypts a file with a data key of its own.

    envelope.py encrypt STORE PASSPHRASE_FILE REGION KEY_ID <plain >sealed
    envelope.py decrypt STORE PASSPHRASE_FILE REGION - <sealed >plain

``--allow-unprotected-memory`` may stand in front. Sealed is the encrypted data key, the ciphertext
by AES-256-GCM, and its tag. The nonce is 0, for the data key is of this file alone. The file must
fit into memory, as nothing may be used before the tag has been verified: ``fileseal.py`` does
without that, in chunks. ``c-examples/envelope.c`` reads and writes the same.

Python cannot wipe ``bytes``: the data key stays in memory until that is used again. The C example
does wipe it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import kmshsm

ACCOUNT = "111122223333"
CONTEXT = {"Format": "envelope"}
# A data key of 32 bytes, encrypted.
BLOB = 32 + 91
NONCE = bytes(12)


def encrypt(session: kmshsm.Session, key_id: str, plain: bytes) -> bytes:
    """Encrypts with a new data key, which goes along encrypted."""
    data_key, blob = session.generate_data_key(key_id, 32, CONTEXT)
    return blob + AESGCM(data_key).encrypt(NONCE, plain, None)


def decrypt(session: kmshsm.Session, sealed: bytes) -> bytes:
    """Has the store open the data key, and decrypts with it."""
    data_key = session.decrypt(sealed[:BLOB], CONTEXT)
    return AESGCM(data_key).decrypt(NONCE, sealed[BLOB:], None)


def main() -> int:
    """Answers the exit code: 0, or the family of the error, as the program kmshsm does."""
    parser = argparse.ArgumentParser(description="Encrypts a file with a data key of its own.")
    parser.add_argument("--allow-unprotected-memory", action="store_true")
    parser.add_argument("action", choices=["encrypt", "decrypt"])
    parser.add_argument("store", type=Path)
    parser.add_argument("passphrase_file", type=Path)
    parser.add_argument("region")
    parser.add_argument("key_id", help="- for decrypt: the file tells")
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
            given = sys.stdin.buffer.read()
            if arguments.action == "encrypt":
                answer = encrypt(session, arguments.key_id, given)
            else:
                answer = decrypt(session, given)
            sys.stdout.buffer.write(answer)
    except kmshsm.KmsError as error:
        print(f"{arguments.action}: {error}", file=sys.stderr)
        return error.number // 100
    except InvalidTag:
        print("the input: has been changed", file=sys.stderr)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main())
