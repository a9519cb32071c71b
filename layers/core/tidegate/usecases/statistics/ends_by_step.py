"""Counts the ends of the rows of an answer by hour or day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from tidegate.domain.errors import InvalidRequest
from tidegate.domain.statistics.asked import StepEnds
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.spans import floor_to

MAX_STEPS: Final = 25_000
"""How many hours or days with ends an answer tells of all rows together. Each takes about 130 bytes of the answer."""

_Key = TypeVar("_Key")
_Counts = tuple[int, int, int, int]


@dataclass(slots=True)
class EndsByStep(Generic[_Key]):
    """The ends of each row in each step in which a job ended.

    `step_ms` is the length of a step; None where no steps are asked for, and nothing is counted then.
    """

    step_ms: int | None
    known: dict[_Key, dict[int, _Counts]] = field(default_factory=dict)
    told: int = 0

    def add(self, key: _Key, at_ms: int, figures: Figures) -> None:
        """Adds ends of a row from `at_ms` on, which are all of one step.

        Raises InvalidRequest as soon as the rows have more than MAX_STEPS steps, so that no more are held.
        """
        if self.step_ms is None or not figures.ended:
            return
        begin_ms, steps = floor_to(at_ms, self.step_ms), self.known.setdefault(key, {})
        self.told += begin_ms not in steps
        if self.told > MAX_STEPS:
            raise InvalidRequest.of(
                "step",
                f"counts more than {MAX_STEPS:,} hours or days of all rows together, before rows beyond 1,000 are put "
                "together; ask about a shorter time, about fewer pools, or by day",
            )
        counts = (figures.ended, figures.succeeded, figures.failed, figures.timed_out)
        steps[begin_ms] = _sum(steps.get(begin_ms), counts)

    def fold(self, keys: Iterable[_Key], into: _Key) -> None:
        """Adds the steps of the rows `keys`, which the answer does not tell apart, to those of another row."""
        for key in keys:
            self.told -= _add(self.known.setdefault(into, {}), self.known.pop(key, {}))

    def of(self, key: _Key, from_ms: int) -> tuple[StepEnds, ...] | None:
        """Returns the steps of a row in order, none of which begins before `from_ms`; None where none are asked for."""
        return None if self.step_ms is None else _told(self.known.get(key, {}), from_ms)

    def total(self, from_ms: int) -> tuple[StepEnds, ...] | None:
        """Returns the steps of all rows together, as `of` does those of one."""
        if self.step_ms is None:
            return None
        together: dict[int, _Counts] = {}
        for steps in self.known.values():
            _add(together, steps)
        return _told(together, from_ms)


def _add(known: dict[int, _Counts], more: Mapping[int, _Counts]) -> int:
    """Adds steps to others. Returns how many both had."""
    shared = 0
    for begin_ms, counts in more.items():
        shared += begin_ms in known
        known[begin_ms] = _sum(known.get(begin_ms), counts)
    return shared


def _sum(one: _Counts | None, other: _Counts) -> _Counts:
    if one is None:
        return other
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3])


def _told(steps: Mapping[int, _Counts], from_ms: int) -> tuple[StepEnds, ...]:
    return tuple(StepEnds(max(from_ms, begin_ms), *steps[begin_ms]) for begin_ms in sorted(steps))
