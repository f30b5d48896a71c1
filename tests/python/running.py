"""What runs the blocks of a page; test_pages says by which rules."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from pages import Block, check_comments, check_output

if TYPE_CHECKING:
    from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib

COMPILERS = {
    "c": ["cc", "-x", "c", "-std=c99"],
    "cpp": ["c++", "-x", "c++", "-std=c++17"],
}


class Page:
    """A page on its way."""

    def __init__(self, place: Path, env: dict[str, str]) -> None:
        """Begins one."""
        self.place = place
        self.env = env
        self.interpreters: dict[str, Interpreter] = {}
        self.fragments: list[Block] = []
        self.printed: str | None = None

    def run(self, block: Block) -> None:
        """Does with a block what its language asks for."""
        if block.is_output and block.language in ("json", "text") and self.printed is not None:
            check_output(block, self.printed)
            return
        self.printed = None
        if block.title is not None:
            (self.place / block.title).write_text(block.text, encoding="utf-8")
        elif block.language in ("sh", "python"):
            if block.language not in self.interpreters:
                started = Interpreter(block.language, self.place, self.env)
                self.interpreters[block.language] = started
            self.printed = self.interpreters[block.language].run(block)
            check_comments(block, self.printed)
        elif block.language in COMPILERS and "int main(" in block.text and not block.is_hidden:
            self.printed = self.compiled([block])
            check_comments(block, self.printed)
        elif block.language in COMPILERS:
            self.fragments.append(block)
        if block.language == "json":
            json.loads(block.text)
        if block.language == "toml" and sys.version_info >= (3, 11):
            tomllib.loads(block.text)

    def compiled(self, pieces: list[Block]) -> str:
        """What the program that these blocks are prints."""
        language = pieces[0].language
        source = "".join(f'#line {b.line + 1} "{b.page}"\n{b.text}' for b in pieces)
        program = self.place.parent / "program"
        flags = ["pkg-config", "--cflags", "--libs", "kmshsm"]
        found = subprocess.check_output(flags, env=self.env, text=True).split()
        subprocess.run(
            [*COMPILERS[language], "-Wall", "-Wextra", "-Werror", "-", "-o", program, *found],
            input=source,
            text=True,
            check=True,
        )
        done = subprocess.run(
            [program], cwd=self.place, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{pieces[0]}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def close(self) -> None:
        """Ends its processes."""
        for interpreter in self.interpreters.values():
            interpreter.close()

    def finish(self) -> None:
        """Runs the program that the fragments are."""
        for language in COMPILERS:
            pieces = [block for block in self.fragments if block.language == language]
            if pieces:
                printed = self.compiled(pieces)
                for block in pieces:
                    check_comments(block, printed)


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
