"""Counts the instructions of hot jobs: instructions.py PROGRAM DIRECTORY.

PROGRAM is benches/c/jobs.c, and runs under callgrind, which writes into DIRECTORY. What a call
takes is compared with instructions.json beside this file: more than 3 % more of any job is a
mistake. BLESS=1 rewrites that file. Counts do not depend on load, nor on random numbers; they do on
what of the CPU valgrind shows and on the compilers, so the file says which it was made with.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

BASELINE = Path(__file__).with_suffix(".json")
MOST = 0.03
REQUEST = re.compile(r"^desc: Trigger: Client Request: (.*): (\d+)$.*^summary: (\d+)$", re.M | re.S)


def main() -> None:
    """Counts, and compares or keeps."""
    program, directory = sys.argv[1:]
    found = {
        "features": printed("valgrind", "-q", program, "features").split(),
        "made with": [
            printed(*command).partition("\n")[0]
            for command in (("rustc", "-V"), ("cc", "--version"), ("valgrind", "--version"))
        ],
        "instructions": count(program, Path(directory)),
    }
    if os.environ.get("BLESS"):
        BASELINE.write_text(json.dumps(found, indent=1) + "\n")
        print(f"instructions: kept in {BASELINE.name}")
    elif not BASELINE.exists():
        sys.exit(f"instructions: there is no {BASELINE.name} to compare with; BLESS=1 makes it")
    else:
        compare(json.loads(BASELINE.read_text()), found)


def printed(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def count(program: str, directory: Path) -> dict[str, int]:
    """The instructions of one call of every job."""
    counts = directory / "callgrind"
    for old in directory.glob("callgrind*"):
        old.unlink()
    valgrind = ["valgrind", "-q", "--tool=callgrind", "--collect-atstart=no"]
    told = subprocess.run(
        [*valgrind, f"--callgrind-out-file={counts}", program], capture_output=True, text=True
    )
    if told.returncode:  # what it warns of otherwise are system calls that it does not know
        sys.exit(told.stderr)
    dumps = sorted(directory.glob("callgrind.*"), key=lambda dump: int(dump.suffix[1:]))
    jobs = (REQUEST.search(dump.read_text()) for dump in dumps)
    return {job[1]: round(int(job[3]) / int(job[2])) for job in jobs if job}


def compare(baseline: dict[str, Any], found: dict[str, Any]) -> None:
    """Prints every job beside what it took, and ends the program if one takes too much."""
    if baseline["features"] != found["features"]:
        sys.exit(
            f"instructions: {BASELINE.name} is of a CPU with {' '.join(baseline['features'])}, "
            f"here valgrind shows {' '.join(found['features'])}: other code runs, so nothing is "
            "compared"
        )
    before, now = baseline["instructions"], found["instructions"]
    if before.keys() != now.keys():
        sys.exit(f"instructions: other jobs than in {BASELINE.name}; BLESS=1 takes them in")
    worse = False
    for job, instructions in now.items():
        change = instructions / before[job] - 1
        worse = worse or change > MOST
        mark = "too many" if change > MOST else ""
        if change < -MOST:
            mark = "less: BLESS=1 keeps it"
        print(f"{job:<32} {instructions:>10} {change:>+8.1%}  {mark}".rstrip())
    if baseline["made with"] != found["made with"]:
        made, here = (" / ".join(of["made with"]) for of in (baseline, found))
        print(f"{BASELINE.name} was made with {made}; here are {here}")
    if worse:
        sys.exit(f"instructions: more than {MOST:.0%} above {BASELINE.name}; BLESS=1 accepts it")


if __name__ == "__main__":
    main()
