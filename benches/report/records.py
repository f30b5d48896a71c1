"""What the harnesses have written: lines of JSON, of which the member `kind` says what they are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Line = dict[str, Any]
# How the harnesses are called, in the order of the report.
HARNESSES = {"rust": "Rust", "c": "C", "python": "Python"}


@dataclass
class Records:
    """All of them."""

    machines: list[Line] = field(default_factory=list)
    peers: list[Line] = field(default_factory=list)
    results: list[Line] = field(default_factory=list)
    figures: list[Line] = field(default_factory=list)

    @classmethod
    def read(cls, paths: list[Path]) -> Records:
        """From the files of the harnesses."""
        records = cls()
        kinds = {
            "machine": records.machines,
            "peer": records.peers,
            "result": records.results,
            "figure": records.figures,
        }
        for path in paths:
            for told in path.read_text().splitlines():
                line = json.loads(told)
                kinds[line["kind"]].append(line)
        return records

    def groups(self, harness: str) -> dict[str, list[Line]]:
        """The results of a harness, by their jobs."""
        found: dict[str, list[Line]] = {}
        for line in self.results:
            if line["harness"] == harness:
                found.setdefault(line["group"], []).append(line)
        return found

    def result(self, harness: str, group: str, size: int | None, contestant: str) -> Line | None:
        """What one did on one thread, if it could take part."""
        for line in self.results:
            place = line["harness"], line["group"], line.get("size"), line["contestant"]
            if place == (harness, group, size, contestant) and line["threads"] == 1:
                return line if line.get("ns") else None
        return None

    def sizes(self, harness: str, group: str) -> list[int]:
        """Of the messages of a job."""
        lines = self.groups(harness).get(group, [])
        return sorted({line["size"] for line in lines if line.get("size")})


def duration(ns: float) -> str:
    """With three digits, in the unit that fits."""
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= scale:
            return f"{digits(ns / scale)} {unit}"
    return f"{digits(ns)} ns"


def digits(value: float) -> str:
    """Three of them, and no fourth after the point."""
    places = 0 if value >= 99.95 else 1 if value >= 9.995 else 2 if value >= 0.0995 else 3
    return f"{value:.{places}f}"


def length(size: int) -> str:
    """Of a message."""
    for unit, scale in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return f"{size // scale} {unit}"
    return f"{size} B"
