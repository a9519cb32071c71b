"""The filters of a listing of jobs, which combine, and the order of the listing.

An entry of the index tells whether a job may fit (`may_fit`). Only the job itself tells whether it does (`fits`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from tidegate.domain.failures import failed_job
from tidegate.domain.indexed import IndexedFields
from tidegate.domain.job import NO_TAGS, Job
from tidegate.domain.states import TERMINAL, Group, State, group_of, groups_of
from tidegate.domain.statistics.usual_runs import UsualRun, straggler_of
from tidegate.domain.traits import Traits
from tidegate.domain.verdicts import FinishVerdict, shown_judgement

WAITING_OR_RUNNING = (State.RUNNING, State.QUEUED, State.READY, State.SCHEDULED, State.PENDING)
# A listing of several states begins with the jobs that people ask for first.
ALL_STATES = (
    *WAITING_OR_RUNNING,
    *(State.FAILED, State.TIMED_OUT, State.CANCELLED, State.SKIPPED, State.SUCCEEDED),
)
UsualRuns = Mapping[str, UsualRun]
"""The usual run of each type that has one, as far as it is known."""
NO_USUAL_RUNS: Final[UsualRuns] = MappingProxyType({})
_WAITING = frozenset({State.PENDING, State.SCHEDULED, State.READY, State.QUEUED})
_ENDED = frozenset(group_of(state) for state in TERMINAL)


class Order(StrEnum):
    """An order that a caller may ask for instead of each state's own."""

    PRIORITY = "priority"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """Filters that combine: a listing has the jobs for which every given filter holds.

    `states` has at least one. `tags` are names with the values that the job must have. `from_ms` and `to_ms`
    (inclusive, milliseconds since the epoch) bound the job's `moment_of`. `failure` is the fingerprint of the job's
    latest error. `finish_by_ms` (milliseconds since the epoch) keeps the jobs that ought to have ended by then or
    earlier, `verdict` those of whose time this is known. `overdue` keeps the jobs that run or ran longer than their
    estimate, `straggler` the RUNNING jobs that run longer than 99 % of their type did, and `waits_longer_than_ms` those
    that have waited longer than that in their present state.
    `descending` is the direction of `order`; None is the usual one.
    """

    states: tuple[State, ...] = WAITING_OR_RUNNING
    pool: str | None = None
    type: str | None = None
    workflow_id: str | None = None
    id_prefix: str | None = None
    worker_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    name_prefix: str | None = None
    key_prefix: str | None = None
    error_code: str | None = None
    failure: str | None = None
    submitted_by: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    finish_by_ms: int | None = None
    verdict: FinishVerdict | None = None
    overdue: bool = False
    straggler: bool = False
    waits_longer_than_ms: int | None = None
    order: Order | None = None
    descending: bool | None = None

    @property
    def groups(self) -> tuple[Group, ...]:
        """Returns the groups of the states, each once, in the order of the states."""
        return tuple(dict.fromkeys(group for state in self.states for group in groups_of(state)))

    @property
    def is_selective(self) -> bool:
        """True if some jobs of the groups, within the time range, may not fit."""
        return self.is_judged_by_jobs or replace(self, **_UNSELECTIVE) != JobQuery()

    @property
    def is_judged_by_jobs(self) -> bool:
        """True if only the jobs themselves tell whether they fit; their entries in the index do not."""
        return (
            self.worker_id is not None
            or bool(self.tags)
            or self.failure is not None
            or self.finish_by_ms is not None
            or self.verdict is not None
            or self.overdue
            or self.straggler
            or self.waits_longer_than_ms is not None
            or (State.QUEUED in self.states) != (State.RUNNING in self.states)
            or (State.READY in self.states and (self.from_ms is not None or self.to_ms is not None))
        )

    def may_fit(
        self,
        job_id: str,
        traits: Traits,
        indexed: IndexedFields,
        now_ms: int,
        usual: UsualRuns = NO_USUAL_RUNS,
    ) -> bool:
        """Tells whether a job may fit, as far as its entry in the index tells; `usual` decides about stragglers."""
        since_ms = None if self.waits_longer_than_ms is None else now_ms - self.waits_longer_than_ms
        return (
            self.type in (None, traits.type)
            and self.workflow_id in (None, job_id.partition(".")[0])
            and _begins(job_id, self.id_prefix)
            and _begins(indexed.name, self.name_prefix)
            and _begins(indexed.key, self.key_prefix)
            and self.error_code in (None, indexed.error_code)
            and self.submitted_by in (None, indexed.submitted_by)
            and (not self.overdue or indexed.estimated_duration_seconds is not None)
            and (not self.straggler or _has_99th_percentile(usual.get(traits.type)))
            and (since_ms is None or indexed.created_at_ms < since_ms)
        )

    def fits(self, job: Job, now_ms: int, usual: UsualRuns = NO_USUAL_RUNS) -> bool:
        """Tells whether every filter holds for the job at `now_ms`, in milliseconds since the epoch.

        A type that `usual` does not have has no stragglers.
        """
        return (
            job.state in self.states
            and self.pool in (None, job.pool)
            and self.may_fit(job.job_id, job.traits, job.indexed, now_ms, usual)
            and self.worker_id in (None, job.worker_id)
            and all(job.tags.get(name) == value for name, value in self.tags.items())
            and (self.failure is None or self.failure == failed_job(job).fingerprint)
            and (self.from_ms is None or moment_of(job) >= self.from_ms)
            and (self.to_ms is None or moment_of(job) <= self.to_ms)
            and (self.finish_by_ms is None or _ought_to_end_by(job.finish_by_ms, self.finish_by_ms))
            and self.verdict in (None, _verdict_of(job, now_ms))
            and (not self.overdue or _is_overdue(job, now_ms))
            and (not self.straggler or straggler_of(job, usual.get(job.type), now_ms) is not None)
            and (self.waits_longer_than_ms is None or _waited_ms(job, now_ms) > self.waits_longer_than_ms)
        )


