"""Images of encrypted disks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import kmshsm
from recipes.disk import SECTOR, EncryptedDisk, create, snapshot

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def image(tmp_path: Path, session: kmshsm.Session, key: str) -> Path:
    """A disk of 64 sectors, d-1."""
    path = tmp_path / "d-1.img"
    create(path, session, session.key(key), "d-1", sectors=64)
    return path


def test_sectors(image: Path, session: kmshsm.Session) -> None:
    data = b"\0" * SECTOR + os.urandom(2 * SECTOR) + b"\0" * SECTOR
    with EncryptedDisk(image, session, "d-1") as disk:
        assert disk.sectors == 64
        disk.write(60, data)
        disk.write(2, data[:SECTOR])
        assert disk.read(60, 4) == data
        assert disk.read(62) == data[2 * SECTOR : 3 * SECTOR]
    with EncryptedDisk(image, session, "d-1") as disk:
        assert disk.read(60, 4) == data
        assert disk.read(60, 0) == b""
        for call in (
            lambda: disk.read(61, 4),
            lambda: disk.read(-1),
            lambda: disk.write(64, data[:SECTOR]),
            lambda: disk.write(0, b"x"),
        ):
            with pytest.raises(ValueError):
                call()
    content = image.read_bytes()
    assert len(content) == 65 * SECTOR
    assert data[SECTOR : SECTOR + 16] not in content
    # What is equal does not look so.
    zeros = {content[start : start + 16] for start in range(61 * SECTOR, 62 * SECTOR, 16)}
    assert len(zeros) == SECTOR // 16
    assert content[3 * SECTOR : 4 * SECTOR] != content[61 * SECTOR : 62 * SECTOR]


def test_it_is_plain_xts(image: Path, session: kmshsm.Session) -> None:
    """As dm-crypt has it: aes-xts-plain64, sectors of 4096 bytes and their numbers."""
    data = os.urandom(SECTOR)
    with EncryptedDisk(image, session, "d-1") as disk:
        disk.write(5, data)
    content = image.read_bytes()
    blob = content[2 : 2 + int.from_bytes(content[:2], "big")]
    key = session.decrypt(blob, {"Disk": "d-1"})
    cipher = Cipher(algorithms.AES(key), modes.XTS((5).to_bytes(8, "little") + bytes(8)))
    sealed = content[6 * SECTOR : 7 * SECTOR]
    assert cipher.decryptor().update(sealed) == data


def test_other_names_are_refused(image: Path, session: kmshsm.Session) -> None:
    with pytest.raises(kmshsm.CryptoError):
        EncryptedDisk(image, session, "d-2")


def test_snapshots(image: Path, tmp_path: Path, session: kmshsm.Session, key: str) -> None:
    data = os.urandom(SECTOR)
    with EncryptedDisk(image, session, "d-1") as disk:
        disk.write(7, data)
    other = session.create_key(protection_level="HSM")
    snapshot(image, session, other, "d-1", tmp_path / "s-1.img", "s-1")
    session.key(key).disable()
    with EncryptedDisk(tmp_path / "s-1.img", session, "s-1") as disk:
        assert disk.read(7) == data
        disk.write(7, bytes(SECTOR))
    session.key(key).enable()
    for path, name in ((tmp_path / "s-1.img", "d-1"), (image, "s-1")):
        with pytest.raises(kmshsm.CryptoError):
            EncryptedDisk(path, session, name)
    with EncryptedDisk(image, session, "d-1") as disk:
        assert disk.read(7) == data
