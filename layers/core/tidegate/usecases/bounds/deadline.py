"""Bounds long work by a deadline. The work is cut into portions and stops between two of them.

Many use cases take a deadline as `until`. They finish the portion that they have begun, so a call may end a little
after its deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tidegate.ports import Stopwatch
from tidegate.usecases.bounds.run_clock import STILL

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment, in milliseconds of `clock`, after which no further portion of work begins."""

    clock: Stopwatch
    at_ms: int

    def is_over(self) -> bool:
        """True if no further portion may begin."""
        return self.clock.now_ms() >= self.at_ms

    def at_most(self, duration_ms: int) -> Deadline:
        """Returns the earlier of this deadline and `duration_ms` from now."""
        return replace(self, at_ms=min(self.at_ms, self.clock.now_ms() + duration_ms))

    def later(self, duration_ms: int) -> Deadline:
        """Returns a deadline `duration_ms` later, for a portion that was begun in time and should be completed."""
        return replace(self, at_ms=self.at_ms + duration_ms)

    def part(self, parts: int) -> Deadline:
        """Divides the remaining time into `parts` equal parts; returns the end of the first."""
        now_ms = self.clock.now_ms()
        return replace(self, at_ms=now_ms + max(0, self.at_ms - now_ms) // parts)


NEVER = Deadline(STILL, 2**63)


def in_turns(
    items: Sequence[T], until: Deadline, chance: Callable[[], float]
) -> Iterator[tuple[T, Deadline]]:
    """Yields each item with a deadline of its own: an equal part of the remaining time.

    Begins with a random item, drawn by `chance` from [0, 1). Always yields the first item, and the others until the
    deadline. So over many runs every item is served, even if each run has time for only one.
    """
    start = int(chance() * len(items)) if len(items) > 1 else 0
    for place, item in enumerate([*items[start:], *items[:start]]):
        if place and until.is_over():
            return
        yield item, until.part(len(items) - place)


def while_time(items: Iterable[T], until: Deadline) -> Iterator[T]:
    """Yields the first item always, and the others until the deadline. Takes no item that it does not yield."""
    for item in items:
        yield item
        if until.is_over():
            return
