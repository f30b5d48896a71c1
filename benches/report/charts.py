"""The pictures of docs/performance.md."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import picture
from records import Line, Records, digits, duration, length

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

WIDTH = 880

# A bar: its kind, its name, how long it is, and what is said of it; and a group of them.
Bar = tuple[str, str, float, str]
Bars = tuple[str, list[Bar]]

# Of the panels of throughput: what is drawn in which colour, by the names of the harness in Rust.
CIPHERS = (
    (
        "AES-256-GCM, fresh key",
        "AES-256 encrypt",
        (
            ("disk", "RustCrypto, fresh key"),
            ("third", "OpenSSL, fresh key"),
            ("peer", "aws-lc-rs, fresh key"),
            ("inner", "libkmshsm raw, fresh key"),
            ("ours", "kmshsm_encrypt"),
        ),
    ),
    (
        "SM4-GCM, fresh key",
        "SM4-GCM encrypt",
        (
            ("disk", "RustCrypto, fresh key"),
            ("third", "OpenSSL, fresh key"),
            ("second", "libgcrypt, fresh key"),
            ("inner", "libkmshsm raw, fresh key"),
            ("ours", "kmshsm_encrypt"),
        ),
    ),
)

SM2 = ("SM2 sign", "SM2 verify", "SM2 encrypt", "SM2 decrypt", "SM2 key pair")
# Of SM2: who has which colour.
SM2_KINDS = {
    "RustCrypto sm2": "disk",
    "OpenSSL": "third",
    "aws-lc-rs, P-256": "peer",
    "libkmshsm raw": "inner",
    "libkmshsm raw, the pair tried": "inner",
}

# Beside SoftHSM2, by the names of the harness in C.
TOKEN = (
    ("AES-256 encrypt", 32, "kmshsm_encrypt", "SoftHSM2 C_Encrypt"),
    ("AES-256 encrypt", 4096, "kmshsm_encrypt", "SoftHSM2 C_Encrypt"),
    ("AES-256 decrypt", 32, "kmshsm_decrypt", "SoftHSM2 C_Decrypt"),
    ("AES-256 decrypt", 4096, "kmshsm_decrypt", "SoftHSM2 C_Decrypt"),
    ("RSA-2048 sign PKCS#1", None, "kmshsm_sign", "SoftHSM2 C_Sign"),
    ("P-256 sign", None, "kmshsm_sign", "SoftHSM2 C_Sign"),
    ("random", 32, "kmshsm_random", "SoftHSM2 C_GenerateRandom"),
)


def throughput(records: Records, path: Path) -> bool:
    """Bytes in a second against the length of messages; whether there is anything to draw."""
    left, top, width, height, across = 74, 118, 340, 250, 414
    body: list[str] = []
    for nth, (title, group, drawn) in enumerate(CIPHERS):
        sizes = records.sizes("rust", group)
        if len(sizes) < 2:
            return False
        at_left = left + nth * across
        first, last = math.log2(sizes[0]), math.log2(sizes[-1])
        rates = {
            contestant: [
                (size, size / line["ns"])  # gigabytes in a second
                for size in sizes
                if (line := records.result("rust", group, size, contestant))
            ]
            for _, contestant in drawn
        }
        every = [rate for points in rates.values() for _, rate in points]
        low, high = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))

        def at(
            size: float, rate: float, ends: tuple[float, ...] = (at_left, first, last, low, high)
        ) -> tuple[float, float]:
            begin, first, last, low, high = ends
            x = begin + width * (math.log2(size) - first) / (last - first)
            return x, top + height * (high - math.log10(rate)) / (high - low)

        body.append(picture.text(at_left, top - 16, title, kind="title"))
        for decade in range(low, high + 1):
            _, y = at(sizes[0], 10.0**decade)
            body.append(picture.line("grid", at_left, y, at_left + width, y))
            label = "1 GB/s" if decade == 0 else f"{10 ** (decade + 3)} MB/s"
            label = label if decade < 1 else f"{10**decade} GB/s"
            body.append(picture.text(at_left - 6, y + 4, label, anchor="end"))
        for size in sizes:
            x, _ = at(size, 1)
            body.append(picture.line("grid", x, top, x, top + height))
            if size != 6144:  # stands too close to its neighbour
                body.append(picture.text(x, top + height + 19, length(size), anchor="middle"))
        for kind, contestant in drawn:
            if rates[contestant]:
                places = [at(size, rate) for size, rate in rates[contestant]]
                body += picture.curve(kind, places)
    names = {kind: name.partition(",")[0] for _, _, drawn in CIPHERS for kind, name in drawn}
    body += picture.legend(28, 70, names.items())[0]
    picture.save(path, WIDTH, top + height + 44, "Encrypting, by the length of a message", body)
    return True


def rows(groups: Iterable[Bars], top: int) -> list[str]:
    """Groups of bars, each with a scale of its own, so that slow jobs can be read, too."""
    left, width, y = 262, 345, float(top)
    body = []
    for title, bars in groups:
        body.append(picture.text(28, y + 15, title, kind="title"))
        most = max(value for _, _, value, _ in bars)
        for kind, name, value, told in bars:
            body.append(picture.text(left - 10, y + 15, name, anchor="end"))
            body.append(picture.bar(kind, left, y + 2, max(2.0, width * value / most), 17))
            body.append(picture.text(left + width * value / most + 8, y + 15, told))
            y += 23
        y += 17
    return body


def bars(
    path: Path, head: str, groups: list[tuple[str, list[tuple[str, str, float, str]]]]
) -> bool:
    """A picture of groups of bars; whether there is anything to draw."""
    if not groups:
        return False
    height = 66 + sum(17 + 23 * len(of) for _, of in groups) + 6
    picture.save(path, WIDTH, height, head, rows(groups, 66))
    return True


def sm2(records: Records, path: Path) -> bool:
    """Jobs of SM2 by everybody."""
    groups = []
    for group in SM2:
        lines = [
            line
            for line in records.groups("rust").get(group, [])
            if line["threads"] == 1 and line.get("ns")
        ]
        if lines:
            groups.append((group.removeprefix("SM2 "), [sm2_bar(line, lines[0]) for line in lines]))
    return bars(path, "SM2, operations in a second", groups)


def sm2_bar(line: Line, first: Line) -> Bar:
    """One of them, held against the first."""
    kind = SM2_KINDS.get(line["contestant"], "ours")
    ratio = f"{digits(first['ns'] / line['ns'])} times"
    told = duration(line["ns"]) + (f", {ratio}" if line is not first else "")
    return kind, line["contestant"], 1 / line["ns"], told


def token(records: Records, path: Path) -> bool:
    """How many times as fast as SoftHSM2."""
    found = []
    for group, size, ours, theirs in TOKEN:
        of = records.result("c", group, size, ours)
        to = records.result("c", group, size, theirs)
        if of and to:
            ratio = to["ns"] / of["ns"]
            name = f"{group}, {length(size)}" if size else group
            told = f"{digits(ratio)} times: {duration(of['ns'])} instead of {duration(to['ns'])}"
            found.append(("ours", name, ratio, told))
    return bars(
        path, "How many times as fast as SoftHSM2, through C", [("", found)] if found else []
    )
