"""RDS columns: values that the database never sees, in SQLAlchemy 2.

    keys = ColumnKeys()

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
        email: Mapped[str | None] = mapped_column(EncryptedType(keys, "customers.email"))
        iban_sealed: Mapped[bytes | None]
        iban = RowBound(keys, "customers.iban", "iban_sealed")

    keys.use(session, session.key("alias/customers"))    # once, when the program starts

A value is encrypted with a data key, and the data key under a key of the store:

    2 bytes   n, the length of the encrypted data key, big-endian
    n bytes   the data key (32 bytes), encrypted with the context {"Column": "customers.email"}
    12 bytes  a random nonce
    the rest  AES-256-GCM of the value; the column and the row are its additional data

The store refuses the data key for any other column. A RowBound value is also refused in any other
row; SQLAlchemy does not tell a type which row it is asked about, so EncryptedType cannot see that.
The database still sees which values are NULL, how long they are, and when they change. It cannot
compare, order or search them: no two ciphertexts are equal, so such operators raise.

A data key serves 10,000 values by default: random nonces are good for 2**32 (NIST SP 800-38D, 8.3),
and re_encrypt asks the store once for each data key. It is kept in memory for five minutes; so long
a key that was disabled still serves.
"""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, LargeBinary, bindparam, select, type_coerce, update
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.sql.operators import eq, is_, is_not, ne
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Dialect, Engine
    from sqlalchemy.sql.operators import OperatorType

    import kmshsm

NONCE = 12


class Misplaced(Exception):  # noqa: N818
    """The value was encrypted for another row, or has been changed."""


class ColumnKeys:
    """The data keys of encrypted columns. Any number of threads may use them."""

    def __init__(self, values: int = 10_000, seconds: float = 300) -> None:
        """Keys that are in use for so many values, and in memory for so long."""
        if values < 1:
            raise ValueError("values: a data key is for one value at least")
        self._values = values
        self._seconds = seconds
        self._lock = threading.Lock()
        self._forget()

    def use(self, session: kmshsm.Session, key: kmshsm.Key) -> None:
        """Names the session, and the key under which data keys are encrypted.

        New values are encrypted under the new key at once. Old ones remain readable, for a
        ciphertext names its key.
        """
        with self._lock:
            self._session = session
            self._key = key
            self._forget()

    def seal(self, column: str, row: str, value: str) -> bytes:
        """Encrypts a value."""
        with self._lock:
            self._expire()
            made = self._sealing.pop(column, None)
            cipher, blob, left = made or self._make(column)
            if left > 1:
                self._sealing[column] = (cipher, blob, left - 1)
        nonce = os.urandom(NONCE)
        body = cipher.encrypt(nonce, value.encode(), _bound(column, row))
        return len(blob).to_bytes(2, "big") + blob + nonce + body

    def open(self, column: str, row: str, sealed: bytes) -> str:
        """Decrypts one. In another column it is a kmshsm.CryptoError, in another row Misplaced."""
        blob, rest = _split(sealed)
        with self._lock:
            self._expire()
            cipher = self._opening.get((column, blob))
            if cipher is None:
                data_key = self._session.decrypt(blob, _context(column))
                cipher = self._opening[column, blob] = AESGCM(data_key)
        try:
            return cipher.decrypt(rest[:NONCE], rest[NONCE:], _bound(column, row)).decode()
        except InvalidTag:
            raise Misplaced(f"{column}: the value is of another row, or has been changed") from None

    def re_encrypt(self, column: str, blob: bytes) -> bytes:
        """A data key's ciphertext under the newest version of the key in use."""
        context = _context(column)
        return self._session.re_encrypt(
            blob, self._key.id, source_context=context, destination_context=context
        )

    def _make(self, column: str) -> tuple[AESGCM, bytes, int]:
        data_key, blob = self._key.generate_data_key(context=_context(column))
        self._opening[column, blob] = cipher = AESGCM(data_key)
        return cipher, blob, self._values

    def _expire(self) -> None:
        if time.monotonic() > self._ends:
            self._forget()

    def _forget(self) -> None:
        self._sealing: dict[str, tuple[AESGCM, bytes, int]] = {}
        self._opening: dict[tuple[str, bytes], AESGCM] = {}
        self._ends = time.monotonic() + self._seconds


