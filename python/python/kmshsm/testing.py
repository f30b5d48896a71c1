"""What tests of programs need beside a store; the fixtures of kmshsm.pytest_plugin are made of it.

>>> import kmshsm
>>> from kmshsm.testing import Calls, Clock, open_for_tests
>>> with open_for_tests("a seed") as kms:
...     calls, clock = Calls(kms), Clock(kms)
...     key = kms.create_key()
...     now = clock.advance(60)
...     ciphertext = key.encrypt(b"hello")
...     calls.assert_called("Encrypt", times=1, key=key)
...     calls
<Calls ['CreateKey', 'Encrypt']>
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from kmshsm.keys import Key
from kmshsm.store import _ACCOUNT, _REGION, Store
from kmshsm.store import open as open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kmshsm.session import Session

__all__ = ["Call", "Calls", "Clock", "Sessions", "open_for_tests"]

# Where a manual clock begins.
_START = datetime(2019, 7, 4, 13, 14, 15, tzinfo=timezone.utc)

# What calls itself so prepares a test and is not its subject.
_USER_AGENT = "kmshsm.testing"


def open_for_tests(seed: str, *, region: str = _REGION, **options: Any) -> Store:
    """Opens a new store in memory whose ids and keys depend on a seed and on the calls alone.

    Its clock stands until a Clock moves it, it takes keys at level HSM wherever it runs, and each
    call is in its audit trail before it is answered, for Calls to find.

    :param seed: Any text without ``&``; not empty.
    :param region: Where the store's own methods make keys.
    :param options: As of kmshsm.open.
    """
    place = f"memory:?clock=manual&seed={seed}"
    fixed = {"allow_unprotected_memory": True, "audit": "all", "strict_audit": True}
    return open_store(place, region=region, **{**fixed, **options})


class Clock:
    """The clock of a store for tests. It stands unless it is moved."""

    __slots__ = ("_now", "_store")

    def __init__(self, store: Store) -> None:
        """The clock of a store that has just been opened.

        :param store: Opened with ``clock=manual``.
        """
        self._store = store
        self._now = _START

    @property
    def now(self) -> datetime:
        """The present moment, in UTC: 2019-07-04T13:14:15Z, and what advance has added."""
        return self._now

    def advance(self, by: timedelta | int) -> datetime:
        """Moves the clock on, and does what falls due by then. Answers the new moment.

        :param by: A time, or a number of seconds; whole seconds, not negative.
        """
        time = by if isinstance(by, timedelta) else timedelta(seconds=by)
        if time < timedelta() or time.microseconds:
            raise ValueError("a clock goes forward by whole seconds")
        self._store.api.call("AdvanceClock", Seconds=time // timedelta(seconds=1))
        self._store.tick()
        self._now += time
        return self._now

    def __repr__(self) -> str:
        return f"<Clock {self._now:%Y-%m-%dT%H:%M:%SZ}>"


@dataclass(frozen=True)
class Call:
    """A call of the API, as the audit trail tells it: no plaintext, no key, no other secret."""

    action: str
    """The API's name, such as ``Encrypt``."""
    parameters: Mapping[str, Any]
    """What was asked, in names of the API. Bytes are left out."""
    account: str
    """Whose account called."""
    user: str | None
    """The name of the user who called, or None for the account's root."""
    region: str
    """Where."""
    keys: tuple[str, ...]
    """The ids of the keys that it was about."""
    error: str | None
    """The code it failed with, or None if it was answered."""
    time: datetime
    """When, by the store's clock."""
    request_id: str
    """Names the request."""


class Calls(Sequence[Call]):
    """The calls of the API that a store has seen, in order, read from its audit trail.

    The store must record all of them: opened by open_for_tests, or with ``audit="all"`` and
    ``strict_audit``. What moves the clock or makes users for Sessions is left out.
    """

    def __init__(self, store: Store) -> None:
        """Looks at a store from now on.

        :param store: Open.
        """
        self._store = store
        self._before = 0
        self.clear()

    def clear(self) -> None:
        """Leaves out what has been called until now."""
        self._before = len(self._events())

    def of(self, *actions: str) -> list[Call]:
        """The calls of some actions.

        :param actions: Names of the API.
        """
        return [call for call in self if call.action in actions]

    def assert_called(self, action: str, *, times: int | None = None, **wanted: Any) -> None:
        """Fails unless there was such a call, and it was answered.

        :param action: The API's name.
        :param times: How many of them; any number but 0 by default.
        :param wanted: What the call must have been like: ``key`` (a Key, or its id), ``user``,
            ``account``, ``region``; and names of parameters, such as ``Description``.
        """
        __tracebackhide__ = True
        found = [call for call in self._like(action, wanted) if call.error is None]
        self._expect(found, times, f"{action} answered", wanted)

    def assert_refused(
        self, action: str, code: str | None = None, *, times: int | None = None, **wanted: Any
    ) -> None:
        """Fails unless there was such a call, and it failed.

        :param action: The API's name.
        :param code: The code it failed with, such as ``Forbidden.NoPermission``; any by default.
        :param times: As of assert_called.
        :param wanted: As of assert_called.
        """
        __tracebackhide__ = True
        found = [call for call in self._like(action, wanted) if call.error is not None]
        found = [call for call in found if code is None or call.error == code]
        self._expect(found, times, f"{action} refused, {code or 'with any code'},", wanted)

    def assert_not_called(self, action: str, **wanted: Any) -> None:
        """Fails if there was such a call, whatever its answer.

        :param action: The API's name.
        :param wanted: As of assert_called.
        """
        __tracebackhide__ = True
        self._expect(self._like(action, wanted), 0, action, wanted)

    def _like(self, action: str, wanted: Mapping[str, Any]) -> list[Call]:
        return [call for call in self.of(action) if _is_like(call, wanted)]

    def _expect(
        self, found: list[Call], times: int | None, what: str, wanted: Mapping[str, Any]
    ) -> None:
        __tracebackhide__ = True
        if len(found) == times or (times is None and found):
            return
        like = "".join(f" {name}={value!r}" for name, value in wanted.items())
        often = "at least one" if times is None else str(times)
        told = [
            f"  {call.action} {call.error or 'answered'} {dict(call.parameters)}" for call in self
        ]
        seen = "\n".join(told) or "  none"
        raise AssertionError(f"{what}{like}: {often} expected, {len(found)} found. Calls:\n{seen}")

    def _events(self) -> list[dict[str, Any]]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "trail")
            self._store.export_audit(path)
            lines = path.read_text(encoding="utf-8").splitlines()
        return [event for line in lines if (event := json.loads(line).get("Event"))]

    def __iter__(self) -> Iterator[Call]:
        for event in self._events()[self._before :]:
            if event["eventType"] == "ApiCall" and event["userAgent"] != _USER_AGENT:
                yield _call(event)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, index: int) -> Call: ...

    @overload
    def __getitem__(self, index: slice) -> list[Call]: ...

    def __getitem__(self, index: int | slice) -> Call | list[Call]:
        return list(self)[index]

    def __repr__(self) -> str:
        return f"<Calls {[call.action for call in self]}>"


