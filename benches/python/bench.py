"""The Python package beside the packages that people have: bench.py RECORDS.

Appends lines of JSON to RECORDS, and prints what they say.
"""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from itertools import chain
from pathlib import Path

import general
import national
from rounds import Records

import kmshsm


def main() -> None:
    """Times all groups."""
    records = Records(Path(sys.argv[1]))
    records.write("peer", peer="Python", version=platform.python_version())
    for package in national.PACKAGES:
        try:
            records.write("peer", peer=package, version=metadata.version(package))
        except metadata.PackageNotFoundError:
            records.write("peer", peer=package, absent="not installed")
    with (
        kmshsm.open(allow_unprotected_memory=True) as store,
        store.session(region="cn-hangzhou") as session,
    ):
        for group in chain(general.groups(session), national.groups(session)):
            records.measure(group)
    records.figures(general.FIGURES)


if __name__ == "__main__":
    main()
