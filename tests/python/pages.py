"""The blocks of code in README.md and docs, and what they show of their output."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

_OPENING = re.compile(r"^( *)```+(\w*)(?: +title=\"([^\"]+)\")?")
_HIDDEN = re.compile(r"^<!-- (sh|python|c|cpp)$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, or a hidden one, which is a comment of HTML."""

    page: str
    line: int
    language: str
    text: str
    title: str | None = None
    """The file that it is the text of."""
    is_hidden: bool = False
    is_output: bool = False
    """Whether it stands right behind another, with nothing but empty lines between."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line} ({self.language})"


def pages() -> list[str]:
    """README.md and all of docs, by their paths from the root."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [str(path.relative_to(ROOT)) for path in found]


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in their order."""
    return blocks_of(page, (ROOT / page).read_text(encoding="utf-8"))


def blocks_of(page: str, markdown: str) -> list[Block]:
    """The blocks of a page that is this text."""
    found: list[Block] = []
    lines = enumerate(markdown.splitlines(), 1)
    is_output = False
    for number, line in lines:
        if (fence := _OPENING.match(line)) is not None:
            indent, language, title = len(fence[1]), fence[2], fence[3]
            text = _until(lines, "```", indent)
            found.append(Block(page, number, language, text, title, is_output=is_output))
            is_output = True
        elif (hidden := _HIDDEN.match(line)) is not None:
            text = _until(lines, "-->", 0)
            found.append(Block(page, number, hidden[1], text, is_hidden=True))
        elif line.strip():
            is_output = False
    return found


def _until(lines: Any, end: str, indent: int) -> str:
    text = ""
    for _, line in lines:
        if line.strip() == end:
            return text
        text += line[indent:] + "\n"
    raise ValueError(f"a block without {end} at its end")


# --- What a page shows of the output ------------------------------------------------------------

_SHOWN = re.compile(r"(?:#|//|/\*) (->|fails:) (.*?)(?: *\*/)?$", re.MULTILINE)
_CHANGING = [
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"[ \t]+"), " "),
]


def check_comments(block: Block, printed: str) -> None:
    """What comments show, `-> LINE` or `fails: PART OF A LINE`, is printed in this order."""
    lines = iter(printed.splitlines())
    for how, shown in _SHOWN.findall(block.text):
        found = any(shown == line if how == "->" else shown in line for line in lines)
        assert found, f"{block} does not print, or not there: {shown}\nbut:\n{printed}"


def check_output(shown: Block, printed: str) -> None:
    """A block behind another is its output: JSON of the same shape, or text, in which `...` stands
    for anything, and which may differ in ids, times and runs of blanks."""
    if shown.language == "json":
        given = _last_json(printed)
        assert shape(json.loads(shown.text)) == shape(given), f"{shown}: it prints\n{printed}"
        return
    pattern = ""
    for line in _steady(shown.text).splitlines():
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(map(re.escape, line.split("..."))) + "\n"
    given = _steady(printed.strip("\n") + "\n")
    assert re.fullmatch(pattern, given), f"{shown}: it prints\n{printed}"


def _steady(text: str) -> str:
    for changing, name in _CHANGING:
        text = changing.sub(name, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _last_json(printed: str) -> Any:
    """The last value of several, among lines that are none."""
    start = max(printed.rfind("\n{\n"), printed.rfind('\n{"'))
    return json.loads(printed[start + 1 :])


def shape(value: Any) -> Any:
    """The names and types of a value of JSON; of a list, those of its items."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__