class EncryptedType(TypeDecorator[str]):
    """A text that is encrypted in its column."""

    impl = LargeBinary
    cache_ok = True

    # As SQLAlchemy's manual has it; what it overrides is a property of the class.
    class comparator_factory(TypeDecorator.Comparator[str]):  # noqa: N801  # pyright: ignore
        """Refuses what could never be true; whether it is NULL may be asked."""

        def operate(self, op: OperatorType, *other: Any, **kwargs: Any) -> ColumnElement[Any]:
            """Any operator."""
            if op in (is_, is_not) or (op in (eq, ne) and other == (None,)):
                return super().operate(op, *other, **kwargs)
            raise InvalidRequestError(f"an encrypted column knows no {op.__name__}, only IS NULL")

    def __init__(self, keys: ColumnKeys, column: str) -> None:
        """A column of this name, ``table.column``, which it must keep as long as it has values."""
        super().__init__()
        self.keys = keys
        self.column = column

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """On the way to the database."""
        return None if value is None else self.keys.seal(self.column, "", value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """On the way back."""
        return None if value is None else self.keys.open(self.column, "", value)


class RowBound:
    """A text that is encrypted for its row, in another attribute, when it is set.

    The row needs its primary key before, and keeps it: make it in the program, as a UUID.
    """

    def __init__(self, keys: ColumnKeys, column: str, stored: str, row: str = "id") -> None:
        """Kept in the attribute `stored`, for the row that the attribute `row` names."""
        self._keys = keys
        self._column = column
        self._stored = stored
        self._row = row

    def __get__(self, instance: Any, owner: type) -> Any:
        """Decrypts, each time."""
        if instance is None:
            return self
        sealed = getattr(instance, self._stored)
        name = str(getattr(instance, self._row))
        return None if sealed is None else self._keys.open(self._column, name, sealed)

    def __set__(self, instance: Any, value: str | None) -> None:
        """Encrypts."""
        row = getattr(instance, self._row)
        if row is None:
            raise ValueError(f"{self._column} is bound to its row: set {self._row} first")
        sealed = None if value is None else self._keys.seal(self._column, str(row), value)
        setattr(instance, self._stored, sealed)


def re_encrypt(
    engine: Engine, keys: ColumnKeys, stored: Column[Any], column: str, batch: int = 1000
) -> int:
    """Puts all values of a column under the newest version of the key that is in use now.

    Only data keys are encrypted anew, inside the store; the values go on as they are. Programs may
    read and write meanwhile: a value that has changed since it was read is left alone. They must
    all use the new key before, or, after a rotation, have forgotten the data keys they had; then
    nothing remains under the old one. Doing it again does no harm.

    :param stored: The column of a table whose primary key is one column.
    :param column: Its name, as EncryptedType or RowBound has it.
    :param batch: How many rows are a transaction.
    """
    (row,) = stored.table.primary_key
    raw = type_coerce(stored, LargeBinary)
    page = select(row, raw).where(raw.is_not(None)).order_by(row).limit(batch)
    change = (
        update(stored.table)
        .where(row == bindparam("row"), raw == bindparam("old"))
        .values({stored.name: bindparam("new", type_=LargeBinary)})
    )
    blobs: dict[bytes, bytes] = {}
    changed, after = 0, page
    while True:
        with engine.begin() as connection:
            found = connection.execute(after).all()
            if not found:
                return changed
            changes = []
            for name, sealed in found:
                blob, rest = _split(sealed)
                if blob not in blobs:
                    blobs[blob] = keys.re_encrypt(column, blob)
                new = len(blobs[blob]).to_bytes(2, "big") + blobs[blob] + rest
                changes.append({"row": name, "old": sealed, "new": new})
            connection.execute(change, changes)
        changed += len(found)
        after = page.where(row > found[-1][0])


def _context(column: str) -> dict[str, str]:
    return {"Column": column}


def _bound(column: str, row: str) -> bytes:
    return json.dumps([column, row]).encode()


def _split(sealed: bytes) -> tuple[bytes, bytes]:
    end = 2 + int.from_bytes(sealed[:2], "big")
    return sealed[2:end], sealed[end:]
