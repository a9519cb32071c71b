"""Deadlines: work that may be long is done in portions, and stops between two of them when its time is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tidegate.ports import Stopwatch
from tidegate.usecases.bounds.run_clock import STILL

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by which work stops of itself. Only between portions: a job never fails because time is short."""

    clock: Stopwatch
    at_ms: int

    def is_over(self) -> bool:
        """Whether no further portion may begin."""
        return self.clock.now_ms() >= self.at_ms

    def at_most(self, duration_ms: int) -> Deadline:
        """This deadline, or the one in `duration_ms` from now where that is earlier."""
        return replace(self, at_ms=min(self.at_ms, self.clock.now_ms() + duration_ms))

    def later(self, duration_ms: int) -> Deadline:
        """Moves the deadline, for a portion that was begun in time and should be done whole."""
        return replace(self, at_ms=self.at_ms + duration_ms)

    def part(self, parts: int) -> Deadline:
        """The end of the first of so many equal parts of the time that is left."""
        now_ms = self.clock.now_ms()
        return replace(self, at_ms=now_ms + max(0, self.at_ms - now_ms) // parts)


NEVER = Deadline(STILL, 2**63)


def in_turns(
    items: Sequence[T], until: Deadline, chance: Callable[[], float]
) -> Iterator[tuple[T, Deadline]]:
    """Each item with its deadline: an equal part of the time that is left, so that none takes the time of the others.

    `chance` draws from [0, 1) with which to begin, where there are several. The first is always given, the others
    until the time is over: over many runs each has its turn however little time there is.
    """
    start = int(chance() * len(items)) if len(items) > 1 else 0
    for place, item in enumerate([*items[start:], *items[:start]]):
        if place and until.is_over():
            return
        yield item, until.part(len(items) - place)


def while_time(items: Iterable[T], until: Deadline) -> Iterator[T]:
    """The first item, and the others for as long as the time is not over; what is not asked for is not made."""
    for item in items:
        yield item
        if until.is_over():
            return
