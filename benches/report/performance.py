"""Writes docs/performance.md and its pictures: performance.py DIRECTORY PAGE.

DIRECTORY has what the harnesses have written: peers.jsonl, c.jsonl, python.jsonl. A figure that
falls short has its reason in reasons.json beside this file, by the figure's name.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import charts
from records import HARNESSES, Line, Records, digits, duration, length

if TYPE_CHECKING:
    from collections.abc import Iterator

REASONS = Path(__file__).with_name("reasons.json")

ABOUT = """\
`make bench` writes this page from one run. Every table is of contestants that were timed in turn,
in every round, in the same process: what is told is the median of the rounds, in processor time of
the thread, and how many times as fast that is as the first of its table (more is better). Only
these ratios mean something beyond this machine.

"""

# What is told of the tables of a harness.
HEADINGS = {
    "rust": """\
## From Rust

The kernels of the library alone (*libkmshsm raw*), its C functions (*kmshsm_...*), which check the
session, the caller's permissions and the key, count the call and make an envelope that commits to
its key, and the peers' own functions. Every message is encrypted with a fresh key, as envelopes
are, unless it says *cached key*.
""",
    "c": """\
## From C

A program in C, linked to the shared library as users link it. *SoftHSM2* stands for a key of the
token, which is what stays, in a file in memory; *session key* for one that is gone with the
session, the fastest it has.
""",
    "python": """\
## From Python

