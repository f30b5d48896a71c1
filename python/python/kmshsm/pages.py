"""Lists that come in pages, as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# How many entries are asked for at once: the most that the API gives.
_SIZE = 100


def pages(
    action: Callable[..., dict[str, Any]], name: str, **parameters: Any
) -> Iterator[dict[str, Any]]:
    """The entries of a list of the API, asked for as they are needed.

    Each page is the list as it is then: who adds or removes entries meanwhile may see one twice, or
    miss one.

    :param action: A method of Actions that takes ``page_number``.
    :param name: Where the list is in its answer: ``Keys`` stands for ``["Keys"]["Key"]``.
    :param parameters: Those of the action.
    """
    number = 1
    while True:
        answer = action(page_number=number, page_size=_SIZE, **parameters)
        ((_, entries),) = answer[name].items()
        yield from entries
        if number * _SIZE >= answer["TotalCount"]:
            return
        number += 1
