"""Sealed files: their head, their chunks, and what is done with them; see docs/fileseal.md."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import kmshsm

MAGIC = b"FILESEAL"
VERSION = 1
BLOB_MAX = 1024
CHUNK_MAX = 1 << 24
CHUNKS_MAX = 2**32 - 1
DATA_KEY = 32
PREFIX = 7
TAG = 16
# Where the service's ciphertext has the version of its key.
KEY_VERSION = slice(3, 19)


class Refused(Exception):  # noqa: N818
    """What concerns arguments and files."""

    exit_code = 1


class Damaged(Refused):
    """The file is not as it was sealed."""

    exit_code = 5


@dataclass(frozen=True)
class Head:
    """What stands in front of the chunks."""

    chunk: int
    blob: bytes
    """The encrypted data key."""
    prefix: bytes

    @property
    def fixed(self) -> bytes:
        """What stays for ever, and every chunk authenticates."""
        return MAGIC + bytes([VERSION]) + self.chunk.to_bytes(4, "big")

    def __bytes__(self) -> bytes:
        return self.fixed + len(self.blob).to_bytes(2, "big") + self.blob + self.prefix

    @classmethod
    def read(cls, source: BinaryIO) -> Head:
        """Reads the head of a sealed file."""

        def field(size: int) -> bytes:
            read = source.read(size)
            if len(read) < size:
                raise Damaged("is cut off in its head")
            return read

        if source.read(len(MAGIC)) != MAGIC:
            raise Damaged("is not a sealed file")
        if field(1) != bytes([VERSION]):
            raise Damaged("is of a version that is not known here")
        chunk = int.from_bytes(field(4), "big")
        if not 1 <= chunk <= CHUNK_MAX:
            raise Damaged("has an impossible chunk size")
        size = int.from_bytes(field(2), "big")
        if not 1 <= size <= BLOB_MAX:
            raise Damaged("has an impossible data key")
        return cls(chunk, field(size), field(PREFIX))


class Stream:
    """STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, 2015) over AES-256-GCM: each chunk is sealed
    with its number and whether it is the last one, so that no chunk opens in another place."""

    def __init__(self, data_key: bytes, head: Head) -> None:
        """Begins with chunk 0."""
        self.cipher = AESGCM(data_key)
        self.head = head
        self.next = 0

    def nonce(self, *, last: bool) -> bytes:
        """Of the next chunk."""
        return self.head.prefix + self.next.to_bytes(4, "big") + bytes([last])

    def seal(self, chunk: bytes, *, last: bool) -> bytes:
        """Seals the next chunk."""
        if self.next == CHUNKS_MAX:
            raise Refused("has too many chunks of this size")
        sealed = self.cipher.encrypt(self.nonce(last=last), chunk, self.head.fixed)
        self.next += 1
        return sealed

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        """Opens the next chunk."""
        if self.next == CHUNKS_MAX:
            raise Damaged("has too many chunks")
        if len(sealed) < TAG:
            raise Damaged(f"is cut off in chunk {self.next + 1}")
        try:
            chunk = self.cipher.decrypt(self.nonce(last=last), sealed, self.head.fixed)
        except InvalidTag:
            raise Damaged(self._explain(sealed, last=last)) from None
        self.next += 1
        if last and not chunk and self.next > 1:
            raise Damaged("ends in an empty chunk")
        return chunk

    def _explain(self, sealed: bytes, *, last: bool) -> str:
        # What has been done to it, as far as that can be told: it may open as what it does not
        # seem to be, the last one or not.
        number = self.next + 1
        try:
            self.cipher.decrypt(self.nonce(last=not last), sealed, self.head.fixed)
        except InvalidTag:
            where = f"{'its head or ' if number == 1 else ''}chunk {number}"
            return f"has {where} changed or moved{', or is cut off there' if last else ''}"
        if last:
            return f"is cut off after chunk {number}"
        return f"goes on behind its end, chunk {number}"


def pieces(source: BinaryIO, size: int) -> Iterator[tuple[bytes, bool]]:
    """A file in pieces, and whether each is the last one. An empty file is one empty piece."""
    piece = source.read(size)
    while following := source.read(size):
        yield piece, False
        piece = following
    yield piece, True


def seal(
    session: kmshsm.Session,
    key: str,
    context: Mapping[str, str],
    source: BinaryIO,
    chunk_size: int = 65536,
) -> Iterator[bytes]:
    """A sealed file, piece by piece."""
    data_key, blob = session.generate_data_key(key, DATA_KEY, context)
    head = Head(chunk_size, blob, session.generate_random(PREFIX))
    yield bytes(head)
    stream = Stream(data_key, head)
    for chunk, last in pieces(source, chunk_size):
        yield stream.seal(chunk, last=last)


def unseal(
    session: kmshsm.Session, context: Mapping[str, str], head: Head, source: BinaryIO
) -> Iterator[bytes]:
    """What is in a sealed file, piece by piece. If it raises, they are not the whole."""
    data_key = session.decrypt(head.blob, context)
    if len(data_key) != DATA_KEY:
        raise Damaged("has a data key of another length")
    stream = Stream(data_key, head)
    for sealed, last in pieces(source, head.chunk + TAG):
        yield stream.open(sealed, last=last)


def rewrap(
    session: kmshsm.Session, key: str, context: Mapping[str, str], head: Head, source: BinaryIO
) -> Iterator[bytes]:
    """The file with its data key under another key, or the newest version of its own."""
    blob = session.re_encrypt(head.blob, key, source_context=context, destination_context=context)
    yield bytes(replace(head, blob=blob))
    for piece, _ in pieces(source, 65536):
        yield piece


def info(head: Head, source: BinaryIO) -> Iterator[str]:
    """What the file tells without its key."""
    yield "format       fileseal 1"
    yield f"chunk_size   {head.chunk}"
    if len(head.blob) >= KEY_VERSION.stop:
        yield f"key_version  {UUID(bytes=head.blob[KEY_VERSION])}"
    if not source.seekable():
        return
    length = source.seek(0, os.SEEK_END) - len(bytes(head))
    chunks = -(-length // (head.chunk + TAG))
    if chunks and length >= chunks * TAG:
        yield f"length       {length - chunks * TAG}"
        yield f"chunks       {chunks}"
