"""Exported audit trails, verified without the library."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "python" / "examples" / "verify_audit.py"
VECTORS = ROOT / "tests" / "vectors"
TRAILS = ["trail_p256.jsonl", "trail_sm2.jsonl"]


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (VECTORS / name).read_bytes().splitlines()]


def verify(trail: bytes, pem: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the example."""
    (folder / "trail").write_bytes(trail)
    (folder / "public.pem").write_text(pem)
    command = [sys.executable, str(EXAMPLE), str(folder / "trail"), str(folder / "public.pem")]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("name", TRAILS)
def test_python_writes_each_line_as_it_is(name: str) -> None:
    again = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines(name)]
    assert [line.encode() for line in again] == (VECTORS / name).read_bytes().splitlines()


def test_the_example_verifies(tmp_path: Path) -> None:
    trail = (VECTORS / TRAILS[0]).read_bytes()
    pem = lines(TRAILS[0])[0]["Trail"]["PublicKey"]
    whole = verify(trail, pem, tmp_path)
    assert (whole.returncode, whole.stdout) == (0, "The trail is whole up to event 6.\n")

    parts = trail.splitlines(keepends=True)
    changed = [parts[:at] + parts[at + 1 :] for at in (1, 2, 4, 9)]
    changed += [[parts[0], parts[2], parts[1], *parts[3:]]]
    changed += [[*parts[:4], parts[4].replace(b'"count":3', b'"count":4'), *parts[5:]]]
    for other in changed:
        assert verify(b"".join(other), pem, tmp_path).returncode != 0


def test_openssl_verifies_sm2(tmp_path: Path) -> None:
    begin, *rest = lines(TRAILS[1])
    store = bytes.fromhex(begin["Trail"]["Store"].replace("-", ""))
    (tmp_path / "public.pem").write_text(begin["Trail"]["PublicKey"])
    checkpoints = [line for line in rest if "Checkpoint" in line]
    assert len(checkpoints) == 2
    for line in checkpoints:
        said = line["Checkpoint"]
        head = bytes.fromhex(said["Hash"])
        numbers = [said[name].to_bytes(8, "big") for name in ("Sequence", "Time")]
        signed = b"kmshsm/v1/checkpoint" + store + numbers[0] + head + numbers[1]
        (tmp_path / "signature").write_bytes(base64.b64decode(line["Signature"]))
        for message, is_right in ((signed, True), (signed + b"x", False)):
            (tmp_path / "signed").write_bytes(message)
            command = ["openssl", "dgst", "-sm3", "-sigopt", "distid:1234567812345678"]
            command += ["-verify", "public.pem", "-signature", "signature", "signed"]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True)
            assert (done.returncode == 0) == is_right, done
