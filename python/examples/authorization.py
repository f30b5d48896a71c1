"""Makes a user who may encrypt and decrypt with one key, calls as that user, and reads of it.

    authorization.py USER STORE PASSPHRASE_FILE REGION KEY_ID TRAIL

``--allow-unprotected-memory`` may stand in front. USER and TRAIL must be new.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import kmshsm

ACCOUNT = "111122223333"


def make_user(session: kmshsm.Session, name: str, region: str, key_id: str) -> dict[str, str]:
    """Answers the user's access key, whose secret is shown this once."""
    statement = {
        "Effect": "Allow",
        "Action": ["kms:Encrypt", "kms:Decrypt"],
        "Resource": f"acs:kms:{region}:{ACCOUNT}:key/{key_id}",
    }
    session.api.create_user(name)
    session.api.create_policy(name, json.dumps({"Version": "1", "Statement": [statement]}))
    session.api.attach_policy_to_user("Custom", name, name)
    access_key: dict[str, str] = session.api.create_access_key(user_name=name)["AccessKey"]
    return access_key


def carry_out(store: kmshsm.Store, arguments: argparse.Namespace) -> None:
    """Shows it."""
    region, key_id = arguments.region, arguments.key_id
    with store.session(ACCOUNT, region) as root:
        access_key = make_user(root, arguments.user, region, key_id)
    with store.session(
        region=region,
        access_key_id=access_key["AccessKeyId"],
        access_key_secret=access_key["AccessKeySecret"],
        source_ip="192.0.2.7",
        user_agent="authorization.py",
    ) as session:
        session.encrypt(key_id, b"hello")
        print("Encrypt: allowed")
        try:
            session.api.disable_key(key_id)
        except kmshsm.AccessDenied as error:
            print(f"DisableKey: {error.code}")
        else:
            sys.exit("the policy is not obeyed")
    exported = store.export_audit(arguments.trail)
    verified = kmshsm.audit.verify(
        arguments.trail, public_key=store.audit_key(), head=exported["Head"]
    )
    print(json.dumps(exported))
    print(json.dumps(verified))


def main() -> int:
    """Answers 0, or the family of the error, as the program kmshsm."""
    parser = argparse.ArgumentParser(description="Makes a user and audits it.")
    parser.add_argument("--allow-unprotected-memory", action="store_true")
    parser.add_argument("user")
    parser.add_argument("store", type=Path)
    parser.add_argument("passphrase_file", type=Path)
    parser.add_argument("region")
    parser.add_argument("key_id")
    parser.add_argument("trail", type=Path)
    arguments = parser.parse_args()
    try:
        with kmshsm.open(
            arguments.store,
            passphrase=arguments.passphrase_file.read_bytes().removesuffix(b"\n"),
            allow_unprotected_memory=arguments.allow_unprotected_memory,
        ) as store:
            carry_out(store, arguments)
    except kmshsm.KmsError as error:
        print(error, file=sys.stderr)
        return error.number // 100
    return 0


if __name__ == "__main__":
    sys.exit(main())
