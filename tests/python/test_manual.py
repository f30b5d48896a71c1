"""The manual and the scripts of shells, as those read them who are to show and run them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("KMSHSM", ROOT / "build" / "bin" / "kmshsm")).resolve()


def said(*args: str | Path, cwd: Path) -> str:
    """What a program prints, on both streams."""
    if shutil.which(args[0]) is None:
        pytest.skip(f"{args[0]} is not installed: scripts/need {args[0]}")
    return subprocess.run(
        args, cwd=cwd, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ).stdout


@pytest.fixture
def pages(tmp_path: Path) -> list[Path]:
    """All pages."""
    subprocess.run([PROGRAM, "man", "--out", tmp_path], check=True, stdout=subprocess.DEVNULL)
    return sorted(tmp_path.iterdir())


def test_groff_has_nothing_to_say(pages: list[Path], tmp_path: Path) -> None:
    for page in pages:
        assert said("groff", "-man", "-ww", "-k", "-Tutf8", "-z", page, cwd=tmp_path) == ""


def test_mandoc_has_nothing_to_say(pages: list[Path], tmp_path: Path) -> None:
    for page in pages:
        assert said("mandoc", "-Tlint", "-Wwarning", page, cwd=tmp_path) == ""


def test_pages_read_well(pages: list[Path], tmp_path: Path) -> None:
    assert len(pages) > 20
    ascii_only = ["groff", "-man", "-k", "-Tascii", "-P-cbou"]
    slots = said(*ascii_only, tmp_path / "kmshsm-slot.1", cwd=tmp_path)
    for line in (
        "       kmshsm-slot - the secrets that open the store",
        "       kmshsm slot replace [options] N",
        "   kmshsm slot rekey",
        "       --new-shares M/N",
        "              The secret is split: any M of N shares open the store.",
        "       kmshsm slot add --new-shares 2/3",
    ):
        assert line in slots.splitlines(), slots


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_scripts(tmp_path: Path, shell: str) -> None:
    script = tmp_path / "script"
    script.write_bytes(subprocess.check_output([PROGRAM, "completions", shell]))
    assert said(shell, "-n", script, cwd=tmp_path) == ""


def test_zsh_takes_the_script(tmp_path: Path) -> None:
    (tmp_path / "_kmshsm").write_bytes(subprocess.check_output([PROGRAM, "completions", "zsh"]))
    load = "fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; print $_comps[kmshsm]"
    define = "autoload +X _kmshsm && whence -w _kmshsm"
    found = said("zsh", "-fc", f"{load}; {define}", cwd=tmp_path)
    assert found == "_kmshsm\n_kmshsm: function\n"


def test_fish_completes(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes(subprocess.check_output([PROGRAM, "completions", "fish"]))

    def offered(line: str) -> list[str]:
        found = said("fish", "-c", f"source {script}; complete -C '{line}'", cwd=tmp_path)
        return [candidate.split("\t")[0] for candidate in found.splitlines()]

    assert offered("kmshsm CreateKey --ProtectionLevel ") == ["HSM", "SOFTWARE"]
    assert offered("kmshsm slot re") == ["rekey", "remove", "replace"]
    assert offered("kmshsm DescribeKey --KeyId ") == []
    assert "cn-hongkong" in offered("kmshsm ListKeys --region cn-")
    # What many commands have is theirs alone, and none is lost.
    assert offered("kmshsm slot add --new-sh") == ["--new-shares"]
    assert offered("kmshsm slot list --new-sh") == []
    for command in ("tick", "ListKeys", "slot list", "audit export"):
        assert "--passphrase-file" in offered(f"kmshsm {command} --pass"), command
    assert offered("kmshsm completions --pass") == []
    assert "DescribeKey" in offered("kmshsm Desc")
    assert offered("kmshsm tick Desc") == []
