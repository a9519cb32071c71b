"""Acts on many jobs: cancels, retries, reprioritises or holds those that a filter names.

Each call is bounded, and its answer says how to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tidegate.domain import limits
from tidegate.domain.amendments import AMENDABLE, Amendment
from tidegate.domain.callers import Caller
from tidegate.domain.errors import InvalidRequest, ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.job_query import JobQuery
from tidegate.domain.lives import may_be_reopened
from tidegate.domain.states import REOPENABLE, State
from tidegate.domain.transitions import (
    CANCELLABLE_AT_ONCE,
    AmendIfWaiting,
    Stamp,
    TransitionRefused,
)
from tidegate.ports import TransitionOutcome
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.callers.ownership import foreign_among
from tidegate.usecases.pools.share_bounds import highest_priorities
from tidegate.usecases.read.find_jobs import find_jobs
from tidegate.usecases.recover.cancel import cancel_all
from tidegate.usecases.recover.hold import set_on_hold
from tidegate.usecases.recover.reopen import retry_as_read
from tidegate.usecases.services import Services

_UNKNOWN = "a service did not answer, so the job may have been changed; send the request again"


class Act(StrEnum):
    """An act that can be done in bulk."""

    CANCEL = "cancel"
    RETRY = "retry"
    REPRIORITISE = "reprioritise"
    HOLD = "hold"
    UNHOLD = "unhold"


class Outcome(StrEnum):
    """The outcome for one job, or with a dry run the outcome that it would have."""

    DONE = "DONE"
    ASKED = "ASKED"  # its worker is asked to stop it
    LEFT = "LEFT"


SUITED: Final[Mapping[Act, frozenset[State]]] = MappingProxyType(
    {
        Act.CANCEL: CANCELLABLE_AT_ONCE | {State.RUNNING},
        Act.RETRY: REOPENABLE,
        Act.REPRIORITISE: AMENDABLE,
        Act.HOLD: AMENDABLE,
        Act.UNHOLD: AMENDABLE - {State.READY},
    }
)
"""The states of jobs on which an act may have an effect."""


@dataclass(frozen=True, slots=True)
class Told:
    """The outcome for one job. `state` is its state afterwards, `why` the reason why it was left."""

    job_id: str
    outcome: Outcome
    state: State
    why: str = ""


@dataclass(frozen=True, slots=True)
class Acted:
    """The result of one call: what became of each job, how many jobs it looked at, and the next call's cursor."""

    told: tuple[Told, ...]
    looked_at: int
    cursor: str | None


def act_in_bulk(
    services: Services,
    act: Act,
    wanted: JobQuery,
    *,
    caller: Caller,
    now_ms: int,
    priority: int = limits.DEFAULT_PRIORITY,
    dry_run: bool = False,
    cursor: str | None = None,
    limit: int = limits.DEFAULT_PAGE_SIZE,
    until: Deadline = NEVER,
) -> Acted:
    """Acts on a page of at most `limit` (1-200) of the `wanted` jobs; tells each job's outcome.

    With `dry_run` nothing is written, and the outcomes are those that a call would have now. A retry also reopens the
    jobs that were skipped because of the retried ones. `priority` is for `REPRIORITISE`. A job that changed since it
    was read is left. Safe to repeat. It costs what a page of a listing costs, a write for each job, and for
    `REPRIORITISE` a query for each pool in which the jobs have shares.
    Raises InvalidRequest for a state in which the act has no effect, an unknown pool or a malformed cursor; NotFound
    for an unknown workflow; ServiceUnavailable.
    """
    unsuited = [state for state in wanted.states if state not in SUITED[act]]
    if unsuited:
        raise InvalidRequest.of(
            "filter.state", f"names {unsuited[0]}; {act} is for jobs in {', '.join(sorted(SUITED[act]))}"
        )
    page = find_jobs(services, wanted, cursor=cursor, limit=limit, now_ms=now_ms)
    refused = {
        job.job_id: "belongs to another caller's submission"
        for job in foreign_among(services, caller, page.jobs)
    }
    if act is Act.REPRIORITISE:
        refused = {**_above_bounds(services, page.jobs, priority), **refused}
    jobs = [job for job in page.jobs if job.job_id not in refused]
    stamp = Stamp(now_ms, caller.display, f"{act} in bulk")
    if dry_run:
        told = [_foreseen(act, job) for job in jobs]
    elif act is Act.CANCEL:
        told = _told(jobs, cancel_all(services, jobs, stamp), _cancelled)
    elif act is Act.RETRY:
        told = _retried(jobs, retry_as_read(services, jobs, stamp, until))
    elif act in (Act.HOLD, Act.UNHOLD):
        told = _on_hold(services, jobs, stamp, on_hold=act is Act.HOLD)
    else:
        amendment = Amendment(priority=priority)
        changing = [job for job in jobs if job.priority != priority]
        amend = [AmendIfWaiting(job, amendment, stamp) for job in changing]
        written = _told(changing, services.jobs.apply_all(amend) if amend else [], _amended)
        told = [*written, *(_done(job) for job in jobs if job.priority == priority)]
    others = [_left(job, refused[job.job_id]) for job in page.jobs if job.job_id in refused]
    return Acted((*told, *others), page.looked_at, page.cursor)


