"""Work with keys in several processes: each opens the store itself, once.

    with signers(place, key_file, "alias/release") as pool:
        for path in pool.map(sign_file, files, chunksize=8): print(path)

A store does not cross a fork: whatever the start method, what a child inherits of it raises
InvalidState (``Module.Forked``), and sessions and keys refuse to be pickled. So the pool's
initializer opens the store, and jobs name what they work on. What to avoid:

* Opening the store in each job: it takes its secret through Argon2id if that is a passphrase.
* Handing the secret to the children as an argument: it would be pickled. They read its file.
* ``memory:``, which is another store in each process.
* ``fork`` in a program that has threads, such as a store's keeper: prefer ``spawn``, or
  ``forkserver``, or fork before. Locks of other libraries may be held for ever in the child.

Threads need none of this: a session is for any number of them, and calls let others run. Processes
are for what Python itself does to the bytes.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import kmshsm

# This process's key; its session and store live as long as the process.
_key: kmshsm.Key


def signers(
    place: Path, key_file: Path, key_id: str, *, method: str = "spawn", **options: Any
) -> ProcessPoolExecutor:
    """A pool whose processes sign with a key of a store.

    :param options: More that kmshsm.open takes.
    """
    context = multiprocessing.get_context(method)
    arguments = (place, key_file, key_id, options)
    return ProcessPoolExecutor(mp_context=context, initializer=_start, initargs=arguments)


def _start(place: Path, key_file: Path, key_id: str, options: dict[str, Any]) -> None:
    global _key
    store = kmshsm.open(place, key_file=key_file.read_bytes(), **options)
    _key = store.key(key_id)


def sign_file(path: Path) -> Path:
    """Signs a file of any size; the signature is beside it, and what is answered."""
    with path.open("rb") as file:
        signature = _key.sign(file)
    target = path.with_name(path.name + ".sig")
    target.write_bytes(signature)
    return target
