"""Fixtures for pytest, which finds them by itself where kmshsm is installed.

Each test that asks for one has a store in memory of its own. Its seed is the test's node id, so the
ids of keys and requests, and the keys themselves, are the same in every run; its clock stands until
the test moves it. A test that asks for none has no store opened for it, and what makes stores is
imported for the first that asks.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kmshsm.session import Session
    from kmshsm.store import Store
    from kmshsm.testing import Calls, Clock, Sessions

__all__ = ["kms", "kms_calls", "kms_clock", "kms_session", "kms_session_for"]

_REGION = "kms_region"
_SEED = "kms_seed"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the settings of ini files."""
    parser.addini(_REGION, "the region of kms and its sessions", default="cn-hongkong")
    parser.addini(
        _SEED, "goes into the seeds of all stores; another one changes all ids", default=""
    )


def pytest_configure(config: pytest.Config) -> None:
    """Adds the marks."""
    for line in (
        f"{_REGION}(name): the region of kms and its sessions in this test",
        f"{_SEED}(text): the seed of kms in this test, in place of one that its node id makes",
    ):
        config.addinivalue_line("markers", line)


@pytest.fixture
def kms(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store in memory for this test alone: reproducible, with a clock that stands."""
    from kmshsm.testing import open_for_tests

    with open_for_tests(_seed(request), region=_region(request)) as store:
        yield store


@pytest.fixture
def kms_clock(kms: Store) -> Clock:
    """The clock of kms: ``now``, and ``advance`` by a timedelta or seconds."""
    from kmshsm.testing import Clock

    return Clock(kms)


@pytest.fixture
def kms_calls(kms: Store) -> Calls:
    """What is called on kms: which actions, by whom, with what parameters and answers."""
    from kmshsm.testing import Calls

    return Calls(kms)


@pytest.fixture
def kms_session_for(kms: Store, request: pytest.FixtureRequest) -> Iterator[Sessions]:
    """Opens sessions of kms by account, region, user and policy, and closes them."""
    from kmshsm.testing import Sessions

    with Sessions(kms, _region(request)) as sessions:
        yield sessions


@pytest.fixture
def kms_session(kms_session_for: Sessions) -> Session:
    """A session of kms: the root of account 111122223333."""
    return kms_session_for()


def _region(request: pytest.FixtureRequest) -> str:
    return _marked(request, _REGION) or str(request.config.getini(_REGION))


def _seed(request: pytest.FixtureRequest) -> str:
    given = _marked(request, _SEED)
    if given is None:
        given = f"{request.config.getini(_SEED)}\n{request.node.nodeid}"
    # Node ids have whatever their parameters have.
    return hashlib.sha256(given.encode()).hexdigest()


def _marked(request: pytest.FixtureRequest, name: str) -> str | None:
    mark = request.node.get_closest_marker(name)
    if mark is None:
        return None
    if len(mark.args) != 1 or mark.kwargs or not isinstance(mark.args[0], str):
        raise pytest.UsageError(f"the mark {name} takes one text")
    return mark.args[0]
