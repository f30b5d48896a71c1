"""Alibaba Cloud's Managed HSM as a library.

>>> import kmshsm
>>> with kmshsm.open("memory:", allow_unprotected_memory=True) as store:
...     with store.session() as session:
...         key = session.create_key(protection_level="HSM")["KeyMetadata"]["KeyId"]
...         ciphertext = session.encrypt(key, b"hello")
...         session.decrypt(ciphertext)
b'hello'
"""

from kmshsm import audit, backups, byok
from kmshsm._native import (
    DataKey,
    ExportedDataKey,
    ImportParameters,
    MessageDigest,
    __version__,
    indicator,
    set_key_memory,
    zeroize,
)
from kmshsm._operations import NewBackup, NewSlot
from kmshsm.client import Session, Store, create, open, self_test
from kmshsm.errors import (
    AccessDenied,
    ArgumentError,
    CryptoError,
    InternalError,
    InvalidState,
    KmsError,
    NotFound,
    StorageError,
)

__all__ = [
    "AccessDenied",
    "ArgumentError",
    "CryptoError",
    "DataKey",
    "ExportedDataKey",
    "ImportParameters",
    "InternalError",
    "InvalidState",
    "KmsError",
    "MessageDigest",
    "NewBackup",
    "NewSlot",
    "NotFound",
    "Session",
    "StorageError",
    "Store",
    "__version__",
    "audit",
    "backups",
    "byok",
    "create",
    "indicator",
    "open",
    "self_test",
    "set_key_memory",
    "zeroize",
]
