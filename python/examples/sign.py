"""Signs a file of any size, verifies the signature, and gives the public key for others to do so.

    sign.py sign STORE PASSPHRASE_FILE REGION KEY_ID FILE >signature
    sign.py verify STORE PASSPHRASE_FILE REGION KEY_ID FILE <signature
    sign.py public-key STORE PASSPHRASE_FILE REGION KEY_ID >public.pem

``--allow-unprotected-memory`` may stand in front. The key is for SIGN/VERIFY, of spec EC_P256 or
EC_SM2. What this signs, openssl verifies, too:

    openssl dgst -sha256 -verify public.pem -signature signature FILE
    openssl dgst -sm3 -sigopt distid:1234567812345678 -verify public.pem -signature signature FILE
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import kmshsm

ACCOUNT = "111122223333"
ALGORITHMS = {"EC_P256": "ECDSA_SHA_256", "EC_SM2": "SM2DSA"}


def carry_out(session: kmshsm.Session, arguments: argparse.Namespace) -> int:
    """Answers the exit code: 1 for a wrong signature."""
    key: str = arguments.key_id
    newest: str = session.api.list_key_versions(key)["KeyVersions"]["KeyVersion"][0]["KeyVersionId"]
    if arguments.action == "public-key":
        sys.stdout.write(session.get_public_key(key, newest))
        return 0
    spec = session.api.describe_key(key)["KeyMetadata"]["KeySpec"]
    if spec not in ALGORITHMS:
        print(f"A key of spec {spec} is not for this example.", file=sys.stderr)
        return 1
    with arguments.file.open("rb") as message:
        if arguments.action == "sign":
            value = session.sign_message(key, newest, ALGORITHMS[spec], message)
            sys.stdout.buffer.write(value)
            return 0
        value = sys.stdin.buffer.read()
        is_right = session.verify_message(key, newest, ALGORITHMS[spec], message, value)
    print("The signature is right." if is_right else "The signature is wrong.")
    return 0 if is_right else 1


def main() -> int:
    """Answers the exit code of carry_out, or the family of the error, as the program kmshsm."""
    parser = argparse.ArgumentParser(description="Signs a file.")
    parser.add_argument("--allow-unprotected-memory", action="store_true")
    actions = parser.add_subparsers(dest="action", required=True)
    for action in ("sign", "verify", "public-key"):
        subject = actions.add_parser(action)
        subject.add_argument("store", type=Path)
        subject.add_argument("passphrase_file", type=Path)
        subject.add_argument("region")
        subject.add_argument("key_id")
        if action != "public-key":
            subject.add_argument("file", type=Path)
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
            return carry_out(session, arguments)
    except kmshsm.KmsError as error:
        print(f"{arguments.action}: {error}", file=sys.stderr)
        return error.number // 100
    except OSError as error:
        print(f"{arguments.action}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
