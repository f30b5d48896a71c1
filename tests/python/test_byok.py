"""Wrapping of key material by its owner, and docs/byok.md, whose commands are run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import kmshsm

ROOT = Path(__file__).parents[2]
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


# --- docs/byok.md ------------------------------------------------------------------------------

MARKED = re.compile(r"^<!-- run: (\S+) -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = ["wrap", "RSAES_OAEP_SHA_256", "RSAES_PKCS1_V1_5", "SM2PKE", RSA_HYBRID, "SM2PKE_SM4_ECB"]


def blocks() -> dict[str, list[str]]:
    """The commands, by the names that they are marked with."""
    text = (ROOT / "docs" / "byok.md").read_text()
    found: dict[str, list[str]] = {}
    for name, language, commands in MARKED.findall(text):
        assert language == ("python" if name == "python" else "sh")
        found.setdefault(name, []).append(commands)
    # Each one that is commands at all is marked.
    fences = re.findall(r"^```(?:sh|python)$", text, re.MULTILINE)
    assert len(fences) == sum(map(len, found.values()))
    return found


@pytest.fixture
def commands(tmp_path: Path) -> dict[str, str]:
    """An environment in which kmshsm is the program, with the override for unlocked memory."""
    program = Path(os.environ.get("KMSHSM", ROOT / "build" / "bin" / "kmshsm")).resolve()
    assert program.exists(), f"there is no {program}: make cli"
    script = tmp_path / "bin" / "kmshsm"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/sh\n"
        f'case $1 in init | wrap) exec {program} "$@" ;; esac\n'
        f'exec {program} "$@" --allow-unprotected-memory\n'
    )
    script.chmod(0o700)
    return {"PATH": f"{script.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}


def test_the_documentation_is_all_run() -> None:
    assert blocks().keys() == {"store", "python", *SHELL}


@pytest.mark.parametrize("name", SHELL)
def test_the_commands_of_the_documentation_work(
    name: str, tmp_path: Path, commands: dict[str, str]
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    own = "".join(blocks()[name])
    script = "".join(blocks()["store"]) + own
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=place,
        env=commands,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if not line.startswith(("Made", "Created"))]
    assert told == ["Enabled"] * own.count("# Enabled\n")
    assert told


def test_the_program_of_the_documentation_works(tmp_path: Path) -> None:
    (program,) = blocks()["python"]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "Enabled\n", "")
