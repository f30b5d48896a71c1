"""What a debugger finds in a process that holds keys, and has just used all of them.

A program that keeps no secret of its own (`holder`) makes a store, opens it, imports known
material into an AES-256 and an SM4 key, makes keys and data keys, and uses all of them, from two
threads, one of which has ended. Then `gcore -a` dumps it, with memory that does not want to be
dumped, and the registers of its threads. What must not be in the dump, aligned or not, nor any 16
bytes of it:

- what the caller knows: the passphrase (and one that was refused), the imported material, data
  keys;
- what follows from it: the expanded schedules of AES and SM4, in either order of bytes; the values
  K1 and the keys of single messages;
- every key of the store, computed from its files and the passphrase: the stretched passphrase, the
  root, master, domain and derived keys, the key of each record and what wraps it, the material of
  keys that were made inside, and all private numbers of the wrapping pairs;
- any prime of the wrapping keys' moduli, found by division: it need not be known;
- any AES schedule at all: that is for `aeskeyfind`, which would see a generator's state, too. It
  gets a plain `gcore`: AWS-LC has generators of its own, which must outlive forks and so lie in
  memory that is locked and wants to be left out of dumps, but that a debugger can insist on.

The same while a second thread is in the middle of encrypting and decrypting; only there, the
registers of that thread are left out: a processor cannot compute with what it does not hold.

Each scan proves that it can find: the same bytes put into ordinary memory of the same process, one
byte beside every alignment, and an RSA key that libcrypto holds there.
"""

from __future__ import annotations

import dataclasses
import os
import struct
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from dump import Dump
from holder import PASSPHRASE, Holder, RefusedError
from known import aes_schedule, blob_key, derivation, keys_of, sm4_schedule

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

ALGORITHMS = ("RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1", "RSAES_PKCS1_V1_5")
TEXT = b"nobody need hide this text"


class Scene:
    """A holder at work, and all that its dump must not show."""

    def __init__(self, holder: Holder, place: pathlib.Path) -> None:
        self.holder, self.place = holder, place
        self.moduli: list[int] = []
        self.secrets: list[tuple[str, bytes]] = []
        self.passphrase = os.urandom(48)
        self.open()
        holder.demand_secret_memory()
        aes, sm4 = os.urandom(32), os.urandom(16)
        self.key, self.blob = self.imported("Aliyun_AES_256", aes)
        holder.use("SM4")
        self.imported("Aliyun_SM4", sm4)
        self.made("Aliyun_SM4")
        holder.use("AES")
        self.made("Aliyun_AES_256")
        self.external = holder.create_key("Aliyun_AES_256", "EXTERNAL")
        self.know_schedule("the imported AES key", aes, aes_schedule(aes))
        self.know_schedule("the imported SM4 key", sm4, sm4_schedule(sm4))
        self.toil()
        # The last to work is the thread whose stack and registers will be seen.
        assert holder.decrypt(holder.encrypt(self.key, TEXT)) == TEXT

    def open(self) -> None:
        store, refused = os.fspath(self.place / "store"), os.urandom(48)
        self.holder.open(store, self.passphrase, PASSPHRASE)
        with pytest.raises(RefusedError, match="202"):
            self.holder.ask(b"O", store, refused, PASSPHRASE, b"\0")
        self.secrets += [("the passphrase", self.passphrase), ("a refused passphrase", refused)]

    def open_again(self) -> None:
        """The first stays open: its sessions go on."""
        self.holder.ask(b"O", os.fspath(self.place / "store"), self.passphrase, PASSPHRASE, b"\0")

    def know_schedule(self, name: str, key: bytes, schedule: bytes) -> None:
        words = struct.unpack(f">{len(schedule) // 4}I", schedule)
        turned = struct.pack(f"<{len(words)}I", *words)
        self.secrets += [
            (name, key),
            (f"the schedule of {name}", schedule),
            (f"the schedule of {name} in words", turned),
        ]

    def imported(self, spec: str, material: bytes) -> tuple[str, bytes]:
        """A key of that material, and a ciphertext under it."""
        sm4 = spec == "Aliyun_SM4"
        key = self.holder.create_key(spec, "EXTERNAL")
        for algorithm in ALGORITHMS:
            self.moduli.append(self.holder.import_material(key, material, algorithm))
        self.secrets.append((f"material of {spec}", material))
        self.secrets.append((f"K1 of {spec}", derivation(material, sm4)))
        blob = self.work(key)
        for name, made in (("text", blob), ("data key", self.data_key(key))):
            self.secrets.append((f"the key of a {name} by {spec}", blob_key(material, made, sm4)))
        return key, blob

    def made(self, spec: str) -> None:
        """A key that is made inside: the store's files tell its material."""
        key = self.holder.create_key(spec)
        self.work(key)
        self.data_key(key)

    def work(self, key: str) -> bytes:
        blob = self.holder.encrypt(key, TEXT)
        assert self.holder.decrypt(blob) == TEXT
        return blob

    def data_key(self, key: str) -> bytes:
        made, blob = self.holder.data_key(key)
        assert self.holder.decrypt(blob) == made
        self.secrets.append(("a data key", made))
        return blob

    def toil(self, dumps: int = 0) -> list[Findings]:
        """Lets a second thread work, and dumps it so many times meanwhile."""
        self.holder.begin_toil(self.key, self.blob)
        taken = [Dump(self.holder.pid, self.place) for _ in range(dumps)]
        rounds, failures = self.holder.end_toil()
        assert rounds > 0
        assert failures == 0
        return [self.look(dump) for dump in taken]

    def look(self, dump: Dump | None = None) -> Findings:
        dump = dump or Dump(self.holder.pid, self.place)
        secrets = [*self.secrets, *keys_of(self.place / "store", self.passphrase)]
        names = {secret.hex(): name for name, secret in secrets}
        found = [(f"{k}, {names.get(k, 'unknown')}", bytes.fromhex(k)) for k in dump.schedules()]
        findings = Findings(dump.hits(secrets), dump.primes(self.moduli), dump.hits(found))
        dump.close()
        return findings


