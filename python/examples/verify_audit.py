"""Verifies an exported audit trail without any of kmshsm's code.

    verify_audit.py TRAIL PUBLIC_KEY_PEM

A store signs by P-256 or by SM2, which Python's usual packages do not know: openssl is asked then.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def check(is_right: bool, what: str) -> None:
    if not is_right:
        raise ValueError(what)


def check_signature(pem: bytes, algorithm: str, signature: bytes, signed: bytes) -> None:
    if algorithm != "SM2DSA":
        key = load_pem_public_key(pem)
        if not isinstance(key, EllipticCurvePublicKey):
            raise ValueError("the key is not of P-256")
        key.verify(signature, signed, ECDSA(SHA256()))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("pem", pem), ("signature", signature)):
            Path(folder, name).write_bytes(content)
        command = ["openssl", "dgst", "-sm3", "-sigopt", "distid:1234567812345678"]
        command += ["-verify", "pem", "-signature", "signature"]
        done = subprocess.run(command, cwd=folder, input=signed, capture_output=True)
    check(done.returncode == 0, "a signature is wrong")


def verify(trail: bytes, pem: bytes) -> int:
    """Answers the number of the last event; raises what cryptography raises, or ValueError."""
    lines = map(json.loads, trail.splitlines())
    begin = next(lines)["Trail"]
    store, is_signed = UUID(begin["Store"]).bytes, False
    number: int = begin["First"] - 1
    head = sha256(b"kmshsm/v1/audit" + store).digest()
    if number:
        head = bytes.fromhex(begin["PreviousHash"])
    for line in lines:
        said = line.get("Checkpoint", line)
        is_signed = said is not line
        if is_signed:
            signed = b"kmshsm/v1/checkpoint" + store + number.to_bytes(8, "big") + head
            signed += said["Time"].to_bytes(8, "big")
            check_signature(pem, begin["Algorithm"], base64.b64decode(line["Signature"]), signed)
        else:
            number += 1
            event = json.dumps(line["Event"], ensure_ascii=False, separators=(",", ":")).encode()
            before = head + number.to_bytes(8, "big") + len(event).to_bytes(4, "big")
            head = sha256(before + event).digest()
        check((said["Sequence"], said["Hash"]) == (number, head.hex()), f"event {number}")
    check(is_signed, "the end of the trail is not signed")
    return number


if __name__ == "__main__":
    last = verify(Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]).read_bytes())
    print(f"The trail is whole up to event {last}.")
