"""Draws docs/scale.svg and writes docs/scale.json: draw.py OURS PEERS SVG JSON.

OURS is what the bench prints; PEERS has a line of JSON for each number of keys.
"""

import datetime
import json
import math
import platform
import sys
from pathlib import Path

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

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #374151 }
  .title { font-size: 15px; font-weight: 600; fill: #111827 }
  .head { font-size: 19px; font-weight: 600; fill: #111827 }
  .card { fill: #ffffff; stroke: #e5e7eb }
  .grid { stroke: #e5e7eb } .goal { stroke: #9ca3af; stroke-dasharray: 5 4 }
  .ours, .peer, .disk { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  .ours { stroke: #2563eb } .peer { stroke: #d97706 } .disk { stroke: #6b7280; stroke-width: 1.5 }
  .ours-dot { fill: #2563eb } .peer-dot { fill: #d97706 } .disk-dot { fill: #6b7280 }
  @media (prefers-color-scheme: dark) {
    text { fill: #d1d5db } .title, .head { fill: #f9fafb }
    .card { fill: #0d1117; stroke: #30363d } .grid { stroke: #262c36 } .goal { stroke: #8b949e }
    .ours { stroke: #60a5fa } .peer { stroke: #fbbf24 } .disk { stroke: #9ca3af }
    .ours-dot { fill: #60a5fa } .peer-dot { fill: #fbbf24 } .disk-dot { fill: #9ca3af }
  }
"""


def seconds(decade: int) -> str:
    """A power of ten in seconds, with the unit that fits."""
    for unit, exponent in (("s", 0), ("ms", -3), ("µs", -6), ("ns", -9)):
        if decade >= exponent:
            return f"{10 ** (decade - exponent)} {unit}"
    return f"1e{decade} s"


def superscript(exponent: int) -> str:
    """A number of keys."""
    return "10" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(exponent))


def curve(points: list[dict], name: str, kind: str, at) -> list[str]:
    """A line through what was measured, and a dot for each."""
    places = [at(point["keys"], point[name]) for point in points if name in point]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [f'<circle class="{kind}-dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places]
    return [f'<polyline class="{kind}" points="{line}"/>', *dots]


def panel(nth: int, ours: list[dict], peers: list[dict]) -> list[str]:
    """One measurement against the number of keys."""
    title, name, low, high, goal = PANELS[nth]
    last = max(5, math.ceil(math.log10(ours[-1]["keys"])))
    left, top = LEFT + nth % 2 * ACROSS, TOP + nth // 2 * DOWN

    def at(keys: float, value: float) -> tuple[float, float]:
        x = left + PANEL_WIDTH * (math.log10(keys) - 2) / (last - 2)
        y = top + PANEL_HEIGHT * (high - math.log10(value)) / (high - low)
        return x, y

    out = [f'<text class="title" x="{left}" y="{top - 14}">{title}</text>']
    for decade in range(low, high + 1):
        _, y = at(100, 10.0**decade)
        out.append(f'<line class="grid" x1="{left}" y1="{y}" x2="{left + PANEL_WIDTH}" y2="{y}"/>')
        out.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{seconds(decade)}</text>')
    for exponent in range(2, last + 1):
        x, _ = at(10**exponent, 1)
        y = top + PANEL_HEIGHT
        out.append(f'<line class="grid" x1="{x}" y1="{top}" x2="{x}" y2="{y}"/>')
        label = superscript(exponent) + (" keys" if exponent == last else "")
        out.append(f'<text x="{x}" y="{y + 19}" text-anchor="middle">{label}</text>')
    if goal:
        _, y = at(100, goal)
        out.append(f'<line class="goal" x1="{left}" y1="{y}" x2="{left + PANEL_WIDTH}" y2="{y}"/>')
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
    out = ['<text class="head" x="28" y="40">As keys become more</text>']
    x = 300
    for kind, name in names:
        out.append(f'<circle class="{kind}-dot" cx="{x}" cy="35" r="5"/>')
        out.append(f'<text x="{x + 11}" y="40">{name}</text>')
        x += 34 + 6.9 * len(name)
    out.append(f'<line class="goal" x1="{x}" y1="35" x2="{x + 26}" y2="35"/>')
    return [*out, f'<text x="{x + 33}" y="40">goal</text>']


def main() -> None:
    ours_file, peers_file, picture, report = map(Path, sys.argv[1:])
    ours = json.loads(ours_file.read_text())["points"]
    peers = [json.loads(line) for line in peers_file.read_text().splitlines()]
    body = [part for nth in range(len(PANELS)) for part in panel(nth, ours, peers)]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    card = f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>'
    picture.write_text("\n".join([head, card, *legend(), *body, "</svg>\n"]))
    cpus = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    machine = f"{len(cpus)} of {cpus[0].split(': ')[1]}, {platform.system()} {platform.release()}"
    date = datetime.date.today().isoformat()
    told = {"date": date, "machine": machine, "libkmshsm": ours, "SoftHSM2": peers}
    report.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


main()
