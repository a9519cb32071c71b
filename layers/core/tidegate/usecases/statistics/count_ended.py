"""Counts ended jobs: each end once, from the index and the kept ends, a bounded number a run.

A pool is counted up to the latest ten minutes that have settled. Each slice of it is put, then the hours and days that
are complete, and at last how far the pool is counted. A run that dies before that is repeated by the next one, and what
it puts again is equal or counts as truly (see `domain.statistics.spans`). Ten minutes of which there is nothing to tell
but slots lengthen an idle run, which costs no write of its own until it ends (see `domain.statistics.idle`).

Each run also looks how long READY jobs wait at that time, and stores that with how far the pool is counted. The slice
of these ten minutes takes it over when it is put. A look that fails is left out: the ends are counted without it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tidegate.domain.errors import TidegateError
from tidegate.domain.statistics.ended import SETTLES_MS, EndedJob
from tidegate.domain.statistics.idle import goes_on, is_idle, longer
from tidegate.domain.statistics.rollup import merged, rollup_of
from tidegate.domain.statistics.spans import (
    DAY_MS,
    HOUR_MS,
    WINDOW_MS,
    Counted,
    Look,
    Reached,
    Span,
    all_slots,
    ceil_to,
    chain,
    floor_to,
    longest_wait,
    windows,
)
from tidegate.usecases.bounds.deadline import NEVER, Deadline, in_turns
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.pools.earlier_pools import all_pools
from tidegate.usecases.pools.oldest_ready import oldest_ready_ms
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.put_rollup import put_rollup
from tidegate.usecases.statistics.settled_ends import SettledEnds
from tidegate.usecases.statistics.slot_time import read_slot_time
from tidegate.usecases.statistics.told_times import told_idle, told_times

AHEAD_MS: Final = DAY_MS  # the longest time that one run counts of a pool
MAX_LOOKS: Final = 12  # the ten minutes whose longest wait is stored until they are counted, the latest
_LOGGER = logging.getLogger(__name__)


def count_ended(services: Services, now_ms: int, *, until: Deadline = NEVER) -> int:
    """Counts the ends of each pool that have settled since it was counted last; returns how many roll-ups were put.

    A pool is looked at once in ten minutes, or in each run while it is behind. Each pool gets an equal part of the
    time left before `until`. Raises the first error after all pools have been looked at.
    """
    pools = all_pools(services)
    settled_ms = floor_to(now_ms - SETTLES_MS, WINDOW_MS)
    reached = services.statistics.reached(pools)
    due = [pool for pool in pools if pool not in reached or reached[pool].counted_ms < settled_ms]
    put = 0
    errors = FirstError()
    for pool, pool_until in in_turns(due, until, services.entropy.jitter):
        with errors.isolated():
            put += _Count(services, pool, now_ms, pool_until).run(reached.get(pool), settled_ms)
    errors.raise_first()
    return put


@dataclass(slots=True)
class _Count:
    """One run over one pool; `put` counts the roll-ups that it has put."""

    services: Services
    pool: str
    now_ms: int
    until: Deadline
    put: int = 0

    def run(self, before: Reached | None, settled_ms: int) -> int:
        """Counts the pool on from `before`, up to `settled_ms` at most. Returns how many roll-ups were put."""
        start = before or self._beginning(settled_ms)
        start = replace(start, looks=self._looks(start.looks))
        from_ms, to_ms = start.counted_ms, min(settled_ms, start.counted_ms + AHEAD_MS)
        if from_ms < to_ms:
            ends, to_ms = SettledEnds(self.services, self.pool, self.until).between(from_ms, to_ms)
            start = self._put_slices(start, ends, from_ms, to_ms)
        hours_ms = self._put_hours(start, floor_to(to_ms, HOUR_MS))
        days_ms = self._put_days(start, floor_to(hours_ms, DAY_MS))
        looks = tuple(look for look in start.looks if look.window_ms + WINDOW_MS > to_ms)
        after = replace(start, counted_ms=to_ms, hours_ms=hours_ms, days_ms=days_ms, looks=looks)
        if before is None or to_ms > before.counted_ms:
            self.services.statistics.advance(self.pool, before, after)
        return self.put

    def _looks(self, before: Sequence[Look]) -> tuple[Look, ...]:
        """Looks how long READY jobs wait now, if there is time. Returns at most MAX_LOOKS, the latest.

        A look that fails adds nothing, because the ends must be counted while they are kept.
        """
        if self.until.is_over():
            return tuple(before)
        try:
            waits_ms = oldest_ready_ms(self.services, self.pool, self.now_ms)
        except TidegateError as error:
            _LOGGER.warning("how long jobs wait in pool %s can't be read: %s", self.pool, error)
            return tuple(before)
        window_ms = floor_to(self.now_ms, WINDOW_MS)
        longest = {look.window_ms: look.oldest_ready_ms for look in before}
        longest[window_ms] = max(waits_ms, longest.get(window_ms, 0))
        return tuple(Look(*each) for each in sorted(longest.items())[-MAX_LOOKS:])

    def _beginning(self, settled_ms: int) -> Reached:
        """Returns where a pool begins that was never counted: at the oldest ten minutes that still have all ends."""
        oldest_ms = SettledEnds(self.services, self.pool).oldest_ms(settled_ms)
        first_ms = settled_ms if oldest_ms is None else floor_to(oldest_ms, WINDOW_MS)
        # Jobs that ended before may have been removed.
        whole_ms = ceil_to(self.now_ms - self.services.settings.retention_seconds * 1_000, WINDOW_MS)
        since_ms = min(settled_ms, max(first_ms, whole_ms))
        return Reached(since_ms, since_ms, floor_to(since_ms, HOUR_MS), floor_to(since_ms, DAY_MS))

    def _put_slices(self, start: Reached, ends: Sequence[EndedJob], from_ms: int, to_ms: int) -> Reached:
        """Puts a slice for each ten minutes of the time in which something happened, and each idle run that ends.

        Returns `start` with the idle run that grows on, and since when slot time is counted. Ten minutes without an
        end, slots and waiting jobs need nothing. A part of ten minutes is put all the same, so that the slices of the
        ten minutes follow each other.
        """
        by_window: dict[int, list[EndedJob]] = {}
        for end in ends:
            by_window.setdefault(floor_to(end.ended_at_ms, WINDOW_MS), []).append(end)
        slots = read_slot_time(self.services, self.pool, self.now_ms)
        waits = {look.window_ms: look.oldest_ready_ms for look in start.looks}
        since_ms, run = start.slots_since_ms, start.idle
        for begin_ms, end_ms in windows(from_ms, to_ms):
            window_ms = floor_to(begin_ms, WINDOW_MS)
            held = by_window.get(window_ms, ())
            slot_ms = slots.of(begin_ms, end_ms)
            told = Counted(begin_ms, end_ms, rollup_of(held), slot_ms, waits.get(window_ms))
            if since_ms is None and slot_ms is not None:
                since_ms = begin_ms
            if run is not None and is_idle(told) and goes_on(run, told):
                run = longer(run, told)
                continue
            if run is not None:
                self._put(Span.IDLE, run)
                run = None
            if not is_idle(told):
                self._put(Span.SLICE, told)
            elif since_ms is not None and slot_ms != 0:
                # Before any slot time is counted, a time without a roll-up says by itself that its slots are unknown.
                run = told
        return replace(start, slots_since_ms=since_ms, idle=run)

    def _put_hours(self, start: Reached, to_ms: int) -> int:
        """Puts the hours that are complete and have a slice; returns how far hours are put.

        Idle runs tell of the other hours.
        """
        from_ms = start.hours_ms
        if from_ms >= to_ms:
            return from_ms
        slices = self.services.statistics.find(self.pool, Span.SLICE, from_ms, to_ms)
        idle = told_idle(self.services, self.pool, from_ms, to_ms, start.idle) if slices else {}
        for begin_ms, end_ms in windows(from_ms, to_ms, HOUR_MS):
            own = [each for each in slices if begin_ms <= each.from_ms < end_ms]
            if own:
                self._put_whole(start, Span.HOUR, begin_ms, end_ms, chain(own, begin_ms, end_ms, idle))
        return to_ms

    def _put_days(self, start: Reached, to_ms: int) -> int:
        """Puts the days that are complete; returns how far days are put."""
        from_ms = start.days_ms
        if from_ms >= to_ms:
            return from_ms
        hours = told_times(self.services, self.pool, Span.HOUR, from_ms, to_ms, start.idle)
        for begin_ms, end_ms in windows(from_ms, to_ms, DAY_MS):
            own = [each for each in hours if begin_ms <= each.from_ms < end_ms]
            self._put_whole(start, Span.DAY, begin_ms, end_ms, own)
        return to_ms

    def _put_whole(
        self, start: Reached, span: Span, from_ms: int, to_ms: int, parts: Sequence[Counted]
    ) -> None:
        if parts:
            slot_ms = all_slots(parts) if start.tells_slots(from_ms) else None
            rollup = merged(each.rollup for each in parts)
            self._put(span, Counted(from_ms, to_ms, rollup, slot_ms, longest_wait(parts)))

    def _put(self, span: Span, counted: Counted) -> None:
        put_rollup(self.services, self.pool, span, counted, self.now_ms)
        self.put += 1