Whole calls. `gmssl`, `gmalg` and `snowland-smx` are written in Python and have no GCM. What
*import* tells is a new interpreter that imports and ends.
""",
}

PICTURES = (
    (
        charts.throughput,
        "sizes",
        "Bytes in a second against the length of messages, of AES-256-GCM and SM4-GCM",
    ),
    (charts.sm2, "sm2", "Operations of SM2 in a second"),
    (charts.token, "softhsm", "How many times as fast as SoftHSM2 the C functions are"),
)


def main() -> None:
    """Reads, draws and writes."""
    directory, page = map(Path, sys.argv[1:])
    names = ("peers.jsonl", "c.jsonl", "python.jsonl")
    records = Records.read([directory / name for name in names if (directory / name).exists()])
    reasons = json.loads(REASONS.read_text())
    parts = ["# Beside others\n\n", ABOUT]
    for draw, name, told in PICTURES:
        drawn = page.with_name(f"{page.stem}-{name}.svg")
        if draw(records, drawn):
            parts.append(f"![{told}]({drawn.name})\n\n")
    parts += ["## Figures to reach\n\n", figures(records, reasons)]
    parts += ["## Where\n\n", where(records)]
    for harness, heading in HEADINGS.items():
        groups = records.groups(harness)
        if groups:
            parts += [heading, "\n", *tables(groups)]
    parts += ["## Two threads\n\n", threads(records)]
    page.write_text("".join(parts).rstrip() + "\n")
    for name in without_reason(records, reasons):
        print(f"{REASONS.name} has no reason for: {name}")
    print(f"the report: {page}")


def figures(records: Records, reasons: dict[str, str]) -> str:
    """The table of the figures: what was to be reached, and what is."""
    told: dict[str, list[Line]] = {}
    for line in records.figures:
        told.setdefault(line["figure"], []).append(line)
    out = ["| job | figure | reached | by | |\n|---|---:|---:|---|---|\n"]
    for name, lines in told.items():
        first = lines[0]
        sign = "≥" if first["bound"] == "at least" else "≤"
        reached = ", ".join(map(value, lines))
        by = ", ".join(HARNESSES[line["harness"]] for line in lines)
        verdict = "yes" if all(line.get("met") for line in lines) else ""
        if any(line.get("met") is False for line in lines):
            verdict = f"**falls short**: {why(name, lines, reasons)}"
        elif not verdict:
            verdict = next(line["why"] for line in lines if line.get("why"))
        against = f"{name} ({first['to']})"
        out.append(f"| {against} | {sign} {first['goal']:g} | {reached} | {by} | {verdict} |\n")
    return "".join(out) + "\n"


def value(line: Line) -> str:
    """What is reached of a figure, and of one of two threads what the machine gave meanwhile."""
    if line.get("reached") is None:
        return "-"
    most = f" of {digits(line['to_be_had'])}" if line.get("to_be_had") else ""
    return digits(line["reached"]) + most


def why(name: str, lines: list[Line], reasons: dict[str, str]) -> str:
    """Why a figure falls short."""
    if all(map(is_excused, lines)):
        return "two threads of arithmetic, which share nothing, had no more meanwhile"
    return reasons.get(name, "nobody has said why")


def is_excused(line: Line) -> bool:
    """Whether it is met, or a twentieth at most is lost of what two threads could have had."""
    most = line.get("to_be_had")
    return line.get("met") is not False or bool(most and line["reached"] >= 0.95 * most)


def without_reason(records: Records, reasons: dict[str, str]) -> list[str]:
    """The figures that fall short, and nobody has said why."""
    return sorted(
        {line["figure"] for line in records.figures if not is_excused(line)} - reasons.keys()
    )


def where(records: Records) -> str:
    """The machine, and who was measured there."""
    machine: Line = {}
    for line in records.machines:
        machine |= line
    rows = {
        "date": machine["date"],
        "processor": f"{machine['cores']} of {machine['cpu']}",
        "its features": " ".join(machine["features"]),
        "system": f"{machine['system']}, {machine['kernel']}",
        "compilers": ", ".join(machine.get("compilers", [])),
        "libkmshsm": machine["library"],
        "load at the start": ", ".join(
            f"{HARNESSES[line['harness']]} {line['load'][0]:.2f}" for line in records.machines
        ),
    }
    for line in records.peers:
        rows[line["peer"]] = line.get("version") or f"not here: {line['absent']}"
    cells = "".join(f"| {name} | {told} |\n" for name, told in rows.items())
    return f"| | |\n|---|---|\n{cells}\n"


def tables(groups: dict[str, list[Line]]) -> Iterator[str]:
    """One for each job on messages, and one for all other jobs."""
    others = "".join(rows(name, lines) for name, lines in groups.items() if not sizes_of(lines))
    yield from (table(name, lines) for name, lines in groups.items() if sizes_of(lines))
    if others:
        yield f"### One call\n\n| job | | time | speed |\n|---|---|---:|---:|\n{others}\n"


def sizes_of(lines: list[Line]) -> list[int]:
    """The lengths of messages."""
    return sorted({line["size"] for line in lines if line.get("size")})


def rows(name: str, lines: list[Line]) -> str:
    """Of a job without messages: the contestants."""
    out = ""
    for line in lines:
        if line["threads"] == 1:
            told = line.get("absent") or duration(line["ns"])
            speed = digits(line["ratio"]) if line.get("ratio") else ""
            out += f"| {name} | {line['contestant']} | {told} | {speed} |\n"
            name = ""
    return out


def table(name: str, lines: list[Line]) -> str:
    """Of a job: the contestants, by the lengths of messages."""
    alone = [line for line in lines if line["threads"] == 1]
    sizes = sizes_of(lines)
    names = list(dict.fromkeys(line["contestant"] for line in alone))
    places = {(line["contestant"], line.get("size")): line for line in alone}
    heads = "".join(f" {length(size)} |" for size in sizes)
    out = [f"### {name}\n\n| |{heads}\n|---|{'---:|' * len(sizes)}\n"]
    absent = {}
    for contestant in names:
        found = [places.get((contestant, size)) for size in sizes]
        if any(line and line.get("ns") for line in found):
            out.append(f"| {contestant} |" + "".join(map(cell, found)) + "\n")
        else:
            absent[contestant] = next(line["absent"] for line in found if line)
    missing = "".join(f"{contestant}: {why}.\n" for contestant, why in absent.items())
    return "".join(out) + (f"\n{missing}" if missing else "") + "\n"


def cell(line: Line | None) -> str:
    """What a contestant did: time, and speed as a part of the first one's."""
    if not line or not line.get("ns"):
        return " - |"
    ratio = line.get("ratio")
    return f" {duration(line['ns'])}{f' · {digits(ratio)}' if ratio else ''} |"


def threads(records: Records) -> str:
    """How many times the work of one thread two do."""
    out = [
        "How many times the work of one thread two do: by the clock on the wall; what two threads "
        "of arithmetic, which share nothing, had between the same rounds, since a machine among "
        "others does not always give two processors; and by processor time of a call, which a busy "
        "machine does not spoil, but which does not show waiting either.\n\n",
        "| job | | by | by the clock | arithmetic | by processor time |\n"
        "|---|---|---|---:|---:|---:|\n",
    ]
    for line in records.results:
        if line["threads"] == 2 and line.get("scaling"):
            job = line["group"] + (f", {length(line['size'])}" if line.get("size") else "")
            out.append(
                f"| {job} | {line['contestant']} | {HARNESSES[line['harness']]} "
                f"| {digits(line['scaling'])} | {digits(line['to_be_had'])} "
                f"| {digits(line['scaling_cpu'])} |\n"
            )
    return "".join(out)


if __name__ == "__main__":
    main()
