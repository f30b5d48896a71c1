"""Exported audit trails: what an auditor does, on a machine without a store.

>>> import kmshsm, tempfile, pathlib
>>> with tempfile.TemporaryDirectory() as folder, kmshsm.open("memory:") as store:
...     path = pathlib.Path(folder, "trail.jsonl")
...     key = store.create_key()
...     head = store.export_audit(path)["Head"]
...     verified = kmshsm.audit.verify(path, public_key=store.audit_key(), head=head)
...     verified["Events"], verified["IsKeyTrusted"]
(1, True)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kmshsm import _native

if TYPE_CHECKING:
    import os

__all__ = ["verify"]


def verify(
    path: str | os.PathLike[str], *, public_key: str | None = None, head: str | None = None
) -> dict[str, Any]:
    """Verifies a trail that Store.export_audit wrote: each event is as it was signed, in its place.

    Otherwise it raises StorageError (``Audit.Damaged``), which names the first event that is not.

    :param path: Of the file.
    :param public_key: The store's, in PEM, as Store.audit_key gave it. Without it the trail's own
        is taken: compare ``KeyFingerprint``, or anybody may have written all of it.
    :param head: The ``Head`` of an earlier answer, which the trail must still have.
    :return: ``Store``, ``Events``, ``First``, ``Head``, ``Checkpoints``, ``SignedAt``,
        ``Algorithm``, ``KeyFingerprint``, ``IsKeyTrusted``; ``TestOnly`` of a store for tests.
    """
    answer = _native.verify_audit_json(path, public_key=public_key, head=head)
    verified: dict[str, Any] = json.loads(answer)
    return verified
