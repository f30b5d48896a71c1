"""Matrices: a row for each operation, a column for each state of its key and each way to name it.

Every cell is a case. Their form: tests/README.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def cases(matrix: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A case for every cell."""
    for row in matrix["rows"]:
        for group in ("states", "names"):
            for column, word in zip(matrix[group], row.get(group, [])):
                yield cell(matrix, row, column, word)


def cell(
    matrix: dict[str, Any], row: dict[str, Any], column: dict[str, Any], word: str
) -> dict[str, Any]:
    """The case of one row and one column."""
    where, error = column["name"], matrix["outcomes"][word]
    probe = picked(row, "call", "with", "expect") | picked(column, "account", "region")
    if error:
        probe["error"] = error
    steps = [*prepared(matrix, row, column), probe]
    steps += [*row.get("after", {}).get(where, []), seen(row, column)]
    return {"name": f"{name_of(row)} {where}", "region": matrix["region"], "steps": steps}


def prepared(
    matrix: dict[str, Any],
    row: dict[str, Any],
    column: dict[str, Any],
    grants: Iterable[dict[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Makes a key, grants what is to be granted on it, and does what the column wants."""
    kind = row["external" if column.get("external") else "key"]
    return [*matrix["keys"][kind], *grants, *row.get("before", []), *column["steps"]]


def outcome(matrix: dict[str, Any], row: dict[str, Any], state: dict[str, Any]) -> str | None:
    """What the row's call fails with in a state."""
    error: str | None = matrix["outcomes"][row["states"][matrix["states"].index(state)]]
    return error


def seen(row: dict[str, Any], column: dict[str, Any]) -> dict[str, Any]:
    """The look at the key after the call."""
    state = row.get("becomes", {}).get(column["name"], column["state"])
    expect = {"KeyMetadata.KeyState": state}
    return {"call": "DescribeKey", "with": {"KeyId": "${key}"}, "expect": expect}


def name_of(row: dict[str, Any]) -> str:
    """What tells a row from the others."""
    name: str = row.get("name", row["call"])
    return name


def picked(members: dict[str, Any], *names: str) -> dict[str, Any]:
    """Those of the members that there are."""
    return {name: members[name] for name in names if name in members}
