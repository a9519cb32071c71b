"""One look at a deployment: the pools, the jobs that run, and the jobs that ended lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.domain.statistics.spans import LATE_COUNT_MS
from tidegate_cli.views import JobView, format_time, parse_time_ms


@dataclass(frozen=True, slots=True)
class Count:
    """A number of jobs that the API counted up to a bound; `more` says that there are more."""

    count: int
    more: bool

    def __str__(self) -> str:
        return f"{self.count}{'+' if self.more else ''}"


@dataclass(frozen=True, slots=True)
class OldestReady:
    """The job of a pool that has been READY for longest.

    Without `is_exact` the pool has so many READY jobs that the API did not look at all of them.
    """

    job: JobView
    waits_seconds: float
    is_exact: bool


@dataclass(frozen=True, slots=True)
class PoolNow:
    """A pool. `oldest` is None if no job is READY, or if it was not read.

    `held` counts the READY jobs that a concurrency key or a type's limit holds; `ready` counts the others.
    """

    name: str
    is_paused: bool
    capacity: int
    workers: int
    ready: Count
    held: Count
    active: Count
    fault: str
    oldest: OldestReady | None

    @property
    def waiting(self) -> Count:
        """Returns how many jobs are READY in the pool, held or not."""
        return Count(self.ready.count + self.held.count, self.ready.more or self.held.more)


@dataclass(frozen=True, slots=True)
class EndedJobs:
    """How many jobs ended from `since` on and before `until` (RFC 3339).

    `failed` counts those of them that FAILED or TIMED_OUT.
    """

    since: str
    until: str
    ended: int
    failed: int

    def as_json(self) -> dict[str, Any]:
        """Returns the counts for programs."""
        return {"since": self.since, "until": self.until, "ended": self.ended, "failed": self.failed}


@dataclass(frozen=True, slots=True)
class Figures:
    """The jobs that ended in the last hour that is counted, in each pool, and in each clock hour before.

    A clock hour without an end is among `hours` too.
    """

    last_hour: EndedJobs
    by_pool: Mapping[str, EndedJobs]
    hours: tuple[EndedJobs, ...]


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A RUNNING job, and how long its attempt has run."""

    job: JobView
    runs_seconds: float

    @property
    def past_seconds(self) -> float | None:
        """Returns by how much the run is longer than the estimate, negative if it is not; None without an estimate."""
        estimate = self.job.estimated_seconds
        return None if estimate is None else self.runs_seconds - estimate

    @property
    def overrun(self) -> float | None:
        """Returns the run time divided by the estimate; None without an estimate, or with one of 0."""
        estimate = self.job.estimated_seconds
        return self.runs_seconds / estimate if estimate else None

    def as_json(self) -> dict[str, Any]:
        """Returns the job for programs."""
        job, past, overrun = self.job, self.past_seconds, self.overrun
        return {
            "job_id": job.job_id,
            "key": job.key,
            "name": job.name,
            "type": job.type,
            "pool": job.pool,
            "worker": job.worker,
            "attempt": job.attempt,
            "started_at": job.raw.get("started_at"),
            "runs_seconds": round(self.runs_seconds, 3),
            "estimated_duration_seconds": job.estimated_seconds,
            "past_estimate_seconds": None if past is None else round(past, 3),
            "overrun": None if overrun is None else round(overrun, 2),
        }


@dataclass(frozen=True, slots=True)
class TimedWork:
    """An open job or workflow whose time to finish by is at risk, impossible or missed.

    `kind` is `job` or `workflow`, and `name` its key or name, "" without one. `probability` (0-1) is that of an end in
    time at `judged_at`. Both times are RFC 3339.
    """

    kind: str
    work_id: str
    name: str
    finish_by: str
    verdict: str
    probability: float
    judged_at: str

    def as_json(self) -> dict[str, Any]:
        """Returns the work for programs."""
        return {
            "kind": self.kind,
            "id": self.work_id,
            "name": self.name or None,
            "finish_by": self.finish_by,
            "verdict": self.verdict,
            "probability": self.probability,
            "judged_at": self.judged_at,
        }


