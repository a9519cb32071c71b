"""Finds what is counted of a time: stored roll-ups, and where none is stored, the idle runs of that time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidegate.domain.statistics.idle import idle_hours, idle_windows
from tidegate.domain.statistics.spans import DAY_MS, Counted, Span, chain, floor_to
from tidegate.usecases.services import Services

_IDLE_SPANS: Final = frozenset({Span.SLICE, Span.HOUR})
"""The kinds of roll-ups that are put of no idle time."""


def told_times(
    services: Services, pool: str, span: Span, from_ms: int, to_ms: int, growing: Counted | None
) -> list[Counted]:
    """Returns roll-ups that together count a time, each of this kind or shorter. Days are put of idle times too.

    `growing` is the idle run that no roll-up tells of yet, None where there is none. Slices that lead nowhere are left
    out. Times are in milliseconds since the epoch. Raises ServiceUnavailable.
    """
    found = services.statistics.find(pool, span, from_ms, to_ms)
    if span not in _IDLE_SPANS:
        return [*found]
    idle = told_idle(services, pool, from_ms, to_ms, growing)
    if span is Span.SLICE:
        return chain(found, from_ms, to_ms, idle)
    return [*found, *idle_hours(idle, {each.from_ms for each in found})]


def told_idle(
    services: Services, pool: str, from_ms: int, to_ms: int, growing: Counted | None
) -> Mapping[int, Counted]:
    """Returns each idle ten minutes of a time, by their beginning. Raises ServiceUnavailable."""
    # No run is of two days, so those that reach into the time begin on its first day at the earliest.
    runs = services.statistics.find(pool, Span.IDLE, floor_to(from_ms, DAY_MS), to_ms)
    return idle_windows([*runs, growing] if growing else runs, from_ms, to_ms)
