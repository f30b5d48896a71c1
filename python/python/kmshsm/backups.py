"""Backups that Store.backup made: verified, and restored as stores of their own.

>>> import kmshsm, tempfile, pathlib
>>> with tempfile.TemporaryDirectory() as folder, kmshsm.open("memory:") as store:
...     path = pathlib.Path(folder, "backup")
...     manifest, shares, _ = store.backup(path, shares=(2, 3))
...     verified = kmshsm.backups.verify(path, public_key=store.audit_key(), shares=shares[1:])
...     verified["Opened"]
True
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from kmshsm import _native
from kmshsm._json import text, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

__all__ = ["restore", "verify"]


def verify(
    path: str | os.PathLike[str],
    *,
    public_key: str | None = None,
    shares: Sequence[str] | None = None,
    private_key: Buffer | str | None = None,
    backup_key: Buffer | None = None,
) -> dict[str, Any]:
    """Verifies that a backup is as its store has signed it; with a secret, that all of it opens.

    Otherwise it raises StorageError (``Backup.Damaged``).

    :param path: Of the file.
    :param public_key: The store's, in PEM, as Store.audit_key gave it. Without it the backup's own
        is taken: compare ``KeyFingerprint``, or anybody may have made all of it.
    :param shares: What opens it, as for Store.restore_keys;
    :param private_key: or this;
    :param backup_key: or this.
    :return: ``Manifest``, ``KeyFingerprint``, ``Opened``.
    """
    parameters = {
        "Path": os.fspath(path),
        "PublicKey": public_key,
        "Shares": texts("shares", shares),
    }
    answer = _native.operate_alone_json(
        "VerifyBackup",
        text(parameters),
        texts={"private_key": private_key},
        keys={"backup_key": backup_key},
    )
    verified: dict[str, Any] = json.loads(answer)
    return verified


def restore(
    path: str | os.PathLike[str],
    place: str | os.PathLike[str],
    *,
    passphrase: Buffer | str | None = None,
    key_file: Buffer | None = None,
    public_key: str | None = None,
    shares: Sequence[str] | None = None,
    private_key: Buffer | str | None = None,
    backup_key: Buffer | None = None,
    newer: str | os.PathLike[str] | None = None,
    newer_shares: Sequence[str] | None = None,
    newer_private_key: Buffer | str | None = None,
    newer_backup_key: Buffer | None = None,
) -> dict[str, Any]:
    """Makes a store of a backup, with all its keys, users and audit trail.

    Do not go on with both the old store and this one. The answer has ``Taken``, a dict of numbers,
    and ``LeftOut``, of each what was not taken ``KeyId`` and ``Reason``.

    :param path: Of the backup.
    :param place: The directory of the new store, which must not exist or be empty.
    :param passphrase: What opens the new store, as for kmshsm.create, and UTF-8;
    :param key_file: or this.
    :param public_key: As for verify.
    :param shares: What opens the backup, as for Store.restore_keys;
    :param private_key: or this;
    :param backup_key: or this.
    :param newer: A later backup of the same store: what it knows to be destroyed stays so.
    :param newer_shares: What opens that;
    :param newer_private_key: or this;
    :param newer_backup_key: or this.
    """
    parameters = {
        "Path": os.fspath(path),
        "Place": os.fspath(place),
        "PublicKey": public_key,
        "Shares": texts("shares", shares),
        "Newer": None if newer is None else os.fspath(newer),
        "NewerShares": texts("newer_shares", newer_shares),
    }
    answer = _native.operate_alone_json(
        "RestoreStore",
        text(parameters),
        texts={
            "passphrase": passphrase,
            "private_key": private_key,
            "newer_private_key": newer_private_key,
        },
        keys={
            "key_file": key_file,
            "backup_key": backup_key,
            "newer_backup_key": newer_backup_key,
        },
    )
    restored: dict[str, Any] = json.loads(answer)
    return restored
