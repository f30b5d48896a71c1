"""Every block of code in README.md and docs is run as it stands.

The blocks of a page run in their order, in a directory of the page's own that looks like the source
tree, with the library installed as `make install` does it:

- `sh` blocks are one shell, in which each command must succeed, or fail if it ends in `# fails:`;
- `python` blocks are one program;
- `c` and `cpp` blocks with a `main` are programs; all others of a page are, behind each other, one;
- a block with a title, in whatever language, is the file of that name; blocks behind it use it;
- `json` and `toml` are read. `json` and `text` right behind a block that runs are what it prints;
- `rust` is run by `cargo test`, as `src/lib.rs` names its pages;
- what a reader need not see is a comment of HTML that begins `<!-- sh`, or another language.

`# -> LINE` shows a line that is printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kmshsm
from pages import ROOT, Block, blocks, blocks_of, pages
from running import COMPILERS, Page

if TYPE_CHECKING:
    from collections.abc import Iterator

# Blocks that no test runs, by how they begin.
EXEMPT = {
    ("README.md", "make demo"): "make test runs the demo, and is what runs this",
}

LANGUAGES = {"sh", "python", "json", "toml", "text", "rust", *COMPILERS}


def is_exempt(block: Block) -> bool:
    """Whether the table has it."""
    return any(block.page == page and block.text.startswith(text) for page, text in EXEMPT)


@pytest.fixture(scope="session")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, as `make install PREFIX=...` leaves it."""
    where = tmp_path_factory.mktemp("installed")
    version = subprocess.check_output(
        ["sed", "-n", 's/^version = "\\(.*\\)"/\\1/p;T;q', ROOT / "Cargo.toml"], text=True
    )
    subprocess.run(
        [ROOT / "scripts" / "install", "", where, where / "lib", version.strip()], check=True
    )
    return where


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the blocks of a page run: what they name of the source tree is there."""
    place = tmp_path / "place"
    place.mkdir()
    for name in ("README.md", "build", "c-examples", "include", "python"):
        (place / name).symlink_to(ROOT / name)
    return place


@pytest.fixture
def env(tmp_path: Path, prefix: Path) -> dict[str, str]:
    """The installed program and library, and a passphrase."""
    (tmp_path / "passphrase").write_text("a passphrase of the tests\n")
    python = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "HOME": str(tmp_path),
        "KMSHSM_PASSPHRASE_FILE": str(tmp_path / "passphrase"),
        "LD_LIBRARY_PATH": str(prefix / "lib"),
        "PATH": ":".join([str(commands(tmp_path, prefix)), python, os.environ["PATH"]]),
        "CMAKE_PREFIX_PATH": str(prefix),
        "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig"),
        "PYTHONUNBUFFERED": "1",
    }


def commands(tmp_path: Path, prefix: Path) -> Path:
    """Where kmshsm is: with the override where memory cannot be locked, if the command has one."""
    program = prefix / "bin" / "kmshsm"
    with kmshsm.open("memory:") as store:
        if store.status()["hsm_keys"] == "usable":
            return program.parent
    script = tmp_path / "bin" / "kmshsm"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/sh\n"
        f'if {program} "$@" --help 2>&1 | grep -q -e --allow-unprotected-memory\n'
        f'then exec {program} "$@" --allow-unprotected-memory; fi\n'
        f'exec {program} "$@"\n'
    )
    script.chmod(0o700)
    return script.parent


@pytest.fixture
def page(place: Path, env: dict[str, str]) -> Iterator[Page]:
    """A page that is about to be run."""
    page = Page(place, env)
    yield page
    page.close()


@pytest.mark.parametrize("name", pages())
def test_the_blocks_of_a_page_work(name: str, page: Page) -> None:
    for block in blocks(name):
        known = block.language in LANGUAGES or block.title is not None
        assert known, f"{block}: nobody knows how to run this"
        if not is_exempt(block):
            page.run(block)
    page.finish()


@pytest.mark.parametrize("name", pages())
def test_files_are_used_by_what_is_behind_them(name: str) -> None:
    found = blocks(name)
    for place, block in enumerate(found):
        if block.title is not None and block.language not in ("cmake", "toml"):
            stem = Path(block.title).stem
            assert any(stem in behind.text for behind in found[place + 1 :]), f"{block}: {stem}"


@pytest.mark.parametrize(
    "wrong",
    [
        "```sh\nfalse\n```",
        "```sh\nfalse | cat\n```",
        "```sh\ntrue    # fails: X\n```",
        "```sh\n(echo A; exit 1)    # fails: B\n```",
        "```sh\necho a    # -> b\n```",
        "```sh\necho a; echo b\ntrue    # -> b\ntrue    # -> a\n```",
        '```sh\necho \'{"A": 1}\'\n```\n\n```json\n{"A": "1"}\n```',
        '```sh\necho \'{"A": 1}\'\n```\n\n```json\n{"A": 1, "B": 2}\n```',
        "```sh\necho a; echo b\n```\n\n```text\na\n```",
        "```sh\necho a; echo b\n```\n\n```text\n...\nc\n```",
        "```python\n1 / 0\n```",
        "```python\nprint(1)    # -> 2\n```",
        "<!-- python\n1 / 0\n-->",
        "```c\nint main(void) { return 1; }\n```",
        "```c\nint main(void) { int unused; return 0; }\n```",
        "<!-- c\nint main(void) {\n-->\n```c\nreturn 1;\n```\n<!-- c\n}\n-->",
        "```json\n{\n```",
        "```toml\n=\n```",
    ],
)
def test_what_is_wrong_with_a_page_is_noticed(wrong: str, page: Page) -> None:
    with pytest.raises((AssertionError, ValueError, subprocess.CalledProcessError)):
        for block in blocks_of("wrong.md", wrong):
            page.run(block)
        page.finish()


def test_every_exemption_is_of_a_block() -> None:
    for name, text in EXEMPT:
        assert len([block for block in blocks(name) if block.text.startswith(text)]) == 1, text


def test_rust_is_run_by_cargo() -> None:
    library = (ROOT / "src" / "lib.rs").read_text()
    for name in pages():
        if any(block.language == "rust" for block in blocks(name)):
            assert f'include_str!("../{name}")' in library, f"{name} is not among the doctests"


def test_the_reference_has_all_of_the_package() -> None:
    told = (ROOT / "docs" / "reference.md").read_text().split("\n")
    assert {f"::: kmshsm.{name}" for name in kmshsm.__all__} - {"::: kmshsm.__version__"} <= {*told}


def test_it_is_told_how_many_blocks_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    found = [block for name in pages() for block in blocks(name) if not block.is_hidden]
    exempt = [block for block in found if is_exempt(block)]
    counts = Counter(block.language for block in found if not is_exempt(block))
    told = ", ".join(f"{count} {language}" for language, count in counts.most_common())
    with capsys.disabled():
        print(f"\nblocks of {len(pages())} pages: {told}; {len(exempt)} exempt")
    assert len(exempt) == len(EXEMPT)
