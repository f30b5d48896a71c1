"""The exceptions."""

from __future__ import annotations

import copy
import pickle
import uuid
from typing import TYPE_CHECKING

import pytest

import kmshsm
from kmshsm import errors

if TYPE_CHECKING:
    from pathlib import Path

FAMILIES = [
    (kmshsm.ArgumentError, ValueError),
    (kmshsm.AccessDenied, PermissionError),
    (kmshsm.NotFound, LookupError),
    (kmshsm.InvalidState, Exception),
    (kmshsm.CryptoError, Exception),
    (kmshsm.StorageError, OSError),
    (kmshsm.InternalError, Exception),
]


@pytest.mark.parametrize(("family", "builtin"), FAMILIES)
def test_each_family_is_a_builtin_exception_too(
    family: type[kmshsm.KmsError], builtin: type[Exception]
) -> None:
    error = family("It is so.", "Some.Code", 199, 400, "a request")
    assert isinstance(error, kmshsm.KmsError)
    assert isinstance(error, builtin)
    assert error.args == ("It is so.",)
    assert str(error) == "Some.Code: It is so."
    assert getattr(error, "errno", None) is None


@pytest.mark.parametrize(("family", "builtin"), FAMILIES)
def test_exceptions_can_be_pickled_and_copied(
    family: type[kmshsm.KmsError], builtin: type[Exception]
) -> None:
    error = family("It is so.", "Some.Code", 199, 400, None)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is family
        assert issubclass(type(twin), builtin)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


def test_all_classes_are_exported() -> None:
    for name in dir(errors):
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, errors.KmsError):
            assert getattr(kmshsm, name) is kind


def test_an_error_tells_all(session: kmshsm.Session) -> None:
    with pytest.raises(kmshsm.NotFound) as caught:
        session.api.describe_key(str(uuid.uuid4()))
    error = caught.value
    assert (error.code, error.number, error.http_status) == ("Forbidden.KeyNotFound", 301, 404)
    assert error.message == "The specified Key is not found."
    assert str(uuid.UUID(error.request_id)) == error.request_id


def test_one_class_for_each_family(session: kmshsm.Session, key: str, tmp_path: Path) -> None:
    with pytest.raises(kmshsm.ArgumentError, match="MissingParameter"):
        session.api.call("DescribeKey")
    with pytest.raises(kmshsm.NotFound, match=r"InvalidAction\.NotFound"):
        session.api.call("FlyToMoon")
    session.api.disable_key(key)
    with pytest.raises(kmshsm.InvalidState, match=r"Rejected\.Disabled"):
        session.encrypt(key, b"")
    external = session.api.create_key(origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    with pytest.raises(kmshsm.CryptoError, match="InvalidImportToken"):
        session.import_key_material(external, b"x" * 256, b"x" * 57)
    with pytest.raises(kmshsm.NotFound, match=r"Store\.NotFound"):
        kmshsm.open(tmp_path / "none", passphrase=b"x")


def test_both_lanes_refuse_alike(session: kmshsm.Session, key: str) -> None:
    sealed = bytearray(session.encrypt(key, b"hello"))
    sealed[-1] ^= 1
    for given in (sealed, b"", b"x" * 91):
        with pytest.raises(kmshsm.CryptoError) as caught:
            session.decrypt(given)
        assert caught.value.code == "InvalidParameter"
    with pytest.raises(kmshsm.ArgumentError, match="6144"):
        session.encrypt(key, bytes(6145))
    for number in (0, 1025, -1, 2**40):
        with pytest.raises(kmshsm.ArgumentError, match="NumberOfBytes"):
            session.generate_data_key(key, number)
        with pytest.raises(kmshsm.ArgumentError, match="NumberOfBytes"):
            session.generate_data_key_without_plaintext(key, number)
