"""Secrets of a program's settings: encrypted in its environment, .env and YAML files.

Where a password would stand, there is ``kms:NAME:BASE64``: the name of the setting, which is also
the context of the encryption, and the ciphertext. It may be committed with the program: it opens
only where the store is, as that setting and no other. pydantic-settings reads it from wherever it
reads settings, and in the program it is a SecretStr, which does not print itself. Commands:

    echo -n hunter2 | settings.py seal STORE KEY_FILE alias/shop database_password
    settings.py rotate STORE KEY_FILE alias/shop .env settings.yaml

The first prints what to put into a file; the second puts all that is in files under the newest
version of the key, or under another key, with no secret ever outside of the store.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from base64 import b64decode, b64encode
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import FastAPI
from pydantic import BeforeValidator, SecretStr, ValidationInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

import kmshsm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

S = TypeVar("S", bound=BaseSettings)

_SEALED = re.compile(r"kms:([A-Za-z0-9_]+):([A-Za-z0-9+/]+={0,2})")

# pydantic's way to give validators of BaseSettings something: there is no argument for it.
_session: ContextVar[kmshsm.Session] = ContextVar("_session")


def seal(key: kmshsm.Key, name: str, secret: str) -> str:
    """A secret as it stands in a file: for the setting of this name only."""
    blob = key.encrypt(secret.encode(), {"Setting": name})
    return f"kms:{name}:{b64encode(blob).decode()}"


def rotate(session: kmshsm.Session, key: kmshsm.Key, text: str) -> str:
    """A file's text with all its secrets under the newest version of a key; the rest as it was."""

    def again(found: re.Match[str]) -> str:
        context = {"Setting": found[1]}
        blob = session.re_encrypt(
            b64decode(found[2]), key.id, source_context=context, destination_context=context
        )
        return f"kms:{found[1]}:{b64encode(blob).decode()}"

    return _SEALED.sub(again, text)


def _open(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return value
    found = _SEALED.fullmatch(value)
    if found is None:
        raise ValueError("this setting must be encrypted, as kms:NAME:BASE64")
    if found[1] != info.field_name:
        raise ValueError(f"this is the secret of another setting, {found[1]}")
    return _session.get().decrypt(b64decode(found[2]), {"Setting": found[1]}).decode()


Sealed = Annotated[SecretStr, BeforeValidator(_open)]
"""A setting that must be encrypted wherever it comes from."""


def load(settings: type[S], session: kmshsm.Session) -> S:
    """Reads settings, and opens what is sealed in them."""
    token = _session.set(session)
    try:
        return settings()
    finally:
        _session.reset(token)


class Settings(BaseSettings):
    """The settings of a program, the environment first."""

    # Errors would show a secret that somebody forgot to encrypt.
    model_config = SettingsConfigDict(
        env_prefix="SHOP_",
        env_file=".env",
        yaml_file="settings.yaml",
        extra="ignore",
        hide_input_in_errors=True,
    )

    database_user: str
    database_password: Sealed
    payment_token: Sealed

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Adds the YAML file."""
        return env_settings, dotenv_settings, YamlConfigSettingsSource(settings_cls)


def create_app(place: str, key_file: Path, **options: Any) -> FastAPI:
    """A program of FastAPI that opens its secrets when it starts, and closes the store then."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with (
            kmshsm.open(place, key_file=key_file.read_bytes(), **options) as store,
            store.session() as session,
        ):
            app.state.settings = load(Settings, session)
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {"user": app.state.settings.database_user}

    return app


def main(arguments: list[str] | None = None) -> None:
    """The commands."""
    parser = argparse.ArgumentParser(description="Secrets of settings.")
    parser.add_argument("--allow-unprotected-memory", action="store_true")
    parser.add_argument("action", choices=["seal", "rotate"])
    parser.add_argument("store", type=Path)
    parser.add_argument("key_file", type=Path)
    parser.add_argument("key", help="its id or alias")
    parser.add_argument("names", nargs="+", help="of settings to seal, or of files to rotate")
    given = parser.parse_args(arguments)
    with (
        kmshsm.open(
            given.store,
            key_file=given.key_file.read_bytes(),
            allow_unprotected_memory=given.allow_unprotected_memory,
        ) as store,
        store.session() as session,
    ):
        key = session.key(given.key)
        if given.action == "seal":
            secret = sys.stdin.read()
            for name in given.names:
                print(seal(key, name, secret))
        else:
            for path in map(Path, given.names):
                # As bytes: the ends of its lines are nobody's concern.
                _replace(path, rotate(session, key, path.read_bytes().decode()).encode())


def _replace(path: Path, content: bytes) -> None:
    """The new file or the old one, whatever happens; with the old one's owner and permissions."""
    part = path.with_name(path.name + ".part")
    old = path.stat()
    try:
        with open(part, "xb", opener=_private) as file:
            os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fchmod(file.fileno(), old.st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


if __name__ == "__main__":
    main()
