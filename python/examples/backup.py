"""A backup in shares: three of them, of which any two make a store of it.

    backup.py PASSPHRASE_FILE FOLDER

Makes FOLDER/store with a key in it, FOLDER/backup, and FOLDER/restored, which decrypts what the
first one has encrypted. Both stores open with the passphrase. ``c-examples/backup.c`` does the
same.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import kmshsm


def main() -> int:
    """Answers the exit code: 0, or the family of the error, as the program kmshsm does."""
    parser = argparse.ArgumentParser(description="Makes a backup in shares, and a store of it.")
    parser.add_argument("--allow-unprotected-memory", action="store_true")
    parser.add_argument("passphrase_file", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    first, backup, second = (arguments.folder / name for name in ("store", "backup", "restored"))
    allow = arguments.allow_unprotected_memory
    try:
        passphrase = arguments.passphrase_file.read_bytes().removesuffix(b"\n")
        kmshsm.create(first, passphrase=passphrase)
        with kmshsm.open(first, passphrase=passphrase, allow_unprotected_memory=allow) as store:
            with store.session() as session:
                key = session.api.create_key()["KeyMetadata"]["KeyId"]
                ciphertext = session.encrypt(key, b"hello")
            # The shares are nowhere else: in earnest, each goes to a custodian now.
            shares = store.backup(backup, shares=(2, 3)).shares
            public_key = store.audit_key()
        print(f"{backup}: 3 shares, 2 of which open it")

        # Two shares and no open store: a machine of its own will do.
        two = [shares[2], shares[0]]
        kmshsm.backups.verify(backup, public_key=public_key, shares=two)
        kmshsm.backups.restore(backup, second, passphrase=passphrase, shares=two)
        with (
            kmshsm.open(second, passphrase=passphrase, allow_unprotected_memory=allow) as store,
            store.session() as session,
        ):
            if session.decrypt(ciphertext) != b"hello":
                print("backup: it decrypts to something else", file=sys.stderr)
                return 1
        print(f"{second}: decrypts what {first} has encrypted")
    except kmshsm.KmsError as error:
        print(f"backup: {error}", file=sys.stderr)
        return error.number // 100
    except OSError as error:
        print(f"backup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
