"""The audit trail of a store: what is recorded, exporting it, verifying what was exported."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest

import kmshsm

Identity = Literal["EC_P256", "EC_SM2"]

EXAMPLE = Path(__file__).parents[2] / "python" / "examples" / "verify_audit.py"
IDENTITIES: list[tuple[Identity, str]] = [("EC_P256", "ECDSA_SHA_256"), ("EC_SM2", "SM2DSA")]


def made(place: Path, identity: Identity) -> kmshsm.Store:
    """A store in a directory, with an event or two."""
    kmshsm.create(place, key_file=bytes(32), identity=identity)
    store = kmshsm.open(place, key_file=bytes(32), audit="all", allow_unprotected_memory=True)
    with store.session() as session:
        session.encrypt(session.api.create_key()["KeyMetadata"]["KeyId"], b"hello")
    return store


@pytest.mark.parametrize(("identity", "algorithm"), IDENTITIES)
def test_an_exported_trail_verifies(tmp_path: Path, identity: Identity, algorithm: str) -> None:
    path, cut = tmp_path / "trail", tmp_path / "cut"
    with made(tmp_path / "store", identity) as store:
        first = store.export_audit(tmp_path / "first")
        store.session().api.create_key()
        exported, pem = store.export_audit(path), store.audit_key()
        with pytest.raises(kmshsm.ArgumentError, match="path"):
            store.export_audit(path)
    assert path.stat().st_mode & 0o777 == 0o600
    verified = kmshsm.audit.verify(path, public_key=pem, head=first["Head"])
    assert (verified["Head"], verified["Events"]) == (exported["Head"], exported["Events"])
    assert (verified["Algorithm"], verified["IsKeyTrusted"]) == (algorithm, True)
    assert exported["Events"] == first["Events"] + 1
    assert kmshsm.audit.verify(path)["IsKeyTrusted"] is False
    with pytest.raises(kmshsm.StorageError, match=r"Audit\.Damaged"):
        kmshsm.audit.verify(tmp_path / "first", head=exported["Head"])
    lines = path.read_bytes().splitlines(keepends=True)
    cut.write_bytes(b"".join([lines[0], *lines[2:]]))
    with pytest.raises(kmshsm.StorageError, match=r"Audit\.Damaged"):
        kmshsm.audit.verify(cut, public_key=pem)
    with pytest.raises(kmshsm.ArgumentError, match="PublicKey"):
        kmshsm.audit.verify(path, public_key="no key")
    with pytest.raises(kmshsm.ArgumentError, match="Head"):
        kmshsm.audit.verify(path, head="no head")
    with pytest.raises(kmshsm.ArgumentError, match="path"):
        kmshsm.audit.verify(tmp_path / "nothing")


@pytest.mark.parametrize("identity", ["EC_P256", "EC_SM2"])
def test_it_verifies_without_the_library(tmp_path: Path, identity: Identity) -> None:
    with made(tmp_path / "store", identity) as store:
        events = store.export_audit(tmp_path / "trail")["Events"]
        (tmp_path / "public.pem").write_text(store.audit_key())
    command = [sys.executable, str(EXAMPLE), str(tmp_path / "trail"), str(tmp_path / "public.pem")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"The trail is whole up to event {events}.\n"), (
        done
    )


@pytest.mark.parametrize(
    ("audit", "uses"), [("off", []), ("denied", ["Decrypt"]), ("all", ["Decrypt", "Encrypt"])]
)
@pytest.mark.parametrize("strict", [False, True])
def test_what_is_recorded(audit: str, uses: list[str], strict: bool) -> None:
    with kmshsm.open(audit=audit, strict_audit=strict) as store:  # type: ignore[arg-type]
        session = store.session()
        key = session.api.create_key()["KeyMetadata"]["KeyId"]
        session.encrypt(key, b"hello")
        with pytest.raises(kmshsm.CryptoError):
            session.decrypt(b"x" * 96)
        names = [event["eventName"] for event in session.api.lookup_events()["Events"]]
    assert names == [*uses, "CreateKey"]


def test_another_keys_ciphertext_is_recorded_as_refused() -> None:
    with kmshsm.open(audit="all") as store:
        key, other = store.create_key(), store.create_key()
        with pytest.raises(kmshsm.CryptoError):
            other.decrypt(key.encrypt(b"hello"))
        (event,) = store.session().api.lookup_events(event_name="Decrypt")["Events"]
    assert event["errorCode"] == "InvalidParameter"
    assert event["requestParameters"]["KeyId"] == other.id


def test_what_waits_is_there_for_others_after_a_flush(tmp_path: Path) -> None:
    with (
        made(tmp_path / "store", "EC_P256") as store,
        kmshsm.open(tmp_path / "store", key_file=bytes(32)) as other,
    ):
        session, key = store.session(), other.session().api.list_keys()["Keys"]["Key"][0]["KeyId"]
        before = len(other.session().api.lookup_events(event_name="Encrypt")["Events"])
        session.encrypt(key, b"again")
        store.flush()
        after = len(other.session().api.lookup_events(event_name="Encrypt")["Events"])
        assert after == 2 and before <= 1
        session.encrypt(key, b"and again")
        deadline = time.monotonic() + 60
        while len(other.session().api.lookup_events(event_name="Encrypt")["Events"]) < 3:
            assert time.monotonic() < deadline, "nobody writes it"
            time.sleep(0.1)


def test_options_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(kmshsm.ArgumentError, match="Audit"):
        kmshsm.open(audit="some")  # type: ignore[arg-type]
    with pytest.raises(kmshsm.ArgumentError, match="identity"):
        kmshsm.create(tmp_path / "store", key_file=bytes(32), identity="RSA")  # type: ignore[arg-type]
    kmshsm.create(tmp_path / "store", key_file=bytes(32))
    with pytest.raises(kmshsm.ArgumentError, match="Identity"):
        kmshsm.open(tmp_path / "store", key_file=bytes(32), identity="EC_SM2")


def test_after_closing(store: kmshsm.Store, tmp_path: Path) -> None:
    store.close()
    for ended in (store.flush, store.audit_key, lambda: store.export_audit(tmp_path / "trail")):
        with pytest.raises(kmshsm.ArgumentError, match=r"Abi\.Closed"):
            ended()
    assert not (tmp_path / "trail").exists()
