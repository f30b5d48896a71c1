"""What a thread's last call says of itself: approved in the profile of its region, or not."""

from __future__ import annotations

import threading

import pytest

import kmshsm
from keypairs import signer


def key_of(session: kmshsm.Session, level: str) -> str:
    key: str = session.api.call("CreateKey", ProtectionLevel=level)["KeyMetadata"]["KeyId"]
    return key


@pytest.mark.parametrize(
    ("region", "level", "drawn", "used"),
    [
        ("cn-hongkong", "HSM", "approved", "approved"),
        ("cn-hongkong", "SOFTWARE", "not approved", "not approved"),
        ("cn-beijing", "HSM", "not approved", "approved"),
        ("cn-qingdao", "SOFTWARE", "not approved", "not approved"),
    ],
)
def test_keys(store: kmshsm.Store, region: str, level: str, drawn: str, used: str) -> None:
    with store.session(region=region) as session:
        key = key_of(session, level)
        assert kmshsm.indicator() == drawn
        ciphertext = session.encrypt(key, b"hello")
        assert kmshsm.indicator() == used
        assert session.decrypt(ciphertext) == b"hello"
        assert kmshsm.indicator() == used
        session.generate_data_key(key)
        assert kmshsm.indicator() == drawn
        session.api.describe_key(key)
        assert kmshsm.indicator() is None


def test_messages(store: kmshsm.Store) -> None:
    with store.session(region="cn-beijing") as session:
        for spec, algorithm, used in [
            ("EC_SM2", "SM2DSA", "approved"),
            ("EC_P256", "ECDSA_SHA_256", "not approved"),
        ]:
            key, version = signer(session, spec)
            session.sign_message(key, version, algorithm, b"hello")
            assert kmshsm.indicator() == used
            session.message_digest(key, version, algorithm)
            assert kmshsm.indicator() == used


def test_what_fails_has_none(session: kmshsm.Session) -> None:
    key = key_of(session, "HSM")
    ciphertext = session.encrypt(key, b"hello")
    assert kmshsm.indicator() == "approved"
    with pytest.raises(kmshsm.KmsError):
        session.decrypt(ciphertext[:-1])
    assert kmshsm.indicator() is None
    session.encrypt(key, b"hello")
    session.close()
    with pytest.raises(kmshsm.KmsError):
        session.encrypt(key, b"hello")
    assert kmshsm.indicator() is None


def test_threads_have_their_own(session: kmshsm.Session) -> None:
    session.encrypt(key_of(session, "HSM"), b"hello")
    seen: list[str | None] = [kmshsm.indicator()]

    def otherwise() -> None:
        seen.append(kmshsm.indicator())
        key_of(session, "SOFTWARE")
        seen.append(kmshsm.indicator())

    thread = threading.Thread(target=otherwise)
    thread.start()
    thread.join()
    assert [*seen, kmshsm.indicator()] == ["approved", None, "not approved", "approved"]
