"""The blocks of code in README.md and docs, and what runs them; test_pages says by which rules."""

from __future__ import annotations

import json
import re
import subprocess
import sys
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
    found: list[Block] = []
    lines = enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), 1)
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


# --- Processes that live as long as a page ------------------------------------------------------

_END = "--- the block has ended ---"

_SHELL = f"""
set -euo pipefail
while IFS= read -r block; do . "$block" </dev/null; printf '\\n%s\\n' '{_END}'; done
"""

# Keys at level HSM wherever the tests run, also where memory cannot be locked.
_PYTHON = f"""
import functools, sys
import kmshsm
kmshsm.open = functools.partial(kmshsm.open, allow_unprotected_memory=True)
names = {{"__name__": "__main__"}}
for block in map(str.strip, sys.stdin):
    with open(block, encoding="utf-8") as file:
        code = compile(file.read(), block, "exec")
    exec(code, names)
    print("\\n{_END}", flush=True)
"""


class Interpreter:
    """A process that runs the blocks of a page in one language, one after the other."""

    def __init__(self, language: str, place: Path, env: dict[str, str]) -> None:
        """Starts it in a directory."""
        driver = ["bash", "-c", _SHELL] if language == "sh" else [sys.executable, "-c", _PYTHON]
        self._place = place
        self._process = subprocess.Popen(
            driver,
            cwd=place,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )

    def run(self, block: Block) -> str:
        """What the block prints; AssertionError if it fails."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        text = _expecting_failures(block.text) if block.language == "sh" else block.text
        name = f"{block.page}-{block.line}".replace("/", "-")
        file = self._place.parent / name
        # Behind as many empty lines as the page has before it, for the numbers of its lines.
        file.write_text("\n" * block.line + text, encoding="utf-8")
        self._process.stdin.write(f"{file}\n")
        printed = ""
        for line in self._process.stdout:
            if line.rstrip("\n") == _END:
                return printed.removesuffix("\n")
            printed += line
        raise AssertionError(f"{block} failed:\n{printed}")

    def close(self) -> None:
        """Ends it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def _expecting_failures(script: str) -> str:
    """Commands that end in `# fails: WHY` must do so; all others must not."""
    command = re.compile(r"^((?:.*\\\n)*.*?) +# fails: .*$", re.MULTILINE)
    return command.sub(r"if \1; then echo 'does not fail'; exit 1; fi", script)


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
