"""The sessions of a case: each stays open for all steps that come from the same caller."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import kmshsm

# What says who calls.
CALLER = {"account", "region", "access_key", "client"}
CLIENT = {
    "SourceIp": "source_ip",
    "SecureTransport": "secure_transport",
    "MFAPresent": "mfa_present",
    "UserAgent": "user_agent",
}


class Sessions(contextlib.ExitStack):
    """Those of one store; left, they are closed."""

    def __init__(self, store: kmshsm.Store) -> None:
        super().__init__()
        self.store = store
        self.sessions: dict[str, kmshsm.Session] = {}

    def of(self, caller: dict[str, Any]) -> kmshsm.Session:
        """The session of a caller."""
        name = json.dumps(caller, sort_keys=True)
        if name not in self.sessions:
            self.sessions[name] = self.enter_context(self.open(**caller))
        return self.sessions[name]

    def open(
        self,
        account: str | None = None,
        region: str = "cn-hongkong",
        access_key: dict[str, str] | None = None,
        client: dict[str, Any] | None = None,
    ) -> kmshsm.Session:
        """Opens one."""
        login = {CLIENT[name]: value for name, value in (client or {}).items()}
        if access_key:
            account = None
            login["access_key_id"] = access_key["id"]
            login["access_key_secret"] = access_key["secret"]
        return self.store.session(account, region, **login)
