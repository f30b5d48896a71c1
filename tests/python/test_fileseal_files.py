"""The programs fileseal: the files and streams they read and write, and what they tell."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

import kmshsm
from sealing import HEAD, NOT_WHOLE, PROGRAMS, ROOT, Place, make_place, open_place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = ROOT / "docs" / "fileseal.md"
BOTH = pytest.mark.parametrize("program", PROGRAMS)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return make_place(tmp_path_factory.mktemp("fileseal"))


@pytest.fixture(scope="module")
def inside(place: Place) -> Iterator[kmshsm.Session]:
    with open_place(place.folder) as store, store.session() as session:
        yield session


@pytest.fixture(scope="module")
def small(place: Place) -> bytes:
    """Five chunks: of 4 bytes, the last one of 1."""
    return place.seal("C", b"seventeen letters", "--chunk-size", 4)


@BOTH
def test_info(place: Place, inside: kmshsm.Session, small: bytes, program: str) -> None:
    file = place.folder / "told"
    file.write_bytes(small)
    version = inside.key(place.keys[0]).version().id
    told = f"format       fileseal 1\nchunk_size   4\nkey_version  {version}\n"
    length = "length       17\nchunks       5\n"

    def info(*words: object, given: bytes = b"") -> str:
        command = [*PROGRAMS[program], "info", *map(str, words)]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout.decode()

    assert info(file) == told + length
    assert info("-", given=small) == told
    done = place.run(program, "info", file)
    assert done.stdout.decode() == told + length + f"key_id       {place.keys[0]}\n"
    done = place.run(program, "info", "--context", "a=b", file)
    assert (done.returncode, done.stdout.decode()) == (5, told + length)
    file.write_bytes(small[:HEAD])
    assert info(file) == told
    done = place.run(program, "info", "-", given=b"something else")
    assert (done.returncode, done.stderr) == (5, b"standard input: is not a sealed file\n")


@BOTH
def test_files(place: Place, program: str, tmp_path: Path) -> None:
    plain, out, part = tmp_path / "plain", tmp_path / "out", tmp_path / "out.part"
    plain.write_bytes(b"plain")
    out.write_bytes(b"something old")

    def seal(source: Path, target: Path) -> tuple[int, bytes]:
        done = place.run(program, "seal", "--key", place.keys[0], source, target)
        return done.returncode, done.stderr

    # What another run has begun is not touched.
    part.write_bytes(b"another's")
    code, why = seal(plain, out)
    assert (code, str(part).encode() in why) == (1, True)
    assert (out.read_bytes(), part.read_bytes()) == (b"something old", b"another's")
    part.unlink()

    assert seal(plain, out) == (0, b"")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert place.open(program, out.read_bytes()) == b"plain"
    (tmp_path / "link").symlink_to(out)
    for target in (tmp_path, tmp_path / "link"):
        assert seal(plain, target) == (1, f"{target}: is not a regular file\n".encode())
    assert seal(tmp_path / "none", out)[0] == 1
    assert seal(plain, tmp_path / "none" / "out")[0] == 1
    assert seal(tmp_path, out)[0] == 1
    assert sorted(tmp_path.iterdir()) == sorted([plain, out, tmp_path / "link"])
    # The same file is read before it is replaced.
    assert seal(plain, plain) == (0, b"")
    assert place.open(program, plain.read_bytes()) == b"plain"


@BOTH
def test_standard_output_tells_that_it_is_not_whole(
    place: Place, small: bytes, program: str
) -> None:
    done = place.run(program, "open", "-", "-", given=small[:-1])
    assert (done.returncode, done.stdout) == (5, b"seventeen letter")
    why = b"standard input: has chunk 5 changed or moved, or is cut off there\n"
    assert sorted(done.stderr.splitlines(True)) == sorted([why, NOT_WHOLE])
    with open("/dev/full", "wb") as full:
        failed = subprocess.run(
            place.command(program, "seal", "--key", place.keys[0], "-", "-"),
            input=bytes(10**6),
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert (failed.returncode, NOT_WHOLE in failed.stderr) == (1, True)


def reader_of(fifo: Path, process: subprocess.Popen[bytes]) -> int:
    """The fifo, to be written to, once the process reads it."""
    while True:
        assert process.poll() is None
        try:
            descriptor = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            assert error.errno == errno.ENXIO
            time.sleep(0.01)
        else:
            os.set_blocking(descriptor, True)
            return descriptor


@BOTH
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_leave_nothing_behind(
    place: Place, program: str, number: signal.Signals, tmp_path: Path
) -> None:
    fifo, out = tmp_path / "fifo", tmp_path / "out"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        place.command(program, "seal", "--key", place.keys[0], fifo, out),
        # Who runs the tests in the background may ignore it, and children inherit that.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    with open(reader_of(fifo, process), "wb") as endless:
        endless.write(bytes(300000))
        endless.flush()
        while not (tmp_path / "out.part").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait(60) in (-number, 128 + number)
    assert list(tmp_path.iterdir()) == [fifo]


@BOTH
def test_files_larger_than_memory(place: Place, program: str) -> None:
    limit, size = 96 << 20, 128 << 20
    big = place.folder / "big"
    with big.open("wb") as file:
        file.truncate(size)

    def less_memory() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    whole = subprocess.run(
        [sys.executable, "-c", f"open({str(big)!r}, 'rb').read()"],
        preexec_fn=less_memory,
        capture_output=True,
    )
    assert b"MemoryError" in whole.stderr

    sealed = place.folder / "big.sealed"
    sealing = place.command(program, "seal", "--key", place.keys[0], big, "-")
    with sealed.open("wb") as file:
        subprocess.run(sealing, preexec_fn=less_memory, stdout=file, check=True)
    opening = subprocess.Popen(
        place.command(program, "open", sealed, "-"),
        preexec_fn=less_memory,
        stdout=subprocess.PIPE,
    )
    assert opening.stdout
    length = 0
    while piece := opening.stdout.read(1 << 20):
        assert piece.count(0) == len(piece)
        length += len(piece)
    opening.communicate()
    assert (opening.returncode, length) == (0, size)
    big.unlink()
    sealed.unlink()


@BOTH
@pytest.mark.parametrize(
    "words",
    [
        [],
        ["seal"],
        ["shut", "-", "-"],
        ["open", "-"],
        ["open", "-", "-", "-"],
        ["open", "--key", "x", "-", "-"],
        ["open", "--chunk-size", "16", "-", "-"],
        ["seal", "-", "-"],
        ["seal", "--key", "x", "--chunk-size", "0", "-", "-"],
        ["seal", "--key", "x", "--chunk-size", "16777217", "-", "-"],
        ["seal", "--key", "x", "--chunk-size", "x", "-", "-"],
        ["rewrap", "-", "-"],
        ["info", "-", "-"],
        ["info", "--nothing", "x", "-"],
        ["info", "-", "--store"],
    ],
)
def test_usage(program: str, words: list[str]) -> None:
    given = words + ["--store", "none", "--key-file", "none"] * (words[:1] in (["seal"], ["open"]))
    done = subprocess.run([*PROGRAMS[program], *given], input=b"", capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr


@BOTH
def test_the_commands_of_the_documentation_work(place: Place, program: str, tmp_path: Path) -> None:
    (script,) = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    here = tmp_path / "here"
    (here / "photos").mkdir(parents=True)
    (here / "holiday.tar").write_bytes(b"holiday")
    shim = tmp_path / "fileseal"
    command = place.command(program, "$command")
    shim.write_text(f'#!/bin/sh\ncommand=$1\nshift\nexec {" ".join(command)} "$@"\n')
    shim.chmod(0o700)
    keys = dict(zip(("KEY", "OTHER"), place.keys))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=here,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", **keys},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"key_id       {place.keys[0]}\n" in done.stdout
    assert (here / "holiday.tar").read_bytes() == b"holiday"
    moved = place.run(program, "info", here / "holiday.sealed")
    assert f"key_id       {place.keys[1]}\n" in moved.stdout.decode()
    photos = (here / "photos.sealed").read_bytes()
    assert b"photos/" in place.open(program, photos, "--context", "owner=alice")
