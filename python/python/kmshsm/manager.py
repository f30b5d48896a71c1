"""What manages keys: a session, or a store by a session of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kmshsm.keys import Key, interval_text, tag_list
from kmshsm.metadata import Alias
from kmshsm.pages import pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from kmshsm.enums import KeySpec, KeyUsage, Origin, ProtectionLevel
    from kmshsm.session import Session

__all__ = ["KeyManager"]


class KeyManager:
    """Makes keys and finds them."""

    __slots__ = ()

    def _own_session(self) -> Session:
        raise NotImplementedError

    def create_key(
        self,
        key_spec: KeySpec | str | None = None,
        *,
        key_usage: KeyUsage | str | None = None,
        protection_level: ProtectionLevel | str | None = None,
        origin: Origin | str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        rotate_every: timedelta | None = None,
    ) -> Key:
        """Creates a customer master key.

        :param key_spec: Its kind. Default: SM4 at level HSM in a region of the GM class, else
            AES-256.
        :param key_usage: What it may be used for. Default: by the spec.
        :param protection_level: How its material is held: HSM, or SOFTWARE, which is the default.
        :param origin: EXTERNAL if its material will be imported.
        :param description: Up to 8192 characters.
        :param tags: At most 20.
        :param rotate_every: Has new versions be made automatically, after 7 to 730 days each; not
            of EXTERNAL and asymmetric keys.
        """
        session = self._own_session()
        parameters: dict[str, Any] = {
            "KeySpec": key_spec,
            "KeyUsage": key_usage,
            "ProtectionLevel": protection_level,
            "Origin": origin,
            "Description": description,
            "Tags": None if tags is None else tag_list(tags),
        }
        if rotate_every is not None:
            parameters["EnableAutomaticRotation"] = True
            parameters["RotationInterval"] = interval_text(rotate_every)
        told = session.api.call("CreateKey", parameters)
        return Key(session, told["KeyMetadata"]["KeyId"])

    def key(self, name: str) -> Key:
        """The key of this name. If there is none, or the session may not see it, that is an error.

        :param name: A key id, an alias or an ARN.
        """
        session = self._own_session()
        return Key(session, session.api.describe_key(name)["KeyMetadata"]["KeyId"])

    def keys(self, **filters: str) -> Iterator[Key]:
        """All keys of the account in the region, in the order in which they were made.

        They are asked for as they are needed. A list that changes meanwhile may have one twice, or
        leave one out.

        :param filters: Only those of which all of this is true: ``key_state``, ``key_spec``,
            ``key_usage``, ``protection_level``, ``creator_type``.
        """
        session = self._own_session()
        wanted = [
            {"Key": name.title().replace("_", ""), "Values": [value]}
            for name, value in filters.items()
        ]
        for told in pages(session.api.list_keys, "Keys", filters=wanted or None):
            yield Key(session, told["KeyId"])

    def aliases(self) -> Iterator[Alias]:
        """All aliases of the account in the region."""
        return map(Alias.of, pages(self._own_session().api.list_aliases, "Aliases"))

    def delete_alias(self, name: str) -> None:
        """Takes a name from the key that has it.

        :param name: It begins with ``alias/``.
        """
        self._own_session().api.delete_alias(name)
