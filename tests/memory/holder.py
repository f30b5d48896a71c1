"""Drives the program `holder`, and is the other party of an import."""

from __future__ import annotations

import json
import os
import pathlib
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("KMSHSM_PROGRAMS", ROOT / "build/tests/memory"))
LIBRARY = pathlib.Path(os.environ.get("KMSHSM_LIBDIR", ROOT / "build/lib")) / "libkmshsm.so.0"
ACCOUNT = "111122223333"
# KMSHSM_UNLOCK_*
PASSPHRASE, KEY_FILE = b"\1", b"\2"
REGIONS = {"AES": "cn-hongkong", "SM4": "cn-beijing"}


class RefusedError(Exception):
    """The library answered a status other than KMSHSM_OK."""


class Holder:
    """A running holder, with a name for each of its operations."""

    def __init__(self, *before: str, **how: Any) -> None:
        """Starts it, through the program and arguments `before`; `how` is for Popen."""
        program = [*before, str(PROGRAMS / "holder")]
        self.process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **how
        )
        self.pid = self.process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, operation: bytes, *arguments: bytes | str) -> list[bytes]:
        """Texts get the NUL that C wants."""
        parts = [part.encode() + b"\0" if isinstance(part, str) else part for part in arguments]
        body = b"".join(struct.pack(">I", len(part)) + part for part in parts)
        line_in, line_out = self.process.stdin, self.process.stdout
        assert line_in is not None
        assert line_out is not None
        line_in.write(operation + struct.pack(">I", len(body)) + body)
        line_in.flush()
        head = line_out.read(8)
        assert len(head) == 8, f"the holder ended: {self.process.wait()}"
        status, length = struct.unpack(">II", head)
        body, results = line_out.read(length), []
        if status:
            raise RefusedError(status)
        while body:
            (length,) = struct.unpack(">I", body[:4])
            results.append(body[4 : 4 + length])
            body = body[4 + length :]
        return results

    def open(
        self,
        place: os.PathLike[str] | str,
        secret: bytes,
        kind: bytes = KEY_FILE,
        override: bool = False,
    ) -> None:
        """Makes a store and opens it, with a session in a region of either class."""
        place = os.fspath(place)
        self.ask(b"C", place, secret, kind)
        self.ask(b"O", place, secret, kind, bytes([override]))
        for number, region in enumerate(REGIONS.values()):
            self.ask(b"S", ACCOUNT, region, bytes([number]))
        self.use("AES")

    def use(self, cipher: str) -> None:
        """Goes on in the session of the region that has this cipher."""
        self.ask(b"U", bytes([list(REGIONS).index(cipher)]))

    def call(self, action: str, **parameters: str) -> Any:
        """An action; neither parameters nor answer may be secret."""
        return json.loads(self.ask(b"J", action, json.dumps(parameters))[0])

    def create_key(self, spec: str, origin: str = "Aliyun_KMS") -> str:
        """A key at level HSM."""
        answer = self.call("CreateKey", KeySpec=spec, Origin=origin, ProtectionLevel="HSM")
        key: str = answer["KeyMetadata"]["KeyId"]
        return key

    def status(self) -> Any:
        return json.loads(self.ask(b"M")[0])

    def demand_secret_memory(self) -> None:
        """Skips the test, aloud, on a machine that has none: there is nothing to prove then."""
        memory = self.status()["memory"]
        if memory["arena"] != "memfd_secret":
            reasons = [reason for reason in memory["reasons"] if "secret" in reason["step"]]
            assert reasons, "no secret memory, and no reason"
            pytest.skip(f"this machine has no secret memory: {reasons}")

    def encrypt(self, key: str, plaintext: bytes) -> bytes:
        return self.ask(b"E", key, plaintext)[0]

    def decrypt(self, blob: bytes) -> bytes:
        return self.ask(b"D", blob)[0]

    def data_key(self, key: str) -> tuple[bytes, bytes]:
        plaintext, blob = self.ask(b"G", key, b"\x20")
        return plaintext, blob

    def import_material(self, key: str, material: bytes, algorithm: str) -> int:
        """Wraps material as its owner would; answers the modulus of the wrapping key."""
        public_der, token = self.ask(b"P", key, algorithm)
        public = serialization.load_der_public_key(public_der)
        assert isinstance(public, rsa.RSAPublicKey)
        how: padding.AsymmetricPadding = padding.PKCS1v15()
        if algorithm != "RSAES_PKCS1_V1_5":
            sha = hashes.SHA256() if algorithm.endswith("256") else hashes.SHA1()
            how = padding.OAEP(padding.MGF1(sha), sha, None)
        self.ask(b"I", key, public.encrypt(material, how), token)
        return public.public_numbers().n

    def begin_toil(self, key: str, blob: bytes) -> None:
        """A second thread decrypts this blob and encrypts the text, over and over."""
        self.ask(b"T", key, blob)

    def end_toil(self) -> tuple[int, int]:
        """How often it did, and how often that failed."""
        rounds, failures = (struct.unpack(">I", part)[0] for part in self.ask(b"t"))
        return rounds, failures

    def keep(self, data: bytes) -> None:
        """A control: puts bytes into malloc's memory."""
        self.ask(b"K", data)

    def keep_rsa(self) -> int:
        """A control: an RSA key of libcrypto's in ordinary memory. Answers its modulus."""
        public = serialization.load_der_public_key(self.ask(b"R")[0])
        assert isinstance(public, rsa.RSAPublicKey)
        return public.public_numbers().n

    def write_from_secret_memory(self) -> tuple[int, int]:
        """The errno of write(2) from there and from ordinary memory; 0 if it went."""
        there, here = (struct.unpack(">I", part)[0] for part in self.ask(b"W"))
        return there, here
