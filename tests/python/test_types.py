"""What goes in and what comes out."""

from __future__ import annotations

import array
import base64
import copy
import datetime
import pickle
import types
from collections import UserDict
from typing import Any

import pytest

import kmshsm

UTC = datetime.timezone.utc


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_like_object_will_do(session: kmshsm.Session, key: str, kind: Any) -> None:
    sealed = session.encrypt(key, kind(b"hello"))
    assert type(sealed) is bytes
    assert session.decrypt(kind(sealed)) == b"hello"


def test_views_are_read_as_their_bytes(session: kmshsm.Session, key: str) -> None:
    numbers = array.array("H", [1, 2, 3])
    assert session.decrypt(session.encrypt(key, numbers)) == numbers.tobytes()
    every_other = memoryview(b"h.e.l.l.o.")[::2]
    assert session.decrypt(session.encrypt(key, every_other)) == b"hello"
    view = memoryview(b"hello")
    view.release()
    with pytest.raises(ValueError, match="released"):
        session.encrypt(key, view)


def test_the_callers_buffer_stays_as_it_is(session: kmshsm.Session, key: str) -> None:
    data = bytearray(b"hello")
    session.encrypt(key, data)
    assert data == b"hello"
    data.append(0)  # and no view of it is left open


@pytest.mark.parametrize("wrong", ["text", 5, [1, 2], None, object()])
def test_what_is_not_bytes_is_a_type_error(session: kmshsm.Session, key: str, wrong: Any) -> None:
    with pytest.raises(TypeError, match="plaintext must be a bytes-like object, not"):
        session.encrypt(key, wrong)
    with pytest.raises(TypeError, match="ciphertext must be a bytes-like object, not"):
        session.decrypt(wrong)


def test_contexts_are_mappings_of_texts(session: kmshsm.Session, key: str) -> None:
    sealed = session.encrypt(key, b"hello", {"a": "1", "b": "2"})
    mappings: list[Any] = [
        {"b": "2", "a": "1"},
        UserDict(a="1", b="2"),
        types.MappingProxyType({"a": "1", "b": "2"}),
    ]
    for context in mappings:
        assert session.decrypt(sealed, context) == b"hello"
    with pytest.raises(kmshsm.CryptoError):
        session.decrypt(sealed)
    assert session.decrypt(session.encrypt(key, b"", {}), None) == b""
    wrongs: list[Any] = [[("a", "1")], "{}", {"a": 1}, {1: "a"}, {"a": None}]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="a mapping of str to str, not"):
            session.encrypt(key, b"", wrong)


def test_data_keys(session: kmshsm.Session, key: str) -> None:
    made = session.generate_data_key(key, 16, {"disk": "7"})
    plaintext, sealed = made
    assert (made.plaintext, made.ciphertext_blob) == (plaintext, sealed)
    assert len(plaintext) == 16
    assert session.decrypt(sealed, {"disk": "7"}) == plaintext
    assert repr(made) == "<kmshsm.DataKey of 16 bytes>"
    with pytest.raises(AttributeError):
        made.plaintext = b""  # type: ignore[misc]
    assert len(session.generate_data_key(key).plaintext) == 32
    assert len(session.decrypt(session.generate_data_key_without_plaintext(key))) == 32


