"""Keys in programs of asyncio: calls go to threads, so that the loop goes on.

    vault = Vault(session, at_once=8)
    sealed = await vault.encrypt("alias/app", b"hello", {"for": "you"})

A call takes microseconds, or a tenth of a second and more where RSA keys are made or a disk is
waited for. It lets other threads run while it works. `asyncio.to_thread` alone would do; it takes
the threads of the loop's own executor, and the semaphore leaves some of these to others. For a call
of microseconds the thread costs more than the call: what encrypts a thousand small values does so
in one function, and sends that to a thread.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Callable, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import ParamSpec

    import kmshsm

    P = ParamSpec("P")

T = TypeVar("T")


class Vault:
    """A session for coroutines of one loop."""

    def __init__(self, session: kmshsm.Session, at_once: int = 8) -> None:
        """So many calls may be under way; others wait without a thread."""
        self.session = session
        self._free = asyncio.Semaphore(at_once)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Any call, in a thread: ``await vault.call(session.create_key, "RSA_4096")``.

        A coroutine that is cancelled stops waiting; the call itself goes on to its end.
        """
        async with self._free:
            return await asyncio.to_thread(function, *args, **kwargs)

    async def encrypt(
        self, key_id: str, plaintext: bytes, context: Mapping[str, str] | None = None
    ) -> bytes:
        """As Session.encrypt."""
        return await self.call(self.session.encrypt, key_id, plaintext, context)

    async def decrypt(self, ciphertext: bytes, context: Mapping[str, str] | None = None) -> bytes:
        """As Session.decrypt."""
        return await self.call(self.session.decrypt, ciphertext, context)
