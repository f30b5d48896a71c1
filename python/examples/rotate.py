"""Automatic rotation, in a store in memory whose clock is moved by hand.

    rotate.py

A key gets a new version when its interval is over, what was encrypted before still opens, and
ReEncrypt moves it to the new version. ``c-examples/rotate.c`` does the same.
"""

from __future__ import annotations

import base64
import sys

import kmshsm

DAY = 86400


def version_of(session: kmshsm.Session, blob: bytes) -> str:
    """The version that opens a ciphertext."""
    text = base64.b64encode(blob).decode()
    version: str = session.api.call("Decrypt", CiphertextBlob=text)["KeyVersionId"]
    return version


def check(right: bool, what: str) -> None:
    """Says it, or ends the program."""
    if not right:
        sys.exit(f"{what}: is not so")
    print(what)


def main() -> None:
    """Shows it."""
    with (
        kmshsm.open("memory:?clock=manual", allow_unprotected_memory=True) as store,
        store.session("111122223333", "cn-hongkong") as session,
    ):
        created = session.api.create_key(
            protection_level="HSM", enable_automatic_rotation=True, rotation_interval="30d"
        )
        before = created["KeyMetadata"]
        key, first = before["KeyId"], before["PrimaryKeyVersion"]
        print(f"key {key}\nversion {first}, until {before['NextRotationDate']}")
        blob = session.encrypt(key, b"hello there")
        data_key, sealed = session.generate_data_key(key)

        session.api.advance_clock(30 * DAY)
        after = session.api.describe_key(key)["KeyMetadata"]
        second = after["PrimaryKeyVersion"]
        print(f"30 days later: version {second}, until {after['NextRotationDate']}")
        check(first != second, "the key has a new version")

        check(version_of(session, blob) == first, "the first one opens the old ciphertext")
        check(session.decrypt(sealed) == data_key, "and the old data key")

        moved = session.re_encrypt(blob, key)
        is_moved = version_of(session, moved) == second and session.decrypt(moved) == b"hello there"
        check(is_moved, "ReEncrypt moves it to the new version")


if __name__ == "__main__":
    main()
