"""Alibaba Cloud's Managed HSM as a library.

>>> import kmshsm
>>> with kmshsm.open("memory:", allow_unprotected_memory=True) as kms:
...     key = kms.create_key(protection_level="HSM")
...     ciphertext = key.encrypt(b"hello", context={"for": "you"})
...     key.decrypt(ciphertext, context={"for": "you"})
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
from kmshsm.enums import (
    EncryptionAlgorithm,
    KeySpec,
    KeyState,
    KeyUsage,
    Origin,
    ProtectionLevel,
    SignatureAlgorithm,
    WrappingAlgorithm,
    WrappingKeySpec,
)
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
from kmshsm.keys import Key, KeyVersion
from kmshsm.metadata import Alias, KeyMetadata
from kmshsm.session import Api, Session
from kmshsm.store import Store, create, open, self_test

__all__ = [
    "AccessDenied",
    "Alias",
    "Api",
    "ArgumentError",
    "CryptoError",
    "DataKey",
    "EncryptionAlgorithm",
    "ExportedDataKey",
    "ImportParameters",
    "InternalError",
    "InvalidState",
    "Key",
    "KeyMetadata",
    "KeySpec",
    "KeyState",
    "KeyUsage",
    "KeyVersion",
    "KmsError",
    "MessageDigest",
    "NewBackup",
    "NewSlot",
    "NotFound",
    "Origin",
    "ProtectionLevel",
    "Session",
    "SignatureAlgorithm",
    "StorageError",
    "Store",
    "WrappingAlgorithm",
    "WrappingKeySpec",
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
