"""Keys of a token that SoftHSM makes here and now. tests/softhsm.rs reads a committed one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/softhsm/libsofthsm2.so"),
]
MODULE = next((path for path in MODULES if path.exists()), None)
PIN = "4711 and more"
MESSAGE = b"signed by a key that was in a token"

pytestmark = pytest.mark.skipif(
    MODULE is None or not shutil.which("softhsm2-util") or not shutil.which("pkcs11-tool"),
    reason="needs softhsm2 and opensc",
)


class Place:
    """A folder with a token and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tokens").mkdir()
        conf = self.write(
            "softhsm2.conf",
            f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n".encode(),
        )
        self.env = {**os.environ, "SOFTHSM2_CONF": str(conf)}
        self.pin = self.write("pin", PIN.encode())
        self.passphrase = self.write("passphrase", b"right")
        self.program = Path(os.environ.get("KMSHSM", ROOT / "build" / "bin" / "kmshsm")).resolve()

    def write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def run(self, *command: object) -> bytes:
        return subprocess.run(
            [*map(str, command)], env=self.env, cwd=self.folder, capture_output=True, check=True
        ).stdout

    def pkcs11(self, *options: object) -> None:
        self.run("pkcs11-tool", "--module", MODULE, "--login", "--pin", PIN, *options)

    def kmshsm(self, command: str, *options: object) -> Any:
        place = ["--store", "store", "--passphrase-file", self.passphrase]
        answer = self.run(self.program, *command.split(), *place, *options)
        return json.loads(answer) if command != "init" else None

    def take(self, *options: object) -> Any:
        [directory] = (self.folder / "tokens").iterdir()
        options = (directory, "--allow-unprotected-memory", *options)
        return self.kmshsm("import softhsm", *options)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    free = ["--init-token", "--free", "--label", "fresh", "--so-pin", "12345678", "--pin", PIN]
    place.run("softhsm2-util", *free)
    place.kmshsm("init")
    return place


def test_a_key_signs_here_as_it_did_there(place: Place) -> None:
    rsa = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    ec = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    kinds = {"rsa": rsa, "ec": ec}
    for name, made in kinds.items():
        key = ["--write-object", f"{name}.der", "--type", "privkey", "--label", name]
        place.run("openssl", "genpkey", *made, "-outform", "DER", "-out", f"{name}.der")
        place.run("openssl", "pkey", "-in", f"{name}.der", "-pubout", "-out", f"{name}.pem")
        place.pkcs11(*key, "--id", "0a", "--usage-sign", "--extractable")
    place.pkcs11("--keygen", "--key-type", "AES:32", "--label", "stays")

    report = place.take("--pin-file", place.pin)
    assert {key["Label"] for key in report["Taken"]} == {"rsa", "ec"}
    assert [(key["Label"], "CKA_EXTRACTABLE" in key["Why"]) for key in report["Refused"]] == [
        ("stays", True)
    ]
    place.write("message", MESSAGE)
    for key in report["Taken"]:
        algorithm = {"rsa": "RSA_PKCS1_SHA_256", "ec": "ECDSA_SHA_256"}[key["Label"]]
        which = ["--KeyId", key["KeyId"], "--allow-unprotected-memory"]
        [version] = place.kmshsm("ListKeyVersions", *which)["KeyVersions"]["KeyVersion"]
        digest = place.write(
            "digest", place.run("openssl", "dgst", "-sha256", "-binary", "message")
        )
        signed = place.kmshsm(
            "AsymmetricSign",
            *which,
            *["--KeyVersionId", version["KeyVersionId"], "--Algorithm", algorithm],
            *["--Digest", f"fileb://{digest}"],
        )
        signature = place.folder / "signature"
        place.write("signature.txt", signed["Value"].encode())
        place.run("openssl", "base64", "-d", "-A", "-in", "signature.txt", "-out", signature)
        verify = ["-verify", f"{key['Label']}.pem", "-signature", signature, "message"]
        place.run("openssl", "dgst", "-sha256", *verify)

    again = place.take("--pin-file", place.pin)
    assert again["Taken"] == []


def test_a_wrong_pin_takes_nothing(place: Place) -> None:
    place.pkcs11("--keygen", "--key-type", "AES:32", "--label", "open", "--extractable")
    wrong = place.write("wrong", b"1234")
    with pytest.raises(subprocess.CalledProcessError) as failure:
        place.take("--pin-file", wrong)
    assert failure.value.returncode == 6
    assert b"PIN" in failure.value.stderr
    dry = place.take("--pin-file", place.pin, "--dry-run")
    assert [key["KeyId"] for key in dry["Taken"]] == [None]
    assert place.kmshsm("ListKeys")["TotalCount"] == 0
