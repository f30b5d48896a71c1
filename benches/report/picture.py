"""How all pictures look, by day and by night: a card, and colours that keep their meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# The classes of lines; -dot and -bar are what is filled with their colours.
KINDS = {
    "ours": ("#2563eb", "#60a5fa"),
    "inner": ("#0891b2", "#67e8f9"),
    "peer": ("#d97706", "#fbbf24"),
    "second": ("#7c3aed", "#c4b5fd"),
    "third": ("#be185d", "#f9a8d4"),
    "fourth": ("#15803d", "#86efac"),
    "disk": ("#6b7280", "#9ca3af"),
}


def style() -> str:
    """For all of a picture."""
    day, night = (
        "\n".join(
            f"  .{kind} {{ stroke: {colours[at]} }} "
            f".{kind}-dot, .{kind}-bar {{ fill: {colours[at]} }}"
            for kind, colours in KINDS.items()
        )
        for at in (0, 1)
    )
    lines = ", ".join(f".{kind}" for kind in KINDS)
    return f"""
  text {{ font: 13px system-ui, sans-serif; fill: #374151 }}
  .title {{ font-size: 15px; font-weight: 600; fill: #111827 }}
  .head {{ font-size: 19px; font-weight: 600; fill: #111827 }}
  .card {{ fill: #ffffff; stroke: #e5e7eb }}
  .grid {{ stroke: #e5e7eb }} .goal {{ stroke: #9ca3af; stroke-dasharray: 5 4 }}
  {lines} {{ fill: none; stroke-width: 2.5; stroke-linejoin: round }}
{day}
  .disk {{ stroke-width: 1.5 }}
  @media (prefers-color-scheme: dark) {{
  text {{ fill: #d1d5db }} .title, .head {{ fill: #f9fafb }}
  .card {{ fill: #0d1117; stroke: #30363d }} .grid {{ stroke: #262c36 }} .goal {{ stroke: #8b949e }}
{night}
  }}
"""


def text(x: float, y: float, told: str, *, kind: str = "", anchor: str = "start") -> str:
    """A line of it."""
    marked = f' class="{kind}"' if kind else ""
    placed = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text{marked} x="{x:.1f}" y="{y:.1f}"{placed}>{escape(told)}</text>'


def line(kind: str, x: float, y: float, to_x: float, to_y: float) -> str:
    """From one point to another."""
    return f'<line class="{kind}" x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>'


def curve(kind: str, places: list[tuple[float, float]]) -> list[str]:
    """A line through places, and a dot for each."""
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [f'<circle class="{kind}-dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places]
    return [f'<polyline class="{kind}" points="{points}"/>', *dots]


def bar(kind: str, x: float, y: float, width: float, height: float) -> str:
    """One of them."""
    placed = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}-bar" {placed} rx="2"/>'


def legend(x: float, y: float, names: Iterable[tuple[str, str]]) -> tuple[list[str], float]:
    """What the colours mean, and where that ends."""
    out = []
    for kind, name in names:
        out.append(f'<circle class="{kind}-dot" cx="{x:.1f}" cy="{y - 5:.1f}" r="5"/>')
        out.append(text(x + 11, y, name))
        x += 36 + 7 * len(name)
    return out, x


def save(path: Path, width: int, height: int, head: str, body: Iterable[str]) -> None:
    """Writes a picture under its heading."""
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    card = f'<rect class="card" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>'
    begin = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{style()}</style>'
    path.write_text("\n".join([begin, card, text(28, 40, head, kind="head"), *body, "</svg>\n"]))
