"""ECS disks: the image of a block device, encrypted sector by sector under a key of its own.

    create("d-1.img", session, key, "d-1", sectors=1 << 18)
    with EncryptedDisk("d-1.img", session, "d-1") as disk:
        disk.write(0, superblock)

The first sector of the image has the length (2 bytes, big-endian) and the ciphertext of the disk's
data key, with the context {"Disk": "d-1"}. The others are AES-256-XTS (IEEE 1619), as disks are
encrypted everywhere: sectors of 4096 bytes, each with its number as the tweak, so they can be
written in any order. There is no room for tags: who changes the image makes garbage of sectors, or
puts old ones back, and nobody notices. Where that matters, a file system with checksums is above.

A snapshot is a disk of its own: the image copied, its data key under the snapshot's name.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import XTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

    import kmshsm

SECTOR = 4096
# Two keys of AES-256: one for the data, one for the tweak.
DATA_KEY = 64


class EncryptedDisk:
    """An open disk, for any number of threads. Leaving its ``with`` block closes it."""

    def __init__(self, path: str | os.PathLike[str], session: kmshsm.Session, name: str) -> None:
        """Opens the image of the disk of this name."""
        self._file = open(path, "r+b", 0)  # noqa: SIM115
        try:
            data_key = session.decrypt(_blob(self._file.read(SECTOR)), _context(name))
        except BaseException:
            self._file.close()
            raise
        self._key = AES(data_key)
        self.sectors = os.fstat(self._file.fileno()).st_size // SECTOR - 1

    def read(self, sector: int, count: int = 1) -> bytes:
        """The content of sectors; the first of the disk is 0."""
        self._check(sector, count)
        sealed = os.pread(self._file.fileno(), count * SECTOR, (1 + sector) * SECTOR)
        numbers = range(sector, sector + count)
        return b"".join(
            self._cipher(number).decryptor().update(piece)
            for number, piece in zip(numbers, _pieces(sealed))
        )

    def write(self, sector: int, data: bytes) -> None:
        """Writes whole sectors."""
        if len(data) % SECTOR:
            raise ValueError(f"sectors are of {SECTOR} bytes")
        self._check(sector, len(data) // SECTOR)
        sealed = b"".join(
            self._cipher(number).encryptor().update(piece)
            for number, piece in enumerate(_pieces(data), sector)
        )
        os.pwrite(self._file.fileno(), sealed, (1 + sector) * SECTOR)

    def close(self) -> None:
        """Has all that was written be on disk, and closes the image."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()

    def _check(self, sector: int, count: int) -> None:
        if not 0 <= sector <= sector + count <= self.sectors:
            raise ValueError(f"the disk has {self.sectors} sectors")

    def _cipher(self, sector: int) -> Cipher[XTS]:
        return Cipher(self._key, XTS(sector.to_bytes(16, "little")))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self.close()


def create(
    path: str | os.PathLike[str], session: kmshsm.Session, key: kmshsm.Key, name: str, sectors: int
) -> None:
    """Makes the image of a disk of this name. Sectors that were never written read as noise."""
    blob = session.generate_data_key_without_plaintext(key.id, DATA_KEY, _context(name))
    with open(path, "xb") as file:
        file.write(_head(blob))
        file.truncate((1 + sectors) * SECTOR)


def snapshot(
    path: str | os.PathLike[str],
    session: kmshsm.Session,
    key: kmshsm.Key,
    name: str,
    target: str | os.PathLike[str],
    target_name: str,
) -> None:
    """Copies a disk that nobody writes, as a disk of another name under this key's newest version.

    Its sectors are not encrypted anew: who has had the data key of the one can read the other.
    """
    with open(path, "rb") as old, open(target, "xb") as new:
        blob = session.re_encrypt(
            _blob(old.read(SECTOR)),
            key.id,
            source_context=_context(name),
            destination_context=_context(target_name),
        )
        new.write(_head(blob))
        shutil.copyfileobj(old, new)


def _context(name: str) -> dict[str, str]:
    return {"Disk": name}


def _head(blob: bytes) -> bytes:
    return (len(blob).to_bytes(2, "big") + blob).ljust(SECTOR, b"\0")


def _blob(head: bytes) -> bytes:
    return head[2 : 2 + int.from_bytes(head[:2], "big")]


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[start : start + SECTOR] for start in range(0, len(data), SECTOR))
