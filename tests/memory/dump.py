"""A dump of a process, and what is found in it."""

from __future__ import annotations

import pathlib
import re
import struct
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WINDOW = 16
PRIME = 128

ODD = b"[" + b"".join(re.escape(bytes([byte])) for byte in range(1, 256, 2)) + b"]"
HIGH = b"[\x80-\xff]"
# Where a number of PRIME bytes may begin that is odd and has its top bit set.
LITTLE = re.compile(b"(?s)(?=" + ODD + b".{%d}" % (PRIME - 2) + HIGH + b")")
BIG = re.compile(b"(?s)(?=" + HIGH + b".{%d}" % (PRIME - 2) + ODD + b")")


def gcore(pid: int, prefix: pathlib.Path, *options: str) -> pathlib.Path:
    done = subprocess.run(
        ["gcore", *options, "-o", str(prefix), str(pid)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    path = prefix.with_name(f"{prefix.name}.{pid}")
    if done.returncode != 0 or not path.exists():
        raise AssertionError(
            "gcore may not dump a process of this user, so nothing is proven. Let it "
            f"(CAP_SYS_PTRACE, kernel.yama.ptrace_scope=0): {done.stdout}{done.stderr}"
        )
    return path


class Dump:
    """All that `gcore -a` gets of a process: memory whether it wants to be dumped or not, and the
    registers of its threads. Beside it, what `gcore` gets that heeds what wants to be left out."""

    def __init__(self, pid: int, place: pathlib.Path) -> None:
        place = pathlib.Path(tempfile.mkdtemp(dir=place))
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
        self.path = gcore(pid, place / "all", "-a")
        self.heeding = gcore(pid, place / "heeding")
        self.data = self.path.read_bytes()
        self.mappings = list(read_maps(maps))
        self.segments = list(read_segments(self.data))
        self.pieces = list(pieces(self.data))
        self.hay = b"".join(self.data[first:last] for first, last in self.pieces)

    def close(self) -> None:
        self.path.unlink()
        self.heeding.unlink()

    def where(self, offset: int) -> str:
        """What the byte at an offset of the file belongs to."""
        for start, size, address, _ in self.segments:
            if start <= offset < start + size:
                if address == 0:
                    return "registers"
                at = address + offset - start
                for first, last, name in self.mappings:
                    if first <= at < last:
                        return f"{name} +{at - first:#x} of {last - first:#x}"
        return "the file's own headers"

    def hits(self, secrets: Iterable[tuple[str, bytes]]) -> list[str]:
        """Where any of these is, or any 16 bytes of one, aligned or not."""
        wanted: dict[int, list[tuple[str, bytes]]] = {}
        for name, secret in secrets:
            starts = list(range(0, len(secret) - WINDOW, WINDOW))
            for start in [*starts, max(len(secret) - WINDOW, 0)]:
                window = secret[start : start + WINDOW]
                assert len(window) == WINDOW, f"too short to be found: {name}"
                word = int.from_bytes(window[:8], sys.byteorder)
                wanted.setdefault(word, []).append((f"{name} [{start}..]", window))
        places: dict[tuple[str, bytes], set[int]] = {}
        for shift in range(8):
            # All words of this alignment at once, in C: the haystack is large, and so is the list.
            words = memoryview(self.hay)[shift:]
            words = words[: len(words) // 8 * 8].cast("Q")
            for word in set(filter(wanted.__contains__, words)):
                for name, window in wanted[word]:
                    places[name, window] = set(self.find(window))
        return sorted(
            f"{name} in {self.where(at)}" for (name, _), found in places.items() for at in found
        )

    def find(self, window: bytes) -> Iterator[int]:
        """The offsets of the file where a window is."""
        for first, last in self.pieces:
            at = self.data.find(window, first, last)
            while at >= 0:
                yield at
                at = self.data.find(window, at + 1, last)

    def primes(self, moduli: Iterable[int]) -> list[str]:
        """Where a prime of any of these moduli is, aligned or not, in either order of bytes."""
        product = 1
        for modulus in moduli:
            product *= modulus
        found = []
        for start, size, _, writable in self.segments:
            if not writable:
                continue  # pages of files, as they are on disk
            for at in candidates(self.data[start : start + size]):
                window = self.data[start + at : start + at + PRIME]
                orders: tuple[Literal["little", "big"], ...] = ("little", "big")
                for order in orders:
                    number = int.from_bytes(window, order)
                    if number & 1 and number >> (8 * PRIME - 1) and product % number == 0:
                        found.append(f"a prime, {order} endian, in {self.where(start + at)}")
        return found

    def schedules(self) -> list[str]:
        """The keys that aeskeyfind finds by their schedules."""
        done = subprocess.run(
            ["aeskeyfind", "-q", str(self.heeding)], capture_output=True, text=True, check=True
        )
        return re.findall(r"^[0-9a-f]{32,64}$", done.stdout, re.MULTILINE)


def pieces(data: bytes) -> Iterator[tuple[int, int]]:
    """The parts of a file between its empty pages, with a little of the page behind each."""
    first = None
    for page in range(0, len(data), 4096):
        if data.count(0, page, page + 4096) == min(4096, len(data) - page):
            if first is not None:
                yield first, page + WINDOW
            first = None
        elif first is None:
            first = page
    if first is not None:
        yield first, len(data)


def candidates(data: bytes) -> Iterator[int]:
    """Where a prime may begin: numbers of the right form with few zeros among their bytes."""
    last = len(data) - PRIME
    for page in range(0, len(data), 4096):
        part = data[page : page + 4096 + PRIME - 1]
        if part.count(0) > len(part) - PRIME // 2:
            continue
        for pattern in (LITTLE, BIG):
            for match in pattern.finditer(part):
                at = match.start()
                if at < 4096 and page + at <= last and part.count(0, at, at + PRIME) < 12:
                    yield page + at


def read_maps(text: str) -> Iterator[tuple[int, int, str]]:
    before, name = 0, ""
    for line in text.splitlines():
        fields = line.split(maxsplit=5)
        first, last = (int(part, 16) for part in fields[0].split("-"))
        if len(fields) == 6:
            name = fields[5]
        elif before == first and ".so" in name:
            name = f"the variables of {pathlib.Path(name).name}"
        else:
            name = "anonymous memory"
        yield first, last, name
        before = last


def read_segments(core: bytes) -> Iterator[tuple[int, int, int, bool]]:
    """Offset, size, address (0 for notes) and writability of what an ELF core file holds."""
    assert core[:6] == b"\x7fELF\x02\x01", "not a core file of 64 bits"
    (table,) = struct.unpack_from("<Q", core, 32)
    entry, count = struct.unpack_from("<HH", core, 54)
    for at in range(table, table + entry * count, entry):
        kind, flags, offset, address = struct.unpack_from("<IIQQ", core, at)
        (size,) = struct.unpack_from("<Q", core, at + 32)
        if kind in (1, 4):  # PT_LOAD, PT_NOTE
            yield offset, size, 0 if kind == 4 else address, bool(flags & 2)
