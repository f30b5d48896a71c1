"""Encrypted fields of Django's models, in SQLite."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.conf import settings
from django.core.exceptions import FieldError, ValidationError

import kmshsm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    KMSHSM={},
)
django.setup()

from django.db import connection, models  # noqa: E402
from django.forms import modelform_factory  # noqa: E402

from recipes.fields import EncryptedTextField, keys, re_encrypt  # noqa: E402


class Customer(models.Model):
    """A model as programs have them."""

    name: models.CharField[str, str] = models.CharField(max_length=50)
    email = EncryptedTextField()
    iban = EncryptedTextField(null=True, blank=True)

    class Meta:
        """Where it belongs."""

        app_label = "shop"


class Client(models.Model):
    """The same table, when its model had another name."""

    email = EncryptedTextField(called="shop.customer.email")
    iban = EncryptedTextField(null=True)

    class Meta:
        """Its table."""

        app_label = "shop"
        db_table = "shop_customer"
        managed = False


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[None]:
    """A store in a directory, which the settings name, and an empty table."""
    key_file = tmp_path / "key.bin"
    key_file.write_bytes(bytes(range(32)))
    kmshsm.create(tmp_path / "keys", key_file=key_file.read_bytes())
    with kmshsm.open(tmp_path / "keys", key_file=key_file.read_bytes()) as opened:
        opened.create_key().add_alias("alias/shop")
    place = str(tmp_path / "keys")
    settings.KMSHSM = {"PLACE": place, "KEY_FILE": str(key_file), "KEY": "alias/shop"}
    with connection.schema_editor() as editor:
        editor.create_model(Customer)
    yield
    keys.close()
    with connection.schema_editor() as editor:
        editor.delete_model(Customer)


def stored() -> list[Any]:
    """What the database has of all rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT email, iban FROM shop_customer ORDER BY id")
        return list(cursor.fetchall())


def field_of(model: type[models.Model], name: str) -> Any:
    """A field of a model."""
    return model._meta.get_field(name)


def test_values_come_back() -> None:
    for email in (
        "anna@example.com \N{SNOWMAN}",
        "ben@example.com",
        "ben@example.com",
        "",
    ):
        Customer.objects.create(name="x", email=email)
    rows = stored()
    assert len({email for email, _ in rows}) == 4
    assert all(email.startswith("kms:") and "example" not in email for email, _ in rows)
    emails = Customer.objects.order_by("id").values_list("email", flat=True)
    assert list(emails) == [
        "anna@example.com \N{SNOWMAN}",
        "ben@example.com",
        "ben@example.com",
        "",
    ]
    assert {iban for _, iban in rows} == {None}
    customer = Customer.objects.get(id=1)
    customer.iban = "DE02"
    customer.save(update_fields=["iban"])
    customer.refresh_from_db()
    assert customer.iban == "DE02"
    assert Customer.objects.filter(iban__isnull=False).count() == 1
    assert Customer.objects.filter(iban=None).count() == 3
    assert Customer.objects.update(iban="DE03") == 4
    assert set(Customer.objects.values_list("iban", flat=True)) == {"DE03"}


@pytest.mark.parametrize(
    "lookup",
    [
        {"email": "x"},
        {"email__in": ["x"]},
        {"email__contains": "x"},
        {"email__lower": "x"},
    ],
)
def test_nothing_is_compared(lookup: dict[str, Any]) -> None:
    with pytest.raises(FieldError, match="no lookup but isnull"):
        Customer.objects.filter(**lookup)


def test_no_index() -> None:
    refused: list[dict[str, Any]] = [{"unique": True}, {"db_index": True}]
    for options in refused:
        field = EncryptedTextField(**options)
        field.set_attributes_from_name("field")
        field.model = Customer
        assert [found.id for found in field.check()] == ["kmshsm.E001"]
    assert field_of(Customer, "email").check() == []


def test_fields_are_not_exchanged() -> None:
    customer = Customer.objects.create(name="x", email="anna@example.com", iban="DE02")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shop_customer SET email = iban")
    with pytest.raises(kmshsm.CryptoError):
        customer.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shop_customer SET email = 'clear'")
    with pytest.raises(ValueError, match="not encrypted"):
        customer.refresh_from_db()


def test_another_name() -> None:
    customer = Customer.objects.create(name="x", email="anna@example.com", iban="DE02")
    assert Client.objects.only("email").get(id=customer.pk).email == "anna@example.com"
    with pytest.raises(kmshsm.CryptoError):
        Client.objects.get(id=customer.pk)
    _, path, args, kwargs = field_of(Client, "email").deconstruct()
    assert path == "recipes.fields.EncryptedTextField"
    assert (args, kwargs) == ([], {"called": "shop.customer.email"})


def test_forms() -> None:
    form_class = modelform_factory(Customer, fields=["name", "email", "iban"])
    form = form_class({"name": "Anna", "email": "anna@example.com", "iban": ""})
    customer = form.save()
    assert form_class(instance=customer).initial["email"] == "anna@example.com"
    long = form_class({"name": "Anna", "email": "\N{SNOWMAN}" * 2049})
    assert long.errors["email"] == ["Ensure this value has at most 6144 bytes."]
    with pytest.raises(ValidationError):
        Customer(name="Anna", email="x" * 6145).full_clean()
    Customer(name="Anna", email="x" * 6144).full_clean()


def test_rotation() -> None:
    for number in range(5):
        Customer.objects.create(name="x", email=f"{number}@example.com")
    old = keys.key()
    before = stored()
    newer = keys.session().create_key()
    settings.KMSHSM["KEY"] = newer.id
    keys.close()
    assert re_encrypt(Customer, "email", batch=2) == 5
    assert re_encrypt(Customer, "iban") == 0
    assert not {email for email, _ in before} & {email for email, _ in stored()}
    keys.session().key(old.id).disable()
    emails = Customer.objects.order_by("id").values_list("email", flat=True)
    assert list(emails) == [f"{number}@example.com" for number in range(5)]


def child(sealed: str, answers: Any) -> None:
    """In a process that was forked after the store was opened."""
    field = field_of(Customer, "email")
    answers.put(field.from_db_value(sealed, None, None))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_servers_fork() -> None:
    Customer.objects.create(name="x", email="anna@example.com")
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    process = context.Process(target=child, args=(stored()[0][0], answers))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert answers.get() == "anna@example.com"
    # The parent's is as it was.
    assert Customer.objects.get().email == "anna@example.com"
