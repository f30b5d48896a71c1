"""Encrypted settings, in a program of FastAPI."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

import kmshsm
from recipes.settings import Settings, create_app, load, main, rotate, seal

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "hunter2 \N{SNOWMAN}"
TOKEN = "tok: #'\"$"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program is started."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(directory: Path, session: kmshsm.Session, key: str) -> None:
    """One secret in each file."""
    password = seal(session.key(key), "database_password", PASSWORD)
    token = seal(session.key(key), "payment_token", TOKEN)
    (directory / ".env").write_text(f"# The shop\nSHOP_DATABASE_PASSWORD={password}\nOTHER=1\n")
    (directory / "settings.yaml").write_text(f"database_user: shop\npayment_token: {token}\n")


def secrets(settings: Settings) -> tuple[str, str]:
    """Both in clear."""
    password, token = settings.database_password, settings.payment_token
    return password.get_secret_value(), token.get_secret_value()


def test_from_files_and_the_environment(
    directory: Path, session: kmshsm.Session, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(directory, session, key)
    settings = load(Settings, session)
    assert secrets(settings) == (PASSWORD, TOKEN)
    assert settings.database_user == "shop"
    assert PASSWORD not in repr(settings) + str(settings) + settings.model_dump_json()
    monkeypatch.setenv("SHOP_PAYMENT_TOKEN", seal(session.key(key), "payment_token", "newer"))
    assert secrets(load(Settings, session)) == (PASSWORD, "newer")


def test_secrets_of_other_settings_are_refused(
    directory: Path, session: kmshsm.Session, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(directory, session, key)
    password = seal(session.key(key), "database_password", PASSWORD)
    monkeypatch.setenv("SHOP_PAYMENT_TOKEN", password)
    with pytest.raises(ValidationError, match="of another setting, database_password"):
        load(Settings, session)
    monkeypatch.setenv("SHOP_PAYMENT_TOKEN", password.replace("database_password", "payment_token"))
    with pytest.raises(kmshsm.CryptoError):
        load(Settings, session)


def test_secrets_in_clear_are_refused_and_not_shown(
    directory: Path, session: kmshsm.Session, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(directory, session, key)
    monkeypatch.setenv("SHOP_DATABASE_PASSWORD", PASSWORD)
    with pytest.raises(ValidationError, match="must be encrypted") as caught:
        load(Settings, session)
    assert PASSWORD not in str(caught.value)


def test_rotation_touches_only_secrets(session: kmshsm.Session, key: str) -> None:
    one, two = (seal(session.key(key), name, "secret") for name in "ab")
    text = f"# kms: none\r\nA={one} B='{two}'\n"
    other = session.create_key(protection_level="HSM")
    rotated = rotate(session, other, text)
    session.key(key).disable()
    assert one not in rotated
    assert two not in rotated
    sealed = re.compile("kms:([ab]):([A-Za-z0-9+/=]+)")
    assert sealed.sub(r"\1", rotated) == "# kms: none\r\nA=a B='b'\n"
    for name, blob in sealed.findall(rotated):
        assert session.decrypt(b64decode(blob), {"Setting": name}) == b"secret"


def test_the_program(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sealed and rotated by the commands, on a store in a directory; served by FastAPI."""
    place, key_file = directory / "store", directory / "key-file"
    key_file.write_bytes(bytes(range(32)))
    kmshsm.create(place, key_file=key_file.read_bytes())

    def opened() -> kmshsm.Store:
        return kmshsm.open(place, key_file=key_file.read_bytes(), allow_unprotected_memory=True)

    with opened() as kms:
        keys = [kms.create_key(protection_level="HSM") for _ in range(2)]
        keys[0].add_alias("alias/shop")

    def command(action: str, *names: str) -> str:
        store = ["--allow-unprotected-memory", action, str(place), str(key_file), "alias/shop"]
        main([*store, *names])
        return capsys.readouterr().out

    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
    password = command("seal", "database_password")
    monkeypatch.setattr("sys.stdin", io.StringIO(TOKEN))
    token = command("seal", "payment_token")
    env = directory / ".env"
    env.write_bytes(f"SHOP_DATABASE_USER=shop\r\nSHOP_DATABASE_PASSWORD={password}".encode())
    env.chmod(0o666)
    (directory / "settings.yaml").write_text(f"payment_token: {token}")

    with opened() as kms:
        kms.delete_alias("alias/shop")
        kms.key(keys[1].id).add_alias("alias/shop")
    assert command("rotate", ".env", "settings.yaml") == ""
    assert password not in env.read_text()
    assert b"shop\r\n" in env.read_bytes()
    assert env.stat().st_mode & 0o777 == 0o666
    with opened() as kms:
        kms.key(keys[0].id).disable()

    app = create_app(str(place), key_file, allow_unprotected_memory=True)
    with TestClient(app) as client:
        assert client.get("/health").json() == {"user": "shop"}
        assert secrets(app.state.settings) == (PASSWORD, TOKEN)
