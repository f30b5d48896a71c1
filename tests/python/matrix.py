"""Matrices: a row for each operation, a column for each state of its key and each way to name it.

Every cell is a case. Their form: tests/README.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def cases(matrix: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A case for every cell."""
    for row in matrix["rows"]:
        for group in ("states", "names"):
            for column, outcome in zip(matrix[group], row.get(group, [])):
                yield cell(matrix, row, column, outcome)


def cell(
    matrix: dict[str, Any], row: dict[str, Any], column: dict[str, Any], outcome: str
) -> dict[str, Any]:
    """The case of one row and one column."""
    where, error = column["name"], matrix["outcomes"][outcome]
    probe = picked(row, "call", "with", "expect") | picked(column, "account", "region")
    if error:
        probe["error"] = error
    state = row.get("becomes", {}).get(where, column["state"])
    described = {
        "call": "DescribeKey",
        "with": {"KeyId": "${key}"},
        "expect": {"KeyMetadata.KeyState": state},
    }
    steps = [*matrix["keys"][row["external" if column.get("external") else "key"]]]
    steps += [*row.get("before", []), *column["steps"], probe]
    steps += [*row.get("after", {}).get(where, []), described]
    name = f"{row.get('name', row['call'])} {where}"
    return {"name": name, "region": matrix["region"], "steps": steps}


def picked(members: dict[str, Any], *names: str) -> dict[str, Any]:
    """Those of the members that there are."""
    return {name: members[name] for name in names if name in members}
