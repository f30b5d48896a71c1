"""Encrypted columns, in a database of SQLite that SQLAlchemy knows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Table, create_engine, select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import kmshsm
from recipes.columns import ColumnKeys, EncryptedType, Misplaced, RowBound, re_encrypt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

KEYS = ColumnKeys(values=3)


class Base(DeclarativeBase):
    """What the models share."""


class Customer(Base):
    """A customer whose address, telephone number and account number are nobody else's concern."""

    __tablename__ = "customers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(EncryptedType(KEYS, "customers.email"))
    phone: Mapped[str | None] = mapped_column(EncryptedType(KEYS, "customers.phone"))
    iban_sealed: Mapped[bytes | None]
    iban = RowBound(KEYS, "customers.iban", "iban_sealed")


assert isinstance(Customer.__table__, Table)
TABLE = Customer.__table__


@pytest.fixture
def engine(tmp_path: Path, session: kmshsm.Session, key: str) -> Iterator[Engine]:
    """A database with the customers of the tests."""
    KEYS.use(session, session.key(key))
    engine = create_engine(f"sqlite:///{tmp_path}/database")
    Base.metadata.create_all(engine)
    with Session(engine) as rows, rows.begin():
        for number in range(10):
            rows.add(customer(number))
        rows.add(Customer(id=uuid4(), name="nobody", email=None, iban=None))
    yield engine
    engine.dispose()


def customer(number: int) -> Customer:
    """A customer with everything."""
    return Customer(
        id=uuid4(),
        name=f"name{number}",
        email=f"{number}@example.com",
        phone=f"+852 {number}",
        iban=f"IBAN {number} \N{SNOWMAN}",
    )


def check(engine: Engine, count: int = 10) -> None:
    """Everything is there."""
    with Session(engine) as rows:
        for number in range(count):
            found = rows.scalars(select(Customer).filter_by(name=f"name{number}")).one()
            assert found.email == f"{number}@example.com"
            assert found.phone == f"+852 {number}"
            assert found.iban == f"IBAN {number} \N{SNOWMAN}"


def data_keys(engine: Engine, column: str) -> list[bytes]:
    """The encrypted data keys in a column, each once, in the order of the rows."""
    query = text(f"SELECT {column} FROM customers WHERE {column} IS NOT NULL ORDER BY rowid")
    with engine.connect() as connection:
        values = connection.execute(query).scalars().all()
    return list(dict.fromkeys(value[: 2 + int.from_bytes(value[:2], "big")] for value in values))


def test_values_come_back_and_the_database_has_none(engine: Engine, tmp_path: Path) -> None:
    check(engine)
    content = (tmp_path / "database").read_bytes()
    assert b"name3" in content
    for secret in (b"3@example.com", b"+852 3", b"IBAN 3"):
        assert secret not in content


def test_null_is_null(engine: Engine) -> None:
    with Session(engine) as rows:
        found = rows.scalars(select(Customer).where(Customer.email.is_(None))).all()
        assert [one.name for one in found] == ["nobody"]
        assert (found[0].email, found[0].iban) == (None, None)
        assert len(rows.scalars(select(Customer).where(Customer.email != None)).all()) == 10  # noqa: E711
        found[0].email = ""
        rows.commit()
        assert found[0].email == ""
        found[0].email = None
        rows.commit()
        assert found[0].email is None


def test_comparisons_are_refused(engine: Engine) -> None:
    for compare in (
        lambda: Customer.email == "3@example.com",
        lambda: Customer.email.like("3%"),
        lambda: Customer.email.in_(["3@example.com"]),
        lambda: Customer.email < "4",
        lambda: Customer.email + "x",
        lambda: Customer.email.desc(),
    ):
        with pytest.raises(InvalidRequestError, match="only IS NULL"):
            compare()


def test_a_data_key_serves_some_values(engine: Engine) -> None:
    assert len(data_keys(engine, "email")) == 4
    assert not set(data_keys(engine, "email")) & set(data_keys(engine, "phone"))


def test_another_column_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE customers SET email = phone"))
    with Session(engine) as rows, pytest.raises(kmshsm.CryptoError):
        rows.scalars(select(Customer).filter_by(name="name1")).one()