@dataclasses.dataclass
class Findings:
    """What the three scans found in one dump; of schedules, the keys they begin with."""

    hits: list[str]
    primes: list[str]
    schedules: list[str]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Holder() as holder:
        yield Scene(holder, tmp_path_factory.mktemp("dump"))


@pytest.fixture(scope="module")
def idle(scene: Scene) -> Findings:
    """The holder waits for its next request."""
    return scene.look()


@pytest.fixture(scope="module")
def busy(scene: Scene, idle: Findings) -> list[Findings]:
    """A second thread is at work, three times. After the idle dump, for it is to see less."""
    return scene.toil(3)


@pytest.fixture(scope="module")
def control(scene: Scene, idle: Findings, busy: list[Findings]) -> tuple[Findings, str]:
    """The same process once more, with known things in ordinary memory, and one of the keys."""
    key = os.urandom(32)
    kept = {"control": key, "half": os.urandom(32), "backwards": os.urandom(256)}
    big = rsa.generate_private_key(65537, 2048)
    scene.secrets += kept.items()
    scene.moduli.append(big.public_key().public_numbers().n)
    scene.moduli.append(scene.holder.keep_rsa())
    scene.holder.keep(aes_schedule(key))
    scene.holder.keep(kept["half"][16:])
    scene.holder.keep(kept["backwards"][:200])
    scene.holder.keep(big.private_numbers().p.to_bytes(128, "big"))
    return scene.look(), key.hex()


AFTER: dict[str, Callable[[Scene], object]] = {
    "open": Scene.open_again,
    "create": lambda scene: scene.holder.create_key("Aliyun_AES_256"),
    "encrypt": lambda scene: scene.holder.encrypt(scene.key, TEXT),
    "decrypt": lambda scene: scene.holder.decrypt(scene.blob),
    "data key": lambda scene: scene.data_key(scene.key),
    "import": lambda scene: scene.imported("Aliyun_AES_256", os.urandom(32)),
    "parameters": lambda scene: scene.holder.ask(b"P", scene.external, ALGORITHMS[0]),
}


def assert_nothing(found: list[str]) -> None:
    assert not found, "\n".join(found)


def test_no_known_bytes_are_left(idle: Findings) -> None:
    assert_nothing(idle.hits)


def test_no_primes_are_left(idle: Findings) -> None:
    assert_nothing(idle.primes)


def test_no_schedules_are_left(idle: Findings) -> None:
    assert_nothing(idle.schedules)


@pytest.mark.parametrize("operation", AFTER)
def test_an_operation_leaves_nothing(scene: Scene, idle: Findings, operation: str) -> None:
    """What the last call leaves on its stack, another would cover."""
    AFTER[operation](scene)
    found = scene.look()
    assert_nothing(found.hits + found.primes)


def test_nothing_in_memory_while_a_thread_works(busy: list[Findings]) -> None:
    for found in busy:
        hits = found.hits + found.schedules
        assert_nothing([hit for hit in hits if not hit.endswith("in registers")])
        assert_nothing(found.primes)


def test_the_scan_finds_bytes(control: tuple[Findings, str]) -> None:
    hits = {hit.split(" in ")[0] for hit in control[0].hits}
    assert {"control [0..]", "control [16..]", "half [16..]"} <= hits
    assert "half [0..]" not in hits
    backwards = {f"backwards [{at}..]" for at in range(0, 256, 16)}
    assert backwards & hits == {f"backwards [{at}..]" for at in range(0, 192, 16)}


def test_the_scan_finds_primes(control: tuple[Findings, str]) -> None:
    for order in ("little", "big"):
        assert any(f"a prime, {order} endian" in prime for prime in control[0].primes)


def test_aeskeyfind_finds_schedules(control: tuple[Findings, str]) -> None:
    found, key = control
    assert any(line.startswith(key) for line in found.schedules)


def test_the_schedules_are_right() -> None:
    # FIPS 197, A.3; GB/T 32907-2016, A.1.
    aes = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    assert aes_schedule(aes)[-16:].hex() == "fe4890d1e6188d0b046df344706c631e"
    sm4 = bytes.fromhex("0123456789abcdeffedcba9876543210")
    assert sm4_schedule(sm4)[-4:].hex() == "9124a012"
