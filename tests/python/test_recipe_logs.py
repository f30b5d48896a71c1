"""Encrypted logs."""

from __future__ import annotations

import logging
import multiprocessing
import threading
from typing import TYPE_CHECKING, Any

import pytest

import kmshsm
from recipes.logs import EncryptedHandler, Tampered, Unfinished, re_encrypt, read

if TYPE_CHECKING:
    from pathlib import Path


def write(
    path: Path, session: kmshsm.Session, key: str, messages: list[str], end: bool = True
) -> EncryptedHandler:
    """A program that logs, and ends as it should or not."""
    handler = EncryptedHandler(path, session.key(key), records=4)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    for message in messages:
        logger.info(message)
    if end:
        handler.close()
    else:
        handler._file.close()
    return handler


def messages(start: int, stop: int) -> list[str]:
    return [f"order {number}\nof \N{SNOWMAN}" for number in range(start, stop)]


def logged(start: int, stop: int) -> list[str]:
    return [f"INFO {message}" for message in messages(start, stop)]


def test_what_is_written_is_read(tmp_path: Path, session: kmshsm.Session, key: str) -> None:
    path = tmp_path / "app.log"
    write(path, session, key, messages(0, 10))
    write(path, session, key, [])
    write(path, session, key, messages(10, 12))
    assert list(read(path, session)) == logged(0, 12)
    content = path.read_bytes()
    assert b"order" not in content
    assert content.count(b"K") >= 5
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_in_use_and_after_a_crash(tmp_path: Path, session: kmshsm.Session, key: str) -> None:
    path = tmp_path / "app.log"
    write(path, session, key, messages(0, 6), end=False)
    records = read(path, session)
    assert [next(records) for _ in range(6)] == logged(0, 6)
    with pytest.raises(Unfinished):
        next(records)
    # The crash was in the middle of a line.
    with path.open("ab") as file:
        file.write(b"Rabc")
    write(path, session, key, messages(6, 8))
    assert list(read(path, session)) == logged(0, 8)


def test_every_change_of_a_line_is_seen(tmp_path: Path, session: kmshsm.Session, key: str) -> None:
    path = tmp_path / "app.log"
    write(path, session, key, messages(0, 6), end=False)
    write(path, session, key, messages(6, 11))
    lines = path.read_bytes().splitlines(keepends=True)
    assert "".join(line[:1].decode() for line in lines) == "KRRRREKRRKRRRREKRE"
    refused = (Tampered, Unfinished, kmshsm.KmsError)

    def check(changed: list[bytes]) -> None:
        path.write_bytes(b"".join(changed))
        with pytest.raises(refused):
            list(read(path, session))

    for number, line in enumerate(lines):
        before, after = lines[:number], lines[number + 1 :]
        # Removed, doubled, changed, renamed; swapped with the next; cut off from here.
        check(before + after)
        check([*before, line, line, *after])
        other = b"A" if line[9:10] != b"A" else b"B"
        check([*before, line[:9] + other + line[10:], *after])
        check([*before, b"X" + line[1:], *after])
        if after and line != after[0]:
            check([*before, after[0], line, *after[1:]])
    # Whole segments, which only their places tell from others.
    check(lines[6:])
    check(lines[:6] + lines[9:])
    check(lines[9:15] + lines[:9] + lines[15:])


def test_another_log_is_refused(tmp_path: Path, session: kmshsm.Session, key: str) -> None:
    write(tmp_path / "app.log", session, key, messages(0, 1))
    (tmp_path / "app.log").rename(tmp_path / "other.log")
    with pytest.raises(kmshsm.CryptoError):
        list(read(tmp_path / "other.log", session))


def test_under_another_key(tmp_path: Path, session: kmshsm.Session, key: str) -> None:
    path = tmp_path / "app.log"
    write(path, session, key, messages(0, 10))
    records = [line for line in path.read_bytes().splitlines() if not line.startswith(b"K")]
    assert re_encrypt(path, session, session.create_key()) == 3
    session.key(key).disable()
    assert list(read(path, session)) == logged(0, 10)
    assert [line for line in path.read_bytes().splitlines() if line[:1] != b"K"] == records
    assert [one.name for one in tmp_path.iterdir()] == ["app.log"]


def test_a_damaged_log_stays_as_it_is(tmp_path: Path, session: kmshsm.Session, key: str) -> None:
    path = tmp_path / "app.log"
    write(path, session, key, messages(0, 10))
    content = path.read_bytes()[:-40] + b"?\n"
    path.write_bytes(content)
    with pytest.raises(Tampered):
        re_encrypt(path, session, session.key(key))
    assert path.read_bytes() == content
    assert [one.name for one in tmp_path.iterdir()] == ["app.log"]


def test_threads(tmp_path: Path, session: kmshsm.Session, key: str) -> None:
    path = tmp_path / "app.log"
    handler = EncryptedHandler(path, session.key(key), records=7)
    logger = logging.Logger("shop")
    logger.addHandler(handler)

    def work() -> None:
        for number in range(50):
            logger.info("%d", number)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    handler.close()
    assert sorted(map(int, read(path, session))) == sorted(list(range(50)) * 4)


# From 3.12 on Python warns of any fork in a process that has threads; tests before may leave some.
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_one_handler_of_one_process(
    tmp_path: Path, session: kmshsm.Session, key: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "app.log"
    handler = EncryptedHandler(path, session.key(key))
    with pytest.raises(BlockingIOError):
        EncryptedHandler(path, session.key(key))
    with pytest.raises(BlockingIOError):
        re_encrypt(path, session, session.key(key))
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    before = path.read_bytes()
    process: Any = multiprocessing.get_context("fork").Process(target=logger.info, args=("child",))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert "does not cross a fork" in capfd.readouterr().err
    assert path.read_bytes() == before
    logger.info("parent")
    handler.close()
    assert list(read(path, session)) == ["parent"]


def test_a_key_that_is_disabled_loses_no_order(
    tmp_path: Path, session: kmshsm.Session, key: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """No new segment can begin: records are not written, and the log remains right."""
    path = tmp_path / "app.log"
    handler = EncryptedHandler(path, session.key(key), records=2)
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    for number in range(8):
        if number in (3, 5):
            (session.key(key).disable if number == 3 else session.key(key).enable)()
        logger.info("%d", number)
    handler.close()
    assert "Rejected.Disabled" in capfd.readouterr().err
    assert list(read(path, session)) == ["0", "1", "2", "3", "5", "6", "7"]
