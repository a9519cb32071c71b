"""Estimates how long jobs run: from their estimates, corrected by how long ended jobs of the same type ran.

A run time is drawn from a log-normal distribution. Its median is the estimate times the bias of the job's type, and
its spread is that of the ended jobs around their own medians. Both begin with what the statistics tell of the type's
earlier jobs, of all workflows. A job without an estimate has the median of the ended jobs of its type. A RUNNING job
has run for some time already, so its run time is drawn from the part of the distribution beyond that time.
"""

from __future__ import annotations

import math
import random  # noqa: TID251 - seeded, so that an answer can be repeated
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tidegate.domain.statistics.histogram import RELATIVE_ERROR
from tidegate.domain.statistics.usual_runs import UsualOverrun

PRIOR_SPREAD: Final = 0.4
"""The spread that a job's run time has around its estimate, where nothing is known: a factor of 1.5 either way."""
GUESSED_SECONDS: Final = 60.0
"""The median of a job that nothing is known of: no estimate, and no ended job of its type."""
GUESSED_SPREAD: Final = 1.0
_PRIOR_JOBS = 10  # how many ended jobs the prior spread counts for
_MOST_PAST_JOBS = 100  # earlier jobs that count at most, so that the workflow's own are heard
_SURE = 4.0  # a bias within two standard errors (4 of their squares) may be chance, and counts as none
_OF_MEDIAN = math.pi / 2  # a median of normal values varies by so much more than their mean
_FAR = 6.0  # beyond so many spreads the quantiles of the normal distribution lose their digits
_NORMAL = statistics.NormalDist()


class Ended(NamedTuple):
    """A job that succeeded: its type, its estimate (None without one), and how long it ran, in seconds."""

    type: str
    estimate_seconds: float | None
    ran_seconds: float


class RunTime(NamedTuple):
    """The distribution of a run time: its median in seconds, and the standard deviation of its logarithm.

    `is_guess` says that nothing is known of the job and its type.
    """

    median_seconds: float
    spread: float
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class RunTimes:
    """The experience with the jobs that have ended, by type: the `biases` of estimates, and the `usual` run times.

    The `usual` run time is that of a job without an estimate. `spreads` holds the spread of each type that the
    statistics know; `spread` is that of all others.
    """

    spread: float = PRIOR_SPREAD
    biases: Mapping[str, float] = field(default_factory=dict)
    usual: Mapping[str, RunTime] = field(default_factory=dict)
    spreads: Mapping[str, float] = field(default_factory=dict)

    def of(self, job_type: str, estimate_seconds: float | None) -> RunTime:
        """Returns the distribution for a job of this type with this estimate (0 or more, None without one)."""
        if estimate_seconds is None:
            guess = RunTime(GUESSED_SECONDS, GUESSED_SPREAD, is_guess=True)
            return self.usual.get(job_type, guess)
        spread = self.spreads.get(job_type, self.spread)
        return RunTime(estimate_seconds * self.biases.get(job_type, 1.0), spread)


def learned(ended: Sequence[Ended], past: Mapping[str, UsualOverrun] | None = None) -> RunTimes:
    """Returns what the ended jobs teach, and the `past`: how earlier jobs ran against their estimates, by type.

    Jobs that ran for no time, and estimates of 0 seconds, teach nothing.
    """
    past = past or {}
    ratios: dict[str, list[float]] = {}
    logs: dict[str, list[float]] = {}
    for each in ended:
        if each.ran_seconds <= 0:
            continue
        logs.setdefault(each.type, []).append(math.log(each.ran_seconds))
        if each.estimate_seconds:
            ratio = math.log(each.ran_seconds / each.estimate_seconds)
            ratios.setdefault(each.type, []).append(ratio)
    shifts, spreads = _of_past(past)
    apart: list[float] = []
    for job_type, found in ratios.items():
        before = past.get(job_type)
        expected = shifts.get(job_type, 0.0)
        known = PRIOR_SPREAD if before is None else before.spread
        weight = _PRIOR_JOBS if before is None else min(before.runs, _MOST_PAST_JOBS)
        shifts[job_type] = expected + _shift([each - expected for each in found], known, weight)
        of_type = [each - shifts[job_type] for each in found]
        if before is None:
            apart += of_type
        else:
            spreads[job_type] = _spread(of_type, known, weight)
    spread = _spread(apart, PRIOR_SPREAD)
    usual = {
        job_type: RunTime(math.exp(middle), _spread([each - middle for each in found], GUESSED_SPREAD))
        for job_type, found in logs.items()
        for middle in (statistics.median(found),)
    }
    biases = {job_type: math.exp(shift) for job_type, shift in shifts.items()}
    return RunTimes(spread, biases, usual, spreads)


def _of_past(past: Mapping[str, UsualOverrun]) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the logarithms of the biases, and the spreads, that earlier jobs had, by type."""
    bucket = RELATIVE_ERROR * RELATIVE_ERROR / 3  # the variance of a place in a bucket of a histogram
    shifts = {
        job_type: _beyond_chance(
            math.log(each.median), bucket + _OF_MEDIAN * each.spread * each.spread / each.runs
        )
        for job_type, each in past.items()
    }
    return shifts, {job_type: each.spread for job_type, each in past.items()}


def _spread(apart: Sequence[float], prior: float, weight: int = _PRIOR_JOBS) -> float:
    """Returns the standard deviation of these distances from a middle, and of a prior that counts for `weight` jobs."""
    total = sum(each * each for each in apart)
    return math.sqrt((weight * prior * prior + total) / (weight + len(apart)))


def _shift(ratios: Sequence[float], prior: float, weight: int) -> float:
    """Returns the mean of logarithms, less the more it may be chance."""
    mean = statistics.fmean(ratios)
    spread = _spread([each - mean for each in ratios], prior, weight)
    return _beyond_chance(mean, spread * spread / len(ratios))


def _beyond_chance(shift: float, variance: float) -> float:
    """Returns the part of a shift that chance does not explain (James and Stein's estimate, positive part)."""
    return shift * max(0.0, 1.0 - _SURE * variance / (shift * shift)) if shift else 0.0


def draw_ms(run_time: RunTime, chance: random.Random) -> int:
    """Draws the run time of a job that has not begun, in milliseconds."""
    return round(run_time.median_seconds * 1_000 * math.exp(run_time.spread * chance.gauss(0.0, 1.0)))


def draw_remaining_ms(run_time: RunTime, elapsed_ms: int, chance: random.Random) -> int:
    """Draws how much longer a job runs that has run for `elapsed_ms` (0 or more), in milliseconds."""
    median_ms = run_time.median_seconds * 1_000
    if elapsed_ms <= 0:
        return draw_ms(run_time, chance)
    if median_ms <= 0 or run_time.spread <= 0:
        return max(0, round(median_ms) - elapsed_ms)
    passed = math.log(elapsed_ms / median_ms) / run_time.spread
    if passed > _FAR:
        # The tail of a log-normal distribution, to its first term.
        return round(chance.expovariate(passed / (elapsed_ms * run_time.spread)))
    # By symmetry the part beyond `passed` is the part below `-passed`, which keeps its digits where it is small.
    beyond = _NORMAL.cdf(-passed) * (1.0 - chance.random())
    quantile = -_NORMAL.inv_cdf(max(beyond, 1e-300))
    return max(0, round(median_ms * math.exp(run_time.spread * quantile)) - elapsed_ms)
