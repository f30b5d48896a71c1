"""How contestants are timed, in turn in every round, and what is kept of it: lines of JSON."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

ROUNDS = 15
ROUND_NS = 10_000_000


@dataclass(frozen=True)
class Contestant:
    """Who does a job: `make` readies it and answers what does it once."""

    name: str
    peer: str
    make: Callable[[], Callable[[], object]]


@dataclass(frozen=True)
class Group:
    """A job. The first contestant is the one that the others are held against."""

    name: str
    size: int | None
    contestants: Sequence[Contestant]
    clock: Callable[[], int] = time.thread_time_ns


@dataclass(frozen=True)
class Figure:
    """How many times as fast one contestant of a group shall be as another, at least."""

    name: str
    goal: float
    group: str
    size: int | None
    of: str
    to: str


@dataclass
class Records:
    """What a run finds, written down line by line."""

    path: Path
    medians: dict[tuple[str, int | None, str], float] = field(default_factory=dict)

    def write(self, kind: str, **members: Any) -> None:
        """Appends a line."""
        with self.path.open("a") as file:
            file.write(json.dumps({"kind": kind, "harness": "python", **members}) + "\n")

    def measure(self, group: Group) -> None:
        """Times all of a group that can take part."""
        print(f"\n{group.name}" + (f", {group.size} bytes" if group.size else ""))
        runs: dict[str, tuple[Callable[[], object], int]] = {}
        absent: dict[str, str] = {}
        for contestant in group.contestants:
            try:
                run = contestant.make()
                runs[contestant.name] = run, calibrate(run, group.clock)
            except Exception as error:  # whatever a package that does not work here raises
                absent[contestant.name] = f"{type(error).__name__}: {error}".partition("\n")[0]
        times: dict[str, list[float]] = {name: [] for name in runs}
        order = list(runs.items())
        for _ in range(ROUNDS):
            for name, (run, calls) in order:
                times[name].append(timed(run, calls, group.clock) / calls)
            order.append(order.pop(0))
        for contestant in group.contestants:
            calls = runs[contestant.name][1] if contestant.name in runs else 0
            why = absent.get(contestant.name)
            self.result(group, contestant, times.get(contestant.name), calls, why)

    def result(
        self,
        group: Group,
        contestant: Contestant,
        times: list[float] | None,
        calls: int,
        absent: str | None,
    ) -> None:
        """Notes and prints what one contestant has done."""
        told: dict[str, object] = {
            "group": group.name,
            "size": group.size,
            "threads": 1,
            "contestant": contestant.name,
            "peer": contestant.peer,
            "reference": group.contestants[0].name,
        }
        if times is None:
            print(f"  {contestant.name:<36} absent: {absent}")
            return self.write("result", **told, absent=absent)
        low, median, high = statistics.quantiles(times, n=4)
        self.medians[group.name, group.size, contestant.name] = median
        reference = self.medians.get((group.name, group.size, group.contestants[0].name))
        ratio = reference / median if reference else None
        print(
            f"  {contestant.name:<36} {median:>12.0f} ns"
            + (f" {ratio:>8.3f} of the first" if ratio else "")
        )
        spread = {"ns": median, "ns_low": low, "ns_high": high, "ratio": ratio}
        return self.write("result", **told, **spread, rounds=ROUNDS, ops=ROUNDS * calls)

    def figures(self, figures: Iterable[Figure]) -> None:
        """Notes what of the figures to reach is reached."""
        for figure in figures:
            of = self.medians.get((figure.group, figure.size, figure.of))
            to = self.medians.get((figure.group, figure.size, figure.to))
            told = {
                "figure": figure.name,
                "bound": "at least",
                "goal": figure.goal,
                "group": figure.group,
                "size": figure.size,
                "threads": 1,
                "of": figure.of,
                "to": figure.to,
            }
            if of is None or to is None:
                absent = figure.of if of is None else figure.to
                self.write("figure", **told, reached=None, met=None, why=f"{absent} is not here")
            else:
                self.write("figure", **told, reached=to / of, met=to / of >= figure.goal)


def timed(run: Callable[[], object], calls: int, clock: Callable[[], int]) -> int:
    """The nanoseconds of so many calls."""
    begun = clock()
    for _ in range(calls):
        run()
    return clock() - begun


def calibrate(run: Callable[[], object], clock: Callable[[], int]) -> int:
    """How many calls fill a round."""
    calls = 1
    while (took := timed(run, calls, clock)) < ROUND_NS // 4:
        calls *= 4
    return max(1, calls * ROUND_NS // took)
