"""What the site of the documentation needs beyond mkdocs.yml, which names this file twice.

As hooks of MkDocs: pages that do not lie in docs, README.md as the front page among them, and links
to files of the source tree, which come along. As an extension of griffe: docstrings, also of the
native classes, which are in the built package only.
"""

from __future__ import annotations

import importlib
import inspect
import posixpath
import re
from pathlib import Path
from typing import Any

from griffe import Docstring, Extension
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "python/recipes/README.md": "recipes-all.md",
    "tests/README.md": "tests.md",
}
EXAMPLE = re.compile(r"^>>>.*(?:\n.+)*", re.MULTILINE)
LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(?=[)#])")


def on_files(files: Any, config: Any) -> None:
    """Adds the pages from elsewhere."""
    for path, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Has links between files of the source tree be links within the site."""
    here = page.file.src_uri
    origins = {page: path for path, page in PAGES.items()}
    origin = posixpath.dirname(origins.get(here, f"docs/{here}"))

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(origin, link[1]))
        there = PAGES.get(target, target.removeprefix("docs/"))
        if there == target:
            if not (ROOT / target).is_file():
                return link[1]  # for MkDocs to complain of
            there = f"source/{target}"
            if files.get_file_from_path(there) is None:
                files.append(File.generated(config, there, abs_src_path=str(ROOT / target)))
        return posixpath.relpath(there, posixpath.dirname(here))

    return LINK.sub(moved, markdown)


class Docstrings(Extension):
    """Docstrings as the site shows them."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Takes those of native objects from the package that is installed; examples are code."""
        if obj.path.startswith("kmshsm._native.") and obj.docstring is None:
            native: Any = importlib.import_module("kmshsm._native")
            for name in obj.path.split(".")[2:]:
                native = getattr(native, name, None)
            text = inspect.getdoc(native)
            if text:
                obj.docstring = Docstring(text, parent=obj)
        if obj.docstring is not None:
            obj.docstring.value = EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
