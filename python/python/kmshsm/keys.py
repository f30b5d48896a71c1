"""Keys as objects, and what manages them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kmshsm.enums import EncryptionAlgorithm, KeySpec, KeyState, KeyUsage, SignatureAlgorithm
from kmshsm.metadata import Alias, KeyMetadata, moment
from kmshsm.pages import pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from typing_extensions import Buffer

    from kmshsm._native import DataKey, ImportParameters
    from kmshsm.session import Readable, Session

__all__ = ["Key", "KeyVersion"]

_RSA = (KeySpec.RSA_2048, KeySpec.RSA_3072, KeySpec.RSA_4096)


class Key:
    """A customer master key, as its session may use it: made by create_key, key and keys.

    It is a name, not a copy: nothing of the key is kept here but its id, so what it tells is what
    the store has now. Two of them are equal if their ids are. It is good as long as its session is.
    """

    __slots__ = {"_session": "Who uses it.", "id": "The key's id, a UUID."}

    id: str

    def __init__(self, session: Session, key_id: str) -> None:
        """Names the key of this id. It is not asked for until it is used."""
        self._session = session
        self.id = key_id

    @property
    def metadata(self) -> KeyMetadata:
        """What the store tells of it now."""
        return KeyMetadata.of(self._session.api.describe_key(self.id)["KeyMetadata"])

    @property
    def arn(self) -> str:
        """Its name among all accounts and regions."""
        return self.metadata.arn

    @property
    def spec(self) -> KeySpec:
        """Its kind."""
        return self.metadata.spec

    @property
    def usage(self) -> KeyUsage:
        """What it may be used for."""
        return self.metadata.usage

    @property
    def state(self) -> KeyState:
        """Where it is in its life."""
        return self.metadata.state

    @property
    def description(self) -> str:
        """What its owner says of it; it may be set."""
        return self.metadata.description

    @description.setter
    def description(self, description: str) -> None:
        self._session.api.update_key_description(self.id, description)

    def encrypt(self, plaintext: Buffer, context: Mapping[str, str] | None = None) -> bytes:
        """Encrypts up to 6 KiB under the newest version of a symmetric key.

        :param plaintext: The bytes.
        :param context: What must be given again to decrypt. It is authenticated, not kept.
        """
        return self._session.encrypt(self.id, plaintext, context)

    def decrypt(self, ciphertext: Buffer, context: Mapping[str, str] | None = None) -> bytes:
        """Decrypts what was encrypted under any version of it.

        :param ciphertext: What encrypt or generate_data_key made. Another key's raises CryptoError,
            though it names its key itself: Session.decrypt opens what the session may open.
        :param context: As it was encrypted.
        """
        return self._session._decrypt_of(self.id, ciphertext, context)

    def re_encrypt(
        self,
        ciphertext: Buffer,
        context: Mapping[str, str] | None = None,
        *,
        source_context: Mapping[str, str] | None = None,
    ) -> bytes:
        """Encrypts under the newest version of this key what a symmetric key has encrypted.

        The plaintext stays inside.

        :param ciphertext: Of this key or another one, which the session may use.
        :param context: As for encrypt.
        :param source_context: As it was encrypted, if that is not ``context``.
        """
        return self._session.re_encrypt(
            ciphertext,
            self.id,
            source_context=context if source_context is None else source_context,
            destination_context=context,
        )

    def generate_data_key(
        self, number_of_bytes: int = 32, context: Mapping[str, str] | None = None
    ) -> DataKey:
        """Makes a key for others to encrypt with, in clear and encrypted under this one.

        :param number_of_bytes: From 1 to 1024.
        :param context: As for encrypt.
        """
        return self._session.generate_data_key(self.id, number_of_bytes, context)

    def versions(self) -> Iterator[KeyVersion]:
        """Its versions, the newest first."""
        for told in pages(self._session.api.list_key_versions, "KeyVersions", key_id=self.id):
            yield KeyVersion(self, told["KeyVersionId"], moment(told["CreationDate"]))

    def version(self) -> KeyVersion:
        """Its newest version."""
        return next(self.versions())

    def create_version(self) -> KeyVersion:
        """Makes one more version of a key pair, and answers it. The older ones remain in use."""
        told = self._session.api.create_key_version(self.id)["KeyVersion"]
        return KeyVersion(self, told["KeyVersionId"], moment(told["CreationDate"]))

    def sign(
        self,
        message: Buffer | Readable,
        algorithm: SignatureAlgorithm | str | None = None,
        *,
        user_id: Buffer | None = None,
    ) -> bytes:
        """Signs a message with the newest version; see KeyVersion.sign."""
        return self.version().sign(message, algorithm, user_id=user_id)

    def verify(
        self,
        message: Buffer | Readable,
        signature: Buffer,
        algorithm: SignatureAlgorithm | str | None = None,
        *,
        user_id: Buffer | None = None,
    ) -> bool:
        """Tells whether a signature is the newest version's; see KeyVersion.verify."""
        return self.version().verify(message, signature, algorithm, user_id=user_id)

    @property
    def public_key(self) -> str:
        """The public key of the newest version, in PEM."""
        return self.version().public_key

    def import_parameters(
        self, wrapping_key_spec: str = "RSA_2048", wrapping_algorithm: str = "RSAES_OAEP_SHA_256"
    ) -> ImportParameters:
        """What the owner of the material needs to wrap it for a key of origin EXTERNAL.

        :param wrapping_key_spec: A WrappingKeySpec.
        :param wrapping_algorithm: A WrappingAlgorithm.
        """
        return self._session.get_parameters_for_import(
            self.id, wrapping_key_spec, wrapping_algorithm
        )

    def import_material(
        self, wrapped: Buffer, token: Buffer, *, expires: datetime | int | None = None
    ) -> None:
        """Imports wrapped material.

        :param wrapped: As kmshsm.byok.wrap, or openssl, has made it.
        :param token: The import token of the same import_parameters.
        :param expires: When the material is to be destroyed; a number is seconds since 1970.
        """
        self._session.import_key_material(self.id, wrapped, token, expires=expires)

    def delete_material(self) -> None:
        """Destroys imported material. Only the same bytes can be imported again."""
        self._session.api.delete_key_material(self.id)

    def enable(self) -> None:
        """Takes the key into use again."""
        self._session.api.enable_key(self.id)

    def disable(self) -> None:
        """Takes the key out of use."""
        self._session.api.disable_key(self.id)

    def schedule_deletion(self, days: int = 30) -> None:
        """Has the key deleted.

        :param days: After so many days, 7 to 366, until which cancel_deletion keeps it.
        """
        self._session.api.schedule_key_deletion(self.id, pending_window_in_days=days)

    def cancel_deletion(self) -> None:
        """Calls its deletion off."""
        self._session.api.cancel_key_deletion(self.id)

    def protect(self, *, description: str | None = None) -> None:
        """Has its deletion refused until unprotect.

        :param description: Why.
        """
        self._session.api.set_deletion_protection(
            True, key_id=self.id, deletion_protection_description=description
        )

    def unprotect(self) -> None:
        """Has its deletion be possible again."""
        self._session.api.set_deletion_protection(False, key_id=self.id)

    def rotate_every(self, interval: timedelta | None) -> None:
        """Has new versions of a symmetric key be made automatically.

        :param interval: 7 to 730 days; None ends it.
        """
        text = None if interval is None else interval_text(interval)
        self._session.api.update_rotation_policy(
            self.id, interval is not None, rotation_interval=text
        )

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        tags = self._session.api.list_resource_tags(self.id)["Tags"]["Tag"]
        return {tag["TagKey"]: tag["TagValue"] for tag in tags}

    def tag(self, tags: Mapping[str, str]) -> None:
        """Gives it tags, in place of those of the same names.

        :param tags: At most 20 are on a key.
        """
        self._session.api.tag_resource(tag_list(tags), key_id=self.id)

    def untag(self, *names: str) -> None:
        """Takes tags from it."""
        self._session.api.untag_resource(list(names), key_id=self.id)

    def aliases(self) -> Iterator[Alias]:
        """Its names."""
        told = pages(self._session.api.list_aliases_by_key_id, "Aliases", key_id=self.id)
        return map(Alias.of, told)

    def add_alias(self, name: str) -> None:
        """Gives it a name that no key of the account has in the region.

        :param name: It begins with ``alias/``.
        """
        self._session.api.create_alias(name, self.id)

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Key) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<kmshsm.Key {self.id}>"

    def __reduce__(self) -> Any:
        raise TypeError("a kmshsm.Key is of an open store: send its id, and open the store there")


