"""What concerns a store as a whole, as methods of it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from kmshsm._json import text, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer


class NewSlot(NamedTuple):
    """An unlock slot that has got its secret, also as ``slot, shares = new``."""

    slot: int
    """Its number."""
    shares: list[str]
    """The shares in words, if it is shares that open it. They are nowhere else."""

    def __repr__(self) -> str:
        return f"<kmshsm.NewSlot {self.slot}, {len(self.shares)} shares>"


class NewBackup(NamedTuple):
    """A backup that has been made."""

    manifest: dict[str, Any]
    """What it says of itself: ``Store``, ``Lineage``, ``Generation``, ``Time``, ``Counts``,
    ``IncludesImported``, ``ImportedLeftOut``, ``Complete``, ``Recipients``, ``Shares``, ``Sha256``,
    ``PublicKey``."""
    shares: list[str]
    """The shares in words, unless there are custodians. They are nowhere else."""
    sealed_shares: list[dict[str, str]]
    """For each custodian ``Custodian``, the fingerprint, and ``Ciphertext``, in Base64."""

    def __repr__(self) -> str:
        return f"<kmshsm.NewBackup of {self.manifest['Time']}, {len(self.shares)} shares>"


class Operations:
    """Operations of whoever has the store open. What they change is in the audit trail."""

    __slots__ = ()

    def operate_json(
        self,
        operation: str,
        parameters: str,
        /,
        texts: dict[str, Buffer | str | None] | None = None,
        keys: dict[str, Buffer | None] | None = None,
    ) -> str:
        """Does an operation on the store, with its parameters and its answer in JSON text."""
        raise NotImplementedError

    def operate(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Does an operation on the store, with parameters and answer as kmshsm.h describes them.

        :param operation: Its name, such as ``ListUnlockSlots``.
        :param parameters: Its members: ``operate("RemoveUnlockSlot", Slot=1)``. One that is None is
            left out.
        """
        answer: dict[str, Any] = json.loads(self.operate_json(operation, text(parameters)))
        return answer

    def unlock_slots(self) -> list[dict[str, Any]]:
        """The secrets that open the store: each one's ``Number`` and ``Kind``.

        Of a ``Passphrase`` also ``MemoryKib``, ``Passes`` and ``Lanes``; of ``Shares`` their
        ``Threshold`` and ``Count``; the third kind is ``KeyFile``.
        """
        slots: list[dict[str, Any]] = self.operate("ListUnlockSlots")["Slots"]
        return slots

    def add_unlock_slot(
        self,
        *,
        passphrase: Buffer | str | None = None,
        key_file: Buffer | None = None,
        shares: tuple[int, int] | None = None,
    ) -> NewSlot:
        """Has one more secret open the store.

        :param passphrase: Stretched with Argon2id; not empty, and UTF-8.
        :param key_file: The 32 bytes of a key file.
        :param shares: ``(2, 3)`` makes three shares, of which any two open the store; 16 at most.
        """
        return self._seal("AddUnlockSlot", {}, passphrase, key_file, shares)

    def replace_unlock_slot(
        self,
        slot: int,
        *,
        passphrase: Buffer | str | None = None,
        key_file: Buffer | None = None,
        shares: tuple[int, int] | None = None,
    ) -> NewSlot:
        """Has another secret open the store in place of that of a slot.

        :param slot: The number of the slot.
        :param passphrase: As for add_unlock_slot.
        :param key_file: As for add_unlock_slot.
        :param shares: As for add_unlock_slot.
        """
        return self._seal("ReplaceUnlockSlot", {"Slot": slot}, passphrase, key_file, shares)

    def remove_unlock_slot(self, slot: int) -> None:
        """Has the secret of a slot open the store no more. The last one stays.

        :param slot: The number of the slot.
        """
        self.operate("RemoveUnlockSlot", Slot=slot)

    def rekey_root(
        self,
        *,
        passphrase: Buffer | str | None = None,
        key_file: Buffer | None = None,
        shares: tuple[int, int] | None = None,
    ) -> NewSlot:
        """Replaces the root key, for a secret that has become known: only a new one opens it.

        Whoever else has the store open must open it again: changes raise StorageError
        (``Store.Rekeyed``).

        :param passphrase: As for add_unlock_slot.
        :param key_file: As for add_unlock_slot.
        :param shares: As for add_unlock_slot.
        """
        return self._seal("RekeyRoot", {}, passphrase, key_file, shares)

    def rotate_domain_key(self) -> int:
        """Gives the store a new key for its records, and answers its number.

        Store.tick seals the old records under it.
        """
        number: int = self.operate("RotateDomainKey")["DomainKey"]
        return number

    def verify(self) -> dict[str, Any]:
        """Reads the whole store and reports what is not as it was written; ``Found`` is how much.

        Besides ``Findings`` (of each ``What``, ``Where`` and, if that is known, ``Key``) there are
        ``Records``, ``Keys``, ``Events``, ``Generation``, ``Lineage`` and ``Complete``.
        """
        return self.operate("VerifyStore")

    def accept_rollback(self) -> bool:
        """Takes a store that is ``suspect`` as it is, and says whether it was.

        It starts a new line of changes, and its audit trail tells of it.
        """
        accepted: bool = self.operate("AcceptRollback")["Accepted"]
        return accepted

    def backup(
        self,
        path: str | os.PathLike[str],
        *,
        recipients: Sequence[str] = (),
        shares: tuple[int, int] | None = None,
        custodians: Sequence[str] = (),
        include_imported: bool = False,
    ) -> NewBackup:
        """Makes a backup of the store, for recipients, in shares, or both.

        :param path: Of the new file.
        :param recipients: Public keys in PEM, RSA of 2048 to 4096 bits or SM2: the private key of
            any of them opens it.
        :param shares: ``(2, 3)`` makes three shares, of which any two open it; 16 at most.
        :param custodians: Public keys in PEM, one for each share, which it is encrypted to.
        :param include_imported: Whether keys of origin EXTERNAL go into it.
        """
        answer = self.operate(
            "CreateBackup",
            Path=os.fspath(path),
            Recipients=texts("recipients", recipients),
            Threshold=None if shares is None else shares[0],
            Shares=None if shares is None else shares[1],
            Custodians=texts("custodians", custodians),
            IncludeImported=include_imported,
        )
        words, sealed = answer.get("Shares", []), answer.get("SealedShares", [])
        return NewBackup(answer["Manifest"], words, sealed)

    def restore_keys(
        self,
        path: str | os.PathLike[str],
        *,
        shares: Sequence[str] | None = None,
        private_key: Buffer | str | None = None,
        backup_key: Buffer | None = None,
        public_key: str | None = None,
        key_ids: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Restores keys of a backup into this store, with versions, tags, policies and aliases.

        Keys that the store has stay as they are, those that it has destroyed stay destroyed. The
        answer has ``Taken``, a dict of numbers, and ``LeftOut``, of each what was not taken
        ``KeyId`` and ``Reason``.

        :param path: Of the backup.
        :param shares: What opens it: the words of shares, at least as many as are needed;
        :param private_key: or the private key of a recipient, PKCS #8 in PEM;
        :param backup_key: or the backup key itself, 32 bytes.
        :param public_key: The public key that must have signed it, as Store.audit_key gave it.
        :param key_ids: Which keys; all by default.
        """
        parameters = {
            "Path": os.fspath(path),
            "Shares": texts("shares", shares),
            "PublicKey": public_key,
            "KeyIds": texts("key_ids", key_ids),
        }
        answer: dict[str, Any] = json.loads(
            self.operate_json(
                "RestoreKeys",
                text(parameters),
                texts={"private_key": private_key},
                keys={"backup_key": backup_key},
            )
        )
        return answer

    def import_softhsm(
        self,
        directory: str | os.PathLike[str],
        pin: Buffer | str,
        *,
        account: str = "111122223333",
        region: str = "cn-hongkong",
        protection_level: str | None = None,
        key_usage: str | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Takes over the keys of a token of SoftHSM 2 that may leave it, as an account's own.

        The answer has ``TokenLabel``, ``TokenSerial``, ``Taken`` and ``Refused``.

        :param directory: The token's, with its ``token.object``.
        :param pin: The user's.
        :param account: Whose the keys will be.
        :param region: Where.
        :param protection_level: Of the keys: SOFTWARE or HSM.
        :param key_usage: Of key pairs that may do both: SIGN/VERIFY or ENCRYPT/DECRYPT.
        :param dry_run: Only says what would be taken.
        """
        parameters = {
            "Account": account,
            "Region": region,
            "Directory": os.fspath(directory),
            "ProtectionLevel": protection_level,
            "KeyUsage": key_usage,
            "DryRun": dry_run,
        }
        done = self.operate_json("ImportSoftHsmToken", text(parameters), texts={"pin": pin})
        answer: dict[str, Any] = json.loads(done)
        return answer

    def _seal(
        self,
        operation: str,
        parameters: dict[str, Any],
        passphrase: Buffer | str | None,
        key_file: Buffer | None,
        shares: tuple[int, int] | None,
    ) -> NewSlot:
        if shares is not None:
            parameters["Threshold"], parameters["Count"] = shares
        answer = json.loads(
            self.operate_json(
                operation,
                text(parameters),
                texts={"passphrase": passphrase},
                keys={"key_file": key_file},
            )
        )
        return NewSlot(answer["Slot"], answer.get("Shares", []))
