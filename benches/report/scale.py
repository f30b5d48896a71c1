"""Draws docs/scale.svg and writes docs/scale.json: scale.py OURS PEERS SVG JSON.

OURS is what the bench prints; PEERS has a line of JSON for each number of keys.
"""

from __future__ import annotations

import datetime
import json
import math
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import picture

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH, HEIGHT = 880, 640
PANEL_WIDTH, PANEL_HEIGHT = 330, 205
LEFT, TOP, ACROSS, DOWN = 84, 96, 424, 278

# The title of a panel, the measurement, its decades from and to, the goal in seconds.
PANELS = (
    ("Open until ready", "open", -3, 2, 20e-3),
    ("First use of a key: find it and encrypt", "first_use", -5, 1, 200e-6),
    ("Encrypt 32 bytes with a key in use", "hot", -7, -3, None),
    ("Create a key, durable when it returns", "create", -4, 0, None),
)


def seconds(decade: int) -> str:
    """A power of ten in seconds, with the unit that fits."""
    for unit, exponent in (("s", 0), ("ms", -3), ("µs", -6), ("ns", -9)):
        if decade >= exponent:
            return f"{10 ** (decade - exponent)} {unit}"
    return f"1e{decade} s"


def superscript(exponent: int) -> str:
    """A number of keys."""
    return "10" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(exponent))


def curve(
    points: list[dict[str, float]],
    name: str,
    kind: str,
    at: Callable[[float, float], tuple[float, float]],
) -> list[str]:
    """What was measured of a name."""
    return picture.curve(kind, [at(of["keys"], of[name]) for of in points if name in of])


def panel(nth: int, ours: list[dict[str, float]], peers: list[dict[str, float]]) -> list[str]:
    """One measurement against the number of keys."""
    title, name, low, high, goal = PANELS[nth]
    last = max(5, math.ceil(math.log10(ours[-1]["keys"])))
    left, top = LEFT + nth % 2 * ACROSS, TOP + nth // 2 * DOWN
    right, bottom = left + PANEL_WIDTH, top + PANEL_HEIGHT

    def at(keys: float, value: float) -> tuple[float, float]:
        x = left + PANEL_WIDTH * (math.log10(keys) - 2) / (last - 2)
        y = top + PANEL_HEIGHT * (high - math.log10(value)) / (high - low)
        return x, y

    out = [picture.text(left, top - 14, title, kind="title")]
    for decade in range(low, high + 1):
        _, y = at(100, 10.0**decade)
        out.append(picture.line("grid", left, y, right, y))
        out.append(picture.text(left - 8, y + 4, seconds(decade), anchor="end"))
    for exponent in range(2, last + 1):
        x, _ = at(10**exponent, 1)
        out.append(picture.line("grid", x, top, x, bottom))
        label = superscript(exponent) + (" keys" if exponent == last else "")
        out.append(picture.text(x, bottom + 19, label, anchor="middle"))
    if goal:
        _, y = at(100, goal)
        out.append(picture.line("goal", left, y, right, y))
    if name == "create":
        out += curve(ours, "append", "disk", at)
    out += curve(peers, name, "peer", at)
    return out + curve(ours, name, "ours", at)


def legend() -> list[str]:
    """What the colours mean."""
    names = (
        ("ours", "libkmshsm"),
        ("peer", "SoftHSM2"),
        ("disk", "the disk: 4 KiB and fdatasync"),
    )
    out, x = picture.legend(300, 40, names)
    return [*out, picture.line("goal", x, 35, x + 26, 35), picture.text(x + 33, 40, "goal")]


def main() -> None:
    """Draws and writes."""
    ours_file, peers_file, drawn, report = map(Path, sys.argv[1:])
    ours = json.loads(ours_file.read_text())["points"]
    peers = [json.loads(told) for told in peers_file.read_text().splitlines()]
    panels = [part for nth in range(len(PANELS)) for part in panel(nth, ours, peers)]
    picture.save(drawn, WIDTH, HEIGHT, "As keys become more", [*legend(), *panels])
    cpus = [of for of in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in of]
    machine = f"{len(cpus)} of {cpus[0].split(': ')[1]}, {platform.system()} {platform.release()}"
    date = datetime.date.today().isoformat()
    told = {"date": date, "machine": machine, "libkmshsm": ours, "SoftHSM2": peers}
    report.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