def _call(event: dict[str, Any]) -> Call:
    who = event["userIdentity"]
    return Call(
        action=event["eventName"],
        parameters=event.get("requestParameters", {}),
        account=who["accountId"],
        user=None if who["type"] == "root-account" else who["userName"],
        region=event["acsRegion"],
        keys=tuple(event.get("referencedResources", {}).get("ACS::KMS::Key", ())),
        error=event.get("errorCode"),
        time=datetime.strptime(event["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(
            tzinfo=timezone.utc
        ),
        request_id=event["requestId"],
    )


def _is_like(call: Call, wanted: Mapping[str, Any]) -> bool:
    for name, value in wanted.items():
        if name == "key":
            is_so = (value.id if isinstance(value, Key) else value) in call.keys
        elif name in ("user", "account", "region"):
            is_so = getattr(call, name) == value
        else:
            is_so = name in call.parameters and call.parameters[name] == value
        if not is_so:
            return False
    return True


class Sessions(contextlib.AbstractContextManager["Sessions"]):
    """Opens sessions of a store for whoever a test is about. Left, it closes them."""

    def __init__(self, store: Store, region: str = _REGION) -> None:
        """For a store.

        :param store: Open.
        :param region: Where sessions are that name no other.
        """
        self._store = store
        self._region = region
        self._open = contextlib.ExitStack()
        self._access_keys: dict[tuple[str, str], dict[str, str]] = {}

    def __call__(
        self,
        account: str = _ACCOUNT,
        region: str | None = None,
        *,
        user: str | None = None,
        policy: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] = (),
        **client: Any,
    ) -> Session:
        """Opens a session: the root of an account, or a user, who is made if there is none yet.

        :param account: Decimal digits.
        :param region: The identifier of a region.
        :param user: The user's name; without it, it is the account itself.
        :param policy: What the user gets: names of the system's policies, such as
            ``AliyunKMSFullAccess``, and policies as dicts. Further sessions of the user have it,
            too; without any the user may do nothing.
        :param client: As of Store.session: ``source_ip``, ``secure_transport``, ``mfa_present``,
            ``user_agent``.
        """
        policies = [policy] if isinstance(policy, (str, Mapping)) else list(policy)
        region = region or self._region
        if user is None:
            if policies:
                raise TypeError("a policy is given to a user: an account's root needs none")
            session = self._store.session(account, region, **client)
        else:
            with self._store.session(account, region, user_agent=_USER_AGENT) as root:
                access_key = self._access_key(root, account, user)
                self._grant(root, user, policies)
            session = self._store.session(
                None,
                region,
                access_key_id=access_key["AccessKeyId"],
                access_key_secret=access_key["AccessKeySecret"],
                **client,
            )
        return self._open.enter_context(session)

    def _access_key(self, root: Session, account: str, user: str) -> dict[str, str]:
        if (account, user) not in self._access_keys:
            root.api.call("CreateUser", UserName=user)
            made = root.api.call("CreateAccessKey", UserName=user)
            self._access_keys[account, user] = made["AccessKey"]
        return self._access_keys[account, user]

    def _grant(self, root: Session, user: str, policies: list[str | Mapping[str, Any]]) -> None:
        for policy in policies:
            kind, name = "System", policy
            if isinstance(policy, Mapping):
                has = root.api.call("ListPoliciesForUser", UserName=user)["Policies"]["Policy"]
                kind, name = "Custom", f"{user}-{len(has) + 1}"
                document = json.dumps(policy)
                root.api.call("CreatePolicy", PolicyName=name, PolicyDocument=document)
            root.api.call("AttachPolicyToUser", PolicyType=kind, PolicyName=name, UserName=user)

    def __exit__(self, *_raised: object) -> None:
        self._open.close()
