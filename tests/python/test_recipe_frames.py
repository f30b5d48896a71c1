"""Encrypted columns of pandas, in frames and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import kmshsm
from recipes.frames import (
    Misplaced,
    decrypt,
    decrypt_csv,
    encrypt,
    encrypt_csv,
    re_encrypt,
    re_encrypt_csv,
)

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = ["name", "age", "score", "member", "iban"]


@pytest.fixture
def frame() -> pd.DataFrame:
    """Customers, not all of whom have told everything."""
    return pd.DataFrame(
        {
            "id": [7, 8, 9],
            "city": ["Hangzhou", "Beijing", "Hangzhou"],
            "name": ["Anna \N{SNOWMAN}", "Ben", ""],
            "age": [33, 44, 2**53 + 1],
            "score": [0.1, float("nan"), -1e300],
            "member": [True, False, True],
            "iban": pd.Series(["DE1", None, "DE3"], [30, 20, 10], dtype=object),
        },
        index=[30, 20, 10],
    )


def sealed_names(frame: pd.DataFrame) -> dict[str, str]:
    """The names of encrypted columns, by their names in clear."""
    return {name.split(":")[1]: name for name in frame.columns if name.startswith("kms:")}


def test_columns_come_back(
    frame: pd.DataFrame, session: kmshsm.Session, key: str, tmp_path: Path
) -> None:
    before = frame.copy()
    sealed = encrypt(frame, SECRETS, session.key(key), "customers", "id")
    assert_frame_equal(frame, before)
    assert list(sealed_names(sealed)) == SECRETS
    assert_frame_equal(sealed[["id", "city"]], frame[["id", "city"]])
    assert_frame_equal(decrypt(sealed, session, "customers", "id"), frame)
    # What is missing is seen, and nothing else.
    for column, name in sealed_names(sealed).items():
        assert sealed[name].isna().tolist() == frame[column].isna().tolist()
        texts = sealed[name].dropna().tolist()
        assert len(set(texts)) == len(texts)
    # Through a file, and without the rows and columns that somebody had no use for.
    sealed.to_csv(tmp_path / "file.csv", index=False)
    again = pd.read_csv(tmp_path / "file.csv")
    some = again[again["city"] == "Hangzhou"].sort_values("id", ascending=False)
    opened = decrypt(some, session, "customers", "id", columns=["name", "age", "member"])
    assert opened["name"].tolist() == ["", "Anna \N{SNOWMAN}"]
    assert opened["age"].tolist() == [2**53 + 1, 33]
    assert opened["member"].dtype == bool
    assert list(sealed_names(opened)) == ["score", "iban"]


def test_columns_of_any_name(frame: pd.DataFrame, session: kmshsm.Session, key: str) -> None:
    named = frame.rename(columns={"name": "a\nb", "age": "kms:c:d", "iban": ""})
    sealed = encrypt(named, ["a\nb", "kms:c:d", ""], session.key(key), "customers", "id")
    assert_frame_equal(decrypt(sealed, session, "customers", "id"), named)


def test_what_is_moved_does_not_open(
    frame: pd.DataFrame, session: kmshsm.Session, key: str
) -> None:
    sealed = encrypt(frame, ["name", "iban"], session.key(key), "customers", "id")
    names = sealed_names(sealed)

    def refused(changed: pd.DataFrame, error: type[Exception], table: str = "customers") -> None:
        with pytest.raises(error):
            decrypt(changed, session, table, "id")

    refused(sealed, kmshsm.CryptoError, "others")
    refused(sealed.assign(id=[8, 7, 9]), Misplaced)
    swapped = {names["name"]: names["name"].replace("kms:name", "kms:iban")}
    refused(sealed.drop(columns=names["iban"]).rename(columns=swapped), kmshsm.CryptoError)
    retyped = {names["name"]: names["name"].replace(":str:", ":object:")}
    refused(sealed.rename(columns=retyped), kmshsm.CryptoError)
    for text in ("", "AAAA", "no base64!"):
        refused(sealed.assign(**{names["name"]: [text] * 3}), Misplaced)
    with pytest.raises(kmshsm.CryptoError):
        decrypt(sealed.assign(city=[1, 2, 3]), session, "customers", "city")


@pytest.mark.parametrize("labels", [[7, 7, 8], [7, None, 8]])
def test_rows_have_names(
    frame: pd.DataFrame, session: kmshsm.Session, key: str, labels: list[Any]
) -> None:
    with pytest.raises(ValueError, match="each row once"):
        encrypt(frame.assign(id=labels), ["name"], session.key(key), "customers", "id")
    with pytest.raises(ValueError, match="names the rows"):
        encrypt(frame, ["id"], session.key(key), "customers", "id")
    with pytest.raises(TypeError, match="convert it first"):
        days = frame.assign(day=pd.Timestamp("2021-01-01"))
        encrypt(days, ["day"], session.key(key), "customers", "id")


def test_rotation_changes_names_only(
    frame: pd.DataFrame, session: kmshsm.Session, key: str
) -> None:
    sealed = encrypt(frame, SECRETS, session.key(key), "customers", "id")
    newer = session.create_key()
    again = re_encrypt(sealed, session, newer, "customers", "id")
    assert not set(sealed_names(again).values()) & set(sealed_names(sealed).values())
    assert_frame_equal(again.set_axis(sealed.columns, axis=1), sealed)
    session.key(key).disable()
    assert_frame_equal(decrypt(again, session, "customers", "id"), frame)
    with pytest.raises(kmshsm.InvalidState):
        decrypt(sealed, session, "customers", "id")


def test_a_file_in_place(session: kmshsm.Session, key: str, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    text = 'id,note,pin\n007,"a, ""b""\nc",0042\n08,NA,\n'
    path.write_text(text)
    path.chmod(0o640)
    encrypt_csv(path, ["note", "pin"], session.key(key), "customers", "id")
    assert not {"a, ", "0042", "NA"} & set(path.read_text().replace("\n", ",").split(","))
    assert path.stat().st_mode & 0o777 == 0o640
    newer = session.create_key()
    re_encrypt_csv(path, session, newer, "customers", "id")
    session.key(key).disable()
    opened = decrypt_csv(path, session, "customers", "id")
    assert opened.to_csv(index=False) == text
    assert [path.name] == [file.name for file in tmp_path.iterdir()]


def test_a_failure_leaves_the_file(session: kmshsm.Session, key: str, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("id,pin\n1,2\n")
    encrypt_csv(path, ["pin"], session.key(key), "customers", "id")
    before = path.read_bytes()
    session.key(key).disable()
    with pytest.raises(kmshsm.InvalidState):
        re_encrypt_csv(path, session, session.create_key(), "customers", "id")
    # Somebody else is at it.
    (tmp_path / "customers.csv.part").write_text("theirs")
    session.key(key).enable()
    with pytest.raises(FileExistsError):
        re_encrypt_csv(path, session, session.create_key(), "customers", "id")
    assert path.read_bytes() == before
    assert (tmp_path / "customers.csv.part").read_text() == "theirs"
