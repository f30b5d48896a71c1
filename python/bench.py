"""Encrypts 4 KiB by kmshsm and by `cryptography`, in turn, in one process.

What is compared is a whole call from Python: kmshsm resolves the key, checks its state, counts the
call, makes a nonce and an envelope; AESGCM has its key at hand. It is timed with a nonce that is
given (which no one may do twice) and with a fresh one.

    pip install ./python[dev] && python python/bench.py
"""

from __future__ import annotations

import os
import statistics
import time
from functools import partial
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import kmshsm

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 31
CALLS = 2000


def nanoseconds(call: Callable[[], object]) -> float:
    """The processor time of one call."""
    begin = time.thread_time_ns()
    for _ in range(CALLS):
        call()
    return (time.thread_time_ns() - begin) / CALLS


def main() -> None:
    """Prints medians and ratios."""
    theirs = AESGCM(os.urandom(32))
    nonce = os.urandom(12)
    with kmshsm.open(allow_unprotected_memory=True) as store, store.session() as session:
        for level in ("SOFTWARE", "HSM"):
            key = session.api.create_key(protection_level=level)["KeyMetadata"]["KeyId"]
            for size in (32, 1024, 4096):
                data = os.urandom(size)
                jobs: dict[str, Callable[[], object]] = {
                    "ours": partial(session.encrypt, key, data),
                    "given nonce": partial(theirs.encrypt, nonce, data, None),
                    "fresh nonce": partial(with_fresh_nonce, theirs, data),
                    "ours opened": partial(session.decrypt, session.encrypt(key, data)),
                    "theirs opened": partial(
                        theirs.decrypt, nonce, theirs.encrypt(nonce, data, None), None
                    ),
                }
                rounds = [[nanoseconds(job) for job in jobs.values()] for _ in range(ROUNDS)]
                ours, given, fresh, opened, reference = zip(*rounds)
                print(
                    f"{level:8} {size:5} B: encrypt {statistics.median(ours):6.0f} ns, "
                    f"{ratio(given, ours):.2f} of AESGCM with a given nonce, "
                    f"{ratio(fresh, ours):.2f} with a fresh one; "
                    f"decrypt {statistics.median(opened):6.0f} ns, {ratio(reference, opened):.2f}"
                )


def with_fresh_nonce(cipher: AESGCM, data: bytes) -> bytes:
    """Encrypts as one must."""
    return cipher.encrypt(os.urandom(12), data, None)


def ratio(theirs: tuple[float, ...], ours: tuple[float, ...]) -> float:
    """How fast we are, as a part of their speed: the median over the rounds."""
    return statistics.median(a / b for a, b in zip(theirs, ours))


if __name__ == "__main__":
    main()
