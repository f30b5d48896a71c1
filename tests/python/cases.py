"""The language of tests/cases, described in tests/README.md: what is not the library's."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import subprocess
import tempfile
from pathlib import Path
from typing import Any

SHAPES = {
    "uuid": r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "nonempty": r"(?s:.+)",
}
PADDINGS = {
    "RSAES_PKCS1_V1_5": ["rsa_padding_mode:pkcs1"],
    "RSAES_OAEP_SHA_1": ["rsa_padding_mode:oaep", "rsa_oaep_md:sha1"],
    "RSAES_OAEP_SHA_256": ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256"],
    "SM2PKE": [],
}
# How a fresh key is wrapped, its length, and how the material is encrypted under it.
HYBRIDS = {
    "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD": ("RSAES_OAEP_SHA_256", 32, ["-aes-256-ecb"]),
    "SM2PKE_SM4_ECB": ("SM2PKE", 16, ["-sm4-ecb", "-nopad"]),
}
MISSING = object()


def decoded(text: object) -> bytes | None:
    """The bytes of canonical Base64; None of anything else."""
    if not isinstance(text, str):
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if encoded(data) == text else None


def encoded(data: bytes) -> str:
    """Base64."""
    return base64.b64encode(data).decode()


def replaced(value: Any, variables: dict[str, str]) -> Any:
    """The value with ${name} replaced in every string."""
    if isinstance(value, str):
        return re.sub(r"\$\{([^}]*)\}", lambda match: variables[match[1]], value)
    if isinstance(value, list):
        return [replaced(item, variables) for item in value]
    if isinstance(value, dict):
        return {name: replaced(item, variables) for name, item in value.items()}
    return value


def at_path(answer: Any, path: str) -> Any:
    """What a dotted path leads to, or MISSING; an empty one is all but the request's name."""
    if not path:
        return json.dumps({name: answer[name] for name in answer if name != "RequestId"})
    for part in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(part, MISSING)
        elif isinstance(answer, list) and part.isdigit() and int(part) < len(answer):
            answer = answer[int(part)]
        else:
            return MISSING
    return answer


def holds(expected: Any, value: Any) -> bool:
    """Whether the value is as expected."""
    if not isinstance(expected, dict):
        return type(value) is type(expected) and bool(value == expected)
    ((word, argument),) = expected.items()
    if word == "absent":
        return value is MISSING
    if word == "length":
        return value is not MISSING and len(value) == argument
    if word == "differs":
        return value is not MISSING and value != argument
    if word == "matches" and argument == "base64":
        return bool(decoded(value))
    if word == "matches":
        return isinstance(value, str) and re.fullmatch(SHAPES[argument], value) is not None
    raise AssertionError(f"the runner does not know {expected}")


def openssl(command: list[str], data: bytes) -> bytes:
    """What the openssl program makes of the data."""
    done = subprocess.run(["openssl", *command], input=data, capture_output=True, check=True)
    return done.stdout


def public_encrypt(public_key: bytes, algorithm: str, message: bytes) -> bytes:
    """Encrypts with a public key in DER."""
    with tempfile.TemporaryDirectory() as directory:
        public = Path(directory, "public.der")
        public.write_bytes(public_key)
        command = ["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", str(public)]
        for option in PADDINGS[algorithm]:
            command += ["-pkeyopt", option]
        return openssl(command, message)


def wrap(step: dict[str, str]) -> dict[str, str]:
    """Wraps key material as an outside party would: by the openssl program."""
    public_key = base64.b64decode(step["PublicKey"])
    algorithm, material = step["WrappingAlgorithm"], bytes.fromhex(step["KeyMaterial"])
    if algorithm in HYBRIDS:
        algorithm, key_len, cipher = HYBRIDS[algorithm]
        key = secrets.token_bytes(key_len)
        blocks = openssl(["enc", *cipher, "-K", key.hex()], material)
        wrapped = public_encrypt(public_key, algorithm, key) + blocks
    else:
        wrapped = public_encrypt(public_key, algorithm, material)
    return {"EncryptedKeyMaterial": encoded(wrapped)}


def flip(step: dict[str, Any]) -> dict[str, str]:
    """Turns over one bit."""
    data = bytearray(base64.b64decode(step["Base64"]))
    data[step["Bit"] // 8] ^= 0x80 >> step["Bit"] % 8
    return {"Base64": encoded(bytes(data))}


def cut(step: dict[str, Any]) -> dict[str, str]:
    """Keeps the first bytes."""
    return {"Base64": encoded(base64.b64decode(step["Base64"])[: step["Bytes"]])}


def der(step: dict[str, str]) -> dict[str, str]:
    """Takes the DER out of a public key in PEM."""
    lines = step["PublicKey"].splitlines()
    return {"PublicKeyBlob": "".join(line for line in lines if not line.startswith("-"))}


def repeat(step: dict[str, Any]) -> dict[str, str]:
    """Repeats a text."""
    return {"Text": step["Text"] * step["Count"]}


OWN_STEPS = {"wrap": wrap, "flip": flip, "cut": cut, "der": der, "repeat": repeat}
