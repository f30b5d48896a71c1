"""Stores: making, opening, and what concerns one as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from kmshsm import _native
from kmshsm._json import text, texts
from kmshsm._operations import Operations
from kmshsm.manager import KeyManager
from kmshsm.session import Api, Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from typing_extensions import Buffer, Self

# Whose root a session is if nobody is named.
_ACCOUNT = "111122223333"

# Where it is then.
_REGION = "cn-hongkong"


def create(
    place: str | os.PathLike[str],
    *,
    passphrase: Buffer | str | None = None,
    key_file: Buffer | None = None,
    identity: Literal["EC_P256", "EC_SM2"] = "EC_P256",
) -> None:
    """Creates a store in the directory `place`, which must not exist or be empty.

    Give one secret. A text is encoded as UTF-8; a ``bytearray`` is better, for its owner can wipe
    it after the call, and the library keeps no copy.

    :param place: A path on a local file system.
    :param passphrase: Stretched with Argon2id; not empty.
    :param key_file: The 32 bytes of a key file.
    :param identity: The kind of the key pair that signs checkpoints of the audit trail for ever.
    """
    _native.create(os.fspath(place), passphrase=passphrase, key_file=key_file, identity=identity)


def open(
    place: str | os.PathLike[str] = "memory:",
    *,
    passphrase: Buffer | str | None = None,
    key_file: Buffer | None = None,
    shares: Sequence[str] | None = None,
    allow_unprotected_memory: bool = False,
    quotas: Literal["service"] | Mapping[str, Any] | None = None,
    keeper: int | None = None,
    audit: Literal["off", "denied", "all"] = "off",
    strict_audit: bool = False,
    identity: Literal["EC_P256", "EC_SM2"] | None = None,
    anchor: str | os.PathLike[str] | None = None,
    min_generation: int | None = None,
    accept_rollback: bool = False,
    account: str = _ACCOUNT,
    region: str = _REGION,
) -> Store:
    """Opens a store.

    :param place: The directory of a store; or ``memory:``, a new store that is gone when closed; or
        ``memory:?clock=manual``, one whose clock stands at 2019-07-04T13:14:15Z until
        advance_clock moves it; or ``memory:?seed=TEXT``, alone or with ``&clock=manual``, one for
        tests, whose ids and keys depend on TEXT and the calls alone. TEXT has no ``&``. Whoever
        knows it knows the keys; every answer says ``"TestOnly": True``, see is_test_only.
    :param passphrase: As for create; none for a store in memory.
    :param key_file: As for create; none for a store in memory.
    :param shares: In place of both: words of shares that Store.add_unlock_slot made, at least as
        many as are needed. The first four letters of each word will do.
    :param allow_unprotected_memory: The operator's override: keys at protection level HSM may be
        used although this process cannot lock memory.
    :param quotas: Limits for each account in each region: ``"service"`` for the service's own, or a
        mapping of the numbers ``Keys``, ``Aliases``, ``Versions``, ``Tags`` (of one key) and of
        ``RequestsPerSecond``, a dict of ``CreateKey``, ``Symmetric``, ``Rsa``, ``Curves``, ``Read``
        and ``Write``: calls in a second, counted by each process for itself. What is absent has no
        limit; of the rates, the service's. More raises InvalidState (``Rejected.LimitExceeded``,
        ``Rejected.Throttling``).
    :param keeper: Every so many seconds a thread of the library does what Store.tick does, until
        the store is closed.
    :param audit: Which uses of keys become events of the audit trail, by this process: ``"off"``,
        those that permission is refused; ``"denied"``, all that fail; ``"all"``. Changes are
        recorded always.
    :param strict_audit: A use that is recorded is answered only when its event is on disk.
        Otherwise events of uses are written within a second.
    :param identity: As for create; of a new store in memory only.
    :param anchor: A file on other media than the store's that remembers how far the store has come,
        made if there is none. A store that is behind it, a copy that was put back for example, is
        ``suspect``: it is read and its keys are used, but changes raise StorageError
        (``Store.Suspect``).
    :param min_generation: A ``generation`` that Store.status has told of the store: one that has
        not come so far is suspect.
    :param accept_rollback: Takes a suspect store as it is; see Store.accept_rollback.
    :param account: Whose keys the store's own methods make and use, as its root; decimal digits.
    :param region: Where these keys are; sessions are for all others.
    """
    if isinstance(quotas, Mapping):
        quotas = dict(quotas)
    elif not (quotas is None or isinstance(quotas, str)):
        raise TypeError(f'quotas must be "service" or a mapping, not {type(quotas).__name__}')
    options = {
        "AllowUnprotectedMemory": allow_unprotected_memory,
        "Quotas": quotas,
        "Audit": audit,
        "StrictAudit": strict_audit,
        "Identity": identity,
        "Anchor": None if anchor is None else os.fspath(anchor),
        "MinGeneration": min_generation,
        "AcceptRollback": accept_rollback,
    }
    store = Store(
        os.fspath(place),
        passphrase=passphrase,
        key_file=key_file,
        shares=texts("shares", shares),
        keeper=keeper,
        options_json=text(options),
    )
    try:
        store._own = store.session(account, region)
    except BaseException:
        _native.Store.close(store)
        raise
    return store


def self_test() -> dict[str, Any]:
    """Runs every self-test: a known answer for each algorithm, and the integrity of the library.

    The tests also run by themselves before an algorithm is first used. If one fails here, the
    report says so (``passed`` is False), and every store that is open answers
    ``Module.ErrorState`` from then on; opening one anew tests again.
    """
    report: dict[str, Any] = json.loads(_native.self_test_json())
    return report


class Store(_native.Store, Operations, KeyManager):
    """An open store, made by open. Leaving its ``with`` block closes it.

    It manages the keys of one account in one region, which open names; sessions are for others, and
    for users. What concerns it as a whole are methods, too, such as secrets that open it and
    backups. It is for any number of threads. After a fork the child must open it anew.
    """

    __slots__ = ("_own",)

    _own: Session

    @property
    def api(self) -> Api:
        """Every action of the KMS API, with its answer as in its JSON."""
        return self._own.api

    def encrypt(
        self, key_id: str, plaintext: Buffer, context: Mapping[str, str] | None = None
    ) -> bytes:
        """Encrypts up to 6144 bytes under a symmetric key.

        :param key_id: A key id, alias or ARN.
        :param plaintext: The bytes.
        :param context: What must be given again to decrypt. It is authenticated, not kept.
        """
        return self._own.encrypt(key_id, plaintext, context)

    def decrypt(self, ciphertext: Buffer, context: Mapping[str, str] | None = None) -> bytes:
        """Decrypts what encrypt or generate_data_key made.

        :param ciphertext: The ciphertext; it names its key.
        :param context: As it was encrypted.
        """
        return self._own.decrypt(ciphertext, context)

    def generate_random(self, length: int) -> bytes:
        """Random bytes.

        :param length: 1 to 1024.
        """
        return self._own.generate_random(length)

    def _own_session(self) -> Session:
        return self._own

    def session(
        self,
        account: str | None = None,
        region: str = _REGION,
        *,
        access_key_id: str | None = None,
        access_key_secret: Buffer | str | None = None,
        source_ip: str | None = None,
        secure_transport: bool | None = None,
        mfa_present: bool | None = None,
        user_agent: str | None = None,
    ) -> Session:
        """Opens a session: the root of an account in a region, or a user by an access key.

        What it says of the client at the other end is for conditions of policies and for the audit
        trail; what it does not say never helps the caller.

        :param account: Decimal digits: 111122223333, or that of the access key.
        :param region: The identifier of a region.
        :param access_key_id: Of the user who calls. Without it, it is the account itself.
        :param access_key_secret: The access key's secret, as create_access_key gave it once. A
            wrong one raises AccessDenied (``IncompleteSignature``); five in a row lock the user out
            for 15 minutes (``Forbidden.AccessKey``).
        :param source_ip: The client's address of IPv4 or IPv6: ``acs:SourceIp``.
        :param secure_transport: Whether the client came by TLS: ``acs:SecureTransport``.
        :param mfa_present: Whether its user gave a second factor: ``acs:MFAPresent``.
        :param user_agent: What the client calls itself, in events.
        """
        if account is None and access_key_id is None:
            account = _ACCOUNT
        login = {
            "Account": account,
            "Region": region,
            "AccessKeyId": access_key_id,
            "SourceIp": source_ip,
            "SecureTransport": secure_transport,
            "MFAPresent": mfa_present,
            "UserAgent": user_agent,
        }
        return Session(self, text(login), access_key_secret)

    def status(self) -> dict[str, Any]:
        """Reports how well this process protects keys, and the reasons for what is missing."""
        answer: dict[str, Any] = json.loads(self.status_json())
        return answer

    def tick(self) -> dict[str, int]:
        """Does all that is due in the store, whoever's it is, and says how much that was.

        It destroys keys whose waiting period is over and material that has expired, and makes the
        versions of automatic rotation: ``{"Deleted": 0, "Rotated": 0, "Expired": 0}``. No answer of
        any call depends on it, but a key that nobody asks for leaves the store only then. Call it
        now and then, from any process; or open the store with a ``keeper``.
        """
        done: dict[str, int] = json.loads(self.tick_json())
        return done

    def export_audit(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Exports the whole audit trail, of all accounts, for kmshsm.audit.verify and others.

        What waits in memory is written down first, and the end is signed. The answer is
        ``{"Head": "SEQUENCE:HASH", "Events": 17}``: who keeps the head sees in a later trail
        whether its end was cut off.

        :param path: Of the new file, which only its owner may read.
        """
        exported: dict[str, Any] = json.loads(self.export_audit_json(path))
        return exported

    def close(self) -> None:
        """Closes the store, which ends its sessions. Closing it again does nothing."""
        super().close()
        self._own.close()

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
