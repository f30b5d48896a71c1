"""Sessions of users: access keys, what keeps them out, what a login says of the client."""

from __future__ import annotations

import json
from typing import Any

import pytest

import kmshsm

DENIED = r"Forbidden\.NoPermission"


@pytest.fixture
def alice(session: kmshsm.Session) -> dict[str, Any]:
    """The access key of a user without policies, as Store.session takes it."""
    session.api.create_user("alice")
    made = session.api.create_access_key(user_name="alice")["AccessKey"]
    return {"access_key_id": made["AccessKeyId"], "access_key_secret": made["AccessKeySecret"]}


def allow(session: kmshsm.Session, action: str, condition: dict[str, Any]) -> None:
    """Gives alice a policy."""
    statement = {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition}
    document = json.dumps({"Version": "1", "Statement": [statement]})
    session.api.create_policy("conditional", document)
    session.api.attach_policy_to_user("Custom", "conditional", "alice")


def test_a_session_is_its_users(
    store: kmshsm.Store, session: kmshsm.Session, alice: dict[str, Any], key: str
) -> None:
    for secret in (alice["access_key_secret"], bytearray(alice["access_key_secret"].encode())):
        user = store.session(access_key_id=alice["access_key_id"], access_key_secret=secret)
        assert repr(user) == "<kmshsm.Session of alice of 111122223333 in cn-hongkong>"
        with pytest.raises(kmshsm.AccessDenied, match=DENIED):
            user.encrypt(key, b"")
    session.api.attach_policy_to_user("System", "AliyunKMSCryptoUserAccess", "alice")
    assert user.decrypt(user.encrypt(key, b"hello")) == b"hello"
    with pytest.raises(kmshsm.AccessDenied, match=DENIED):
        user.api.disable_key(key)
    with pytest.raises(kmshsm.ArgumentError, match="AccessKeyId"):
        store.session("1", **alice)


def test_logins_that_are_none(store: kmshsm.Store, alice: dict[str, Any]) -> None:
    with pytest.raises(kmshsm.ArgumentError, match="AccessKeySecret"):
        store.session(access_key_id=alice["access_key_id"])
    with pytest.raises(kmshsm.ArgumentError, match="AccessKeyId"):
        store.session(access_key_secret=alice["access_key_secret"])
    with pytest.raises(kmshsm.AccessDenied, match=r"InvalidAccessKeyId\.NotFound"):
        store.session(access_key_id="LTAI", access_key_secret="x")
    with pytest.raises(kmshsm.ArgumentError, match="SourceIp"):
        store.session(source_ip="here")
    with pytest.raises(kmshsm.ArgumentError, match="UserAgent"):
        store.session(user_agent="")
    with pytest.raises(TypeError, match="access_key_secret"):
        store.session(access_key_id="x", access_key_secret=5)  # type: ignore[arg-type]


def test_guessing_locks_out(
    store: kmshsm.Store, session: kmshsm.Session, alice: dict[str, Any]
) -> None:
    for _ in range(5):
        with pytest.raises(kmshsm.AccessDenied, match="IncompleteSignature") as raised:
            store.session(access_key_id=alice["access_key_id"], access_key_secret="a guess")
        assert "a guess" not in str(raised.value)
    with pytest.raises(kmshsm.AccessDenied, match=r"Forbidden\.AccessKey.*2019-07-04T13:29:15Z"):
        store.session(**alice)
    session.api.advance_clock(15 * 60)
    store.session(**alice).close()
    guesses = session.api.lookup_events(error_code="IncompleteSignature")["Events"]
    assert sum(guess.get("additionalEventData", {}).get("count", 1) for guess in guesses) == 5


def test_an_inactive_access_key(
    store: kmshsm.Store, session: kmshsm.Session, alice: dict[str, Any]
) -> None:
    user = store.session(**alice)
    name = {"user_access_key_id": alice["access_key_id"], "user_name": "alice"}
    session.api.update_access_key(status="Inactive", **name)
    for refused in (lambda: store.session(**alice), user.api.list_keys):
        with pytest.raises(kmshsm.AccessDenied, match=r"Forbidden\.AccessKey"):
            refused()
    session.api.update_access_key(status="Active", **name)
    store.session(**alice).close()


@pytest.mark.parametrize(
    ("condition", "right", "wrong"),
    [
        ({"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}}, "source_ip", "198.51.100.1"),
        ({"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}}, "source_ip", "2001:db8::1"),
        ({"Bool": {"acs:SecureTransport": "true"}}, "secure_transport", False),
        ({"Bool": {"acs:MFAPresent": "true"}}, "mfa_present", False),
    ],
)
def test_conditions_on_the_client(
    store: kmshsm.Store,
    session: kmshsm.Session,
    alice: dict[str, Any],
    key: str,
    condition: dict[str, Any],
    right: str,
    wrong: Any,
) -> None:
    allow(session, "kms:Encrypt", condition)
    known: dict[str, Any] = {right: "192.0.2.7" if right == "source_ip" else True}
    assert store.session(**alice, **known).encrypt(key, b"")
    for client in ({}, {right: wrong}):
        with pytest.raises(kmshsm.AccessDenied, match=DENIED):
            store.session(**alice, **client).encrypt(key, b"")


def test_conditions_on_tags(
    store: kmshsm.Store, session: kmshsm.Session, alice: dict[str, Any], key: str
) -> None:
    allow(session, "kms:Encrypt", {"StringEquals": {"kms:tag/app": "shop"}})
    user = store.session(**alice)
    with pytest.raises(kmshsm.AccessDenied, match=DENIED):
        user.encrypt(key, b"")
    session.api.tag_resource([{"TagKey": "app", "TagValue": "shop"}], key_id=key)
    assert user.encrypt(key, b"")


def test_events_tell_of_the_client(store: kmshsm.Store, alice: dict[str, Any]) -> None:
    with (
        store.session(**alice, source_ip="192.0.2.7", user_agent="shop/1") as user,
        pytest.raises(kmshsm.AccessDenied, match=DENIED),
    ):
        user.api.create_key()
    (event,) = store.session().api.lookup_events(user="alice")["Events"]
    assert (event["sourceIpAddress"], event["userAgent"]) == ("192.0.2.7", "shop/1")
    assert event["userIdentity"]["accessKeyId"] == alice["access_key_id"]
    assert event["errorCode"] == "Forbidden.NoPermission"