class KeyVersion:
    """A version of a key: of a key pair, that which signs and decrypts."""

    __slots__ = {
        "created": "When it was made.",
        "id": "Its id, a UUID.",
        "key": "Whose version it is.",
    }

    key: Key
    id: str
    created: datetime

    def __init__(self, key: Key, version_id: str, created: datetime) -> None:
        """Names the version of this id."""
        self.key = key
        self.id = version_id
        self.created = created

    @property
    def public_key(self) -> str:
        """Its public key, SubjectPublicKeyInfo in PEM."""
        return self._session.get_public_key(self.key.id, self.id)

    def sign(
        self,
        message: Buffer | Readable,
        algorithm: SignatureAlgorithm | str | None = None,
        *,
        user_id: Buffer | None = None,
    ) -> bytes:
        """Signs a message, which is hashed first.

        :param message: Bytes; or a file opened in binary mode, which is read to its end.
        :param algorithm: RSA_PSS_SHA_256 of an RSA key by default; of a curve, the only one.
        :param user_id: Of SM2: the signer's, if it is not the usual one.
        """
        name = algorithm or self._signature_algorithm()
        return self._session.sign_message(self.key.id, self.id, name, message, user_id=user_id)

    def verify(
        self,
        message: Buffer | Readable,
        signature: Buffer,
        algorithm: SignatureAlgorithm | str | None = None,
        *,
        user_id: Buffer | None = None,
    ) -> bool:
        """Tells whether it has signed a message. A wrong signature is False, not an error.

        :param message: As for sign.
        :param signature: What sign answered.
        :param algorithm: As for sign.
        :param user_id: As for sign.
        """
        name = algorithm or self._signature_algorithm()
        return self._session.verify_message(
            self.key.id, self.id, name, message, signature, user_id=user_id
        )

    def encrypt(
        self, plaintext: Buffer, algorithm: EncryptionAlgorithm | str | None = None
    ) -> bytes:
        """Encrypts a short text with its public key.

        :param plaintext: The bytes.
        :param algorithm: RSAES_OAEP_SHA_256 of an RSA key by default; of SM2, SM2PKE.
        """
        name = algorithm or self._encryption_algorithm()
        return self._session.asymmetric_encrypt(self.key.id, self.id, name, plaintext)

    def decrypt(
        self, ciphertext: Buffer, algorithm: EncryptionAlgorithm | str | None = None
    ) -> bytes:
        """Decrypts what was encrypted with its public key, here or elsewhere.

        :param ciphertext: The bytes.
        :param algorithm: As for encrypt.
        """
        name = algorithm or self._encryption_algorithm()
        return self._session.asymmetric_decrypt(self.key.id, self.id, name, ciphertext)

    @property
    def _session(self) -> Session:
        return self.key._session

    def _signature_algorithm(self) -> SignatureAlgorithm:
        spec = self.key.spec
        if spec in _RSA:
            return SignatureAlgorithm.RSA_PSS_SHA_256
        is_sm2 = spec is KeySpec.EC_SM2
        return SignatureAlgorithm.SM2DSA if is_sm2 else SignatureAlgorithm.ECDSA_SHA_256

    def _encryption_algorithm(self) -> EncryptionAlgorithm:
        is_rsa = self.key.spec in _RSA
        return EncryptionAlgorithm.RSAES_OAEP_SHA_256 if is_rsa else EncryptionAlgorithm.SM2PKE

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeyVersion):
            return NotImplemented
        return (self.key, self.id) == (other.key, other.id)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<kmshsm.KeyVersion {self.id} of {self.key.id}>"

    def __reduce__(self) -> Any:
        return self.key.__reduce__()


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the API takes them."""
    return [{"TagKey": name, "TagValue": value} for name, value in tags.items()]


def interval_text(interval: timedelta) -> str:
    """An interval as the API takes it."""
    return f"{int(interval.total_seconds())}s"
