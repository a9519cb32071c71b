"""The questions that statistics answer, and the rows of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.spans import DAY_MS, HOUR_MS


class By(StrEnum):
    """The key that the rows of an answer tell apart."""

    POOL = "pool"
    TYPE = "type"
    SHARE = "share"
    WORKER = "worker"
    HOUR = "hour"
    DAY = "day"


class Step(StrEnum):
    """The length of the times, in UTC, by which each row can tell its ends besides."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class StatisticsQuery:
    """Which ended jobs are asked for. None stands for the default time, all pools, all types, and no steps.

    Times are in milliseconds since the epoch; the end does not count.
    """

    by: By = By.POOL
    from_ms: int | None = None
    to_ms: int | None = None
    pool: str | None = None
    job_type: str | None = None
    step: Step | None = None

    @property
    def step_ms(self) -> int | None:
        """Returns the length of the hours or days that rows stand for or tell apart, None without any."""
        if self.step is None and self.by not in (By.HOUR, By.DAY):
            return None
        return HOUR_MS if By.HOUR in (self.by, self.step) else DAY_MS


@dataclass(frozen=True, slots=True)
class StepEnds:
    """The jobs of a row that ended in one hour or day, from `from_ms` on.

    Those beyond the three counts by state were cancelled or skipped.
    """

    from_ms: int
    ended: int
    succeeded: int
    failed: int
    timed_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsRow:
    """The figures of one pool, type, share, worker, hour or day; None for what the row does not tell apart.

    An empty share is the main lane. `from_ms` and `to_ms` bound the part of the time that is counted. `slot_ms` is the
    slot time in milliseconds of one slot; None where it is not known, or is not that of the row alone.
    `oldest_ready_ms` is the longest time for which the reaper saw a READY job wait, in milliseconds; None where it did
    not look, or the row has no wait of its own. `steps` are the hours or days in which a job of the row ended, in
    order; None where they are not asked for.
    """

    pool: str | None = None
    type: str | None = None
    share: str | None = None
    worker: str | None = None
    from_ms: int
    to_ms: int
    figures: Figures
    slot_ms: int | None = None
    oldest_ready_ms: int | None = None
    steps: tuple[StepEnds, ...] | None = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """The rows of a time, and their total. The pools are counted from `since_ms` on and before `until_ms`.

    A pool that was never counted does not bound that; both are None where no pool was.
    """

    from_ms: int
    to_ms: int
    since_ms: int | None
    until_ms: int | None
    rows: tuple[StatisticsRow, ...]
    total: StatisticsRow
