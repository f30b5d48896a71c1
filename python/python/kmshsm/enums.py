"""What the API knows by name. Each is a text: it may stand wherever its value may."""

from __future__ import annotations

from enum import Enum

__all__ = [
    "EncryptionAlgorithm",
    "KeySpec",
    "KeyState",
    "KeyUsage",
    "Origin",
    "ProtectionLevel",
    "SignatureAlgorithm",
    "WrappingAlgorithm",
    "WrappingKeySpec",
]


class _Text(str, Enum):
    # As Python 3.11 and its StrEnum have it; before, str() gave the member's name.
    __str__ = str.__str__


class KeySpec(_Text):
    """The kind of a key."""

    AES_256 = "Aliyun_AES_256"
    AES_192 = "Aliyun_AES_192"
    AES_128 = "Aliyun_AES_128"
    SM4 = "Aliyun_SM4"
    RSA_2048 = "RSA_2048"
    RSA_3072 = "RSA_3072"
    RSA_4096 = "RSA_4096"
    EC_P256 = "EC_P256"
    EC_P256K = "EC_P256K"
    EC_SM2 = "EC_SM2"


class KeyUsage(_Text):
    """What a key may be used for."""

    ENCRYPT_DECRYPT = "ENCRYPT/DECRYPT"
    SIGN_VERIFY = "SIGN/VERIFY"


class KeyState(_Text):
    """Where a key is in its life."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_DELETION = "PendingDeletion"
    PENDING_IMPORT = "PendingImport"


class Origin(_Text):
    """Where the material of a key comes from."""

    ALIYUN_KMS = "Aliyun_KMS"
    EXTERNAL = "EXTERNAL"


class ProtectionLevel(_Text):
    """How the material of a key is held."""

    SOFTWARE = "SOFTWARE"
    HSM = "HSM"


class SignatureAlgorithm(_Text):
    """How a digest is signed."""

    RSA_PSS_SHA_256 = "RSA_PSS_SHA_256"
    RSA_PKCS1_SHA_256 = "RSA_PKCS1_SHA_256"
    ECDSA_SHA_256 = "ECDSA_SHA_256"
    SM2DSA = "SM2DSA"


class EncryptionAlgorithm(_Text):
    """How something is encrypted with a public key."""

    RSAES_OAEP_SHA_256 = "RSAES_OAEP_SHA_256"
    RSAES_OAEP_SHA_1 = "RSAES_OAEP_SHA_1"
    SM2PKE = "SM2PKE"


class WrappingKeySpec(_Text):
    """The kind of the key pair under which key material is wrapped."""

    RSA_2048 = "RSA_2048"
    EC_SM2 = "EC_SM2"


class WrappingAlgorithm(_Text):
    """How key material is wrapped for its import."""

    RSAES_OAEP_SHA_256 = "RSAES_OAEP_SHA_256"
    RSAES_OAEP_SHA_1 = "RSAES_OAEP_SHA_1"
    RSAES_PKCS1_V1_5 = "RSAES_PKCS1_V1_5"
    SM2PKE = "SM2PKE"
    RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD = "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD"
    SM2PKE_SM4_ECB = "SM2PKE_SM4_ECB"
