"""Machines that give less: no memory to lock, no privileges, no system calls.

In each, the library opens a store, and its status says what is true of the memory that it has; the
kernel's own account of the mapping (smaps) is the judge. Then keys at level HSM either work in
locked memory, or are refused with Module.MemoryProtection until the operator overrides that, which
the status shows too.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

import holder as driver
import pytest
from holder import Holder, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
MEMORY_PROTECTION = "409"
LAUNCHER = str(driver.PROGRAMS / "launcher")
VALGRIND = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=no"]


@pytest.fixture
def place() -> Iterator[pathlib.Path]:
    """A directory that nobody can write to, with programs that nobody can run."""
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        for path in (driver.PROGRAMS / "holder", driver.LIBRARY):
            shutil.copy(path, place)
        (place / "home").mkdir()
        if os.geteuid() == 0:
            place.chmod(0o755)
            os.chown(place / "home", NOBODY, NOBODY)
        yield place


def unprivileged(memlock: int) -> Any:
    """Runs in the child: so much memory may be locked, and not because it is root."""
    allowed, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if most not in (resource.RLIM_INFINITY, max(most, memlock)):
        try:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (allowed, memlock))
        except (PermissionError, ValueError):
            pytest.skip("the system allows less locked memory")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (memlock, memlock))
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    return limit


@contextlib.contextmanager
def opened(
    store: pathlib.Path, *before: str, override: bool = False, **how: Any
) -> Iterator[tuple[Holder, dict[str, Any]]]:
    """A holder with a store, and its status, once that is known to be true."""
    with Holder(*before, **how) as holder:
        holder.open(store, bytes(32), override=override)
        status = holder.status()
        assert status["state"] == "operational"
        assert status["allows_unprotected_memory"] is override
        assert_true(holder.pid, status["memory"])
        yield holder, status
        holder.process.communicate()
        assert holder.process.returncode == 0


def assert_true(pid: int, memory: dict[str, Any]) -> None:
    """Compares the status with what the kernel says of the mapping."""
    name, flags = mapping(pid, memory["size"])
    assert (memory["arena"] == "memfd_secret") == name.startswith("/secretmem")
    assert memory["locked"] == ("lo" in flags)
    assert memory["locked"] == (memory["arena"] != "plain")
    assert memory["dump_excluded"] == ("dd" in flags)
    assert (memory["fork"] == "dontfork") == ("dc" in flags)
    protection = {"memfd_secret": "secret", "mlock": "locked", "plain": "none"}
    assert memory["protection"] == protection[memory["arena"]]
    # Whatever is missing has its reason, its errno and a hint.
    reasons = {reason["step"]: reason for reason in memory["reasons"]}
    assert all(reason["errno"] and reason["hint"] for reason in memory["reasons"])
    missing = {
        "pkey": memory["pkey"] == "off",
        "mseal": memory["mseal"] == "off",
        "mlock": "off" in (memory["secret_stack"], memory["provider_heap"]),
        "guard_pages": memory["guard_pages"] == "off",
    }
    assert {step for step in missing if step in reasons} == {s for s, off in missing.items() if off}
    no_secret = bool({"memfd_secret", "mmap_secret"} & reasons.keys())
    whole = memory["size"] >= (1 << 20) - (1 << 17)
    if whole:
        assert no_secret == (memory["arena"] != "memfd_secret")
    else:
        assert "size" in reasons


def mapping(pid: int, size: int) -> tuple[str, list[str]]:
    """Name and flags of the one writable mapping of that size that no child inherits."""
    found: list[tuple[str, list[str]]] = []
    name, fits = "", False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        fields = line.split()
        if "-" in fields[0] and not fields[0].endswith(":"):
            first, last = (int(part, 16) for part in fields[0].split("-"))
            fits = last - first == size and fields[1].startswith("rw")
            name = " ".join(fields[5:])
        elif fields[0] == "VmFlags:" and fits and "dc" in fields:
            found.append((name, fields[1:]))
    assert len(found) == 1, found
    return found[0]


def assert_keys_work(holder: Holder) -> None:
    key = holder.create_key("Aliyun_AES_256")
    assert holder.decrypt(holder.encrypt(key, b"hello")) == b"hello"


def assert_refused_or_working(place: pathlib.Path, *before: str, **how: Any) -> dict[str, Any]:
    """Both ways to open: the demand holds, and so does the override. Answers the status."""
    with opened(place / "first", *before, **how) as (holder, status):
        assert status["hsm_keys"] == ("usable" if status["memory"]["locked"] else "refused")
        if status["hsm_keys"] == "usable":
            assert_keys_work(holder)
        else:
            with pytest.raises(RefusedError, match=MEMORY_PROTECTION):
                holder.create_key("Aliyun_AES_256")
    with opened(place / "second", *before, override=True, **how) as (holder, other):
        assert other["hsm_keys"] == ("usable" if other["memory"]["locked"] else "overridden")
        assert_keys_work(holder)
    answer: dict[str, Any] = status
    return answer


def errnos(status: dict[str, Any]) -> dict[str, str]:
    return {reason["step"]: reason["errno"] for reason in status["memory"]["reasons"]}


@pytest.mark.parametrize("kib", [0, 64, 8192])
def test_a_limit_of_locked_memory(place: pathlib.Path, kib: int) -> None:
    how = {
        "preexec_fn": unprivileged(kib << 10),
        "env": {"LD_LIBRARY_PATH": str(place)},
        "executable": str(place / "holder"),
    }
    status = assert_refused_or_working(place / "home", **how)
    assert status["memory"]["locked"] == (kib > 0)
    if kib == 0:
        assert errnos(status)["mlock"] == "EPERM"
    if kib == 64:
        assert status["memory"]["size"] <= 64 << 10
    if kib == 8192:
        assert status["memory"]["size"] >= 1 << 19
        assert "size" not in errnos(status)


@pytest.mark.parametrize("errno", ["EPERM", "ENOSYS"])
def test_a_filter_denies_the_system_calls(tmp_path: pathlib.Path, errno: str) -> None:
    status = assert_refused_or_working(tmp_path, LAUNCHER, errno)
    assert status["memory"]["arena"] == "plain"
    assert status["hsm_keys"] == "refused"
    denied = dict.fromkeys(["memfd_secret", "mlock", "mseal"], errno)
    assert errnos(status).items() >= denied.items()
    assert "pkey" in errnos(status)


def test_under_valgrind(tmp_path: pathlib.Path) -> None:
    """It knows not all of the system calls; what memcheck finds wrong ends in status 99."""
    alone = subprocess.run([*VALGRIND, "/bin/true"], capture_output=True, text=True, check=False)
    assert alone.returncode == 0, f"valgrind itself does not run here: {alone.stderr}"
    assert_refused_or_working(tmp_path, *VALGRIND)
