"""Key pairs of the HSM as private keys of the package cryptography.

    key = private_key(kms.create_key("EC_P256", key_usage="SIGN/VERIFY", protection_level="HSM"))
    key.sign(b"message", ec.ECDSA(hashes.SHA256()))

Whatever takes a private key of cryptography takes these: its builders of certificates, PyJWT,
joserfc. The message is hashed here, the digest signed in the HSM. What would need the private
numbers is refused: that is what the HSM is for.

An object is one version of a key. A later version is another key pair, with an object of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Union

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from kmshsm import EncryptionAlgorithm, Key, KeyVersion, SignatureAlgorithm

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
    from typing_extensions import Buffer, Self

HsmKey = Union["EllipticCurveKey", "RSAKey"]


def private_key(key: Key | KeyVersion) -> HsmKey:
    """A key pair of a store, its newest version or that one, as a private key."""
    version = key.version() if isinstance(key, Key) else key
    public = serialization.load_pem_public_key(version.public_key.encode())
    if isinstance(public, rsa.RSAPublicKey):
        return RSAKey(version, public)
    # SM2 ends here, or above: cryptography does not know the curve.
    if isinstance(public, ec.EllipticCurvePublicKey):
        return EllipticCurveKey(version, public)
    raise UnsupportedAlgorithm("a key pair that cryptography has no class for")


class _InHsm:
    """What both kinds refuse."""

    def private_bytes(self, *_: object, **__: object) -> NoReturn:
        """Refused."""
        raise _refusal("private_bytes")

    def private_numbers(self) -> NoReturn:
        """Refused."""
        raise _refusal("private_numbers")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


class EllipticCurveKey(_InHsm, ec.EllipticCurvePrivateKey):
    """A version of a key of the spec EC_P256 or EC_P256K."""

    def __init__(self, version: KeyVersion, public: ec.EllipticCurvePublicKey) -> None:
        """Made by private_key."""
        self.version = version
        self._public = public

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Signs a message: ECDSA with SHA-256."""
        _require_sha256(signature_algorithm.algorithm)
        return self.version.sign(data, SignatureAlgorithm.ECDSA_SHA_256)

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        """Refused: keys for signatures do not agree on keys."""
        raise _refusal("exchange")

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half, an ordinary one."""
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        """secp256r1 or secp256k1."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """In bits."""
        return self._public.key_size


class RSAKey(_InHsm, rsa.RSAPrivateKey):
    """A version of an RSA key; it signs or decrypts, as the key's usage says."""

    def __init__(self, version: KeyVersion, public: rsa.RSAPublicKey) -> None:
        """Made by private_key."""
        self.version = version
        self._public = public

    def sign(
        self,
        data: Buffer,
        padding: AsymmetricPadding,
        algorithm: object,
    ) -> bytes:
        """Signs a message with SHA-256: PKCS1v15, or PSS with a salt of 32 bytes."""
        _require_sha256(algorithm)
        return self.version.sign(data, _signature_algorithm(padding))

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding) -> bytes:
        """Decrypts what was encrypted by OAEP with SHA-256 or SHA-1, and no label."""
        return self.version.decrypt(ciphertext, _encryption_algorithm(padding))

    def public_key(self) -> rsa.RSAPublicKey:
        """The public half, an ordinary one."""
        return self._public

    @property
    def key_size(self) -> int:
        """In bits."""
        return self._public.key_size


def _signature_algorithm(scheme: AsymmetricPadding) -> SignatureAlgorithm:
    if isinstance(scheme, padding.PKCS1v15):
        return SignatureAlgorithm.RSA_PKCS1_SHA_256
    if isinstance(scheme, padding.PSS):
        _require_sha256(scheme.mgf._algorithm)
        if scheme._salt_length in (32, padding.PSS.DIGEST_LENGTH):
            return SignatureAlgorithm.RSA_PSS_SHA_256
    raise UnsupportedAlgorithm("the HSM signs by PKCS1v15, or PSS with a salt of 32 bytes")


def _encryption_algorithm(scheme: AsymmetricPadding) -> EncryptionAlgorithm:
    if isinstance(scheme, padding.OAEP) and not scheme._label:
        names = {scheme.algorithm.name, scheme.mgf._algorithm.name}
        if names == {"sha256"}:
            return EncryptionAlgorithm.RSAES_OAEP_SHA_256
        if names == {"sha1"}:
            return EncryptionAlgorithm.RSAES_OAEP_SHA_1
    raise UnsupportedAlgorithm("the HSM decrypts OAEP with SHA-256 or SHA-1, and no label")


def _require_sha256(algorithm: object) -> None:
    if not isinstance(algorithm, hashes.SHA256):
        raise UnsupportedAlgorithm("the HSM signs messages, hashed by SHA-256")


def _refusal(what: str) -> UnsupportedAlgorithm:
    return UnsupportedAlgorithm(f"{what}: the private key does not leave the HSM")
