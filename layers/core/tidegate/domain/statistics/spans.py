"""The times that ended jobs are counted by: slices of at most ten minutes, hours, and days in UTC.

A slice is put before the store knows how far the pool is counted, so a counter that dies or that is overtaken may leave
a slice that no other slice follows. Each slice is a true count of its own time all the same. Therefore any chain of
slices from one time to another counts that time exactly, and `chain` finds one.

Ten minutes of which there is nothing to tell but slots are in no slice. They are in an idle run, with all that follow
and say the same (see `domain.statistics.idle`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from tidegate.domain.statistics.rollup import Rollup

WINDOW_MS: Final = 600_000
"""No slice reaches over a multiple of this."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
LATE_COUNT_MS: Final = HOUR_MS
"""A pool is counted late if its ended jobs are counted up to a time longer ago than this.

Counted ends are 10 to 21 minutes old: ends settle for ten minutes, ten minutes are counted at once, and a run of the
reaper comes each minute. The rest of the hour lets some runs fail or count only a part.
"""


class Span(StrEnum):
    """The kinds of time that a stored roll-up is about."""

    SLICE = "slice"
    IDLE = "idle"
    HOUR = "hour"
    DAY = "day"


KEPT_MS: Final = {
    Span.SLICE: 7 * DAY_MS,
    Span.IDLE: 90 * DAY_MS,  # as long as the hours that are put for no idle time
    Span.HOUR: 90 * DAY_MS,
    Span.DAY: 800 * DAY_MS,
}
"""How long a roll-up is kept after it was put. Slices outlast a reaper that stands still for some days."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The roll-up of one pool's jobs that ended from `from_ms` on and before `to_ms` (milliseconds since the epoch).

    `slot_ms` is the slot time of the pool in that time, in milliseconds of one slot; None where it is not known.
    `oldest_ready_ms` is the longest time for which the reaper saw a READY job wait, in milliseconds; 0 where it saw
    none, None where it did not look.
    """

    from_ms: int
    to_ms: int
    rollup: Rollup
    slot_ms: int | None = None
    oldest_ready_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """The longest wait of a READY job that the reaper saw in the ten minutes that begin at `window_ms`."""

    window_ms: int
    oldest_ready_ms: int


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a pool is counted: before `counted_ms` in slices, before `hours_ms` in hours, before `days_ms` in days.

    Nothing before `since_ms` was ever counted. From `slots_since_ms` on a time without roll-ups had no slots either;
    None where slot time was never counted. `idle` is the idle run that ends at `counted_ms`, None where none does.
    `looks` are of ten minutes that are not counted yet. Times are in milliseconds since the epoch.
    """

    since_ms: int
    counted_ms: int
    hours_ms: int
    days_ms: int
    slots_since_ms: int | None = None
    idle: Counted | None = None
    looks: tuple[Look, ...] = ()

    def tells_slots(self, from_ms: int) -> bool:
        """Tells whether the roll-ups from `from_ms` on, or from the first on, tell of all slot time of the pool."""
        since_ms = self.slots_since_ms
        return since_ms is not None and since_ms <= max(from_ms, self.since_ms)


def all_slots(parts: Iterable[Counted]) -> int | None:
    """Returns the slot time of all parts together, None where one of them does not know its own."""
    total_ms = 0
    for part in parts:
        if part.slot_ms is None:
            return None
        total_ms += part.slot_ms
    return total_ms


def longest_wait(parts: Iterable[Counted]) -> int | None:
    """Returns the longest wait of all parts in milliseconds, None where the reaper looked in none of them."""
    return max((part.oldest_ready_ms for part in parts if part.oldest_ready_ms is not None), default=None)


def floor_to(at_ms: int, unit_ms: int) -> int:
    """Returns the last multiple of `unit_ms` that is not after `at_ms`."""
    return at_ms - at_ms % unit_ms


def ceil_to(at_ms: int, unit_ms: int) -> int:
    """Returns the first multiple of `unit_ms` that is not before `at_ms`."""
    return -floor_to(-at_ms, unit_ms)


def windows(from_ms: int, to_ms: int, unit_ms: int = WINDOW_MS) -> Iterator[tuple[int, int]]:
    """Yields the parts of a time between multiples of `unit_ms`, each with its beginning and its end."""
    while from_ms < to_ms:
        end_ms = min(to_ms, floor_to(from_ms, unit_ms) + unit_ms)
        yield from_ms, end_ms
        from_ms = end_ms


def chain(
    slices: Sequence[Counted], from_ms: int, to_ms: int, idle: Mapping[int, Counted] | None = None
) -> list[Counted]:
    """Returns slices that together count exactly the time from `from_ms` to `to_ms`.

    Both are multiples of WINDOW_MS, or as far as the pool is counted. `slices` are all that begin in that time. `idle`
    maps the beginning of ten idle minutes to what is known of them. A window without either had no end. A window whose
    slices do not reach through it, because some of them are no longer kept, is left out: it does not count. Slices go
    before idle minutes, because a recount puts slices alone.
    """
    by_window: dict[int, list[Counted]] = {}
    for each in slices:
        by_window.setdefault(floor_to(each.from_ms, WINDOW_MS), []).append(each)
    found: list[Counted] = []
    for begin_ms, end_ms in windows(from_ms, to_ms):
        held = _through(by_window.get(begin_ms, ()), begin_ms, end_ms)
        if not held and idle and begin_ms in idle:
            held = [idle[begin_ms]]
        found += held
    return found


def _through(slices: Sequence[Counted], from_ms: int, to_ms: int) -> list[Counted]:
    """Returns the slices of one window that lead from its beginning to its end, found from the end backwards.

    Returns none if they do not lead there.
    """
    following: dict[int, Counted | None] = {to_ms: None}
    for each in sorted(slices, key=lambda each: -each.from_ms):
        if each.to_ms in following:
            following.setdefault(each.from_ms, each)
    found = []
    at = following.get(from_ms)
    while at is not None:
        found.append(at)
        at = following[at.to_ms]
    return found


class Piece(NamedTuple):
    """A time that is read from roll-ups of one kind, in milliseconds since the epoch."""

    span: Span
    from_ms: int
    to_ms: int


def pieces(from_ms: int, to_ms: int, reached: Reached, *, longest: Span = Span.DAY) -> list[Piece]:
    """Returns the roll-ups that together tell of the counted part of a time, in the order of time.

    Takes days where whole days are counted, then hours, and slices for the rest. Takes none longer than `longest`.
    """
    return _pieces(max(from_ms, _first_ms(reached)), min(to_ms, reached.counted_ms), reached, longest)


def _first_ms(reached: Reached) -> int:
    """Returns where the longest roll-up begins that holds the first ends of a pool.

    It may begin before counting did. Shorter roll-ups of the same time are removed earlier.
    """
    for unit_ms, whole_ms in ((DAY_MS, reached.days_ms), (HOUR_MS, reached.hours_ms)):
        first_ms = floor_to(reached.since_ms, unit_ms)
        if first_ms < whole_ms:
            return first_ms
    return reached.since_ms


def _pieces(from_ms: int, to_ms: int, reached: Reached, longest: Span) -> list[Piece]:
    if from_ms >= to_ms:
        return []
    if longest is Span.SLICE:
        return [Piece(Span.SLICE, from_ms, to_ms)]
    is_day = longest is Span.DAY
    unit_ms, whole_ms = (DAY_MS, reached.days_ms) if is_day else (HOUR_MS, reached.hours_ms)
    shorter = Span.HOUR if is_day else Span.SLICE
    begin_ms, end_ms = ceil_to(from_ms, unit_ms), min(floor_to(to_ms, unit_ms), whole_ms)
    if begin_ms >= end_ms:
        return _pieces(from_ms, to_ms, reached, shorter)
    return [
        *_pieces(from_ms, begin_ms, reached, shorter),
        Piece(longest, begin_ms, end_ms),
        *_pieces(end_ms, to_ms, reached, shorter),
    ]
