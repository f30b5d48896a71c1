"""Tables of pandas: columns that are encrypted in the frame, and so in whatever it is written to.

    sealed = encrypt(frame, ["iban", "salary"], session.key("alias/tables"), "customers", row="id")
    sealed.to_csv("customers.csv", index=False)
    frame = decrypt(pd.read_csv("customers.csv"), session, "customers", row="id")

    encrypt_csv("customers.csv", ["iban"], key, "customers", row="id")      # the file, in place

An encrypted column has another name, which holds its data key, and texts in place of its values:

    kms:iban:str:KEY        KEY is the base64 of the data key (32 bytes), encrypted with the context
                            {"Table": "customers", "Column": "iban", "Type": "str", "Row": "id"}
    BASE64                  a random nonce (12 bytes), and AES-256-GCM of the value's JSON; what the
                            column `row` has in this row is its additional data

So the table can be filtered, sorted and joined by its other columns while it is encrypted, and be
written as CSV, Parquet or Excel. A value opens in its own table, column and row only: the column
`row` must name each row once, and be read back as it was written (`dtype={"id": str}` for what only
looks like numbers). Rows can be removed, and what is older put back. Missing values stay missing,
and seen; so are lengths. Values are texts, numbers and booleans. Rotation changes names only.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode, b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterable

    import kmshsm

NONCE = 12

_SEALED = re.compile(r"kms:(.*):([^:]+):([A-Za-z0-9+/]+={0,2})", re.DOTALL)


class Misplaced(Exception):  # noqa: N818
    """A value was encrypted for another row, or has been changed."""


def encrypt(
    frame: pd.DataFrame, columns: Iterable[str], key: kmshsm.Key, table: str, row: str
) -> pd.DataFrame:
    """The frame with these columns encrypted, each with a data key of its own.

    :param table: What the table is called; needed again to decrypt.
    :param row: The column that names the rows, which is not encrypted.
    """
    names = _rows(frame, row)
    sealed = frame.copy()
    for column in columns:
        if column == row:
            raise ValueError(f"{column} names the rows: it cannot be encrypted")
        dtype = str(frame[column].dtype)
        data_key, blob = key.generate_data_key(context=_context(table, column, dtype, row))
        cipher = AESGCM(data_key)
        values = zip(names, frame[column].tolist())
        texts = [None if pd.isna(value) else _seal(cipher, name, value) for name, value in values]
        sealed[column] = pd.Series(texts, index=frame.index, dtype=object)
        sealed = sealed.rename(columns={column: _name(column, dtype, blob)})
    return sealed


def decrypt(
    frame: pd.DataFrame,
    session: kmshsm.Session,
    table: str,
    row: str,
    columns: Iterable[str] | None = None,
) -> pd.DataFrame:
    """The frame with its encrypted columns in clear, or those of these names.

    It raises kmshsm.CryptoError for a column of another table, and Misplaced for a value of another
    row.
    """
    names = _rows(frame, row)
    wanted = None if columns is None else set(columns)
    opened = frame.copy()
    for name, (column, dtype, blob) in _sealed(frame):
        if wanted is not None and column not in wanted:
            continue
        cipher = AESGCM(session.decrypt(blob, _context(table, column, dtype, row)))
        texts = zip(names, frame[name].tolist())
        values = [None if pd.isna(text) else _open(cipher, label, text) for label, text in texts]
        series = pd.Series(values, index=frame.index, dtype=object)
        opened[name] = series.astype(dtype)  # type: ignore[call-overload]
        opened = opened.rename(columns={name: column})
    return opened


def re_encrypt(
    frame: pd.DataFrame, session: kmshsm.Session, key: kmshsm.Key, table: str, row: str
) -> pd.DataFrame:
    """The frame with its data keys under the newest version of a key, and its values as before."""
    again = {}
    for name, (column, dtype, blob) in _sealed(frame):
        context = _context(table, column, dtype, row)
        blob = session.re_encrypt(blob, key.id, source_context=context, destination_context=context)
        again[name] = _name(column, dtype, blob)
    return frame.rename(columns=again)


def encrypt_csv(
    path: str | os.PathLike[str], columns: Iterable[str], key: kmshsm.Key, table: str, row: str
) -> None:
    """Encrypts columns of a CSV file in place; all its cells are texts, and stay as they are.

    There is the old file or the new one. Of the old one the disk may keep what it had written.
    """
    _replace(Path(path), encrypt(_cells(path), columns, key, table, row))


def decrypt_csv(
    path: str | os.PathLike[str], session: kmshsm.Session, table: str, row: str
) -> pd.DataFrame:
    """The cells of such a file in clear; the file stays encrypted."""
    return decrypt(_cells(path), session, table, row)


def re_encrypt_csv(
    path: str | os.PathLike[str], session: kmshsm.Session, key: kmshsm.Key, table: str, row: str
) -> None:
    """Puts the data keys of such a file under the newest version of a key, in place."""
    _replace(Path(path), re_encrypt(_cells(path), session, key, table, row))


def _rows(frame: pd.DataFrame, row: str) -> list[bytes]:
    labels = frame[row]
    if labels.isna().any() or labels.duplicated().any():
        raise ValueError(f"{row} does not name each row once")
    return [str(label).encode() for label in labels.tolist()]


def _sealed(frame: pd.DataFrame) -> list[tuple[str, tuple[str, str, bytes]]]:
    found = [(name, _SEALED.fullmatch(str(name))) for name in frame.columns]
    return [
        (name, (match[1], match[2], b64decode(match[3])))
        for name, match in found
        if match is not None
    ]


def _name(column: str, dtype: str, blob: bytes) -> str:
    return f"kms:{column}:{dtype}:{b64encode(blob).decode()}"


def _context(table: str, column: str, dtype: str, row: str) -> dict[str, str]:
    return {"Table": table, "Column": column, "Type": dtype, "Row": row}


def _seal(cipher: AESGCM, row: bytes, value: Any) -> str:
    if not isinstance(value, (str, int, float)):
        raise TypeError(f"{type(value).__name__} is no text, number or boolean: convert it first")
    nonce = os.urandom(NONCE)
    return b64encode(nonce + cipher.encrypt(nonce, json.dumps(value).encode(), row)).decode()


def _open(cipher: AESGCM, row: bytes, text: str) -> Any:
    try:
        sealed = b64decode(text, validate=True)
        return json.loads(cipher.decrypt(sealed[:NONCE], sealed[NONCE:], row))
    except (InvalidTag, ValueError):
        raise Misplaced(f"{row.decode()}: the value is of another row, or has changed") from None


def _cells(path: str | os.PathLike[str]) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, na_filter=False)


def _replace(path: Path, frame: pd.DataFrame) -> None:
    part = path.with_name(path.name + ".part")
    old = path.stat()
    try:
        with open(part, "x", newline="", encoding="utf-8", opener=_private) as file:
            os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fchmod(file.fileno(), old.st_mode & 0o777)
            frame.to_csv(file, index=False)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except FileExistsError:
        raise
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
