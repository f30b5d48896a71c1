"""Runs the conformance table (../cases, described in ../README.md) in two lanes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import kmshsm
import lanes
import matrix
from cases import MISSING, OWN_STEPS, at_path, encoded, holds, replaced

TABLE = sorted((Path(__file__).parents[1] / "cases").glob("*.json"))


def read(path: Path) -> list[dict[str, Any]]:
    """The cases of a file: a list of them, or a matrix."""
    content = json.loads(path.read_text("utf-8"))
    return content if isinstance(content, list) else [*matrix.cases(content)]


CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}") for path in TABLE for case in read(path)
]


def test_there_is_a_table() -> None:
    assert CASES


@pytest.mark.parametrize("lane", ["json", "typed"])
@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], lane: str) -> None:
    assert case.keys() <= {"name", "account", "region", "steps"}
    assert case["steps"]
    variables: dict[str, str] = {}
    with kmshsm.open("memory:?clock=manual", allow_unprotected_memory=True) as store:
        for step in case["steps"]:
            run(store, {**case, **step}, lane, variables)


def run(store: kmshsm.Store, step: dict[str, Any], lane: str, variables: dict[str, str]) -> None:
    known = {"call", "with", "raw", "error", "message", "expect", "save"}
    assert step.keys() <= known | {"name", "account", "region", "steps"}
    given = replaced(step.get("with", {}), variables)
    if "error" in step:
        with pytest.raises(kmshsm.KmsError) as caught:
            do(store, step, lane, given)
        assert caught.value.code == step["error"], caught.value
        assert step.get("message", "") in caught.value.message
        return
    answer, is_typed = do(store, step, lane, given)
    for path, expected in replaced(step.get("expect", {}), variables).items():
        value = at_path(answer, path)
        if is_typed and value is MISSING:
            continue
        if is_typed and path == "Plaintext" and isinstance(expected, str):
            expected = encoded(lanes.plaintext(expected))
        assert holds(expected, value), f"{step['call']}: {path} is {value!r}, not {expected!r}"
    for name, path in step.get("save", {}).items():
        value = at_path(answer, path)
        assert isinstance(value, (str, int)), f"{step['call']}: no {path} to save"
        variables[name] = value if isinstance(value, str) else json.dumps(value)


def do(
    store: kmshsm.Store, step: dict[str, Any], lane: str, given: Any
) -> tuple[dict[str, Any], bool]:
    """The answer, and whether it came from a typed method."""
    action = step["call"]
    if action in OWN_STEPS:
        return OWN_STEPS[action](given), False
    account, region = step.get("account", "111122223333"), step.get("region", "cn-hongkong")
    with store.session(account, region) as session:
        if "raw" in step:
            return json.loads(session.call_json(action, step["raw"])), False
        if lane == "typed":
            answer = lanes.typed(session, action, given)
            if answer is not None:
                return answer, True
        return session.call(action, given), False
