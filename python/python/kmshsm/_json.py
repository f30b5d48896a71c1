"""Requests in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def text(request: dict[str, Any]) -> str:
    """The request in JSON. What JSON cannot say is a TypeError that names the parameter."""
    try:
        return json.dumps(request)
    except TypeError:
        for name, value in request.items():
            try:
                json.dumps(value)
            except TypeError as error:
                raise TypeError(f"{name}: {error}") from None
        raise


def texts(name: str, values: Sequence[str] | None) -> list[str] | None:
    """The texts as a list; one text alone, whose letters Python would take for many, is none."""
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{name} must be a sequence of str, not {type(values).__name__}")
    return None if values is None else list(values)
