"""Sessions: who uses keys, and where."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from kmshsm import _native
from kmshsm._actions import Actions
from kmshsm._json import text
from kmshsm.manager import KeyManager

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Buffer, Self

__all__ = ["Api", "Readable", "Session"]

# How much of a file is read at once, in bytes.
_PIECE = 1 << 18


@runtime_checkable
class Readable(Protocol):
    """A file opened in binary mode, or what reads like one."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most so many; none at the end."""
        ...


class Session(_native.Session, KeyManager):
    """An account, or one of its users, in a region of an open store; made by Store.session.

    Keys are objects here: create_key, key and keys answer them. Below them is the API: its actions
    that bytes cross are methods, all others methods of ``api``. Leaving its ``with`` block ends it.

    Where bytes are taken, any bytes-like object will do. ``bytes`` is read where it lies; anything
    else is copied first, for another thread could change it during the call. Other threads run
    meanwhile.
    """

    __slots__ = ()

    @property
    def api(self) -> Api:
        """Every action of the KMS API, with its answer as in its JSON."""
        return Api(self)

    def _own_session(self) -> Session:
        return self

    def sign_message(
        self,
        key_id: str,
        key_version_id: str,
        algorithm: str,
        message: Buffer | Readable,
        *,
        user_id: Buffer | None = None,
    ) -> bytes:
        """Signs a message: its digest, as message_digest makes it, by asymmetric_sign.

        :param key_id: A key id, alias or ARN of a key for SIGN/VERIFY.
        :param key_version_id: The version that signs; list_key_versions names them.
        :param algorithm: As for asymmetric_sign.
        :param message: Bytes; or a file opened in binary mode, which is read piece by piece to its
            end.
        :param user_id: As for message_digest.
        """
        digest = self.message_digest(key_id, key_version_id, algorithm, user_id=user_id)
        _read(message, digest)
        return self.asymmetric_sign(key_id, key_version_id, algorithm, digest.digest())

    def verify_message(
        self,
        key_id: str,
        key_version_id: str,
        algorithm: str,
        message: Buffer | Readable,
        value: Buffer,
        *,
        user_id: Buffer | None = None,
    ) -> bool:
        """Tells whether a signature is one of a message. A wrong one is False, not an error.

        :param key_id: A key id, alias or ARN.
        :param key_version_id: The version that signed.
        :param algorithm: As it was signed.
        :param message: As for sign_message.
        :param value: The signature.
        :param user_id: As it was signed.
        """
        digest = self.message_digest(key_id, key_version_id, algorithm, user_id=user_id)
        _read(message, digest)
        return self.asymmetric_verify(key_id, key_version_id, algorithm, digest.digest(), value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self.close()


class Api(Actions):
    """The KMS API of a session: every action by its name, with its JSON."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        """Made by Session.api."""
        self._session = session

    def call(
        self, action: str, parameters: Mapping[str, Any] | None = None, /, **more: Any
    ) -> dict[str, Any]:
        """Does any action of the KMS API, with its request and its answer as in its JSON.

        :param action: The API's name, such as ``CreateKey``.
        :param parameters: The action's parameters. One that is None is left out.
        :param more: Further parameters: ``call("DescribeKey", KeyId=key)``.
        """
        request = {**(parameters or {}), **more}
        answer: dict[str, Any] = json.loads(self._session.call_json(action, text(request)))
        return answer

    def __repr__(self) -> str:
        return f"<kmshsm.Api of {self._session!r}>"


def _read(message: Buffer | Readable, digest: _native.MessageDigest) -> None:
    if isinstance(message, Readable):
        # Only this ends a file: text, and the None of a file that would block, are TypeErrors.
        while (piece := message.read(_PIECE)) != b"":
            digest.update(piece)
    elif isinstance(message, (str, os.PathLike)):
        kind = type(message).__name__
        raise TypeError(f"message must be bytes or a file opened in binary mode, not {kind}")
    else:
        digest.update(message)
