"""Wrapping of key material by its owner."""

from __future__ import annotations

import os
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import kmshsm

REGION = "cn-hangzhou"
DIRECT = {
    "RSAES_PKCS1_V1_5": "RSA_2048",
    "RSAES_OAEP_SHA_1": "RSA_2048",
    "RSAES_OAEP_SHA_256": "RSA_2048",
    "SM2PKE": "EC_SM2",
}
RSA_HYBRID = "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD"


def awaiting(session: kmshsm.Session, key_spec: str) -> str:
    """A key that awaits its material."""
    created = session.api.call(
        "CreateKey", Origin="EXTERNAL", ProtectionLevel="HSM", KeySpec=key_spec
    )
    key: str = created["KeyMetadata"]["KeyId"]
    return key


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("algorithm", DIRECT)
def test_a_key_takes_what_was_wrapped(session: kmshsm.Session, algorithm: str, kind: Any) -> None:
    key = awaiting(session, "Aliyun_AES_256")
    parameters = session.get_parameters_for_import(key, DIRECT[algorithm], algorithm)
    material = os.urandom(32)
    wrapped = kmshsm.byok.wrap(kind(parameters.public_key), algorithm, kind(material))
    assert type(wrapped) is bytes
    session.import_key_material(key, wrapped, parameters.import_token)
    assert session.decrypt(session.encrypt(key, b"hello")) == b"hello"
    # It is bound to these bytes; and they were given as they are.
    again = kmshsm.byok.wrap(parameters.public_key, algorithm, material)
    session.import_key_material(key, again, parameters.import_token)
    other = kmshsm.byok.wrap(parameters.public_key, algorithm, bytes(32))
    with pytest.raises(kmshsm.CryptoError):
        session.import_key_material(key, other, parameters.import_token)


def pkcs8(private: Any, encoding: serialization.Encoding) -> bytes:
    """A private key as its owner has it."""
    form = serialization.PrivateFormat.PKCS8
    written: bytes = private.private_bytes(encoding, form, serialization.NoEncryption())
    return written


@pytest.mark.parametrize("key_spec", ["RSA_2048", "RSA_3072", "EC_P256", "EC_P256K"])
def test_the_private_key_inside_is_the_one_outside(session: kmshsm.Session, key_spec: str) -> None:
    private: Any
    if key_spec.startswith("RSA"):
        private = rsa.generate_private_key(65537, int(key_spec[-4:]))
    else:
        private = ec.generate_private_key(
            ec.SECP256R1() if key_spec == "EC_P256" else ec.SECP256K1()
        )
    key = awaiting(session, key_spec)
    parameters = session.get_parameters_for_import(key, "RSA_2048", RSA_HYBRID)
    for encoding in (serialization.Encoding.DER, serialization.Encoding.PEM):
        wrapped = kmshsm.byok.wrap(parameters.public_key, RSA_HYBRID, pkcs8(private, encoding))
        session.import_key_material(key, wrapped, parameters.import_token)
    version = session.api.list_key_versions(key)["KeyVersions"]["KeyVersion"][0]["KeyVersionId"]
    expected = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert session.get_public_key(key, version).encode() == expected


def test_what_is_refused_is_named(session: kmshsm.Session) -> None:
    key = awaiting(session, "Aliyun_AES_256")
    public = session.get_parameters_for_import(key).public_key
    private = ec.generate_private_key(ec.SECP256R1())
    sec1 = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    for given, name, why in [
        ((public, "RSAES", bytes(32)), "WrappingAlgorithm", "It must be one of RSAES_PKCS1_V1_5,"),
        ((public, "SM2PKE", bytes(32)), "PublicKey", "EC_SM2"),
        ((b"", "RSAES_OAEP_SHA_256", bytes(32)), "PublicKey", "RSA_2048"),
        ((public, "RSAES_OAEP_SHA_256", b""), "KeyMaterial", "must not be empty"),
        ((public, "RSAES_OAEP_SHA_256", bytes(31)), "KeyMaterial", "16, 24 or 32 bytes"),
        ((public, "RSAES_OAEP_SHA_1", b"7f" * 32), "KeyMaterial", "hexadecimal digits"),
        ((public, "RSAES_PKCS1_V1_5", sec1), "KeyMaterial", "like a private key"),
        ((public, RSA_HYBRID, sec1), "KeyMaterial", "This is SEC 1"),
    ]:
        with pytest.raises(kmshsm.ArgumentError) as raised:
            kmshsm.byok.wrap(*given)
        assert f'"{name}"' in raised.value.message
        assert why in raised.value.message
        assert raised.value.request_id is None
    wrong: Any = "text"
    with pytest.raises(TypeError, match="material must be a bytes-like object, not str"):
        kmshsm.byok.wrap(public, "RSAES_OAEP_SHA_256", wrong)
    with pytest.raises(TypeError, match="public_key must be a bytes-like object, not str"):
        kmshsm.byok.wrap(wrong, "RSAES_OAEP_SHA_256", bytes(32))
    with pytest.raises(TypeError, match="algorithm must be a str, not bytes"):
        kmshsm.byok.wrap(public, bytes(32), wrong)  # type: ignore[arg-type]
