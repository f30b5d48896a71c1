"""Pools of processes, and coroutines."""

from __future__ import annotations

import asyncio
import os
import pickle
from typing import TYPE_CHECKING

import pytest

import kmshsm
from recipes.coroutines import Vault
from recipes.workers import sign_file, signers

if TYPE_CHECKING:
    from pathlib import Path

# From 3.12 on Python warns of any fork in a process that has threads.
FORKS = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


@FORKS
@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_a_pool_signs_files(tmp_path: Path, method: str) -> None:
    place, key_file = tmp_path / "store", tmp_path / "key-file"
    key_file.write_bytes(bytes(range(32)))
    kmshsm.create(place, key_file=key_file.read_bytes())
    files = [tmp_path / f"file{number}.bin" for number in range(20)]
    for number, path in enumerate(files):
        path.write_bytes(os.urandom(number * 1000))
    with kmshsm.open(place, key_file=key_file.read_bytes(), allow_unprotected_memory=True) as kms:
        key = kms.create_key("EC_P256", key_usage="SIGN/VERIFY", protection_level="HSM")
        key.add_alias("alias/release")
        # The parent goes on with its own, which no job may take along.
        for one in (kms, key):
            with pytest.raises(TypeError):
                pickle.dumps(one)
        with signers(
            place, key_file, "alias/release", method=method, allow_unprotected_memory=True
        ) as pool:
            signatures = list(pool.map(sign_file, files, chunksize=3))
        for path, signature in zip(files, signatures):
            assert signature == path.with_name(path.name + ".sig")
            with path.open("rb") as file:
                assert key.verify(file, signature.read_bytes())
            assert not key.verify(b"other", signature.read_bytes())


def test_many_calls_at_once(session: kmshsm.Session, key: str) -> None:
    async def main() -> None:
        vault = Vault(session, at_once=4)

        async def round_trip(number: int) -> bytes:
            data = bytes([number % 256]) * number
            context = {"number": str(number)}
            return await vault.decrypt(await vault.encrypt(key, data, context), context)

        answers = await asyncio.gather(*map(round_trip, range(500)))
        assert answers == [bytes([number % 256]) * number for number in range(500)]
        with pytest.raises(kmshsm.CryptoError):
            await vault.decrypt(await vault.encrypt(key, b"", {"a": "1"}), {"a": "2"})
        # Errors have given back their places.
        assert len(await asyncio.gather(*map(round_trip, range(10)))) == 10

    asyncio.run(main())


def test_the_loop_feeds_a_call_that_waits_for_it(session: kmshsm.Session) -> None:
    """A message is signed out of a pipe that the loop fills: if the call held up the loop, or the
    others of its kind, none of them would ever end."""
    pair = session.create_key("EC_P256", key_usage="SIGN/VERIFY", protection_level="HSM")

    async def main() -> None:
        vault = Vault(session)

        async def through_a_pipe(number: int) -> None:
            reader, writer = os.pipe()
            with open(reader, "rb", 0) as readable, open(writer, "wb", 0) as writable:
                signing = asyncio.create_task(vault.call(pair.sign, readable))
                for piece in range(5):
                    await asyncio.sleep(0)
                    writable.write(bytes([number, piece]))
                    assert not signing.done()
                writable.close()
                signature = await signing
            message = b"".join(bytes([number, piece]) for piece in range(5))
            assert await vault.call(pair.verify, message, signature)

        await asyncio.wait_for(asyncio.gather(*map(through_a_pipe, range(8))), 60)

    asyncio.run(main())


def test_the_loop_turns_while_a_key_is_made(session: kmshsm.Session) -> None:
    """Inside the library, too, which would otherwise hold the interpreter."""

    async def main() -> None:
        making = asyncio.create_task(Vault(session).call(session.create_key, "RSA_3072"))
        turns = 0
        while not making.done():
            await asyncio.sleep(0.001)
            turns += 1
        assert making.result().spec is kmshsm.KeySpec.RSA_3072
        # One turn begins it, and one would find it done.
        assert turns > 3

    asyncio.run(main())


def test_a_call_that_nobody_waits_for_any_more(session: kmshsm.Session) -> None:
    async def main() -> None:
        making = asyncio.create_task(Vault(session).call(session.create_key, "RSA_2048"))
        await asyncio.sleep(0)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making

    asyncio.run(main())
    # The loop's threads have ended with it: the key was made all the same.
    (key,) = session.keys()
    assert key.spec is kmshsm.KeySpec.RSA_2048
