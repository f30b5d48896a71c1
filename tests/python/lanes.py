"""The two ways to do a step: in JSON, and in bytes where there is a method for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cases import decoded, encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    import kmshsm

# The parameters that must be there, and those that may.
TYPED = {
    "Encrypt": ({"KeyId", "Plaintext"}, {"EncryptionContext"}),
    "Decrypt": ({"CiphertextBlob"}, {"EncryptionContext"}),
    "GenerateDataKey": ({"KeyId", "NumberOfBytes"}, {"EncryptionContext"}),
    "GenerateDataKeyWithoutPlaintext": ({"KeyId", "NumberOfBytes"}, {"EncryptionContext"}),
    "GenerateRandom": ({"Length"}, set()),
    "GetParametersForImport": ({"KeyId", "WrappingKeySpec", "WrappingAlgorithm"}, set()),
    "ImportKeyMaterial": (
        {"KeyId", "EncryptedKeyMaterial", "ImportToken"},
        {"KeyMaterialExpireUnix"},
    ),
    "AsymmetricSign": ({"KeyId", "KeyVersionId", "Algorithm", "Digest"}, set()),
    "AsymmetricVerify": ({"KeyId", "KeyVersionId", "Algorithm", "Digest", "Value"}, set()),
    "AsymmetricEncrypt": ({"KeyId", "KeyVersionId", "Algorithm", "Plaintext"}, set()),
    "AsymmetricDecrypt": ({"KeyId", "KeyVersionId", "Algorithm", "CiphertextBlob"}, set()),
    "GetPublicKey": ({"KeyId", "KeyVersionId"}, set()),
    "ReEncrypt": (
        {"CiphertextBlob", "DestinationKeyId"},
        {
            "SourceKeyId",
            "SourceKeyVersionId",
            "SourceEncryptionAlgorithm",
            "SourceEncryptionContext",
            "DestinationEncryptionContext",
        },
    ),
    "ExportDataKey": (
        {"CiphertextBlob", "PublicKeyBlob", "WrappingKeySpec", "WrappingAlgorithm"},
        {"EncryptionContext"},
    ),
    "GenerateAndExportDataKey": (
        {"KeyId", "NumberOfBytes", "PublicKeyBlob", "WrappingKeySpec", "WrappingAlgorithm"},
        {"EncryptionContext"},
    ),
}
TEXTS = {
    "KeyId",
    "KeyVersionId",
    "Algorithm",
    "WrappingKeySpec",
    "WrappingAlgorithm",
    "SourceKeyId",
    "SourceKeyVersionId",
    "SourceEncryptionAlgorithm",
    "DestinationKeyId",
}
BASE64 = {
    "CiphertextBlob",
    "EncryptedKeyMaterial",
    "ImportToken",
    "Digest",
    "Value",
    "PublicKeyBlob",
}
NUMBERS = {"Length", "NumberOfBytes", "KeyMaterialExpireUnix"}


def plaintext(text: str) -> bytes:
    """The bytes that a Plaintext in JSON stands for."""
    data = decoded(text)
    return text.encode() if data is None else data


def typed(session: kmshsm.Session, action: str, given: Any) -> dict[str, Any] | None:
    """Does the action in bytes; None if only JSON can say it."""
    needed, more = TYPED.get(action, (set(), set()))
    if not needed or not needed <= given.keys() <= needed | more:
        return None
    arguments = {name: argument(name, value) for name, value in given.items()}
    if action == "AsymmetricEncrypt":
        # There a text is no plaintext.
        arguments["Plaintext"] = decoded(given["Plaintext"])
    if None in arguments.values():
        return None
    return METHODS[action](session, arguments)


def argument(name: str, value: Any) -> Any:
    """A parameter as the typed methods take it; None if they do not."""
    if name in TEXTS:
        return value if isinstance(value, str) else None
    if name in BASE64:
        return decoded(value)
    if name in NUMBERS:
        digits = value if isinstance(value, str) else json.dumps(value)
        return int(digits) if digits.isascii() and digits.isdigit() else None
    if name == "Plaintext":
        return plaintext(value) if isinstance(value, str) else None
    return context(value)


def context(value: Any) -> dict[str, str] | None:
    """An encryption context that a mapping can say exactly."""
    if isinstance(value, str):
        try:
            read = json.loads(value)
        except ValueError:
            return None
        # The rules of JSON text count blanks and see repeated members.
        if json.dumps(read, separators=(",", ":"), ensure_ascii=False) != value:
            return None
        value = read
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        return None
    return value


def encrypt(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    blob = session.encrypt(given["KeyId"], given["Plaintext"], given.get("EncryptionContext"))
    return {"CiphertextBlob": encoded(blob)}


def decrypt(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    data = session.decrypt(given["CiphertextBlob"], given.get("EncryptionContext"))
    return {"Plaintext": encoded(data)}


def data_key(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    key, blob = session.generate_data_key(
        given["KeyId"], given["NumberOfBytes"], given.get("EncryptionContext")
    )
    return {"Plaintext": encoded(key), "CiphertextBlob": encoded(blob)}


def sealed_key(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    blob = session.generate_data_key_without_plaintext(
        given["KeyId"], given["NumberOfBytes"], given.get("EncryptionContext")
    )
    return {"CiphertextBlob": encoded(blob)}


def random(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    return {"Random": encoded(session.generate_random(given["Length"]))}


def parameters(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    answer = session.get_parameters_for_import(
        given["KeyId"], given["WrappingKeySpec"], given["WrappingAlgorithm"]
    )
    return {
        "PublicKey": encoded(answer.public_key),
        "ImportToken": encoded(answer.import_token),
        "TokenExpireTime": answer.token_expire_time.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def import_material(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    session.import_key_material(
        given["KeyId"],
        given["EncryptedKeyMaterial"],
        given["ImportToken"],
        expires=given.get("KeyMaterialExpireUnix"),
    )
    return {}


def sign(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    value = session.asymmetric_sign(
        given["KeyId"], given["KeyVersionId"], given["Algorithm"], given["Digest"]
    )
    return {"Value": encoded(value)}


def verify(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    value = session.asymmetric_verify(
        given["KeyId"], given["KeyVersionId"], given["Algorithm"], given["Digest"], given["Value"]
    )
    return {"Value": value}


def public_encrypt(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    blob = session.asymmetric_encrypt(
        given["KeyId"], given["KeyVersionId"], given["Algorithm"], given["Plaintext"]
    )
    return {"CiphertextBlob": encoded(blob)}


def private_decrypt(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    data = session.asymmetric_decrypt(
        given["KeyId"], given["KeyVersionId"], given["Algorithm"], given["CiphertextBlob"]
    )
    return {"Plaintext": encoded(data)}


def public_key(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    return {"PublicKey": session.get_public_key(given["KeyId"], given["KeyVersionId"])}


def re_encrypt(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    blob = session.re_encrypt(
        given["CiphertextBlob"],
        given["DestinationKeyId"],
        source_context=given.get("SourceEncryptionContext"),
        destination_context=given.get("DestinationEncryptionContext"),
        source_key_id=given.get("SourceKeyId"),
        source_key_version_id=given.get("SourceKeyVersionId"),
        source_encryption_algorithm=given.get("SourceEncryptionAlgorithm"),
    )
    return {"CiphertextBlob": encoded(blob)}


def export(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    exported = session.export_data_key(
        given["CiphertextBlob"],
        given["PublicKeyBlob"],
        given.get("EncryptionContext"),
        wrapping_key_spec=given["WrappingKeySpec"],
        wrapping_algorithm=given["WrappingAlgorithm"],
    )
    return {"ExportedDataKey": encoded(exported)}


def generate_and_export(session: kmshsm.Session, given: dict[str, Any]) -> dict[str, Any]:
    blob, exported = session.generate_and_export_data_key(
        given["KeyId"],
        given["PublicKeyBlob"],
        given["NumberOfBytes"],
        given.get("EncryptionContext"),
        wrapping_key_spec=given["WrappingKeySpec"],
        wrapping_algorithm=given["WrappingAlgorithm"],
    )
    return {"CiphertextBlob": encoded(blob), "ExportedDataKey": encoded(exported)}


METHODS: dict[str, Callable[[kmshsm.Session, dict[str, Any]], dict[str, Any]]] = {
    "Encrypt": encrypt,
    "Decrypt": decrypt,
    "GenerateDataKey": data_key,
    "GenerateDataKeyWithoutPlaintext": sealed_key,
    "GenerateRandom": random,
    "GetParametersForImport": parameters,
    "ImportKeyMaterial": import_material,
    "AsymmetricSign": sign,
    "AsymmetricVerify": verify,
    "AsymmetricEncrypt": public_encrypt,
    "AsymmetricDecrypt": private_decrypt,
    "GetPublicKey": public_key,
    "ReEncrypt": re_encrypt,
    "ExportDataKey": export,
    "GenerateAndExportDataKey": generate_and_export,
}
