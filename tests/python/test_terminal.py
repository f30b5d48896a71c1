"""The command line on a terminal, a pseudo-terminal: tables, colours, progress and questions."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unicodedata
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("KMSHSM", ROOT / "build" / "bin" / "kmshsm")).resolve()
OPEN = ["--store", "keys", "--key-file", "keys.bin", "--allow-unprotected-memory"]
# SGR of ECMA-48.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ERASED = "\r\x1b[K"


class Shown(NamedTuple):
    """What came out: on the terminal, and of the streams that were pipes."""

    code: int
    screen: str
    out: str
    err: str


def run(
    home: Path,
    *args: str,
    columns: int = 100,
    typed: str = "",
    pipes: tuple[str, ...] = (),
    env: dict[str, str] | None = None,
) -> Shown:
    """Runs the program on a terminal of its own; the streams in `pipes` are pipes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.write(ours, typed.encode())

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    environment = {"HOME": str(home), "TERM": "xterm", **(env or {})}
    with subprocess.Popen(
        [PROGRAM, *args],
        cwd=home,
        env=environment,
        stdin=theirs,
        stdout=subprocess.PIPE if "out" in pipes else theirs,
        stderr=subprocess.PIPE if "err" in pipes else theirs,
        start_new_session=True,
        preexec_fn=take_terminal,
    ) as process:
        os.close(theirs)
        screen = read(ours)
        out, err = process.communicate()
    return Shown(process.returncode, screen, (out or b"").decode(), (err or b"").decode())


def read(terminal: int) -> str:
    """Everything on a terminal until nobody has it open, with newlines as programs write them."""
    found = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux says EIO for a terminal that nobody has open
            piece = b""
        if not piece:
            os.close(terminal)
            return found.decode().replace("\r\n", "\n")
        found += piece


def width(line: str) -> int:
    """The columns of a line, without colours."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in COLOUR.sub("", line))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with the store `keys`, in which there is one key."""
    run(tmp_path, "init", "--store", "keys", "--key-file", "keys.bin")
    made = run(tmp_path, "CreateKey", *OPEN, "--Description", "密钥" * 30)
    assert made.code == 0
    return tmp_path


def test_tables_fit_the_terminal(home: Path) -> None:
    for columns in (200, 100, 80, 60, 40):
        for args in (["ListKeys", *OPEN], ["regions"], ["self-test"], ["doctor", *OPEN]):
            shown = run(home, *args, columns=columns)
            lines = shown.screen.splitlines()
            assert len(lines) > 3, shown
            assert max(width(line) for line in lines) <= columns, (args, columns)
    wide = run(home, "regions", columns=200).screen.splitlines()
    # A line for each region, whose columns stand below each other.
    assert len(wide) == 30
    assert len({width(line[: line.rindex("  ")]) for line in wide[3:]}) == 1
    narrow = run(home, "regions", columns=40).screen
    assert narrow.count("name_zh") == 27
    told = run(home, "regions", columns=40, env={"COLUMNS": "200"}).screen
    assert told.count("name_zh") == 1


def test_colours_are_the_terminals(home: Path) -> None:
    coloured = run(home, "ListKeys", *OPEN)
    assert "\x1b[1mKeyId\x1b[0m" in coloured.screen
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CLICOLOR": "0"}):
        assert "\x1b" not in run(home, "ListKeys", *OPEN, env=variables).screen
    assert "\x1b" not in run(home, "ListKeys", *OPEN, "--color", "never").screen
    asked = ["ListKeys", *OPEN, "--color", "always"]
    assert "\x1b[1m" in run(home, *asked, env={"NO_COLOR": "1"}).screen
    piped = run(home, "ListKeys", *OPEN, pipes=("out",))
    assert json.loads(piped.out)["TotalCount"] == 1
    assert json.loads(run(home, "ListKeys", *OPEN, "--output", "json").screen)


def test_each_stream_has_its_reader(home: Path) -> None:
    absent = ["DescribeKey", *OPEN, "--KeyId", "nobody"]
    line = "\x1b[1;31mForbidden.KeyNotFound\x1b[0m: The specified Key is not found.\n"
    assert run(home, *absent) == Shown(3, line, "", "")
    assert run(home, *absent, pipes=("out",)) == Shown(3, line, "", "")
    refused = run(home, *absent, pipes=("err",))
    assert (refused.code, refused.screen) == (3, "")
    assert json.loads(refused.err)["Code"] == "Forbidden.KeyNotFound"
    assert run(home, "Nonsense").screen.startswith("\x1b[1;31merror:\x1b[0m ")


@pytest.mark.parametrize(
    ("args", "done"),
    [
        (["verify", *OPEN], "records verified"),
        (["domain-key", "rotate", *OPEN], "records sealed anew"),
        (
            ["backup", "create", "one", *OPEN, "--shares", "2/2", "--share-dir", "shares"],
            "records backed up",
        ),
    ],
)
def test_long_work_shows_how_far_it_is(home: Path, args: list[str], done: str) -> None:
    quiet = run(home, *args, pipes=("out", "err"))
    assert (quiet.code, quiet.screen, quiet.err) == (0, "", "")
    for made in [*home.glob("one"), *home.glob("shares/*")]:
        made.unlink()
    shown = run(home, *args, pipes=("out",))
    assert json.loads(shown.out)
    bars = shown.screen.split(ERASED)
    # The line is gone when the work is done.
    assert (bars[0], bars[-1]) == ("", "")
    assert all(re.fullmatch(rf"\[#*\.*\] \d+ of \d+ {done}.*", bar) for bar in bars[1:-1])
    assert len(bars) > 2


def test_backups_show_it_too(home: Path) -> None:
    create = ["backup", "create", "one", *OPEN, "--shares", "2/2", "--share-dir", "shares"]
    assert run(home, *create, pipes=("out",)).code == 0
    shares = [word for n in "12" for word in ("--backup-share", f"shares/share-{n}.txt")]
    verified = run(home, "backup", "verify", "one", *shares, pipes=("out",))
    assert "records verified" in verified.screen
    place = ["--into", "again", "--new-key-file", "again.bin"]
    restored = run(home, "backup", "restore", "one", *shares, *place, pipes=("out",))
    assert "records restored" in restored.screen
    assert restored.screen.endswith(ERASED)


def test_a_dumb_terminal_has_no_progress(home: Path) -> None:
    assert run(home, "verify", *OPEN, pipes=("out",), env={"TERM": "dumb"}).screen == ""


def test_the_doctor_asks_and_takes_no_for_an_answer(home: Path) -> None:
    shown = run(home, "doctor", "--store", "keys", typed="\n")
    assert "Passphrase (Enter leaves the store closed): " in shown.screen
    assert "It was not opened for want of a secret" in shown.screen
    assert run(home, "doctor", *OPEN).screen.startswith("\x1b[1mProgram\x1b[0m\n\x1b[32mok\x1b[0m")
