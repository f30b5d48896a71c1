"""What several tests start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import kmshsm

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def store() -> Iterator[kmshsm.Store]:
    """A store in memory, whose clock stands still."""
    with kmshsm.open("memory:?clock=manual", allow_unprotected_memory=True) as store:
        yield store


@pytest.fixture
def session(store: kmshsm.Store, request: pytest.FixtureRequest) -> Iterator[kmshsm.Session]:
    """A session in that store, and in the REGION of the tests' file if it has one."""
    with store.session(region=getattr(request.module, "REGION", "cn-hongkong")) as session:
        yield session


@pytest.fixture
def key(session: kmshsm.Session) -> str:
    """An AES key in that session."""
    key_id: str = session.api.create_key()["KeyMetadata"]["KeyId"]
    return key_id
