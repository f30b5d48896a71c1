"""Encrypts and decrypts a small secret, such as a password, under a key in the store.

    secret.py encrypt STORE PASSPHRASE_FILE REGION KEY_ID CONTEXT <secret >ciphertext
    secret.py decrypt STORE PASSPHRASE_FILE REGION - CONTEXT <ciphertext >secret

``--allow-unprotected-memory`` may stand in front. CONTEXT is a JSON object of strings, such as
``{"app":"shop"}``: it is not secret, and without the same context the ciphertext does not open.
``c-examples/secret.c`` does the same, and each reads what the other writes.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import kmshsm

ACCOUNT = "111122223333"


def main() -> int:
    """Answers the exit code: 0, or the family of the error, as the program kmshsm does."""
    parser = argparse.ArgumentParser(description="Encrypts a small secret.")
    parser.add_argument("--allow-unprotected-memory", action="store_true")
    parser.add_argument("action", choices=["encrypt", "decrypt"])
    parser.add_argument("store", type=Path)
    parser.add_argument("passphrase_file", type=Path)
    parser.add_argument("region")
    parser.add_argument("key_id", help="- for decrypt: the ciphertext tells")
    parser.add_argument("context", type=json.loads)
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
                answer = session.encrypt(arguments.key_id, given, arguments.context)
            else:
                answer = session.decrypt(given, arguments.context)
            sys.stdout.buffer.write(answer)
    except kmshsm.KmsError as error:
        print(f"{arguments.action}: {error}", file=sys.stderr)
        return error.number // 100
    return 0


if __name__ == "__main__":
    sys.exit(main())
