"""The matrix of authorization: what each role may do to keys in each state, by whatever name.

And to all else there is. Its form: tests/README.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matrix import name_of, outcome, picked, prepared, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

Steps = list[dict[str, Any]]


def cases(table: dict[str, Any], operations: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """For each role, a case for each state of keys, one for names and one for the account."""
    for role in table["roles"]:
        parts = {
            state["name"]: on_keys(table, operations, role, state) for state in operations["states"]
        }
        # Names mean another thing in another account, and there the account's own is its own.
        if "account" not in role:
            parts["by other names"] = by_names(table, operations, role)
            parts["on the account"] = on_the_account(table, role)
        for of, steps in parts.items():
            name = f"{role['name']}: operations {of}"
            if steps:
                steps = [*role.get("steps", []), *steps]
                yield {"name": name, "region": operations["region"], "steps": steps}


def on_keys(
    table: dict[str, Any], operations: dict[str, Any], role: dict[str, Any], state: dict[str, Any]
) -> Steps:
    """All operations on keys in a state."""
    steps: Steps = []
    for row in rows(operations, role, "states"):
        steps += prepared(operations, row, state, role.get("grants", []))
        if row["call"] in role["may"]:
            error = outcome(operations, row, state)
            steps += [asked(role, row, state["name"], error), seen(row, state)]
        else:
            probe = asked(role, row, state["name"], role["denied"])
            steps += denied(table, probe, table["looks"]["key"])
    return steps


def by_names(table: dict[str, Any], operations: dict[str, Any], role: dict[str, Any]) -> Steps:
    """All operations on what the role must not know."""
    steps: Steps = []
    grants = role.get("grants", [])
    for row in rows(operations, role, "names"):
        # What it may do to whatever key is not denied under any name.
        may = row["call"] in role["may"]
        names = [it for it in table["names"] if not may or (grants and not it.get("is_key"))]
        if names:
            steps = steps or [*table["others"]]
            steps += prepared(operations, row, operations["states"][0], grants)
        for naming in names:
            steps += [*naming["steps"], asked(role, row, naming["name"], role["denied"])]
    return steps


def on_the_account(table: dict[str, Any], role: dict[str, Any]) -> Steps:
    """All that is about no key."""
    steps = [*table["account"]]
    for row in table["rows"]:
        if row["call"] in role["may"]:
            steps.append(asked(role, row, "", row.get("error")))
        else:
            probe = asked(role, row, "", role["denied"])
            steps += denied(table, probe, table["looks"]["account"])
    return steps


def rows(operations: dict[str, Any], role: dict[str, Any], group: str) -> Iterator[dict[str, Any]]:
    """The operations that the role is tried on and that have cells of this group."""
    for row in operations["rows"]:
        if group in row and name_of(row) in role.get("rows", [name_of(row)]):
            yield row


def asked(
    role: dict[str, Any], row: dict[str, Any], where: str, error: str | None
) -> dict[str, Any]:
    """The row's request as this role."""
    step = picked(row, "call", "with") | picked(role, "account", "access_key")
    step["name"] = f"{name_of(row)} {where}".strip()
    return step | ({"error": error} if error else {})


def denied(table: dict[str, Any], probe: dict[str, Any], looks: Steps) -> Steps:
    """A request that is denied: where it would be a change, all is as before."""
    if probe["call"] not in table["changes"]:
        return [probe]
    before = [look | {"save": {f"before {at}": ""}} for at, look in enumerate(looks)]
    after = [look | {"expect": {"": f"${{before {at}}}"}} for at, look in enumerate(looks)]
    return [*before, probe, *after]
