"""Key pairs of every kind, and how each of them signs and decrypts."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import kmshsm

# At level HSM, in this region, there are keys of all specs.
REGION = "cn-hangzhou"
SIGNS = [
    ("RSA_2048", "RSA_PSS_SHA_256"),
    ("RSA_2048", "RSA_PKCS1_SHA_256"),
    ("RSA_3072", "RSA_PSS_SHA_256"),
    ("RSA_3072", "RSA_PKCS1_SHA_256"),
    ("EC_P256", "ECDSA_SHA_256"),
    ("EC_P256K", "ECDSA_SHA_256"),
    ("EC_SM2", "SM2DSA"),
]
DECRYPTS = [
    ("RSA_2048", "RSAES_OAEP_SHA_1"),
    ("RSA_2048", "RSAES_OAEP_SHA_256"),
    ("RSA_3072", "RSAES_OAEP_SHA_1"),
    ("RSA_3072", "RSAES_OAEP_SHA_256"),
    ("EC_SM2", "SM2PKE"),
]


def key_pair(session: kmshsm.Session, spec: str, usage: str) -> tuple[str, str]:
    """A new key and its version."""
    made = session.api.call("CreateKey", KeySpec=spec, KeyUsage=usage, ProtectionLevel="HSM")
    key: str = made["KeyMetadata"]["KeyId"]
    versions = session.api.list_key_versions(key)["KeyVersions"]["KeyVersion"]
    return key, versions[0]["KeyVersionId"]


def signer(session: kmshsm.Session, spec: str) -> tuple[str, str]:
    """A new key for signatures, and its version."""
    return key_pair(session, spec, "SIGN/VERIFY")


def decrypter(session: kmshsm.Session, spec: str) -> tuple[str, str]:
    """A new key for public-key encryption, and its version."""
    return key_pair(session, spec, "ENCRYPT/DECRYPT")


def der(pem: str) -> bytes:
    """What is between the lines of PEM."""
    return base64.b64decode("".join(pem.splitlines()[1:-1]))