def test_import_parameters(session: kmshsm.Session) -> None:
    key = session.api.create_key(origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    parameters = session.get_parameters_for_import(key, wrapping_algorithm="RSAES_OAEP_SHA_1")
    assert len(parameters.public_key) == 294
    assert len(parameters.import_token) == 57
    expires = datetime.datetime(2019, 7, 5, 13, 14, 15, tzinfo=UTC)
    assert parameters.token_expire_time == expires
    assert repr(parameters) == "<kmshsm.ImportParameters until 2019-07-05T13:14:15+00:00>"


def test_when_material_expires(session: kmshsm.Session) -> None:
    key = session.api.create_key(origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    past: list[Any] = [1, -1, 2**64, datetime.datetime(1970, 1, 1, tzinfo=UTC)]
    for moment in past:
        with pytest.raises(kmshsm.ArgumentError, match="KeyMaterialExpireUnix"):
            session.import_key_material(key, b"x", b"x", expires=moment)
    zone = datetime.timezone(datetime.timedelta(hours=8))
    for moment in (None, 0, 2_000_000_000, datetime.datetime(2030, 1, 1, tzinfo=zone)):
        with pytest.raises(kmshsm.CryptoError, match="InvalidImportToken"):
            session.import_key_material(key, b"x", b"x", expires=moment)
    with pytest.raises(ValueError, match=r"expires: .* without a time zone"):
        session.import_key_material(key, b"x", b"x", expires=datetime.datetime(2030, 1, 1))
    with pytest.raises(TypeError, match="expires must be a datetime or an int"):
        session.import_key_material(key, b"x", b"x", expires=1.5)  # type: ignore[arg-type]


def test_actions_are_methods(session: kmshsm.Session) -> None:
    made = session.api.create_key(description="mine", tags=[{"TagKey": "k", "TagValue": "v"}])
    key = made["KeyMetadata"]["KeyId"]
    assert session.api.describe_key(key)["KeyMetadata"]["Description"] == "mine"
    assert session.api.describe_key(key_id=key)["KeyMetadata"]["Description"] == "mine"
    assert session.api.list_keys(page_size=1)["Keys"]["Key"][0]["KeyId"] == key
    filters = [{"Key": "KeyState", "Values": ["Disabled"]}]
    assert session.api.list_keys(filters=filters)["TotalCount"] == 0
    session.api.advance_clock(60)
    later = session.api.create_key()["KeyMetadata"]["CreationDate"]
    assert later == "2019-07-04T13:15:15Z"


def test_lists_of_texts_are_lists_of_str(session: kmshsm.Session, key: str) -> None:
    here, ids = ("cn-hongkong", "key"), [key]

    def keys() -> list[str]:
        listed = session.api.list_tag_resources(*here, resource_id=ids)["TagResources"][
            "TagResource"
        ]
        return [row["TagKey"] for row in listed]

    session.api.tag_resources(*here, ids, [{"Key": name, "Value": ""} for name in "abcde"])
    session.api.untag_resource(["a", "b"], key_id=key)
    session.api.untag_resource("c", key_id=key)
    assert keys() == ["d", "e"]
    session.api.untag_resources(*here, ids, tag_key=("d",))
    assert keys() == ["e"]


def test_call_takes_a_mapping_and_keywords(session: kmshsm.Session, key: str) -> None:
    for answer in (
        session.api.call("DescribeKey", {"KeyId": key}),
        session.api.call("DescribeKey", UserDict(KeyId=key)),
        session.api.call("DescribeKey", KeyId=key),
        session.api.call("DescribeKey", {"KeyId": ""}, KeyId=key),
    ):
        assert answer["KeyMetadata"]["KeyId"] == key
    with pytest.raises(TypeError, match=r"^Plaintext: .*bytes"):
        session.api.call("Encrypt", KeyId=key, Plaintext=b"hello")
    days: Any = datetime.timedelta(days=7)
    with pytest.raises(TypeError, match=r"^PendingWindowInDays: .*timedelta"):
        session.api.schedule_key_deletion(key, pending_window_in_days=days)
    assert "RequestId" in session.api.call("ListKeys", PageSize=None)


def test_both_lanes_read_each_others_ciphertext(session: kmshsm.Session, key: str) -> None:
    sealed = session.api.call("Encrypt", KeyId=key, Plaintext="päß")["CiphertextBlob"]
    assert session.decrypt(base64.b64decode(sealed)) == "päß".encode()
    blob = base64.b64encode(session.encrypt(key, b"hello")).decode()
    assert session.api.call("Decrypt", CiphertextBlob=blob)["Plaintext"] == "aGVsbG8="


def test_secrets_and_open_stores_do_not_travel(
    store: kmshsm.Store, session: kmshsm.Session, key: str
) -> None:
    for value in (store, session, session.generate_data_key(key)):
        name = type(value).__name__
        for travel in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=f"kmshsm.{name} cannot be pickled or copied"):
                travel(value)


def test_names_only(store: kmshsm.Store, session: kmshsm.Session) -> None:
    assert repr(store) == '<kmshsm.Store "memory:?clock=manual">'
    assert repr(session) == "<kmshsm.Session of 111122223333 in cn-hongkong>"
    with pytest.raises(AttributeError):
        session.anything = 1  # type: ignore[attr-defined]


def test_everything_public_has_a_docstring() -> None:
    for name in kmshsm.__all__:
        assert getattr(kmshsm, name).__doc__, name
    for kind in (
        kmshsm.Store,
        kmshsm.Session,
        kmshsm.DataKey,
        kmshsm.ExportedDataKey,
        kmshsm.ImportParameters,
        kmshsm.MessageDigest,
    ):
        members = [member for member in dir(kind) if not member.startswith("_")]
        assert members
        assert [member for member in members if not getattr(kind, member).__doc__] == []
