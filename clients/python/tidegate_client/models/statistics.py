"""The statistics of ended jobs."""

from __future__ import annotations

from datetime import datetime

from tidegate_client.models.base import Model


class Quantiles(Model):
    """Where half, 90 % and 99 % of `count` values lie below, and the largest of them; None without values."""

    count: int
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    max: float | None = None


class StepEnds(Model):
    """The jobs of a row that ended in one hour or day, from `since` on.

    Those beyond the three counts by state were cancelled or skipped.
    """

    since: datetime | None = None
    ended: int
    succeeded: int
    failed: int
    timed_out: int


class StatisticsRow(Model):
    """The ends of the jobs of one pool, type, share, worker, hour or day; None for what the row does not tell apart.

    The share of jobs without one is an empty text. `overrun` is the run time divided by the estimate.
    `utilisation` is the busy part of `slot_seconds`, the time that slots were there; None in rows without slots of
    their own and where the slots are not known. `oldest_ready_seconds` is the longest time for which a READY job
    waited when the reaper looked, once in ten minutes; None where it did not look and in rows of parts of pools.
    `steps` are the hours or days in which a job of the row ended, in order; None unless `step` asked for them.
    """

    pool: str | None = None
    type: str | None = None
    share: str | None = None
    worker: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ended: int
    succeeded: int
    failed: int
    timed_out: int
    cancelled: int
    skipped: int
    success_rate: float | None = None
    ended_per_hour: float | None = None
    measured: int
    started: int
    tries: int
    handed_back: int
    lost: int
    busy_seconds: float
    slot_seconds: float | None = None
    utilisation: float | None = None
    oldest_ready_seconds: float | None = None
    wasted_seconds: float
    wait_seconds: Quantiles
    run_seconds: Quantiles
    overrun: Quantiles
    steps: tuple[StepEnds, ...] | None = None


class Statistics(Model):
    """The ended jobs of a time. `counted_since` and `counted_until` bound what is counted; None where nothing is.

    `relative_error` is that of the quantiles.
    """

    by: str
    counted_since: datetime | None = None
    counted_until: datetime | None = None
    relative_error: float
    rows: tuple[StatisticsRow, ...] = ()
    total: StatisticsRow
