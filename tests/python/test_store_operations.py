"""Stores as a whole: what opens them, what is in them, backups, and stores that have gone back."""

from __future__ import annotations

import base64
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import kmshsm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = bytes(range(32))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A store in a directory."""
    kmshsm.create(tmp_path / "store", key_file=KEY)
    return tmp_path / "store"


@pytest.fixture
def kept(place: Path) -> Iterator[kmshsm.Store]:
    """The same, open."""
    with kmshsm.open(place, key_file=KEY, allow_unprotected_memory=True) as store:
        yield store


def opens(place: Path, **secret: Any) -> bool:
    """Whether it opens with that."""
    try:
        kmshsm.open(place, **secret).close()
    except kmshsm.AccessDenied as error:
        assert error.code == "Store.UnlockFailed"
        return False
    return True


def encrypted(store: kmshsm.Store) -> tuple[str, bytes]:
    """A new key, and what it has encrypted."""
    with store.session() as session:
        key: str = session.api.create_key()["KeyMetadata"]["KeyId"]
        return key, session.encrypt(key, b"hello")


def test_slots(place: Path, kept: kmshsm.Store) -> None:
    assert kept.unlock_slots() == [{"Number": 0, "Kind": "KeyFile"}]
    secret = bytearray('pä"ss\\wo\x01rd'.encode())
    assert kept.add_unlock_slot(passphrase=secret) == (1, [])
    assert secret == 'pä"ss\\wo\x01rd'.encode()
    assert opens(place, passphrase='pä"ss\\wo\x01rd')
    slot, shares = kept.add_unlock_slot(shares=(2, 3))
    assert (slot, len(shares)) == (2, 3)
    brief = [" ".join(word[:4] for word in share.split()) for share in shares]
    assert opens(place, shares=shares[:2])
    assert opens(place, shares=(brief[2], shares[0]))
    assert kept.unlock_slots()[1]["Kind"] == "Passphrase"
    assert kept.unlock_slots()[2] == {"Number": 2, "Kind": "Shares", "Threshold": 2, "Count": 3}
    assert kept.replace_unlock_slot(1, key_file=bytearray(32)).slot == 1
    assert opens(place, key_file=bytes(32))
    assert not opens(place, passphrase=secret)
    kept.remove_unlock_slot(1)
    assert not opens(place, key_file=bytes(32))
    with pytest.raises(kmshsm.ArgumentError, match="no such slot"):
        kept.remove_unlock_slot(1)


def test_shares_that_do_not_open(place: Path, kept: kmshsm.Store) -> None:
    shares = kept.add_unlock_slot(shares=(2, 3)).shares
    others = kept.add_unlock_slot(shares=(2, 3)).shares
    wrong = " ".join([*shares[1].split()[:-1], "academic"])
    bad = [shares[:1], [shares[0]] * 2, [shares[0], others[1]], [shares[0], wrong], []]
    for given in bad:
        with pytest.raises(kmshsm.ArgumentError) as caught:
            kmshsm.open(place, shares=given)
        assert (caught.value.code, caught.value.number) == ("Shares.Invalid", 120)
        assert not set(shares[0].split()) & set(str(caught.value).split())
    with pytest.raises(TypeError, match="shares must be a sequence of str, not str"):
        kmshsm.open(place, shares=shares[0])
    with pytest.raises(TypeError, match="not both"):
        kmshsm.open(place, shares=shares, key_file=KEY)


def test_secrets_are_not_shown(kept: kmshsm.Store, tmp_path: Path) -> None:
    new = kept.add_unlock_slot(shares=(2, 3))
    assert repr(new) == "<kmshsm.NewSlot 1, 3 shares>"
    made = kept.backup(tmp_path / "backup", shares=(2, 3))
    for shown in (repr(new), f"{made}", repr(made)):
        assert not set(new.shares[0].split()) & set(shown.split())
        assert not set(made.shares[0].split()) & set(shown.split())


def test_wrong_secrets(kept: kmshsm.Store) -> None:
    add: Any = kept.add_unlock_slot
    with pytest.raises(kmshsm.ArgumentError, match="MissingParameter"):
        add()
    with pytest.raises(kmshsm.ArgumentError, match="Only one secret"):
        add(passphrase="x", shares=(2, 3))
    with pytest.raises(kmshsm.ArgumentError, match=r'"passphrase".*UTF-8'):
        add(passphrase=b"\xff")
    with pytest.raises(TypeError, match="passphrase must be a bytes-like object, not int"):
        add(passphrase=5)
    with pytest.raises(TypeError, match="key_file must be a bytes-like object, not str"):
        add(key_file="x" * 32)
    with pytest.raises(kmshsm.ArgumentError, match="32 bytes"):
        add(key_file=bytes(31))
    with pytest.raises(ValueError, match="unpack"):
        add(shares=(2, 3, 4))
    assert len(kept.unlock_slots()) == 1


def test_the_keys_behind(place: Path, kept: kmshsm.Store) -> None:
    assert kept.rotate_domain_key() == 2
    with kmshsm.open(place, key_file=KEY) as other:
        assert kept.rekey_root(passphrase="new") == (0, [])
        with pytest.raises(kmshsm.StorageError) as caught:
            other.rotate_domain_key()
        assert (caught.value.code, caught.value.number) == ("Store.Rekeyed", 613)
    assert not opens(place, key_file=KEY)
    assert opens(place, passphrase=b"new")


def test_any_operation_by_its_name(store: kmshsm.Store) -> None:
    assert store.operate("ListUnlockSlots") == {"Slots": []}
    with pytest.raises(kmshsm.NotFound, match=r"InvalidAction\.NotFound"):
        store.operate("ListKeys")
    with pytest.raises(kmshsm.ArgumentError, match="InvalidParameter"):
        store.operate("RotateDomainKey", Slot=1)
    with pytest.raises(TypeError, match="Passphrase: "):
        store.operate("AddUnlockSlot", Passphrase=b"x")
    store.close()
    with pytest.raises(kmshsm.ArgumentError, match=r"Abi\.Closed"):
        store.verify()


def test_the_walk(place: Path, kept: kmshsm.Store) -> None:
    encrypted(kept)
    report = kept.verify()
    assert (report["Found"], report["Findings"], report["Complete"]) == (0, [], True)
    assert (report["Keys"], report["Generation"]) == (1, kept.status()["generation"])


def test_backups_in_shares(place: Path, kept: kmshsm.Store, tmp_path: Path) -> None:
    key, blob = encrypted(kept)
    path = tmp_path / "backup"
    manifest, shares, sealed = kept.backup(path, shares=(2, 3))
    assert (manifest["Counts"]["Keys"], manifest["Complete"], len(shares)) == (1, True, 3)
    assert sealed == []
    pem = kept.audit_key()
    assert kmshsm.backups.verify(path)["Opened"] is False
    assert kmshsm.backups.verify(str(path), public_key=pem, shares=shares[1:])["Opened"] is True

    again = tmp_path / "again"
    done = kmshsm.backups.restore(
        path, again, passphrase=b'["x", "y"]', public_key=pem, shares=[shares[2], shares[0]]
    )
    assert (done["Taken"]["Keys"], done["LeftOut"]) == (1, [])
    with kmshsm.open(again, passphrase='["x", "y"]') as store, store.session() as session:
        assert session.decrypt(blob) == b"hello"
        assert store.audit_key() == pem
        assert store.verify()["Found"] == 0
    with pytest.raises(kmshsm.StorageError, match=r"Store\.Exists"):
        kmshsm.backups.restore(path, again, key_file=KEY, shares=shares)

    with kmshsm.open(allow_unprotected_memory=True) as store, store.session() as session:
        missing = "00000000-0000-4000-8000-000000000000"
        done = store.restore_keys(path, shares=shares[:2], key_ids=[key, missing])
        assert done["Taken"]["Keys"] == 1
        assert done["LeftOut"] == [{"KeyId": missing, "Reason": "NotInBackup"}]
        assert session.decrypt(blob) == b"hello"
    left_out = kept.restore_keys(path, shares=shares[:2])["LeftOut"]
    assert left_out == [{"KeyId": key, "Reason": "Exists"}]


def test_backups_for_recipients(kept: kmshsm.Store, tmp_path: Path) -> None:
    encrypted(kept)
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    public = private.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()
    path = tmp_path / "backup"
    made = kept.backup(path, recipients=[public], shares=(2, 2), custodians=[public, public])
    assert (made.shares, len(made.sealed_shares)) == ([], 2)
    for secret in (pem, pem.decode(), bytearray(pem)):
        assert kmshsm.backups.verify(path, private_key=secret)["Opened"] is True
    wrapped = base64.b64decode(made.manifest["Recipients"][0]["Ciphertext"])
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    backup_key = private.decrypt(wrapped, oaep)
    assert kmshsm.backups.verify(path, backup_key=memoryview(backup_key))["Opened"] is True
    sealed = [base64.b64decode(share["Ciphertext"]) for share in made.sealed_shares]
    shares = [private.decrypt(share, oaep).decode() for share in sealed]
    assert kmshsm.backups.verify(path, shares=shares)["Opened"] is True
    with kmshsm.open(allow_unprotected_memory=True) as store:
        assert store.restore_keys(path, private_key=pem)["Taken"]["Keys"] == 1


def test_what_was_destroyed_since(tmp_path: Path) -> None:
    with kmshsm.open("memory:?clock=manual", allow_unprotected_memory=True) as store:
        key, _ = encrypted(store)
        old = store.backup(tmp_path / "old", shares=(2, 2)).shares
        with store.session() as session:
            session.api.schedule_key_deletion(key, pending_window_in_days=7)
            session.api.advance_clock(8 * 86400)
        assert store.tick()["Deleted"] == 1
        new = store.backup(tmp_path / "new", shares=(2, 2)).shares
    done = kmshsm.backups.restore(
        tmp_path / "old",
        tmp_path / "store",
        key_file=KEY,
        shares=old,
        newer=tmp_path / "new",
        newer_shares=new,
    )
    assert done["LeftOut"] == [{"KeyId": key, "Reason": "Destroyed"}]


def test_what_is_no_backup(kept: kmshsm.Store, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    shares = kept.backup(path, shares=(2, 3)).shares
    whole = path.read_bytes()

    def refused(error: type[kmshsm.KmsError], code: str, **secret: Any) -> None:
        with pytest.raises(error) as caught:
            kmshsm.backups.verify(path, **secret)
        assert caught.value.code == code

    with kmshsm.open() as other:
        refused(kmshsm.StorageError, "Backup.Damaged", public_key=other.audit_key())
    refused(kmshsm.ArgumentError, "Shares.Invalid", shares=shares[:1])
    refused(kmshsm.AccessDenied, "Store.UnlockFailed", backup_key=bytes(32))
    refused(kmshsm.ArgumentError, "InvalidParameter", backup_key=bytes(32), shares=shares)
    path.write_bytes(whole[:900] + bytes([whole[900] ^ 1]) + whole[901:])
    refused(kmshsm.StorageError, "Backup.Damaged")
    path.write_bytes(b"dear all")
    refused(kmshsm.StorageError, "Backup.NotABackup")
    with pytest.raises(TypeError, match="recipients must be a sequence of str, not str"):
        kept.backup(tmp_path / "none", recipients="x")
    assert not (tmp_path / "none").exists()


def test_a_store_that_has_gone_back(place: Path, tmp_path: Path) -> None:
    copy, anchor = tmp_path / "copy", tmp_path / "anchor"

    def opened(**more: Any) -> kmshsm.Store:
        return kmshsm.open(place, key_file=KEY, allow_unprotected_memory=True, **more)

    with opened(anchor=anchor) as store:
        assert (store.status()["anchor"], store.status()["rollback"]) == ("new", "anchored")
        _, blob = encrypted(store)
    shutil.copytree(place, copy)
    with opened(anchor=str(anchor)) as store:
        assert store.status()["anchor"] == "found"
        encrypted(store)
        generation = store.status()["generation"]
    shutil.rmtree(place)
    copy.rename(place)
    with opened(anchor=anchor) as store, store.session() as session:
        assert store.status()["rollback"] == "suspect"
        assert session.decrypt(blob) == b"hello"
        with pytest.raises(kmshsm.StorageError) as caught:
            session.api.create_key()
        assert (caught.value.code, caught.value.number) == ("Store.Suspect", 611)
    with opened(min_generation=generation) as store:
        assert store.status()["rollback"] == "suspect"
        assert store.accept_rollback() is True
        assert store.accept_rollback() is False
        encrypted(store)
    with opened(anchor=anchor, accept_rollback=True) as store:
        assert store.status()["rollback"] == "anchored"
        encrypted(store)
    with pytest.raises(kmshsm.ArgumentError, match="no past"):
        kmshsm.open(anchor=anchor)


def test_a_token_that_is_none(store: kmshsm.Store, tmp_path: Path) -> None:
    with pytest.raises(kmshsm.StorageError) as caught:
        store.import_softhsm(tmp_path, b"1234")
    assert (caught.value.code, caught.value.number) == ("Token.Failed", 616)
