"""What the library tells of keys, versions and aliases, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from kmshsm.enums import KeySpec, KeyState, KeyUsage, Origin, ProtectionLevel

__all__ = ["Alias", "KeyMetadata"]


@dataclass(frozen=True)
class KeyMetadata:
    """A key as it was at one moment."""

    id: str
    """The key's id, a UUID."""
    arn: str
    """Its name among all accounts and regions."""
    spec: KeySpec
    """Its kind."""
    usage: KeyUsage
    """What it may be used for."""
    state: KeyState
    """Where it is in its life."""
    origin: Origin
    """Where its material comes from."""
    protection_level: ProtectionLevel
    """How its material is held."""
    description: str
    """What its owner says of it."""
    creator: str
    """The account."""
    created: datetime
    """When it was made."""
    primary_version: str | None
    """The version that encrypts; None of a key pair, whose calls name one."""
    last_rotation: datetime
    """When its newest version was made."""
    automatic_rotation: str
    """``Enabled``, ``Disabled``, or ``Suspended`` while the key is disabled."""
    rotation_interval: timedelta | None
    """How long a version stays the newest, if they are made automatically."""
    next_rotation: datetime | None
    """When the next version is due."""
    deletion: datetime | None
    """When it will be deleted."""
    material_expires: datetime | None
    """When imported material is destroyed."""
    is_protected: bool
    """Whether its deletion is refused."""

    @classmethod
    def of(cls, told: dict[str, Any]) -> KeyMetadata:
        """From the ``KeyMetadata`` of CreateKey or DescribeKey."""
        interval = told.get("RotationInterval")
        return cls(
            id=told["KeyId"],
            arn=told["Arn"],
            spec=KeySpec(told["KeySpec"]),
            usage=KeyUsage(told["KeyUsage"]),
            state=KeyState(told["KeyState"]),
            origin=Origin(told["Origin"]),
            protection_level=ProtectionLevel(told["ProtectionLevel"]),
            description=told["Description"],
            creator=told["Creator"],
            created=moment(told["CreationDate"]),
            primary_version=told.get("PrimaryKeyVersion"),
            last_rotation=moment(told["LastRotationDate"]),
            automatic_rotation=told["AutomaticRotation"],
            rotation_interval=None if interval is None else timedelta(seconds=int(interval[:-1])),
            next_rotation=_moment_if_any(told.get("NextRotationDate")),
            deletion=_moment_if_any(told["DeleteDate"]),
            material_expires=_moment_if_any(told["MaterialExpireTime"]),
            is_protected=told.get("DeletionProtection") == "Enabled",
        )


@dataclass(frozen=True)
class Alias:
    """A name of a key."""

    name: str
    """It begins with ``alias/``."""
    key_id: str
    """The key that it stands for."""
    arn: str
    """The alias's name among all accounts and regions."""

    @classmethod
    def of(cls, told: dict[str, Any]) -> Alias:
        """From an entry of ListAliases."""
        return cls(name=told["AliasName"], key_id=told["KeyId"], arn=told["AliasArn"])


def moment(text: str) -> datetime:
    """A moment as the API writes it, in UTC."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def _moment_if_any(text: str | None) -> datetime | None:
    return moment(text) if text else None
