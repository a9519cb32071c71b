"""Priority that ages without being rewritten.

Effective priority at time t is `priority + boost + aging*(t - ready_at) - penalty*retries`. The boost comes from the
critical path and is fixed when the job is submitted; the term `aging*t` is the same for every waiting job. So their
order never changes, and one static number, stored when a job becomes READY, orders them for good. All arithmetic is
on integers: boost, aging and penalty are given in thousandths of a point, times in milliseconds, and a rank counts in
1/60,000,000 of a point, so nothing is ever rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

UNITS_PER_POINT = 60_000_000  # 60,000 ms in a minute, times 1,000 milli-points in a point
_UNITS_PER_MILLIPOINT = UNITS_PER_POINT // 1_000
_MS_SPAN = 10**13  # exceeds any ready_at in ms until the year 2286
_PLACES = 10**4  # as many as a workflow may have jobs
MOST_PASSES = 10  # a job that is passed over so often ranks as if it had become READY later


@dataclass(frozen=True, slots=True)
class RankPolicy:
    """How waiting and retrying change the order; the same for every job of a deployment.

    `aging_millipoints_per_minute` and `retry_penalty_millipoints` are whole thousandths of a point, 0 or more.
    """

    aging_millipoints_per_minute: int = 1_000
    retry_penalty_millipoints: int = 10_000


def critical_path_boosts(
    weight: float, remaining_seconds: Sequence[float], max_points: int
) -> tuple[int, ...]:
    """Computes what the jobs of one submission gain by the paths that begin with them.

    `weight` is points per second, 0-1000. `remaining_seconds` is, for each job, its own estimate and the longest chain
    of estimates after it, 0 or more. Where the longest path would gain more than `max_points` (0 or more), all are
    scaled down together: the longest gains the most, and the order among the jobs stays. A plain cut would make all
    long paths equal. Returns whole thousandths of a point in the order of `remaining_seconds`.
    """
    longest_points = weight * max(remaining_seconds, default=0.0)
    scale = max_points / longest_points if longest_points > max_points else 1.0
    most = max_points * 1_000  # what rounding may not exceed
    return tuple(min(most, round(weight * scale * seconds * 1_000)) for seconds in remaining_seconds)


def place_of(job_id: str) -> int:
    """Reads off the id where a job comes among equals of its workflow: its index there, 0 for a job of none."""
    _, _, index = job_id.partition(".")
    return min(int(index), _PLACES - 1) if index.isdecimal() else 0


def rank(
    policy: RankPolicy,
    priority: int,
    ready_at_ms: int,
    retries: int,
    boost_millipoints: int = 0,
    *,
    place: int = 0,
    passes: int = 0,
) -> int:
    """The static sort key of a READY job: higher first.

    `priority` is 1-1000, `ready_at_ms` is milliseconds since the epoch, `retries` the job's tries so far,
    `boost_millipoints` what `critical_path_boost` gave the job. Of equal ranks the job that was ready first is
    greater: `ready_at_ms` breaks the tie inside the number. Of those that were ready together the one with the lower
    `place` is greater (`place_of`). `passes` (0-9) is how many of the last milliseconds of `ready_at_ms` the job was
    passed over for: they cost it no place behind others, so that a listing finds it where it was.
    """
    ready_at_ms -= passes
    units = (
        UNITS_PER_POINT * priority
        + _UNITS_PER_MILLIPOINT * boost_millipoints
        - policy.aging_millipoints_per_minute * ready_at_ms
        - _UNITS_PER_MILLIPOINT * policy.retry_penalty_millipoints * retries
    )
    return ((units * _MS_SPAN - ready_at_ms) * _PLACES - place) * MOST_PASSES - passes


def ready_at_of(job_rank: int) -> int:
    """When the job that has this rank became READY, in milliseconds since the epoch: `rank` keeps it whole."""
    rest, passes = divmod(-job_rank, MOST_PASSES)
    return rest // _PLACES % _MS_SPAN + passes


def first_rank_of(job_rank: int) -> int:
    """Computes the rank that a job had when it became READY, before it was passed over. That never changes."""
    return job_rank + -job_rank % MOST_PASSES


def effective_priority(
    policy: RankPolicy,
    priority: int,
    ready_at_ms: int,
    retries: int,
    now_ms: int,
    boost_millipoints: int = 0,
) -> float:
    """Points at `now_ms`; computed when read, never stored."""
    units = (
        UNITS_PER_POINT * priority
        + _UNITS_PER_MILLIPOINT * boost_millipoints
        + policy.aging_millipoints_per_minute * (now_ms - ready_at_ms)
        - _UNITS_PER_MILLIPOINT * policy.retry_penalty_millipoints * retries
    )
    return units / UNITS_PER_POINT