def _above_bounds(services: Services, jobs: Sequence[Job], priority: int) -> dict[str, str]:
    """Returns the reasons, by job id, against a priority that the share of the job does not allow."""
    changing = [job for job in jobs if job.share and job.priority != priority]
    highest = highest_priorities(services, {(job.pool, job.share) for job in changing})
    most = {job.job_id: highest.get((job.pool, job.share), priority) for job in changing}
    return {
        job.job_id: f"is of share {job.share!r}, whose jobs may have priority {most[job.job_id]} at most"
        for job in changing
        if priority > most[job.job_id]
    }


def _foreseen(act: Act, job: Job) -> Told:
    if act is Act.CANCEL and job.state is State.RUNNING:
        return Told(job.job_id, Outcome.ASKED, job.state)
    if act is Act.RETRY and not may_be_reopened(job.history):
        return _left(job, _AT_LIMIT)
    changes = act is Act.REPRIORITISE or (act is Act.HOLD and not job.on_hold)
    if changes and job.amended >= limits.MAX_AMENDMENTS:
        return _left(job, _CHANGED_TOO_OFTEN)
    return _done(job)


_CHANGED_TOO_OFTEN = f"was changed {limits.MAX_AMENDMENTS} times, the most allowed"
_AT_LIMIT = f"ran again after {limits.MAX_REOPENINGS} reopenings, the most allowed; submit a new job"


def _told(
    jobs: Sequence[Job], outcomes: Sequence[TransitionOutcome], tell: Callable[[Job], Told]
) -> list[Told]:
    told = []
    for job, outcome in zip(jobs, outcomes, strict=True):
        if isinstance(outcome, Job):
            told.append(tell(outcome))
        elif isinstance(outcome, TransitionRefused):
            told.append(_left(outcome.job, outcome.why))
        elif isinstance(outcome, ServiceUnavailable | ServiceRefused):
            told.append(_left(job, _UNKNOWN))
        else:
            told.append(_left(job, "has passed its retention"))
    return told


def _cancelled(job: Job) -> Told:
    if job.state is State.CANCELLED:
        return _done(job)
    if job.state is State.RUNNING and job.cancel_requested_at_ms is not None:
        return Told(job.job_id, Outcome.ASKED, job.state)
    return _left(job, f"is {job.state} by now")


def _on_hold(services: Services, jobs: Sequence[Job], stamp: Stamp, *, on_hold: bool) -> list[Told]:
    def tell(job: Job) -> Told:
        if job.on_hold is on_hold:
            return _done(job)
        return _left(job, _CHANGED_TOO_OFTEN if job.state in AMENDABLE else f"is {job.state} by now")

    return _told(jobs, set_on_hold(services, jobs, stamp, on_hold=on_hold), tell)


def _amended(job: Job) -> Told:
    return _done(job)


def _retried(jobs: Sequence[Job], opened: Sequence[Job]) -> list[Told]:
    open_again = {job.job_id: job for job in opened}
    return [
        _done(open_again[job.job_id])
        if job.job_id in open_again
        else _left(job, "changed meanwhile" if may_be_reopened(job.history) else _AT_LIMIT)
        for job in jobs
    ]


def _done(job: Job) -> Told:
    return Told(job.job_id, Outcome.DONE, job.state)


def _left(job: Job, why: str) -> Told:
    return Told(job.job_id, Outcome.LEFT, job.state, why)
