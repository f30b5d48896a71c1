"""What the kernel answers who asks it for secret memory: another process, through /proc/PID/mem
and process_vm_readv(2), and the process itself, through write(2). Where the memory is, only /proc
tells.

The first two are shut by memfd_secret alone. The third is shut by a protection key alone: without
one, the kernel may copy a little out of secret memory on behalf of its owner, and is not held to
anything.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING, Any

import pytest
from holder import Holder

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator


@pytest.fixture
def holder(tmp_path: pathlib.Path) -> Iterator[Holder]:
    """With a key in secret memory, if there is such a thing here."""
    with Holder() as holder:
        holder.open(tmp_path / "store", bytes(32))
        holder.demand_secret_memory()
        holder.create_key("Aliyun_AES_256")
        yield holder


def mapped(pid: int, name: str) -> list[int]:
    """Where the process's readable mappings of that name begin."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        return [int(line.split("-")[0], 16) for line in maps if name in line and " rw" in line]


def read_mem(pid: int, address: int) -> bytes:
    file = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        return os.pread(file, 32, address)
    finally:
        os.close(file)


class Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def read_vm(pid: int, address: int) -> bytes:
    libc: Any = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(32)
    ours = Vector(ctypes.addressof(buffer), 32)
    theirs = Vector(address, 32)
    got = libc.process_vm_readv(pid, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
    if got < 0:
        raise OSError(ctypes.get_errno(), "process_vm_readv")
    return buffer.raw[:got]


@pytest.mark.parametrize(("read", "answer"), [(read_mem, errno.EIO), (read_vm, errno.EFAULT)])
def test_another_process_reads_nothing(holder: Holder, read: Any, answer: int) -> None:
    (heap,) = mapped(holder.pid, "[heap]")
    assert len(read(holder.pid, heap)) == 32, "ordinary memory is read"
    secret = mapped(holder.pid, "/secretmem")
    assert len(secret) > 2, "the arena, stacks, a heap"
    for address in secret:
        with pytest.raises(OSError) as caught:
            read(holder.pid, address)
        assert caught.value.errno == answer


def test_write_takes_nothing_past_a_key(holder: Holder, record_property: Any) -> None:
    there, here = holder.write_from_secret_memory()
    assert here == 0, "ordinary memory is written"
    if holder.status()["memory"]["pkey"] == "on":
        assert there == errno.EFAULT
    else:
        assert there in (0, errno.EFAULT)
        record_property("write_from_secret_memory_without_a_key", errno.errorcode.get(there, "OK"))
