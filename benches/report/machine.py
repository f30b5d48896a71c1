"""The line of JSON that begins a harness's results: where they come from. machine.py HARNESS."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

# What of a CPU chooses paths here, by the kernel's names.
FEATURES = (
    "aes",
    "pclmulqdq",
    "avx2",
    "avx512f",
    "avx512bw",
    "avx512vbmi",
    "avx512ifma",
    "gfni",
    "vaes",
    "vpclmulqdq",
    "bmi2",
    "adx",
    "sha_ni",
    "rdrand",
)


def describe(harness: str) -> dict[str, object]:
    """This machine, at this moment."""
    cpu = Path("/proc/cpuinfo").read_text()
    flags = field(r"flags\s*: (.*)", cpu).split()
    cargo = (Path(__file__).parents[2] / "Cargo.toml").read_text()
    return {
        "kind": "machine",
        "harness": harness,
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "cpu": field(r"model name\s*: (.*)", cpu) or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": f"{platform.system()} {platform.release()}",
        "system": field('PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text()),
        "features": [feature for feature in FEATURES if feature in flags],
        "library": field('^version = "(.*)"', cargo),
        "load": list(os.getloadavg()),
        "compilers": [first_line("rustc", "-V"), first_line("cc", "--version")],
        "python": platform.python_version(),
    }


def field(pattern: str, text: str) -> str:
    """What a line of a text says, or nothing."""
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ""


def first_line(*command: str) -> str:
    """Of what a command prints."""
    return subprocess.run(command, capture_output=True, text=True).stdout.partition("\n")[0]


if __name__ == "__main__":
    print(json.dumps(describe(sys.argv[1])))