@dataclass(frozen=True, slots=True)
class Frame:
    """A deployment at `now_ms`, in milliseconds since the epoch.

    `figures` is None if no end is counted yet, or if there was no answer for the reason `no_figures`. `longest` are the
    jobs that run longest, first the longest, and `overdue` those that run longer than their estimates, first the one
    that is past it by most. `stragglers` run longer than 99 % of their type did, first the one that runs longest.
    `at_risk` is the work that will hardly end in time, first the one with the earliest time. Where `running_more`,
    `overdue_more`, `stragglers_more` or `at_risk_more` is true, the API did not look at everything, so there may be
    more of them, also where it found none.
    """

    now_ms: int
    pools: tuple[PoolNow, ...]
    figures: Figures | None
    no_figures: str
    longest: tuple[RunningJob, ...]
    running_more: bool
    overdue: tuple[RunningJob, ...]
    overdue_more: bool
    stragglers: tuple[RunningJob, ...]
    stragglers_more: bool
    at_risk: tuple[TimedWork, ...]
    at_risk_more: bool

    def as_json(self, rows: int) -> dict[str, Any]:
        """Returns the frame for programs, with at most `rows` jobs in each list."""
        figures = self.figures
        return {
            "at": format_time(self.now_ms),
            "pools": [self._pool_as_json(pool) for pool in self.pools],
            "last_hour": None if figures is None else figures.last_hour.as_json(),
            "hours": [] if figures is None else [hour.as_json() for hour in figures.hours],
            "no_figures": self.no_figures or None,
            "running": _list_as_json(self.longest, self.running_more, rows),
            "overdue": _list_as_json(self.overdue, self.overdue_more, rows),
            "stragglers": _list_as_json(self.stragglers, self.stragglers_more, rows),
            "at_risk": {
                "count": len(self.at_risk),
                "more": self.at_risk_more,
                "work": [each.as_json() for each in self.at_risk[:rows]],
            },
        }

    @property
    def is_count_late(self) -> bool:
        """True if no job that ended in the last hour is counted: then the figures tell of earlier jobs."""
        if self.figures is None:
            return False
        until_ms = parse_time_ms(self.figures.last_hour.until)
        return until_ms is not None and self.now_ms - until_ms > LATE_COUNT_MS

    def ended_in(self, pool: str) -> EndedJobs | None:
        """Returns how many jobs of a pool ended in the last hour; None if that is not known."""
        if self.figures is None:
            return None
        hour = self.figures.last_hour
        return self.figures.by_pool.get(pool) or EndedJobs(hour.since, hour.until, 0, 0)

    def _pool_as_json(self, pool: PoolNow) -> dict[str, Any]:
        ended, oldest = self.ended_in(pool.name), pool.oldest
        return {
            "name": pool.name,
            "paused": pool.is_paused,
            "capacity": pool.capacity,
            "workers": pool.workers,
            "ready": {"count": pool.ready.count, "more": pool.ready.more},
            "held": {"count": pool.held.count, "more": pool.held.more},
            "active": {"count": pool.active.count, "more": pool.active.more},
            "fault": pool.fault,
            "oldest_ready": None
            if oldest is None
            else {
                "job_id": oldest.job.job_id,
                "ready_at": oldest.job.raw.get("ready_at"),
                "waits_seconds": round(oldest.waits_seconds, 3),
                "exact": oldest.is_exact,
            },
            "ended": None if ended is None else ended.ended,
            "failed": None if ended is None else ended.failed,
        }


def _list_as_json(found: tuple[RunningJob, ...], more: bool, rows: int) -> dict[str, Any]:
    return {"count": len(found), "more": more, "jobs": [each.as_json() for each in found[:rows]]}
