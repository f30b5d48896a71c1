"""Bring your own key: takes key material that somebody else has made into an EXTERNAL key.

    byok.py parameters STORE PASSPHRASE_FILE REGION KEY_ID PUBLIC_KEY TOKEN
    byok.py wrap PUBLIC_KEY MATERIAL WRAPPED
    byok.py import STORE PASSPHRASE_FILE REGION KEY_ID WRAPPED TOKEN

``--allow-unprotected-memory`` may stand in front. The first writes a public key (DER) and a token,
good for 24 hours and for that key. Whoever has the material wraps it with the second, which opens
no store, or by openssl (``docs/byok.md``). The third imports it. ``c-examples/byok.c`` does the
same, and each takes the other's files.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import kmshsm

ACCOUNT = "111122223333"
ALGORITHM = "RSAES_OAEP_SHA_256"


def wrap(arguments: argparse.Namespace) -> None:
    """On the owner's machine."""
    material = bytearray(arguments.material.stat().st_size)
    try:
        with arguments.material.open("rb", buffering=0) as file:
            file.readinto(material)
        public_key = arguments.public_key.read_bytes()
        arguments.wrapped.write_bytes(kmshsm.byok.wrap(public_key, ALGORITHM, material))
    finally:
        material[:] = bytes(len(material))


def carry_out(session: kmshsm.Session, arguments: argparse.Namespace) -> None:
    """On the machine of the store."""
    if arguments.action == "parameters":
        parameters = session.get_parameters_for_import(arguments.key_id, "RSA_2048", ALGORITHM)
        arguments.public_key.write_bytes(parameters.public_key)
        arguments.token.write_bytes(parameters.import_token)
        print(f"expires {int(parameters.token_expire_time.timestamp())}")
    else:
        wrapped, token = arguments.wrapped.read_bytes(), arguments.token.read_bytes()
        session.import_key_material(arguments.key_id, wrapped, token)


def main() -> int:
    """Answers the exit code: 0, or the family of the error, as the program kmshsm does."""
    parser = argparse.ArgumentParser(description="Imports key material.")
    parser.add_argument("--allow-unprotected-memory", action="store_true")
    actions = parser.add_subparsers(dest="action", required=True)
    files = {
        "parameters": ["public_key", "token"],
        "wrap": ["public_key", "material", "wrapped"],
        "import": ["wrapped", "token"],
    }
    for action, names in files.items():
        subject = actions.add_parser(action)
        if action != "wrap":
            subject.add_argument("store", type=Path)
            subject.add_argument("passphrase_file", type=Path)
            subject.add_argument("region")
            subject.add_argument("key_id")
        for name in names:
            subject.add_argument(name, type=Path)
    arguments = parser.parse_args()
    try:
        if arguments.action == "wrap":
            wrap(arguments)
            return 0
        with (
            kmshsm.open(
                arguments.store,
                passphrase=arguments.passphrase_file.read_bytes().removesuffix(b"\n"),
                allow_unprotected_memory=arguments.allow_unprotected_memory,
            ) as store,
            store.session(ACCOUNT, arguments.region) as session,
        ):
            carry_out(session, arguments)
    except kmshsm.KmsError as error:
        print(f"{arguments.action}: {error}", file=sys.stderr)
        return error.number // 100
    except OSError as error:
        print(f"{arguments.action}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
