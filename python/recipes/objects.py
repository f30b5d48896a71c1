"""OSS objects: server-side encryption with a data key for each object, over boto3.

For any store that speaks S3, as OSS does. An object is AES-256-GCM in chunks of 64 KiB, each with a
tag of 16 bytes; the nonce of a chunk is its number, and its additional data one byte: 1 for the
last chunk, else 0. Chunks cannot be changed, moved or cut off, and a range is read without what is
before and behind it. The data key is the object's own; its ciphertext is in the metadata
``kms-data-key``, encrypted with the context {"Bucket": ..., "Object": ...}: under another name the
object does not open. So `copy` encrypts the data key anew, inside the key store, and the object
store copies the rest by itself.
"""

from __future__ import annotations

import io
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_s3 import S3Client

    import kmshsm

CHUNK = 1 << 16
TAG = 16
SEALED = CHUNK + TAG
DATA_KEY = "kms-data-key"


class Damaged(Exception):  # noqa: N818
    """The object has been changed or cut off, or was not made here."""


class EncryptedBucket:
    """A bucket in which all objects are encrypted under a key of a store."""

    def __init__(
        self, client: S3Client, bucket: str, session: kmshsm.Session, key: kmshsm.Key
    ) -> None:
        """The bucket of this name, and the key under which data keys are encrypted."""
        self._client = client
        self._bucket = bucket
        self._session = session
        self._key = key

    def put(self, name: str, source: BinaryIO, **extra: Any) -> None:
        """Makes an object of a file of any size, which is read once.

        :param extra: More that boto3 takes, such as ``ContentType``.
        """
        data_key, blob = self._key.generate_data_key(context=self._context(name))
        extra["Metadata"] = {**extra.get("Metadata", {}), DATA_KEY: b64encode(blob).decode()}
        stream = _file(_seal(AESGCM(data_key), source))
        self._client.upload_fileobj(stream, self._bucket, name, ExtraArgs=extra)

    def get(self, name: str, start: int = 0, stop: int | None = None) -> io.BufferedReader:
        """An object, or a part of it as slices have it, as a file.

        What has been read is authentic. It is whole when the end has been read without Damaged.
        """
        first = start // CHUNK
        end = None if stop is None else max(first + 1, -(-stop // CHUNK))
        try:
            answer = self._ask(name, first, end)
        except self._client.exceptions.ClientError as error:
            if error.response.get("Error", {}).get("Code") != "InvalidRange":
                raise
            # Nothing is behind the end: the last chunk tells where that is.
            size = self._client.head_object(Bucket=self._bucket, Key=name)["ContentLength"]
            first, end = max(0, size - 1) // SEALED, None
            if first > start // CHUNK or not size:
                raise Damaged(f"{name} has been changed or cut off") from None
            answer = self._ask(name, first, end)
        cipher = AESGCM(self._session.decrypt(_blob(name, answer), self._context(name)))
        # At least one is opened, whatever the server says: it tells which is the last.
        chunks = max(first + 1, -(-int(answer["ContentRange"].rpartition("/")[2]) // SEALED))
        end = chunks if end is None else min(end, chunks)
        body = io.BufferedReader(answer["Body"], SEALED)
        opened = _open(name, cipher, body, range(first, end), chunks)
        return _file(_cut(opened, first * CHUNK, start, stop))

    def copy(self, name: str, target: str, bucket: EncryptedBucket | None = None) -> None:
        """Copies an object, also into another bucket under another key, if it has not changed.

        The bytes stay with the object store. Copied onto itself, it is under the newest version of
        the bucket's key: that is how objects follow a rotation.
        """
        other = bucket or self
        head = self._client.head_object(Bucket=self._bucket, Key=name)
        blob = self._session.re_encrypt(
            _blob(name, head),
            other._key.id,
            source_context=self._context(name),
            destination_context=other._context(target),
        )
        other._client.copy_object(
            Bucket=other._bucket,
            Key=target,
            CopySource={"Bucket": self._bucket, "Key": name},
            CopySourceIfMatch=head["ETag"],
            MetadataDirective="REPLACE",
            Metadata={**head["Metadata"], DATA_KEY: b64encode(blob).decode()},
            ContentType=head["ContentType"],
        )

    def _ask(self, name: str, first: int, end: int | None) -> Any:
        """For chunks of an object."""
        last = "" if end is None else end * SEALED - 1
        return self._client.get_object(
            Bucket=self._bucket, Key=name, Range=f"bytes={first * SEALED}-{last}"
        )

    def _context(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Object": name}


def _blob(name: str, answer: Any) -> bytes:
    try:
        return b64decode(answer["Metadata"][DATA_KEY])
    except KeyError:
        raise Damaged(f"{name} is not encrypted") from None


def _seal(cipher: AESGCM, source: BinaryIO) -> Iterator[bytes]:
    number, chunk = 0, source.read(CHUNK)
    while True:
        following = source.read(CHUNK)
        yield cipher.encrypt(_nonce(number), chunk, _flag(last=not following))
        if not following:
            return
        number, chunk = number + 1, following


def _open(name: str, cipher: AESGCM, body: BinaryIO, wanted: range, chunks: int) -> Iterator[bytes]:
    for number in wanted:
        try:
            sealed = body.read(SEALED)
            yield cipher.decrypt(_nonce(number), sealed, _flag(last=number == chunks - 1))
        except InvalidTag:
            raise Damaged(f"{name} has been changed or cut off") from None


def _cut(pieces: Iterator[bytes], before: int, start: int, stop: int | None) -> Iterator[bytes]:
    """Of what follows so many bytes, what is from start to stop."""
    for piece in pieces:
        yield piece[max(0, start - before) : None if stop is None else max(0, stop - before)]
        before += len(piece)


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _flag(*, last: bool) -> bytes:
    return b"\1" if last else b"\0"


class _Pieces(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _file(pieces: Iterator[bytes]) -> io.BufferedReader:
    return io.BufferedReader(_Pieces(pieces), CHUNK)
