"""Counts hours of a pool anew, on an operator's demand.

The reaper counts an end that comes into the index later than ends settle in no hour, and leaves out ten minutes whose
slices are gone. A recount reads the ends of whole hours again and puts the same slices, hours and days over the earlier
ones. Slot time and longest waits stay as they were counted, because nothing tells them any more. Fewer ends than before
mean that jobs were removed early, as after a longer retention was set, so no roll-up is replaced by a smaller one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from tidegate.domain.errors import InvalidRequest
from tidegate.domain.statistics.ended import EndedJob
from tidegate.domain.statistics.rollup import merged, rollup_of
from tidegate.domain.statistics.spans import (
    DAY_MS,
    HOUR_MS,
    KEPT_MS,
    Counted,
    Reached,
    Span,
    all_slots,
    ceil_to,
    chain,
    floor_to,
    longest_wait,
    windows,
)
from tidegate.usecases.pools.earlier_pools import listed_pools
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.put_rollup import put_rollup
from tidegate.usecases.statistics.settled_ends import SettledEnds
from tidegate.usecases.statistics.told_times import told_idle, told_times

MAX_RANGE_MS: Final = 31 * DAY_MS
_SPARE_MS: Final = 2 * DAY_MS  # no recount relies on roll-ups that are removed so soon


@dataclass(frozen=True, slots=True)
class RecountedHour:
    """An hour that was counted anew. It had `before` ends and has `after` now, of which `found` are still there.

    `from_ms` is in milliseconds since the epoch.
    """

    from_ms: int
    before: int
    after: int
    found: int


def recount(
    services: Services, pool: str, from_ms: int, to_ms: int, *, now_ms: int
) -> Iterator[RecountedHour]:
    """Counts each hour of a time anew, and then its complete days; yields each hour once its roll-ups are put.

    Both ends are rounded outward to hours. All of the time must be counted, and no older than ended jobs are kept.
    Safe to repeat. A run of the reaper that put one of the hours or days just then may put its own count over it, so
    repeat the recount of a time that was counted less than ten minutes ago. Raises InvalidRequest; ServiceUnavailable.
    """
    if from_ms >= to_ms:
        raise InvalidRequest.of("from", "must be earlier than to")
    from_ms, to_ms = floor_to(from_ms, HOUR_MS), ceil_to(to_ms, HOUR_MS)
    listed_pools(services, pool)
    reached = services.statistics.reached([pool]).get(pool)
    if reached is None:
        raise InvalidRequest.of("pool", f"nothing of pool {pool!r} is counted yet")
    _check_time(services, reached, from_ms, to_ms, now_ms)
    return _Recount(services, pool, reached, now_ms).run(from_ms, to_ms)


def _check_time(services: Services, reached: Reached, from_ms: int, to_ms: int, now_ms: int) -> None:
    if to_ms - from_ms > MAX_RANGE_MS:
        raise InvalidRequest.of("from", "must be at most 31 days before to")
    kept_ms = min(services.settings.retention_seconds * 1_000, KEPT_MS[Span.HOUR] - _SPARE_MS)
    # The first hour may have begun before all ends were there, so it is read from where counting began.
    first_ms = max(floor_to(reached.since_ms, HOUR_MS), ceil_to(now_ms - kept_ms, HOUR_MS))
    if from_ms < first_ms:
        raise InvalidRequest.of(
            "from", f"must be {_shown(first_ms)} or later: earlier ends are not counted, or may be removed"
        )
    if to_ms > reached.hours_ms:
        raise InvalidRequest.of(
            "to", f"must be {_shown(reached.hours_ms)} or earlier: later hours are not counted yet"
        )


@dataclass(frozen=True, slots=True)
class _Recount:
    """A recount of one pool, which is counted as far as `reached` says."""

    services: Services
    pool: str
    reached: Reached
    now_ms: int

    def run(self, from_ms: int, to_ms: int) -> Iterator[RecountedHour]:
        """Counts the hours of a time, then its days."""
        for begin_ms, end_ms in windows(from_ms, to_ms, HOUR_MS):
            yield self._hour(begin_ms, end_ms)
        days_ms = min(self.reached.days_ms, ceil_to(to_ms, DAY_MS))
        for begin_ms, end_ms in windows(floor_to(from_ms, DAY_MS), days_ms, DAY_MS):
            hours = told_times(self.services, self.pool, Span.HOUR, begin_ms, end_ms, self.reached.idle)
            if hours:
                self._put(Span.DAY, self._together(hours, begin_ms, end_ms))

    def _hour(self, from_ms: int, to_ms: int) -> RecountedHour:
        """Counts one hour, by its slices if they are still kept."""
        find = self.services.statistics.find
        stored = next(iter(find(self.pool, Span.HOUR, from_ms, from_ms + 1)), None)
        keeps_slices = self._keeps_slices(from_ms)
        slices = find(self.pool, Span.SLICE, from_ms, to_ms) if keeps_slices else ()
        idle = told_idle(self.services, self.pool, from_ms, to_ms, self.reached.idle)
        parts: list[Counted] = []
        found = 0
        for begin_ms, end_ms in windows(max(from_ms, self.reached.since_ms), to_ms):
            ends = self._ends(begin_ms, end_ms)
            found += len(ends)
            if keeps_slices:
                self._put_slices(ends, slices, idle.get(begin_ms), begin_ms, end_ms)
            elif ends:
                parts.append(Counted(begin_ms, end_ms, rollup_of(ends)))
        if keeps_slices and (slices := find(self.pool, Span.SLICE, from_ms, to_ms)):
            parts = chain(slices, from_ms, to_ms, idle)
        whole = self._together(parts, from_ms, to_ms)
        if not keeps_slices:  # their slots and waits are as they were counted while there were slices
            kept = self._together([*idle.values()], from_ms, to_ms) if stored is None else stored
            whole = replace(kept, rollup=whole.rollup)
        before, after = 0 if stored is None else stored.rollup.total.ended, whole.rollup.total.ended
        if after < before:
            return RecountedHour(from_ms, before, before, found)
        if parts:
            self._put(Span.HOUR, whole)
        return RecountedHour(from_ms, before, after, found)

    def _keeps_slices(self, from_ms: int) -> bool:
        return from_ms >= self.now_ms - KEPT_MS[Span.SLICE] + _SPARE_MS

    def _ends(self, from_ms: int, to_ms: int) -> list[EndedJob]:
        """Returns all ends of a time. Each read gets on by a millisecond at least."""
        found: list[EndedJob] = []
        while from_ms < to_ms:
            ends, from_ms = SettledEnds(self.services, self.pool).between(from_ms, to_ms)
            found += ends
        return found

    def _put_slices(
        self,
        ends: Sequence[EndedJob],
        slices: Sequence[Counted],
        idle: Counted | None,
        from_ms: int,
        to_ms: int,
    ) -> None:
        """Puts every slice of ten minutes anew, so that each chain through them counts the same.

        Ten minutes that have ends and no chain of slices get one slice, with the slots of `idle`: what was counted of
        them as idle. If some of their slices were lost, their slot time is unknown.
        """
        held = [each for each in slices if from_ms <= each.from_ms < to_ms]
        for each in held:
            own = [end for end in ends if each.from_ms <= end.ended_at_ms < each.to_ms]
            if len(own) >= each.rollup.total.ended:
                self._put(Span.SLICE, replace(each, rollup=rollup_of(own)))
        if ends and not chain(held, from_ms, to_ms):
            kept = self._together([idle] if idle else [], from_ms, to_ms)
            if held and idle is None:
                kept = replace(kept, slot_ms=None)
            self._put(Span.SLICE, replace(kept, rollup=rollup_of(ends)))

    def _together(self, parts: Sequence[Counted], from_ms: int, to_ms: int) -> Counted:
        """Returns all parts as one. A time without parts had no slots, if they were counted then."""
        slot_ms = all_slots(parts) if self.reached.tells_slots(from_ms) else None
        rollup = merged(each.rollup for each in parts)
        return Counted(from_ms, to_ms, rollup, slot_ms, longest_wait(parts))

    def _put(self, span: Span, counted: Counted) -> None:
        put_rollup(self.services, self.pool, span, counted, self.now_ms)


def _shown(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat()
