"""The answer about statistics: its model and the function that makes it."""

from __future__ import annotations

from typing_extensions import TypedDict

from tidegate.contracts.times import Time, to_wire
from tidegate.domain.statistics.asked import By, Statistics, StatisticsRow, StepEnds
from tidegate.domain.statistics.figures import OVERRUN_UNIT
from tidegate.domain.statistics.histogram import RELATIVE_ERROR, Histogram
from tidegate.domain.statistics.spans import HOUR_MS

_MS_PER_SECOND = 1_000


class QuantilesOut(TypedDict):
    """Where half, 90 % and 99 % of `count` values lie below, and the largest of them; null without values."""

    count: int
    p50: float | None
    p90: float | None
    p99: float | None
    max: float | None


class StepEndsOut(TypedDict):
    """The jobs of a row that ended in one hour or day (in UTC), from `since` on.

    Those beyond the three counts by state were cancelled or skipped.
    """

    since: Time | None
    ended: int
    succeeded: int
    failed: int
    timed_out: int


class StatisticsRowOut(TypedDict):
    """The ends of the jobs of one pool, type, share, worker, hour or day; null for what the row does not tell apart.

    The share of jobs without one is an empty text, and `(other)` is all that roll-ups do not tell apart. The ends from
    `since` on and before `until` count. `success_rate` is the part of succeeded among succeeded, failed and timed out,
    null without any. `ended_per_hour` is null where no time is counted yet. `measured` counts the ends that tell more
    than their state, and the fields behind it are about those. `overrun` is the run time divided by the estimate.
    `slot_seconds` are the seconds that the slots of the pools were there, each slot by itself, null where they are not
    known and in rows of types, shares and workers. `utilisation` is the part of them that was busy. It is above 1 where
    the jobs that ended began earlier, because all of a job's time counts when it ends. `oldest_ready_seconds` is the
    longest time for which a READY job waited when the reaper looked, once in ten minutes. It is null where the reaper
    did not look, where nothing happened in pools without slots, and in rows of types, shares and workers. `steps` are
    the hours or days in which a job of the row ended, in order; null unless `step` asks for them.
    """

    pool: str | None
    type: str | None
    share: str | None
    worker: str | None
    since: Time | None
    until: Time | None
    ended: int
    succeeded: int
    failed: int
    timed_out: int
    cancelled: int
    skipped: int
    success_rate: float | None
    ended_per_hour: float | None
    measured: int
    started: int
    tries: int
    handed_back: int
    lost: int
    busy_seconds: float
    slot_seconds: float | None
    utilisation: float | None
    oldest_ready_seconds: float | None
    wasted_seconds: float
    wait_seconds: QuantilesOut
    run_seconds: QuantilesOut
    overrun: QuantilesOut
    steps: list[StepEndsOut] | None


class StatisticsOut(TypedDict):
    """The ended jobs of a time by one kind of key, largest first, or by hour or day in order.

    `counted_since` and `counted_until` bound what is counted of the pools, null where none is counted yet.
    `relative_error` is that of the quantiles.
    """

    by: By
    counted_since: Time | None
    counted_until: Time | None
    relative_error: float
    rows: list[StatisticsRowOut]
    total: StatisticsRowOut


def statistics_out(found: Statistics, by: By) -> StatisticsOut:
    """Returns statistics as clients read them."""
    return {
        "by": by,
        "counted_since": to_wire(found.since_ms),
        "counted_until": to_wire(found.until_ms),
        "relative_error": RELATIVE_ERROR,
        "rows": [_row_out(row) for row in found.rows],
        "total": _row_out(found.total),
    }


def _row_out(row: StatisticsRow) -> StatisticsRowOut:
    figures = row.figures
    ran = figures.succeeded + figures.failed + figures.timed_out
    time_ms = row.to_ms - row.from_ms
    return {
        "pool": row.pool,
        "type": row.type,
        "share": row.share,
        "worker": row.worker,
        "since": to_wire(row.from_ms),
        "until": to_wire(row.to_ms),
        "ended": figures.ended,
        "succeeded": figures.succeeded,
        "failed": figures.failed,
        "timed_out": figures.timed_out,
        "cancelled": figures.cancelled,
        "skipped": figures.skipped,
        "success_rate": round(figures.succeeded / ran, 4) if ran else None,
        "ended_per_hour": round(figures.ended * HOUR_MS / time_ms, 2) if time_ms else None,
        "measured": figures.measured,
        "started": figures.started,
        "tries": figures.tries,
        "handed_back": figures.hand_backs,
        "lost": figures.losses,
        "busy_seconds": figures.busy_ms / _MS_PER_SECOND,
        "slot_seconds": _seconds(row.slot_ms),
        "utilisation": round(figures.busy_ms / row.slot_ms, 4) if row.slot_ms else None,
        "oldest_ready_seconds": _seconds(row.oldest_ready_ms),
        "wasted_seconds": figures.wasted_ms / _MS_PER_SECOND,
        "wait_seconds": _quantiles_out(figures.wait, _MS_PER_SECOND),
        "run_seconds": _quantiles_out(figures.run, _MS_PER_SECOND),
        "overrun": _quantiles_out(figures.overrun, OVERRUN_UNIT),
        "steps": None if row.steps is None else [_step_out(step) for step in row.steps],
    }


def _step_out(step: StepEnds) -> StepEndsOut:
    return {
        "since": to_wire(step.from_ms),
        "ended": step.ended,
        "succeeded": step.succeeded,
        "failed": step.failed,
        "timed_out": step.timed_out,
    }


def _seconds(time_ms: int | None) -> float | None:
    return None if time_ms is None else time_ms / _MS_PER_SECOND


def _quantiles_out(histogram: Histogram, unit: int) -> QuantilesOut:
    def at(part: float) -> float | None:
        value = histogram.quantile(part)
        return None if value is None else round(value / unit, 3)

    return {"count": histogram.count, "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0)}
