"""The two programs fileseal, and the format as docs/fileseal.md has it, read without them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import kmshsm

ROOT = Path(__file__).parents[2]
EXAMPLES = Path(os.environ.get("KMSHSM_EXAMPLES", ROOT / "build" / "examples")).resolve()
PROGRAMS = {
    "C": [str(EXAMPLES / "fileseal")],
    "Python": [sys.executable, str(ROOT / "python" / "examples" / "fileseal.py")],
}
KEY_FILE = bytes(range(32))
NOT_WHOLE = b"standard output: is not whole: do not use it\n"
FORMAT = {"fileseal": "1"}
# The encrypted data key, and the head with it.
BLOB = 32 + 91
HEAD = 13 + 2 + BLOB + 7


@dataclass(frozen=True)
class Place:
    """A folder with a store that both programs open, and two keys in it."""

    folder: Path
    keys: tuple[str, str]

    def command(self, program: str | list[str], command: str, *words: object) -> list[str]:
        """As it is started: one of PROGRAMS, or another in its place."""
        begin = PROGRAMS[program] if isinstance(program, str) else program
        store = ["--store", self.folder / "store", "--key-file", self.folder / "key"]
        return [*begin, command, *map(str, [*store, "--allow-unprotected-memory", *words])]

    def run(
        self, program: str | list[str], command: str, *words: object, given: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs it to its end."""
        started = self.command(program, command, *words)
        return subprocess.run(started, input=given, capture_output=True)

    def seal(self, program: str, plain: bytes, *words: object) -> bytes:
        """What it seals by way of standard input and output."""
        done = self.run(program, "seal", "--key", self.keys[0], *words, "-", "-", given=plain)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout

    def open(self, program: str, sealed: bytes, *words: object) -> bytes:
        """What it opens."""
        done = self.run(program, "open", *words, "-", "-", given=sealed)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout

    def refuses(self, program: str, sealed: bytes, *words: object) -> tuple[int, str]:
        """How it ends with a file that it does not open, of which nothing may be left."""
        given, back = self.folder / "given", self.folder / "back"
        given.write_bytes(sealed)
        before = set(self.folder.iterdir())
        done = self.run(program, "open", *words, given, back)
        assert done.returncode != 0
        assert set(self.folder.iterdir()) == before
        return done.returncode, done.stderr.decode().removeprefix(f"{given}: ").removesuffix("\n")


def make_place(folder: Path) -> Place:
    """Makes it."""
    (folder / "key").write_bytes(KEY_FILE)
    kmshsm.create(folder / "store", key_file=KEY_FILE)
    with open_place(folder) as store:
        return Place(folder, (store.create_key().id, store.create_key().id))


def open_place(folder: Path) -> kmshsm.Store:
    """Its store."""
    return kmshsm.open(folder / "store", key_file=KEY_FILE, allow_unprotected_memory=True)


@dataclass(frozen=True)
class Parts:
    """A sealed file, taken apart."""

    head: bytes
    chunks: tuple[bytes, ...]

    @classmethod
    def of(cls, sealed: bytes) -> Parts:
        """Cuts where the head says."""
        size = int.from_bytes(sealed[9:13], "big") + 16
        body = sealed[HEAD:]
        return cls(sealed[:HEAD], tuple(body[at : at + size] for at in range(0, len(body), size)))

    def __bytes__(self) -> bytes:
        return self.head + b"".join(self.chunks)


def seal_by_the_letter(head: bytes, data_key: bytes, chunks: list[bytes]) -> bytes:
    """Chunks behind a head."""
    cipher, prefix, bound = AESGCM(data_key), head[-7:], head[:13]
    last = len(chunks) - 1
    return head + b"".join(
        cipher.encrypt(prefix + at.to_bytes(4, "big") + bytes([at == last]), chunk, bound)
        for at, chunk in enumerate(chunks)
    )


def open_by_the_letter(session: kmshsm.Session, sealed: bytes) -> bytes:
    """The contents, whose every part must be where the document says."""
    assert sealed[:9] == b"FILESEAL\x01"
    assert sealed[13:15] == BLOB.to_bytes(2, "big")
    parts = Parts.of(sealed)
    size = int.from_bytes(sealed[9:13], "big")
    data_key = session.decrypt(sealed[15 : 15 + BLOB], FORMAT)
    cipher, prefix, bound = AESGCM(data_key), parts.head[-7:], sealed[:13]
    last = len(parts.chunks) - 1
    opened = [
        cipher.decrypt(prefix + at.to_bytes(4, "big") + bytes([at == last]), chunk, bound)
        for at, chunk in enumerate(parts.chunks)
    ]
    assert [len(chunk) for chunk in opened[:-1]] == [size] * last
    assert opened[-1] or not last
    return b"".join(opened)
