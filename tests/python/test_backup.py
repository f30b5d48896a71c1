"""docs/backup.md, whose commands are run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MARKED = re.compile(r"^<!-- run: (\S+) -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"   # (\S+)$", re.MULTILINE)


def blocks() -> dict[str, list[str]]:
    """The commands, by the names that they are marked with."""
    text = (ROOT / "docs" / "backup.md").read_text()
    found: dict[str, list[str]] = {}
    for name, commands in MARKED.findall(text):
        found.setdefault(name, []).append(commands)
    # Each one that is commands at all is marked.
    assert len(re.findall(r"^```sh$", text, re.MULTILINE)) == sum(map(len, found.values()))
    return found


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """One in which kmshsm is the program, with the override for unlocked memory if it takes one."""
    program = Path(os.environ.get("KMSHSM", ROOT / "build" / "bin" / "kmshsm")).resolve()
    assert program.exists(), f"there is no {program}: make cli"
    script = tmp_path / "bin" / "kmshsm"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/sh\n"
        f'case "$1 $2" in init* | "backup verify" | "backup restore") exec {program} "$@" ;; esac\n'
        f'exec {program} "$@" --allow-unprotected-memory\n'
    )
    script.chmod(0o700)
    return {"PATH": f"{script.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}


def test_the_documentation_is_all_run() -> None:
    assert blocks().keys() == {"store", "recipient", "quorum"}


@pytest.mark.parametrize("name", ["recipient", "quorum"])
def test_the_commands_of_the_documentation_work(
    name: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    own = "".join(blocks()[name])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(blocks()["store"]) + own],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if not line.startswith(("Made", "Created"))]
    assert told == EXPECTED.findall(own)
    assert told