def test_another_row_is_refused_where_it_is_bound(engine: Engine) -> None:
    for column in ("email", "iban_sealed"):
        with engine.begin() as connection:
            there = f"SELECT {column} FROM customers WHERE name = 'name1'"
            change = f"UPDATE customers SET {column} = ({there}) WHERE name = 'name2'"
            connection.execute(text(change))
    with Session(engine) as rows:
        found = rows.scalars(select(Customer).filter_by(name="name2")).one()
        assert found.email == "1@example.com"
        with pytest.raises(Misplaced):
            _ = found.iban


def test_a_changed_value_is_refused(engine: Engine) -> None:
    with Session(engine) as rows, rows.begin():
        found = rows.scalars(select(Customer).filter_by(name="name1")).one()
        assert found.iban_sealed
        found.iban_sealed = found.iban_sealed[:-1] + bytes([found.iban_sealed[-1] ^ 1])
        with pytest.raises(Misplaced):
            _ = found.iban


def test_a_row_needs_its_key_first() -> None:
    with pytest.raises(ValueError, match="set id first"):
        Customer(iban="1", id=uuid4())


def test_rotation(engine: Engine, session: kmshsm.Session, key: str) -> None:
    """Under the next version of the key, then under another key; each value as it was."""
    columns = TABLE.c
    sealed = {"email": columns.email, "phone": columns.phone, "iban": columns.iban_sealed}

    def all_again() -> None:
        for name, column in sealed.items():
            assert re_encrypt(engine, KEYS, column, f"customers.{name}", batch=4) == 10

    before = data_keys(engine, "email")
    session.api.update_rotation_policy(key, True, rotation_interval="604800s")
    session.api.advance_clock(8 * 86400)
    assert len(list(session.key(key).versions())) == 2
    all_again()
    check(engine)
    after = data_keys(engine, "email")
    assert len(after) == len(before)
    assert not set(after) & set(before)

    other = session.create_key(protection_level="HSM")
    KEYS.use(session, other)
    check(engine)
    with Session(engine) as rows, rows.begin():
        rows.add(customer(10))
    with pytest.raises(kmshsm.InvalidState):
        session.key(key).disable()
        KEYS.use(session, other)
        check(engine)
    session.key(key).enable()
    for name, column in sealed.items():
        assert re_encrypt(engine, KEYS, column, f"customers.{name}", batch=4) == 11
    session.key(key).disable()
    KEYS.use(session, other)
    check(engine, 11)


def test_what_is_written_meanwhile_stays(engine: Engine, session: kmshsm.Session, key: str) -> None:
    """A value that changes while re_encrypt has it in its hands is not put back."""

    class Meddling(ColumnKeys):
        def re_encrypt(self, column: str, blob: bytes) -> bytes:
            with Session(engine) as rows, rows.begin():
                rows.scalars(select(Customer).filter_by(name="name1")).one().email = "new"
            return super().re_encrypt(column, blob)

    keys = Meddling()
    keys.use(session, session.key(key))
    before = data_keys(engine, "email")
    re_encrypt(engine, keys, TABLE.c.email, "customers.email")
    # That of the new value, which KEYS has sealed.
    assert len(set(data_keys(engine, "email")) & set(before)) == 1
    with Session(engine) as rows:
        assert rows.scalars(select(Customer).filter_by(name="name1")).one().email == "new"
        assert rows.scalars(select(Customer).filter_by(name="name2")).one().email == "2@example.com"


@pytest.mark.parametrize("values", [1, 2, 3])
def test_so_many_values_for_a_data_key(session: kmshsm.Session, key: str, values: int) -> None:
    keys = ColumnKeys(values=values)
    keys.use(session, session.key(key))
    sealed = [keys.seal("t.c", "", str(number)) for number in range(7)]
    assert [keys.open("t.c", "", one) for one in sealed] == list("0123456")
    assert len({one[: 2 + int.from_bytes(one[:2], "big")] for one in sealed}) == -(-7 // values)
    with pytest.raises(ValueError, match="values"):
        ColumnKeys(values=0)


def test_data_keys_are_forgotten(session: kmshsm.Session, key: str) -> None:
    long, short = ColumnKeys(), ColumnKeys(seconds=-1)
    for keys in (long, short):
        keys.use(session, session.key(key))
    sealed = long.seal("t.c", "", "hello")
    assert [keys.open("t.c", "", sealed) for keys in (long, short)] == ["hello"] * 2
    session.key(key).disable()
    assert long.open("t.c", "", sealed) == "hello"
    for call in (lambda: short.open("t.c", "", sealed), lambda: short.seal("t.c", "", "hello")):
        with pytest.raises(kmshsm.InvalidState):
            call()
