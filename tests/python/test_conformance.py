"""Runs the conformance table (../cases, described in ../README.md) in two lanes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import kmshsm
import lanes
import matrix
import permissions
import sessions
from cases import MISSING, OWN_STEPS, at_path, encoded, holds, replaced
from matrix import name_of

TABLE = sorted((Path(__file__).parents[1] / "cases").glob("*.json"))


def read(path: Path) -> list[dict[str, Any]]:
    """The cases of a file: a list of them, or a matrix."""
    content = json.loads(path.read_text("utf-8"))
    if isinstance(content, list):
        return content
    if "roles" not in content:
        return [*matrix.cases(content)]
    operations = json.loads((path.parent / content["operations"]).read_text("utf-8"))
    return [*permissions.cases(content, operations)]


CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}") for path in TABLE for case in read(path)
]


def test_there_is_a_table() -> None:
    assert CASES


@pytest.mark.parametrize("lane", ["json", "typed"])
@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], lane: str) -> None:
    assert case.keys() <= {"name", "steps"} | sessions.CALLER
    assert case["steps"]
    variables: dict[str, str] = {}
    options: dict[str, Any] = {"allow_unprotected_memory": True, "audit": "all"}
    with (
        kmshsm.open("memory:?clock=manual", **options) as store,
        sessions.Sessions(store) as opened,
    ):
        for step in case["steps"]:
            run(opened, {**caller(case), **step}, lane, variables)


def caller(step: dict[str, Any]) -> dict[str, Any]:
    """What a step, or a case for all its steps, says of who calls."""
    return {name: step[name] for name in sessions.CALLER if name in step}


def run(
    opened: sessions.Sessions, step: dict[str, Any], lane: str, variables: dict[str, str]
) -> None:
    known = {"name", "call", "with", "raw", "error", "message", "expect", "save"}
    assert step.keys() <= known | sessions.CALLER
    given = replaced(step.get("with", {}), variables)
    if "error" in step:
        with pytest.raises(kmshsm.KmsError) as caught:
            do(opened, step, lane, given, variables)
        assert caught.value.code == step["error"], f"{name_of(step)}: {caught.value}"
        assert step.get("message", "") in caught.value.message
        return
    answer, is_typed = do(opened, step, lane, given, variables)
    for path, expected in replaced(step.get("expect", {}), variables).items():
        value = at_path(answer, path)
        if is_typed and value is MISSING:
            continue
        if is_typed and path == "Plaintext" and isinstance(expected, str):
            expected = encoded(lanes.plaintext(expected))
        assert holds(expected, value), f"{name_of(step)}: {path} is {value!r}, not {expected!r}"
    for name, path in step.get("save", {}).items():
        value = at_path(answer, path)
        assert isinstance(value, (str, int)), f"{step['call']}: no {path} to save"
        variables[name] = value if isinstance(value, str) else json.dumps(value)


def do(
    opened: sessions.Sessions,
    step: dict[str, Any],
    lane: str,
    given: Any,
    variables: dict[str, str],
) -> tuple[dict[str, Any], bool]:
    """The answer, and whether it came from a typed method."""
    action = step["call"]
    if action in OWN_STEPS:
        return OWN_STEPS[action](given), False
    session = opened.of(
        replaced({name: step[name] for name in sessions.CALLER & step.keys()}, variables)
    )
    if "raw" in step:
        return json.loads(session.call_json(action, step["raw"])), False
    if lane == "typed":
        answer = lanes.typed(session, action, given)
        if answer is not None:
            return answer, True
    return session.api.call(action, given), False
