"""What can go wrong: one class for each family of codes."""

from __future__ import annotations

from typing import Any


class KmsError(Exception):
    """Any refusal or failure. Its text is for people; programs look at the class or the code."""

    message: str
    """What went wrong, for people."""
    code: str
    """The code as the API spells it, such as ``Rejected.Disabled``."""
    number: int
    """The number that never changes: the status of the C interface."""
    http_status: int
    """The HTTP status that goes with the code."""
    request_id: str | None
    """The request that failed, if it came as far as being one."""

    def __init__(
        self,
        message: str,
        code: str,
        number: int,
        http_status: int,
        request_id: str | None = None,
    ) -> None:
        """Keeps what the library tells of a failure."""
        super().__init__(message)
        self.message = message
        self.code = code
        self.number = number
        self.http_status = http_status
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    # OSError's own would hand on the message alone.
    def __reduce__(self) -> tuple[Any, ...]:
        told = (self.message, self.code, self.number, self.http_status, self.request_id)
        return type(self), told, self.__dict__


class ArgumentError(KmsError, ValueError):
    """A parameter is missing or not valid, or does not fit the key (1xx)."""


class AccessDenied(KmsError, PermissionError):
    """The caller may not do this, or the secret does not open the store (2xx)."""


class NotFound(KmsError, LookupError):
    """There is no such key, version, alias, action or store (3xx)."""


class InvalidState(KmsError):
    """The state of the key, of the quotas or of the module does not allow it (4xx)."""


class CryptoError(KmsError):
    """A ciphertext, an import token or imported material is not what it must be (5xx)."""


class StorageError(KmsError, OSError):
    """Reading or writing the store failed (6xx)."""


class InternalError(KmsError):
    """A defect of this library (9xx)."""
