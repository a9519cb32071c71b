"""A job's rank: a priority that ages without being rewritten.

The effective priority at time t is `priority + boost + aging*(t - ready_at + head start) - penalty*retries`. The boost
comes from the critical path and is fixed when the job is submitted. The head start of a job with a latest start follows
from the time between `ready_at` and the latest start, so it is fixed when the job becomes READY. The term `aging*t` is
the same for every waiting job, so the order of waiting jobs never changes. One static number, stored when a job becomes
READY, is therefore enough. All arithmetic is on integers, so nothing is ever rounded: boost, aging and penalty are
given in thousandths of a point, times in milliseconds, and a rank counts in 1/60,000,000 of a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

UNITS_PER_POINT = 60_000_000  # 60,000 ms a minute, times 1,000 thousandths a point
_UNITS_PER_MILLIPOINT = UNITS_PER_POINT // 1_000
_MS_SPAN = 10**13  # larger than any ready_at in ms until the year 2286
_PLACES = 10**4  # the most jobs that a workflow may have
MOST_PASSES = 10  # a job that is passed over this often ranks as if it had become READY later


@dataclass(frozen=True, slots=True)
class RankPolicy:
    """The effect of waiting and retrying on the order, the same for every job of a deployment.

    `aging_millipoints_per_minute` and `retry_penalty_millipoints` are whole thousandths of a point, 0 or more.
    `head_start_ms` is the longest head start of a job with a latest start, in milliseconds; 0 is off.
    """

    aging_millipoints_per_minute: int = 1_000
    retry_penalty_millipoints: int = 10_000
    head_start_ms: int = 0

    def head_start_of(self, ready_at_ms: int, latest_start_ms: int) -> int:
        """Computes for how much longer than since `ready_at_ms` a READY job is ranked as waiting, in milliseconds.

        Both are in milliseconds since the epoch. A job that becomes READY within the longest head start before its
        latest start ages as if it had become READY that long before it. So such jobs of the same priority go by their
        latest starts. One that becomes READY after its latest start has the longest head start. One that has more time
        left, or is later than that, has none: the first is not urgent yet, and the second would keep others from being
        in time.
        """
        left_ms = latest_start_ms - ready_at_ms
        if abs(left_ms) > self.head_start_ms:
            return 0
        return self.head_start_ms - max(0, left_ms)


def critical_path_boosts(
    weight: float, remaining_seconds: Sequence[float], max_points: int
) -> tuple[int, ...]:
    """Computes the boost of each job of a submission from the path that begins with the job.

    `weight` is in points per second (0-1000). `remaining_seconds` holds, for each job, its own estimate plus the
    longest chain of estimates after it (0 or more). Where the longest path would gain more than `max_points` (0 or
    more), all boosts are scaled down together: the longest path gains `max_points`, and the order of the jobs stays.
    Cutting off at `max_points` would make all long paths equal. Returns whole thousandths of a point in the order of
    `remaining_seconds`.
    """
    longest_points = weight * max(remaining_seconds, default=0.0)
    scale = max_points / longest_points if longest_points > max_points else 1.0
    most = max_points * 1_000  # rounding must not exceed it
    return tuple(min(most, round(weight * scale * seconds * 1_000)) for seconds in remaining_seconds)


def place_of(job_id: str) -> int:
    """Returns a job's index in its workflow, which orders jobs of equal rank; 0 for a job outside any workflow."""
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
    latest_start_ms: int | None = None,
) -> int:
    """Computes the static sort key of a READY job. A job with a higher key is dispatched first.

    `priority` is 1-1000. `ready_at_ms` is in milliseconds since the epoch. `retries` is the number of failed attempts
    so far. `boost_millipoints` comes from `critical_path_boosts`. Of two jobs with the same points, the job that became
    READY first has the higher key. If both became READY in the same millisecond, the job with the lower `place`
    (`place_of`) has it. `passes` (0-9) is how many of the last milliseconds of `ready_at_ms` come from passing the job
    over. They do not put the job behind others, so a listing finds it where it was. `latest_start_ms` (milliseconds
    since the epoch) gives the job its head start.
    """
    ready_at_ms -= passes
    head_start_ms = 0 if latest_start_ms is None else policy.head_start_of(ready_at_ms, latest_start_ms)
    units = (
        UNITS_PER_POINT * priority
        + _UNITS_PER_MILLIPOINT * boost_millipoints
        - policy.aging_millipoints_per_minute * (ready_at_ms - head_start_ms)
        - _UNITS_PER_MILLIPOINT * policy.retry_penalty_millipoints * retries
    )
    return ((units * _MS_SPAN - ready_at_ms) * _PLACES - place) * MOST_PASSES - passes


def ready_at_of(job_rank: int) -> int:
    """Returns when the job with this rank became READY, in milliseconds since the epoch. The rank holds it exactly."""
    rest, passes = divmod(-job_rank, MOST_PASSES)
    return rest // _PLACES % _MS_SPAN + passes


def first_rank_of(job_rank: int) -> int:
    """Returns the rank that a job had when it became READY, before any dispatcher passed it over. It never changes."""
    return job_rank + -job_rank % MOST_PASSES


def effective_priority(
    policy: RankPolicy,
    priority: int,
    ready_at_ms: int,
    retries: int,
    now_ms: int,
    boost_millipoints: int = 0,
    latest_start_ms: int | None = None,
) -> float:
    """Computes a job's priority at `now_ms` in points. It is computed when a job is read and never stored.

    The arguments are those of `rank`. Times are in milliseconds since the epoch.
    """
    head_start_ms = 0 if latest_start_ms is None else policy.head_start_of(ready_at_ms, latest_start_ms)
    units = (
        UNITS_PER_POINT * priority
        + _UNITS_PER_MILLIPOINT * boost_millipoints
        + policy.aging_millipoints_per_minute * (now_ms - ready_at_ms + head_start_ms)
        - _UNITS_PER_MILLIPOINT * policy.retry_penalty_millipoints * retries
    )
    return units / UNITS_PER_POINT