# The fields that choose and sort the groups that are looked at.
_UNSELECTIVE: Mapping[str, Any] = {
    each.name: each.default
    for each in fields(JobQuery)
    if each.name in ("states", "pool", "from_ms", "to_ms", "order", "descending")
}


def is_latest_first(group: Group) -> bool:
    """Tells whether a listing of the group usually begins with the latest job: that of ended jobs does."""
    return group in _ENDED


def moment_of(job: Job) -> int:
    """Returns the moment by which the job's state is sorted, in milliseconds since the epoch.

    PENDING: when it was created. SCHEDULED: when it is due, far off while it is on hold. READY: when it became READY.
    QUEUED and RUNNING: when it was dispatched; of a job outside, when its lease runs out. Ended: when it ended.
    """
    if job.state is State.READY:
        return job.ready_at_ms or job.created_at_ms
    moments = {
        Group.ACTIVE: job.queued_at_ms,
        Group.OUTSIDE: job.lease_expires_at_ms,
        Group.SCHEDULED: job.wakes_at_ms,
        Group.PENDING: job.created_at_ms,
    }
    return moments.get(job.group, job.finished_at_ms) or job.created_at_ms


def _ought_to_end_by(finish_by_ms: int | None, at_ms: int) -> bool:
    return finish_by_ms is not None and finish_by_ms <= at_ms


def _verdict_of(job: Job, now_ms: int) -> FinishVerdict | None:
    known = shown_judgement(job.finish_by_ms, job.judgements, ended_at_ms=job.finished_at_ms, now_ms=now_ms)
    return None if known is None else known.verdict


def _begins(text: str | None, prefix: str | None) -> bool:
    return prefix is None or (text is not None and text.startswith(prefix))


def _is_overdue(job: Job, now_ms: int) -> bool:
    estimate = job.estimated_duration_seconds
    if estimate is None:
        return False
    if job.state is State.RUNNING and job.started_at_ms is not None:
        return (now_ms - job.started_at_ms) / 1_000 > estimate
    return (job.actual_duration_seconds or 0) > estimate


def _has_99th_percentile(usual: UsualRun | None) -> bool:
    return usual is not None and usual.p99_seconds is not None


def _waited_ms(job: Job, now_ms: int) -> int:
    """Returns how long the job has waited in its present state; -1 if it does not wait."""
    if job.state not in _WAITING:
        return -1
    return now_ms - (job.history[-1].at_ms if job.history else moment_of(job))
