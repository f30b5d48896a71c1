"""Seals files of any size under keys that never leave a store, and opens them.

    fileseal.py seal --key KEY [--chunk-size BYTES] [OPTIONS] IN OUT
    fileseal.py open [OPTIONS] IN OUT
    fileseal.py rewrap --key KEY [OPTIONS] IN OUT
    fileseal.py info [OPTIONS] IN

IN and OUT are files, or - for standard input and output. ``docs/fileseal.md`` has the options, the
format and what it protects; ``c-examples/fileseal`` is its twin, which says and does the same.

Python cannot wipe ``bytes``: the data key stays in memory until that is used again. The twin does
wipe it.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import os
import signal
import stat
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import kmshsm
from sealed import CHUNK_MAX, Head, Refused, info, rewrap, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INVALID_CIPHERTEXT = 504


def deliver(made: Iterator[bytes], target: str) -> None:
    """Writes a file, which appears when all of it is on the disk; or to standard output."""
    first = next(made)
    everything = itertools.chain([first], made)
    if target == "-":
        try:
            sys.stdout.buffer.writelines(everything)
            sys.stdout.buffer.flush()
        except BaseException:
            print("standard output: is not whole: do not use it", file=sys.stderr)
            raise
        return
    path = Path(target)
    # Replacing would put a file in place of a device.
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(0, "is not a regular file", target)
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(everything)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def pair(text: str) -> tuple[str, str]:
    """A pair of the encryption context."""
    name, equals, value = text.partition("=")
    text.encode()
    if not name or not equals:
        raise ValueError(text)
    return name, value


def arguments_of(words: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Seals files of any size.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("seal", "open", "rewrap", "info"):
        command = commands.add_parser(name, allow_abbrev=False)
        default = None if name == "info" else os.environ.get("KMSHSM_STORE")
        command.add_argument("--store", default=default, required=not default and name != "info")
        command.add_argument("--passphrase-file", type=Path)
        command.add_argument("--key-file", type=Path)
        command.add_argument("--account", default="111122223333")
        command.add_argument("--region", default="cn-hongkong")
        command.add_argument("--context", type=pair, action="append", default=[])
        command.add_argument("--allow-unprotected-memory", action="store_true")
        if name in ("seal", "rewrap"):
            command.add_argument("--key", required=True)
        if name == "seal":
            command.add_argument("--chunk-size", type=int, default=65536)
        command.add_argument("source", metavar="IN")
        if name != "info":
            command.add_argument("target", metavar="OUT")
    arguments = parser.parse_args(words)
    if arguments.command == "seal" and not 1 <= arguments.chunk_size <= CHUNK_MAX:
        parser.error(f"--chunk-size takes 1 to {CHUNK_MAX}")
    context = [("fileseal", "1"), *arguments.context]
    if len(dict(context)) < len(context):
        parser.error("--context: each name may occur once, and fileseal is taken")
    arguments.context = dict(context)
    return arguments


def open_session(stack: ExitStack, arguments: argparse.Namespace) -> kmshsm.Session:
    """In the store, as long as the stack stands."""
    passphrase_file = arguments.passphrase_file or os.environ.get("KMSHSM_PASSPHRASE_FILE")
    secret = {}
    if arguments.key_file:
        secret["key_file"] = arguments.key_file.read_bytes()
    elif passphrase_file:
        secret["passphrase"] = Path(passphrase_file).read_bytes().removesuffix(b"\n")
    allow = arguments.allow_unprotected_memory
    store = kmshsm.open(arguments.store, allow_unprotected_memory=allow, **secret)
    return stack.enter_context(
        stack.enter_context(store).session(arguments.account, arguments.region)
    )


def carry_out(arguments: argparse.Namespace, stack: ExitStack, source: BinaryIO) -> None:
    """Does what is asked for."""
    command, context = arguments.command, arguments.context
    # Before the store: what is no sealed file needs none.
    head = None if command == "seal" else Head.read(source)
    if head and command == "info":
        print(*info(head, source), sep="\n", flush=True)
        if not arguments.store:
            return
    session = open_session(stack, arguments)
    if not head:
        made = seal(session, arguments.key, context, source, arguments.chunk_size)
        deliver(made, arguments.target)
    elif command == "open":
        deliver(unseal(session, context, head, source), arguments.target)
    elif command == "rewrap":
        deliver(rewrap(session, arguments.key, context, head, source), arguments.target)
    else:
        print(f"key_id       {key_of(session, context, head)}")


def key_of(session: kmshsm.Session, context: Mapping[str, str], head: Head) -> str:
    """Has the store open the data key, and tell whose it is."""
    blob = base64.b64encode(head.blob).decode()
    asked = {"CiphertextBlob": blob, "EncryptionContext": context}
    return str(session.api.call("Decrypt", asked)["KeyId"])


def stop(number: int, _frame: object) -> None:
    """Ends the program, and what it has begun."""
    sys.exit(128 + number)


def main(words: list[str] | None = None) -> int:
    """Answers 0, or the family of the error, as the program kmshsm does."""
    try:
        arguments = arguments_of(words)
    except SystemExit as end:
        return 1 if end.code else 0
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    name = "standard input" if arguments.source == "-" else arguments.source
    try:
        with ExitStack() as stack:
            source = sys.stdin.buffer
            if arguments.source != "-":
                source = stack.enter_context(Path(arguments.source).open("rb"))
            carry_out(arguments, stack, source)
    except Refused as refused:
        print(f"{name}: {refused}", file=sys.stderr)
        return refused.exit_code
    except kmshsm.KmsError as error:
        if error.number == INVALID_CIPHERTEXT:
            why = "has a data key that does not open: it has been changed, or sealed with another"
            print(f"{name}: {why} context", file=sys.stderr)
        else:
            print(f"{arguments.command}: {error}", file=sys.stderr)
        return error.number // 100
    except OSError as error:
        print(f"{error.filename or 'input or output'}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    with suppress(OSError):
        sys.stdout.close()  # what a reader has left behind is told above
    sys.exit(code)
