"""Idle runs: times of which there is nothing to tell but slots, in one roll-up instead of one for each ten minutes.

An idle run is a `Counted` without ends. It lasts whole windows of ten minutes, all of one day, and all of them say the
same: each has an equal part of the run's slot time, and the run's longest wait. The run that is still growing stands
with how far its pool is counted, which is written anyway, and it is put once it has ended. So a pool in which nothing
happens costs one roll-up a day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import (
    DAY_MS,
    HOUR_MS,
    WINDOW_MS,
    Counted,
    all_slots,
    floor_to,
    longest_wait,
)


def is_idle(counted: Counted) -> bool:
    """Tells whether a part of an idle run can stand for this: whole ten minutes without an end or a waiting job."""
    is_whole = counted.to_ms - counted.from_ms == WINDOW_MS
    return is_whole and not counted.rollup.types and not counted.oldest_ready_ms


def goes_on(run: Counted, window: Counted) -> bool:
    """Tells whether the next ten idle minutes follow the run, on the same day, and say the same."""
    follows = run.to_ms == window.from_ms and floor_to(run.from_ms, DAY_MS) == floor_to(
        window.from_ms, DAY_MS
    )
    return follows and _window_of(run, window.from_ms) == window


def longer(run: Counted, window: Counted) -> Counted:
    """Returns the run with ten minutes more, of which `goes_on` is true."""
    return replace(run, to_ms=window.to_ms, slot_ms=all_slots((run, window)))


def idle_windows(runs: Iterable[Counted], from_ms: int, to_ms: int) -> dict[int, Counted]:
    """Returns each ten minutes of idle runs that begin from `from_ms` on and before `to_ms`, by their beginning.

    Runs may overlap where a counter died or was overtaken. All of them are true, and one of them counts.
    """
    return {
        begin_ms: _window_of(run, begin_ms)
        for run in runs
        for begin_ms in range(max(run.from_ms, from_ms), min(run.to_ms, to_ms), WINDOW_MS)
    }


def idle_hours(idle: Mapping[int, Counted], told: Collection[int]) -> list[Counted]:
    """Returns the hours that idle minutes tell of, without those whose beginnings are in `told`: they are put."""
    by_hour: dict[int, list[Counted]] = {}
    for begin_ms, window in sorted(idle.items()):
        by_hour.setdefault(floor_to(begin_ms, HOUR_MS), []).append(window)
    return [
        Counted(begin_ms, begin_ms + HOUR_MS, Rollup(), all_slots(parts), longest_wait(parts))
        for begin_ms, parts in by_hour.items()
        if begin_ms not in told
    ]


def _window_of(run: Counted, begin_ms: int) -> Counted:
    count = (run.to_ms - run.from_ms) // WINDOW_MS
    slot_ms = None if run.slot_ms is None else run.slot_ms // count
    return replace(run, from_ms=begin_ms, to_ms=begin_ms + WINDOW_MS, slot_ms=slot_ms)
