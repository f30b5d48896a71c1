"""A log that is encrypted as it is written, and can be read and checked by those with the key.

    handler = EncryptedHandler("app.log", session.key("alias/logs"))
    logging.getLogger().addHandler(handler)
    ...
    for record in read("app.log", session): print(record)

The file is lines: ``K`` and an encrypted data key begin a segment, ``R`` is a record, and ``E`` the
end of a segment; all in base64. Opening a file begins a segment, and so do 10,000 records. A record
is AES-256-GCM, its number in the segment is the nonce and its letter the additional data, so none
can be changed, moved, removed or added. The data key's context is {"Log": ..., "Offset": ...}, its
line's place in the file: nothing before it can be cut out, also where a program crashed, and no
segment comes from another log. Only the last lines can be cut off, as by a crash: then the last
segment has no end, which `read` says when it comes there; unless all of the last segment is gone.
"""

from __future__ import annotations

import fcntl
import logging
import os
from base64 import b64decode, b64encode
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterator

    import kmshsm


class Tampered(Exception):  # noqa: N818
    """The log is not as it was written."""


class Unfinished(Exception):  # noqa: N818
    """The log has no end: its program runs or has crashed, or the last lines were cut off."""


class EncryptedHandler(logging.Handler):
    """Writes encrypted records at the end of a file. One handler of one process writes a file."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        key: kmshsm.Key,
        records: int = 10_000,
    ) -> None:
        """Begins a segment, and others after so many records each.

        The log's name, for contexts, is the file's without its directory.
        """
        super().__init__()
        self._key = key
        self._records = records
        self._process = os.getpid()
        self._name = Path(path).name
        self._file = open(path, "a+b", opener=_private)  # noqa: SIM115
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # What a crash left of a line.
            self._file.seek(0)
            self._file.truncate(self._file.read().rfind(b"\n") + 1)
            self._begin()
        except BaseException:
            self._file.close()
            raise

    def emit(self, record: logging.LogRecord) -> None:
        """Encrypts a record as its formatter has it."""
        try:
            # The child's nonces would be the parent's once more.
            if os.getpid() != self._process:
                raise RuntimeError("an encrypted log does not cross a fork")
            if self._number == self._records:
                self._end()
            if self._ended:
                self._begin()
            self._write(b"R", self.format(record).encode())
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Ends the segment."""
        if not self._file.closed and not self._ended and os.getpid() == self._process:
            self._end()
        self._file.close()
        super().close()

    def _begin(self) -> None:
        context = _context(self._name, self._file.seek(0, os.SEEK_END))
        data_key, blob = self._key.generate_data_key(context=context)
        self._cipher = AESGCM(data_key)
        self._number = 0
        self._ended = False
        self._append(b"K", blob)

    def _end(self) -> None:
        self._write(b"E", b"")
        self._ended = True

    def _write(self, kind: bytes, text: bytes) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number), text, kind)
        # Also if the write fails: no number is used again.
        self._number += 1
        self._append(kind, sealed)

    def _append(self, kind: bytes, body: bytes) -> None:
        self._file.write(kind + b64encode(body) + b"\n")
        self._file.flush()


def read(path: str | os.PathLike[str], session: kmshsm.Session) -> Iterator[str]:
    """The records of a log. They are right as far as they come; then it may raise.

    That is Tampered, or a kmshsm.KmsError of a segment; or Unfinished after the last record, also
    while the program is still writing.
    """
    name = Path(path).name
    number, ended, cipher = 0, True, None
    for offset, kind, body in _lines(path):
        if kind == b"K":
            cipher = AESGCM(session.decrypt(body, _context(name, offset)))
            number, ended = 0, False
            continue
        if cipher is None:
            raise Tampered(f"{name}: a record before any segment")
        try:
            text = cipher.decrypt(_nonce(number), body, kind)
        except InvalidTag:
            raise Tampered(f"{name}: the record at {offset}") from None
        number += 1
        if kind == b"E":
            ended = True
        else:
            yield text.decode()
    if not ended:
        raise Unfinished(f"{name}: the last segment has no end")


def re_encrypt(path: str | os.PathLike[str], session: kmshsm.Session, key: kmshsm.Key) -> int:
    """Puts the data keys of a closed log under the newest version of a key, and counts them."""
    source = Path(path)
    part = source.with_name(source.name + ".part")
    with source.open("rb") as old:
        fcntl.flock(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            with open(part, "xb", opener=_private) as new:
                count = _copy(source, new, session, key)
                new.flush()
                os.fsync(new.fileno())
            part.replace(source)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return count


def _copy(source: Path, new: BinaryIO, session: kmshsm.Session, key: kmshsm.Key) -> int:
    count = 0
    for offset, kind, body in _lines(source):
        if kind == b"K":
            body = session.re_encrypt(
                body,
                key.id,
                source_context=_context(source.name, offset),
                destination_context=_context(source.name, new.tell()),
            )
            count += 1
        new.write(kind + b64encode(body) + b"\n")
    return count


def _lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, bytes, bytes]]:
    offset = 0
    with open(path, "rb") as file:
        for line in file:
            try:
                body = b64decode(line[1:].rstrip(b"\n"), validate=True)
            except ValueError:
                raise Tampered(f"{Path(path).name}: the line at {offset}") from None
            yield offset, line[:1], body
            offset += len(line)


def _context(name: str, offset: int) -> dict[str, str]:
    return {"Log": name, "Offset": str(offset)}


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
