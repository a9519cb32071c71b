"""How long jobs of a type usually run, by the statistics of those that ended."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.statistics.figures import OVERRUN_UNIT, Figures, together
from tidegate.domain.statistics.histogram import RELATIVE_ERROR, Histogram
from tidegate.domain.statistics.rollup import OTHER, Rollup

MIN_RUNS: Final = 20
"""How many runs of a type make a usual run."""
MIN_RUNS_OF_P99: Final = 100
"""How many runs of a type make a 99th percentile, so that at least one of them lies beyond it."""
_MEDIAN_NEEDS: Final = 0.5
"""The median run lies among those that succeeded only where more than this part of the runs did."""
_OVERRUN_NEEDS: Final = 0.8
"""The quartiles of overruns lie well among those of successes where at least this part of the runs succeeded."""
_QUARTILE_SPREADS: Final = 0.6745
"""How many standard deviations the quartiles of a normal distribution lie away from its middle."""


LEAST_SECONDS: Final = 60
"""A job that runs shorter is never slow: a second attempt would not begin before the next tick, a minute later.

A job's age counts from its claim until its code is known to have begun, so a slow start must not look like a slow run.
"""
MEDIANS: Final = 4
"""A job that runs so many times as long as the median of its type is slow, whatever the 99th percentile is.

Where one job in a hundred or more is slow, the 99th percentile is as long as the slow ones.
"""


@dataclass(frozen=True, slots=True)
class UsualOverrun:
    """How jobs of one type ran against their estimates, by `runs` last attempts.

    `median` is that of the run times, each divided by its estimate (above 0). `spread` is the standard deviation of the
    logarithm, by the distance of the quartiles. A few runs that failed early or timed out then count little.
    """

    runs: int
    median: float
    spread: float


@dataclass(frozen=True, slots=True)
class UsualRun:
    """How long jobs of one type ran: the median of their last attempts, and the 99th percentile, in seconds.

    Both are within the relative error of a histogram. `runs` counts the attempts. `p99_seconds` is None for fewer than
    MIN_RUNS_OF_P99 of them. `overrun` is None where fewer than MIN_RUNS of them had an estimate, or where fewer than
    four of five runs succeeded.
    """

    runs: int
    median_seconds: float
    p99_seconds: float | None = None
    overrun: UsualOverrun | None = None


@dataclass(frozen=True, slots=True)
class Straggler:
    """The measure of a straggler: 99 % of the `runs` of its type took at most `p99_seconds`."""

    runs: int
    p99_seconds: float


def usual_runs(rollups: Iterable[Rollup]) -> Mapping[str, UsualRun]:
    """Returns the usual run of each type of which these roll-ups count at least MIN_RUNS.

    All attempts that ran count, whatever their end. A type has none where half of the runs or more didn't succeed: a
    failure or a time-out would be its usual run. Types that a roll-up counts under OTHER are unknown there.
    """
    found: dict[str, list[Figures]] = {}
    for rollup in rollups:
        for job_type, figures in rollup.types.items():
            if job_type != OTHER:
                found.setdefault(job_type, []).append(figures)
    usual = {job_type: _usual_run(together(of_type)) for job_type, of_type in found.items()}
    return {job_type: run for job_type, run in usual.items() if run is not None}


def usual_overrun(overrun: Histogram) -> UsualOverrun | None:
    """Returns the usual overrun of run times in thousandths of their estimates; None for fewer than MIN_RUNS."""
    if overrun.count < MIN_RUNS:
        return None
    low, median, high = (max(1.0, overrun.smooth_quantile(part) or 0.0) for part in (0.25, 0.5, 0.75))
    spread = math.log(high / low) / (2 * _QUARTILE_SPREADS)
    # A histogram tells no spread below its own error.
    return UsualOverrun(overrun.count, median / OVERRUN_UNIT, max(spread, RELATIVE_ERROR))


def straggler_of(job: Job, usual: UsualRun | None, now_ms: int) -> Straggler | None:
    """Returns the measure of a job that runs longer, at `now_ms` (in milliseconds), than 99 % of its type did.

    Returns None for any other job, and where `usual`, the usual run of its type, tells no 99th percentile.
    """
    if usual is None or usual.p99_seconds is None or job.state is not State.RUNNING:
        return None
    since_ms = running_since_ms(job)
    if not since_ms or now_ms - since_ms <= usual.p99_seconds * 1_000:
        return None
    return Straggler(usual.runs, usual.p99_seconds)


def running_since_ms(job: Job) -> int:
    """Returns since when the present attempt of a RUNNING job runs, in milliseconds since the epoch; 0 if unknown."""
    # The job keeps the latest beginning of its code, which may be that of an earlier attempt.
    return max(job.started_at_ms or 0, job.began_at_ms or 0)


def slow_after_seconds(usual: UsualRun) -> float | None:
    """Returns after how many seconds a job of the type may get a second attempt; None where too few runs are known."""
    if usual.p99_seconds is None:
        return None
    return max(LEAST_SECONDS, min(usual.p99_seconds, MEDIANS * usual.median_seconds))


def _usual_run(figures: Figures) -> UsualRun | None:
    run = figures.run
    count, part = run.count, _succeeded_part(figures)
    if count < MIN_RUNS or part <= _MEDIAN_NEEDS:
        return None
    p99_seconds = _seconds(run, 0.99) if count >= MIN_RUNS_OF_P99 else None
    overrun = usual_overrun(figures.overrun) if part >= _OVERRUN_NEEDS else None
    return UsualRun(count, _seconds(run, 0.5), p99_seconds, overrun)


def _succeeded_part(figures: Figures) -> float:
    """Returns the part of the runs that succeeded."""
    # A run that was cancelled is in the histogram, and a failure that never ran is not: the sharper of both counts.
    ran = max(figures.succeeded + figures.failed + figures.timed_out, figures.run.count)
    return figures.succeeded / ran if ran else 0.0


def _seconds(run: Histogram, part: float) -> float:
    """Returns a quantile, of at least a millisecond: an estimate of 0 would say that there is nothing to run."""
    return max(1, round(run.quantile(part) or 0)) / 1_000
