"""The methods for key pairs, and between keys: what goes in and what comes out."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

import kmshsm
from keypairs import DECRYPTS, SIGNS, decrypter, der, signer
from keypairs import REGION as REGION


@pytest.mark.parametrize(("spec", "algorithm"), SIGNS)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_digests(session: kmshsm.Session, spec: str, algorithm: str, kind: Any) -> None:
    key, version = signer(session, spec)
    digest = hashlib.sha256(b"hello").digest()
    value = session.asymmetric_sign(key, version, algorithm, kind(digest))
    assert type(value) is bytes
    assert session.asymmetric_verify(key, version, algorithm, kind(digest), kind(value)) is True
    assert session.asymmetric_verify(key, version, algorithm, digest, value[:-1]) is False
    assert session.asymmetric_verify(key, version, algorithm, bytes(32), value) is False
    with pytest.raises(kmshsm.ArgumentError, match="32 bytes"):
        session.asymmetric_sign(key, version, algorithm, digest[:-1])


@pytest.mark.parametrize(("spec", "algorithm"), DECRYPTS)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_short_messages(session: kmshsm.Session, spec: str, algorithm: str, kind: Any) -> None:
    key, version = decrypter(session, spec)
    blob = session.asymmetric_encrypt(key, version, algorithm, kind(b"hello"))
    data = session.asymmetric_decrypt(key, version, algorithm, kind(blob))
    assert (type(blob), type(data), data) == (bytes, bytes, b"hello")
    for wrong in (b"", blob[:-1], bytes(len(blob)), blob[:-1] + bytes([blob[-1] ^ 1])):
        with pytest.raises(kmshsm.CryptoError) as caught:
            session.asymmetric_decrypt(key, version, algorithm, wrong)
        assert (caught.value.code, caught.value.number) == ("InvalidParameter", 504)


def test_public_keys(session: kmshsm.Session) -> None:
    key, version = signer(session, "EC_P256")
    session.api.disable_key(key)
    lines = session.get_public_key(key, version).splitlines()
    assert (lines[0], lines[-1]) == ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----")


def test_names_and_words(session: kmshsm.Session) -> None:
    key, version = signer(session, "EC_P256")
    with pytest.raises(kmshsm.ArgumentError, match='"KeyId"'):
        session.get_public_key("", version)
    with pytest.raises(kmshsm.ArgumentError, match='"KeyVersionId"'):
        session.get_public_key(key, "")
    with pytest.raises(kmshsm.NotFound, match=r"KeyVersionNotFound"):
        session.get_public_key(key, "none")
    with pytest.raises(kmshsm.ArgumentError, match=r'"Algorithm".*ECDSA_SHA_256'):
        session.asymmetric_sign(key, version, "ECDSA", bytes(32))
    with pytest.raises(kmshsm.ArgumentError, match='"Algorithm"'):
        session.message_digest(key, version, "SM2DSA")
    with pytest.raises(kmshsm.ArgumentError, match=r'"Algorithm".*SM2PKE'):
        session.asymmetric_encrypt(key, version, "ECDSA_SHA_256", b"x")
    wrong: Any = "text"
    for name, call in (
        ("digest", lambda: session.asymmetric_sign(key, version, "ECDSA_SHA_256", wrong)),
        ("value", lambda: session.asymmetric_verify(key, version, "SM2DSA", bytes(32), wrong)),
        ("plaintext", lambda: session.asymmetric_encrypt(key, version, "SM2PKE", wrong)),
        ("ciphertext_blob", lambda: session.asymmetric_decrypt(key, version, "SM2PKE", wrong)),
        ("ciphertext_blob", lambda: session.re_encrypt(wrong, key)),
        ("public_key_blob", lambda: session.export_data_key(b"", wrong)),
        ("public_key_blob", lambda: session.generate_and_export_data_key(key, wrong)),
    ):
        with pytest.raises(TypeError, match=f"{name} must be a bytes-like object, not str"):
            call()


def test_moving_between_keys(session: kmshsm.Session) -> None:
    old, new = (session.api.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    blob = session.encrypt(old, b"hello", {"a": "1"})
    moved = session.re_encrypt(
        blob,
        new,
        source_context={"a": "1"},
        destination_context={"b": "2"},
    )
    assert type(moved) is bytes
    session.api.disable_key(old)
    assert session.decrypt(moved, {"b": "2"}) == b"hello"
    with pytest.raises(kmshsm.InvalidState):
        session.re_encrypt(moved, old, source_context={"b": "2"})
    with pytest.raises(kmshsm.CryptoError):
        session.re_encrypt(moved, new)
    wrong: Any = {"a": 1}
    with pytest.raises(TypeError, match=r"^source_context must be a mapping"):
        session.re_encrypt(moved, new, source_context=wrong)
    with pytest.raises(TypeError, match=r"^destination_context must be a mapping"):
        session.re_encrypt(moved, new, destination_context=wrong)
    with pytest.raises(kmshsm.ArgumentError, match='"SourceEncryptionContext"'):
        session.re_encrypt(moved, new, source_context={"a": "x" * 9000})
    with pytest.raises(kmshsm.ArgumentError, match='"DestinationKeyId"'):
        session.re_encrypt(moved, "")


@pytest.mark.parametrize(("spec", "algorithm"), DECRYPTS)
def test_moving_from_a_public_key(session: kmshsm.Session, spec: str, algorithm: str) -> None:
    source, version = decrypter(session, spec)
    key = session.api.create_key()["KeyMetadata"]["KeyId"]
    blob = session.asymmetric_encrypt(source, version, algorithm, b"hello")
    moved = session.re_encrypt(
        blob,
        key,
        source_key_id=source,
        source_key_version_id=version,
        source_encryption_algorithm=algorithm,
    )
    assert session.decrypt(moved) == b"hello"
    with pytest.raises(kmshsm.ArgumentError, match=r"MissingParameter.*SourceKeyVersionId"):
        session.re_encrypt(blob, key, source_key_id=source, source_encryption_algorithm=algorithm)
    with pytest.raises(kmshsm.ArgumentError, match='"SourceEncryptionAlgorithm"'):
        session.re_encrypt(blob, key, source_encryption_algorithm="ROT13")
    with pytest.raises(kmshsm.ArgumentError, match='"SourceKeyId"'):
        session.re_encrypt(blob, key, source_key_id="")
    with pytest.raises(kmshsm.ArgumentError, match='"SourceKeyVersionId"'):
        session.re_encrypt(blob, key, source_key_version_id="")


def test_exported_data_keys(session: kmshsm.Session) -> None:
    key = session.api.create_key(protection_level="HSM")["KeyMetadata"]["KeyId"]
    pair = decrypter(session, "RSA_2048")
    public = der(session.get_public_key(*pair))
    made = session.generate_and_export_data_key(key, bytearray(public), 16, {"disk": "7"})
    sealed, exported = made
    assert (made.ciphertext_blob, made.exported_data_key) == (sealed, exported)
    assert repr(made) == "<kmshsm.ExportedDataKey of 16 bytes>"
    with pytest.raises(AttributeError):
        made.ciphertext_blob = b""  # type: ignore[misc]
    data_key = session.decrypt(sealed, {"disk": "7"})
    assert len(data_key) == 16
    assert session.asymmetric_decrypt(*pair, "RSAES_OAEP_SHA_256", exported) == data_key

    again = session.export_data_key(
        sealed, public, {"disk": "7"}, wrapping_algorithm="RSAES_OAEP_SHA_1"
    )
    assert session.asymmetric_decrypt(*pair, "RSAES_OAEP_SHA_1", again) == data_key
    made = session.generate_and_export_data_key(key, public)
    assert len(session.decrypt(made.ciphertext_blob)) == 32

    for number in (0, 1025, -1, 2**40, 191):
        with pytest.raises(kmshsm.ArgumentError, match="NumberOfBytes"):
            session.generate_and_export_data_key(key, public, number)
    with pytest.raises(kmshsm.ArgumentError, match='"PublicKeyBlob"'):
        session.export_data_key(made.ciphertext_blob, public[:-1])
    with pytest.raises(kmshsm.ArgumentError, match='"WrappingKeySpec"'):
        session.export_data_key(made.ciphertext_blob, public, wrapping_key_spec="RSA_1024")
    with pytest.raises(kmshsm.ArgumentError, match='"WrappingAlgorithm"'):
        session.export_data_key(made.ciphertext_blob, public, wrapping_algorithm="SM2PKE")
    with pytest.raises(kmshsm.CryptoError):
        session.export_data_key(sealed, public)
