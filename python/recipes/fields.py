"""Fields of Django models that the database never sees in clear.

    class Customer(models.Model):
        email = EncryptedTextField()
        iban = EncryptedTextField(null=True)

    # In the settings:
    KMSHSM = {"PLACE": "/var/lib/keys", "KEY_FILE": "/etc/keys.bin", "KEY": "alias/shop"}

What is stored is ``kms:`` and the base64 of a ciphertext of that key, whose context is {"Field":
"shop.customer.email"}: it does not open in another field, but it does in another row. Each value,
of 6144 bytes at most, is a call of its own, which takes some microseconds, and can be permitted,
recorded and ended there. Forms and the admin have an ordinary text field; so has `dumpdata`, in
clear. The database sees which values are NULL, how long they are and when they change. It cannot
compare, order or search them, so lookups but `isnull` raise, and such a field cannot be unique.
After a model or a field was renamed, it keeps its name in contexts: ``called="shop.client.mail"``.

Each process opens the store when it first needs it, so servers may fork.
"""

from __future__ import annotations

import os
import threading
from base64 import b64decode, b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.db.models import ExpressionWrapper, F, Value
from django.db.models.lookups import Exact

import kmshsm

if TYPE_CHECKING:
    Text = models.TextField[Any, Any]
else:
    Text = models.TextField

MAX = 6144


class Keys:
    """The key that the settings name, and its session: opened once in each process."""

    _lock: threading.Lock
    _store: kmshsm.Store
    _opened: tuple[kmshsm.Session, kmshsm.Key] | None

    def __init__(self) -> None:
        """Opens nothing yet."""
        self._begin()
        # The parent's store is of no use to a child, and a lock that was held stays so for ever.
        os.register_at_fork(after_in_child=self._begin)

    def key(self) -> kmshsm.Key:
        """What new values are encrypted under."""
        return self._open()[1]

    def session(self) -> kmshsm.Session:
        """What opens all values, for a ciphertext names its key."""
        return self._open()[0]

    def close(self) -> None:
        """Closes the store, until it is needed again: for tests, and when the settings change."""
        with self._lock:
            if self._opened is not None:
                self._store.close()
            self._opened = None

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._opened = None

    def _open(self) -> tuple[kmshsm.Session, kmshsm.Key]:
        with self._lock:
            if self._opened is None:
                told = settings.KMSHSM
                secret = Path(told["KEY_FILE"]).read_bytes()
                options = told.get("OPTIONS", {})
                self._store = kmshsm.open(told["PLACE"], key_file=secret, **options)
                session = self._store.session()
                self._opened = session, session.key(told["KEY"])
            return self._opened


keys = Keys()


class OnlyNone(Exact):
    """``filter(email=None)``, which Django makes ``isnull`` of, and no other value."""

    def get_prep_lookup(self) -> Any:
        """Refuses what could never be true."""
        if self.rhs is None:
            return None
        raise FieldError("an encrypted field knows no lookup but isnull")


def fits(value: str) -> None:
    """Validates the length of a text, for forms."""
    if len(value.encode()) > MAX:
        raise ValidationError(
            "Ensure this value has at most %(limit)d bytes.", params={"limit": MAX}
        )


class EncryptedTextField(Text):
    """A text that is encrypted in its column."""

    description = "Encrypted text"
    default_validators = [fits]  # noqa: RUF012

    def __init__(self, *args: Any, called: str | None = None, **kwargs: Any) -> None:
        """As any field; `called` is its name in contexts, ``app.model.field`` by default."""
        super().__init__(*args, **kwargs)
        self.called = called

    def deconstruct(self) -> Any:
        """For migrations."""
        name, path, args, kwargs = super().deconstruct()
        if self.called is not None:
            kwargs["called"] = self.called
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Refuses what would compare ciphertexts, which are never equal."""
        found = super().check(**kwargs)
        # The stubs do not know it.
        if self.unique or vars(self)["db_index"]:
            found.append(
                checks.Error("An encrypted field has no index.", obj=self, id="kmshsm.E001")
            )
        return found

    def get_lookup(self, lookup_name: str) -> Any:
        """Whether it is NULL may be asked."""
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        if lookup_name == "exact":
            return OnlyNone
        raise FieldError(f"an encrypted field knows no lookup but isnull: {lookup_name}")

    def get_transform(self, lookup_name: str) -> Any:
        """There is nothing to be had of a ciphertext."""
        raise FieldError(f"an encrypted field knows no lookup but isnull: {lookup_name}")

    def get_prep_value(self, value: Any) -> str | None:
        """On the way to the database."""
        text = super().get_prep_value(value)
        return None if text is None else _text(keys.key().encrypt(text.encode(), self.context()))

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """On the way back. In another field it is a kmshsm.CryptoError."""
        if value is None:
            return None
        return keys.session().decrypt(_blob(value), self.context()).decode()

    def context(self) -> dict[str, str]:
        """What its values belong to."""
        return {"Field": self.called or f"{self.model._meta.label_lower}.{self.name}"}


def re_encrypt(model: type[models.Model], field: str, batch: int = 1000) -> int:
    """Puts all values of a field under the newest version of the key of the settings.

    They are encrypted anew inside the store. Programs may read and write meanwhile: a value that
    has changed since it was read is left alone. Doing it again does no harm.

    :return: How many values.
    """
    encrypted = model._meta.get_field(field)
    assert isinstance(encrypted, EncryptedTextField)
    context = encrypted.context()
    sealed = ExpressionWrapper(F(field), output_field=models.TextField())
    rows = model._base_manager.annotate(sealed=sealed).filter(sealed__isnull=False).order_by("pk")
    count, last = 0, None
    while True:
        rest = rows if last is None else rows.filter(pk__gt=last)
        page = list(rest.values_list("pk", "sealed")[:batch])
        if not page:
            return count
        for last, old in page:
            new = keys.session().re_encrypt(
                _blob(old),
                keys.key().id,
                source_context=context,
                destination_context=context,
            )
            value = Value(_text(new), output_field=models.TextField())
            count += rows.filter(pk=last, sealed=old).update(**{field: value})


def _text(blob: bytes) -> str:
    return f"kms:{b64encode(blob).decode()}"


def _blob(text: str) -> bytes:
    if not text.startswith("kms:"):
        raise ValueError("what is stored is not encrypted")
    return b64decode(text[4:], validate=True)
