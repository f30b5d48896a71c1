"""The programs fileseal: what one seals both open, and nothing else."""

from __future__ import annotations

import concurrent.futures
import io
import os
from typing import TYPE_CHECKING

import pytest

import kmshsm
import sealed as twin
from sealing import (
    BLOB,
    EXAMPLES,
    FORMAT,
    HEAD,
    NOT_WHOLE,
    PROGRAMS,
    Parts,
    Place,
    make_place,
    open_by_the_letter,
    open_place,
    seal_by_the_letter,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTH = pytest.mark.parametrize("program", PROGRAMS)
NO_DATA_KEY = (
    "has a data key that does not open: it has been changed, or sealed with another context"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return make_place(tmp_path_factory.mktemp("fileseal"))


@pytest.fixture(scope="module")
def inside(place: Place) -> Iterator[kmshsm.Session]:
    with open_place(place.folder) as store, store.session() as session:
        yield session


@pytest.fixture(scope="module")
def small(place: Place) -> Parts:
    """Five chunks: of 4 bytes, the last one of 1."""
    return Parts.of(place.seal("C", b"seventeen letters", "--chunk-size", 4))


@BOTH
@pytest.mark.parametrize(
    ("chunk", "size"),
    [(16, size) for size in (0, 1, 15, 16, 17, 32, 1000)]
    + [(65536, size) for size in (0, 65535, 65536, 65537, 300000)],
)
def test_what_one_seals_all_open(
    place: Place, inside: kmshsm.Session, program: str, chunk: int, size: int
) -> None:
    plain = os.urandom(size)
    # 65536 by default.
    sealed = place.seal(program, plain, *(["--chunk-size", chunk] if chunk != 65536 else []))
    assert int.from_bytes(sealed[9:13], "big") == chunk
    assert len(sealed) == HEAD + size + 16 * max(1, -(-size // chunk))
    assert open_by_the_letter(inside, sealed) == plain
    for reader in PROGRAMS:
        assert place.open(reader, sealed) == plain


@BOTH
def test_every_byte_of_the_counter(place: Place, inside: kmshsm.Session, program: str) -> None:
    plain = os.urandom(70000)
    sealed = place.seal(program, plain, "--chunk-size", 1)
    assert open_by_the_letter(inside, sealed) == plain
    assert place.open(program, sealed) == plain


@BOTH
def test_files_share_nothing(place: Place, program: str) -> None:
    one, other = (place.seal(program, bytes(100)) for _ in range(2))
    assert one[:15] == other[:15]
    assert one[15 : 15 + BLOB] != other[15 : 15 + BLOB]
    assert one[HEAD - 7 : HEAD] != other[HEAD - 7 : HEAD]
    assert one[HEAD:] != other[HEAD:]


def test_c_refuses_every_change(place: Place, small: Parts) -> None:
    whole = bytes(small)
    flipped = [
        whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :] for at in range(len(whole))
    ]
    cut = [whole[:at] for at in range(len(whole))]

    def opens(sealed: bytes) -> int:
        done = place.run("C", "open", "-", "-", given=sealed)
        # What came out before is of the file, and its end is missing.
        assert b"seventeen letters".startswith(done.stdout)
        assert done.stdout != b"seventeen letters" or len(sealed) < HEAD
        assert done.stderr.endswith(NOT_WHOLE) is bool(done.stdout)
        return done.returncode

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(opens, flipped + cut))
    # In the name of the key's version: there is no such one.
    assert codes[: len(whole)] == [3 if 18 <= at < 34 else 5 for at in range(len(whole))]
    assert codes[len(whole) :] == [5] * len(whole)


def test_python_refuses_every_change(inside: kmshsm.Session, small: Parts) -> None:
    whole = bytes(small)

    def opens(sealed: bytes) -> type[Exception]:
        source = io.BytesIO(sealed)
        out = b""
        try:
            for piece in twin.unseal(inside, FORMAT, twin.Head.read(source), source):
                out += piece
        except (twin.Damaged, kmshsm.KmsError) as error:
            assert b"seventeen letters".startswith(out)
            return type(error)
        raise AssertionError(f"{sealed!r} is opened")

    for at in range(len(whole)):
        for bit in range(8):
            kind = opens(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
            if 18 <= at < 34:
                # In the name of the key's version: there is no such one.
                assert kind is kmshsm.NotFound
            elif 13 <= at < 15 + BLOB:
                assert kind in (twin.Damaged, kmshsm.CryptoError)
            else:
                assert kind is twin.Damaged
        assert opens(whole[:at]) is twin.Damaged


@BOTH
def test_chunks_stay_where_they_are(place: Place, small: Parts, program: str) -> None:
    one, two, three, four, last = small.chunks
    other = Parts.of(place.seal(program, b"seventeen letters", "--chunk-size", 4))
    changed: dict[str, list[tuple[bytes, ...]]] = {
        "has its head or chunk 1 changed or moved": [
            (two, one, three, four, last),
            (two, three, four, last),
            other.chunks,
            (other.chunks[0], two, three, four, last),
        ],
        "has chunk 2 changed or moved": [
            (one, one, two, three, four, last),
            (one, three, two, four, last),
            (one, three, four, last),
            (one, other.chunks[1], three, four, last),
        ],
        "has chunk 4 changed or moved, or is cut off there": [(one, two, three, last)],
        "has chunk 5 changed or moved": [(*small.chunks, b"\0" * 20)],
        "has chunk 5 changed or moved, or is cut off there": [
            (one, two, three, four, last + b"\0"),
            (one, two, three, four, last[:-1]),
            (one, two, three, four, other.chunks[4]),
            (one, two, three, four, four),
        ],
        "is cut off after chunk 4": [(one, two, three, four)],
        "is cut off after chunk 1": [(one,)],
        "is cut off in chunk 1": [(), (one[:15],)],
        "is cut off in chunk 5": [(one, two, three, four, last[:15])],
    }
    for why, bodies in changed.items():
        for body in bodies:
            sealed = bytes(Parts(small.head, tuple(body)))
            assert place.refuses(program, sealed) == (5, why)

    # Of five whole chunks the end shows.
    even = Parts.of(place.seal(program, b"twenty letters, even", "--chunk-size", 4))
    for more in (even.chunks, even.chunks[:1], (b"more",)):
        sealed = bytes(Parts(even.head, even.chunks + more))
        assert place.refuses(program, sealed) == (5, "goes on behind its end, chunk 5")


@BOTH
def test_heads_stay_with_their_bodies(place: Place, small: Parts, program: str) -> None:
    other = Parts.of(place.seal(program, b"seventeen letters", "--chunk-size", 4)).head
    head = small.head
    spliced = [other, head[:-7] + other[-7:], head[:15] + other[15:-7] + head[-7:]]
    # Chunks of 5 bytes, of which the first would end where it does not.
    spliced += [head[:12] + b"\5" + head[13:]]
    for mixed in spliced:
        code, why = place.refuses(program, bytes(Parts(mixed, small.chunks)))
        assert (code, why) == (5, "has its head or chunk 1 changed or moved")


@BOTH
@pytest.mark.parametrize(
    ("at", "wrong", "why"),
    [
        (0, b"f", "is not a sealed file"),
        (7, b"M", "is not a sealed file"),
        (8, b"\2", "is of a version that is not known here"),
        (9, b"\0\0\0\0", "has an impossible chunk size"),
        (9, b"\1\0\0\1", "has an impossible chunk size"),
        (13, b"\0\0", "has an impossible data key"),
        (13, b"\4\1", "has an impossible data key"),
        (13, b"\4\0", "is cut off in its head"),
        (15, b"\2", NO_DATA_KEY),
    ],
)
def test_heads(place: Place, small: Parts, program: str, at: int, wrong: bytes, why: str) -> None:
    sealed = bytes(small)
    sealed = sealed[:at] + wrong + sealed[at + len(wrong) :]
    assert place.refuses(program, sealed) == (5, why)


@BOTH
def test_only_one_form_is_taken(place: Place, inside: kmshsm.Session, program: str) -> None:
    data_key, blob = inside.generate_data_key(place.keys[0], 32, FORMAT)
    begin = b"FILESEAL\1" + (4).to_bytes(4, "big")
    head = begin + len(blob).to_bytes(2, "big") + blob + b"prefix7"
    assert place.open(program, seal_by_the_letter(head, data_key, [b"abcd", b"ef"])) == b"abcdef"
    assert place.open(program, seal_by_the_letter(head, data_key, [b""])) == b""
    empty = seal_by_the_letter(head, data_key, [b"abcd", b""])
    assert place.refuses(program, empty) == (5, "ends in an empty chunk")

    _, blob = inside.generate_data_key(place.keys[0], 16, FORMAT)
    short = begin + len(blob).to_bytes(2, "big") + blob + b"prefix7" + bytes(16)
    assert place.refuses(program, short) == (5, "has a data key of another length")
    # A secret of another kind, under the same key, is no data key.
    other = begin + BLOB.to_bytes(2, "big") + inside.encrypt(place.keys[0], data_key)
    assert place.refuses(program, other + b"prefix7" + bytes(16)) == (5, NO_DATA_KEY)


@BOTH
def test_contexts(place: Place, program: str) -> None:
    words = ["--context", "stage=production", "--context", 'a"\\\n=\t=é🔑', "--context", "empty="]
    sealed = place.seal(program, b"x", *words)
    for reader in PROGRAMS:
        assert place.open(reader, sealed, *words[4:], *words[:4]) == b"x"
        for wrong in ([], words[:4], [*words[:5], "empty=x"], [*words, "--context", "more=x"]):
            assert place.refuses(reader, sealed, *wrong) == (5, NO_DATA_KEY)
        for wrong in (["=x"], ["x"], ["fileseal=1"], ["a=b", "--context", "a=c"]):
            assert place.refuses(reader, sealed, "--context", *wrong)[0] == 1


@BOTH
def test_keys(place: Place, inside: kmshsm.Session, small: Parts, program: str) -> None:
    code, why = place.refuses(program, bytes(small), "--region", "cn-beijing")
    assert (code, "Forbidden.KeyNotFound" in why) == (3, True)
    inside.key(place.keys[0]).disable()
    try:
        for command, *words in (["open"], ["rewrap", "--key", place.keys[1]]):
            done = place.run(program, command, *words, "-", "-", given=bytes(small))
            assert (done.returncode, done.stdout) == (4, b"")
            assert b"Rejected.Disabled" in done.stderr
        done = place.run(
            program, "seal", "--key", place.keys[0], "-", place.folder / "new", given=b""
        )
        assert (done.returncode, b"Rejected.Disabled" in done.stderr) == (4, True)
    finally:
        inside.key(place.keys[0]).enable()
    assert not list(place.folder.glob("new*"))
    assert place.run(program, "seal", "--key", "none", "-", "-", given=b"").returncode == 3
    for secret in ("store", "given"):
        wrong = ["--key-file", place.folder / secret]
        done = place.run(program, "open", *wrong, "-", "-", given=bytes(small))
        assert done.returncode in (1, 2)


@BOTH
def test_rewrap(place: Place, inside: kmshsm.Session, program: str) -> None:
    plain = os.urandom(70000)
    sealed = place.seal(program, plain, "--context", "a=b")
    words = ["rewrap", "--key", place.keys[1], "--context", "a=b"]
    file = place.folder / "moving"
    file.write_bytes(sealed)
    done = place.run(program, *words, file, file)
    assert (done.returncode, done.stderr) == (0, b"")
    moved = file.read_bytes()
    assert (moved[:15], moved[15 + BLOB :]) == (sealed[:15], sealed[15 + BLOB :])
    inside.key(place.keys[0]).disable()
    try:
        for reader in PROGRAMS:
            assert place.open(reader, moved, "--context", "a=b") == plain
            assert place.refuses(reader, sealed, "--context", "a=b")[0] == 4
    finally:
        inside.key(place.keys[0]).enable()
    done = place.run(program, "rewrap", "--key", place.keys[1], "-", "-", given=sealed)
    assert (done.returncode, done.stdout) == (5, b"")
    assert done.stderr.decode() == f"standard input: {NO_DATA_KEY}\n"


def test_rewrap_takes_the_newest_version(session: kmshsm.Session, key: str) -> None:
    def version(sealed: bytes) -> str:
        told = list(twin.info(twin.Head.read(io.BytesIO(sealed)), io.BytesIO(sealed)))
        return told[2].split()[1]

    session.api.update_rotation_policy(key, True, rotation_interval="30d")
    sealed = b"".join(twin.seal(session, key, FORMAT, io.BytesIO(b"x")))
    first = session.key(key).metadata.primary_version
    session.api.advance_clock(30 * 86400)
    second = session.key(key).metadata.primary_version
    source = io.BytesIO(sealed)
    moved = b"".join(twin.rewrap(session, key, FORMAT, twin.Head.read(source), source))
    assert (version(sealed), version(moved)) == (first, second)
    assert first != second
    assert open_by_the_letter(session, moved) == b"x"


def test_c_counts_chunks(place: Place, small: Parts) -> None:
    # Built to take four.
    short = [str(EXAMPLES / "fileseal-short")]
    words = ["--key", place.keys[0], "--chunk-size", 4]
    four = place.run(short, "seal", *words, "-", "-", given=bytes(16))
    assert place.open("C", four.stdout) == bytes(16)
    out = place.folder / "new"
    done = place.run(short, "seal", *words, "-", out, given=bytes(17))
    assert done.returncode == 1
    assert done.stderr == b"standard input: has too many chunks of this size\n"
    done = place.run(short, "open", "-", out, given=bytes(small))
    assert (done.returncode, done.stderr) == (5, b"standard input: has too many chunks\n")
    assert not list(place.folder.glob("new*"))


def test_python_counts_chunks() -> None:
    stream = twin.Stream(bytes(32), twin.Head(4, bytes(BLOB), bytes(7)))
    stream.next = 2**32 - 2
    assert stream.nonce(last=True) == b"\0" * 7 + b"\xff\xff\xff\xfe" + b"\1"
    stream.seal(b"", last=False)
    with pytest.raises(twin.Refused, match="has too many chunks of this size"):
        stream.seal(b"", last=True)
    with pytest.raises(twin.Damaged, match="has too many chunks"):
        stream.open(bytes(16), last=True)
