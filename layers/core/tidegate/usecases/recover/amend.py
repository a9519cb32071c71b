"""Amends a job that waits: gives it another priority, other times, another pool, description or other tags."""

from __future__ import annotations

from dataclasses import replace

from tidegate.domain import limits
from tidegate.domain.amendments import AMENDABLE, Amendment, Kept
from tidegate.domain.callers import Caller
from tidegate.domain.errors import InvalidRequest, NotWaiting, ServiceUnavailable
from tidegate.domain.job import Job, submission_of
from tidegate.domain.pools import process_pools, suitable_pools
from tidegate.domain.states import State
from tidegate.domain.transitions import AmendIfWaiting, ReadyIfDue, Stamp, TransitionRefused
from tidegate.usecases.bounds.reminders import remind
from tidegate.usecases.callers.ownership import refuse_foreign_jobs
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.pools.share_bounds import highest_priorities
from tidegate.usecases.read.visible import find_job
from tidegate.usecases.services import Services
from tidegate.usecases.submit.validate import finish_by_violations

_TRIES = (
    5  # a refused write means that the job changed meanwhile, and a waiting job passes through few states
)
_REASON = "amended"


def amend_job(services: Services, job_id: str, amendment: Amendment, *, caller: Caller, now_ms: int) -> Job:
    """Gives a waiting job new values by one conditional write; returns the job after it. Safe to repeat.

    A call that changes nothing writes nothing. A READY job that gets another pool, or a SCHEDULED job whose time has
    come, becomes READY by a second write; the dispatcher makes up for it if this call is killed in between. It reads
    one job, for a workflow's first jobs also its submission, for a job that may run in several pools their
    load, and for a job of a share the lanes of its pool.
    Raises NotYours for another caller's job; NotFound, also while the job's workflow is not accepted yet;
    InvalidRequest for a value that the job can't have; NotWaiting if the job is QUEUED, RUNNING or has ended;
    ServiceUnavailable if it kept changing meanwhile.
    """
    job = find_job(services, job_id)
    refuse_foreign_jobs(services, caller, [job])
    _check(services, job, amendment, now_ms)
    _check_bound(services, job, amendment)
    stamp = Stamp(now_ms, caller.display, _REASON)
    for _ in range(_TRIES):
        _refuse_unless_it_waits(job)
        transition = AmendIfWaiting(job, amendment, stamp)
        if not transition.would_change(job):
            return job
        if job.amended >= limits.MAX_AMENDMENTS:
            raise NotWaiting(
                job_id,
                f"was changed {limits.MAX_AMENDMENTS} times, the most allowed; cancel it and submit a new job",
            )
        if isinstance(amendment.finish_by_ms, int):
            remind(services, submission_of(job_id), [amendment.finish_by_ms], now_ms)
        try:
            return _ready_if_due(services, services.jobs.apply(transition), stamp)
        except TransitionRefused as refused:
            job = refused.job
    raise ServiceUnavailable(f"job {job_id} kept changing while it was amended; send the request again")


def _check(services: Services, job: Job, amendment: Amendment, now_ms: int) -> None:
    if isinstance(amendment.not_before_ms, int):
        ahead_seconds = (amendment.not_before_ms - now_ms) / 1_000
        if ahead_seconds > limits.MAX_NOT_BEFORE_AHEAD_SECONDS:
            raise InvalidRequest.of("not_before", "lies more than 366 days ahead")
    if isinstance(amendment.finish_by_ms, int):
        given = amendment.not_before_ms
        not_before_ms = job.not_before_ms if isinstance(given, Kept) else given
        violations = list(finish_by_violations(amendment.finish_by_ms, not_before_ms, now_ms, "finish_by"))
        if violations:
            raise InvalidRequest(violations)
    if isinstance(amendment.pool, str):
        pools, default = services.settings.pools, services.settings.default_pool
        try:
            facts = services.registry.facts(job.type)
            if facts is not None and facts.needs_process:
                pools, default = process_pools(
                    pools, default, amendment.pool, services.registry.homes.get(job.type), job.type, str
                )
            suitable_pools(
                pools,
                default,
                amendment.pool,
                frozenset(job.requires),
                job.timeout_seconds,
                lambda field: field,
            )
        except InvalidRequest as error:
            # The job's other fields can't be changed, so whatever does not fit is the fault of the pool.
            raise InvalidRequest(
                [
                    replace(each, field="pool", message=_of_job(each.field, each.message))
                    for each in error.violations
                ]
            ) from error


def _check_bound(services: Services, job: Job, amendment: Amendment) -> None:
    """Raises InvalidRequest for a priority above that of the job's share in its pool, or in the pool that it gets."""
    priority = job.priority if isinstance(amendment.priority, Kept) else amendment.priority
    pool = job.pool if isinstance(amendment.pool, Kept) else amendment.pool
    if not job.share or (priority, pool) == (job.priority, job.pool):
        return
    highest = highest_priorities(services, [(pool, job.share)]).get((pool, job.share))
    if highest is not None and priority > highest:
        raise InvalidRequest.of(
            "pool" if priority == job.priority else "priority",
            f"gives the job priority {priority}; jobs of share {job.share!r} may have {highest} at most in pool "
            f"{pool!r}",
        )


def _of_job(field: str, message: str) -> str:
    return message if field == "pool" else f"does not fit the job, whose {field} {message}"


def _refuse_unless_it_waits(job: Job) -> None:
    if job.state in AMENDABLE:
        return
    if job.is_terminal:
        raise NotWaiting(job.job_id, f"has ended as {job.state}; only a job that waits can be changed")
    raise NotWaiting(
        job.job_id,
        f"is {job.state}, so it is too late to change it; cancel it and submit a new job, or let it go on",
    )


def _ready_if_due(services: Services, job: Job, stamp: Stamp) -> Job:
    """Makes the amended job READY at once if it is SCHEDULED and its time has come."""
    if job.state is not State.SCHEDULED or (job.due_at_ms or 0) > max(stamp.now_ms, job.history[-1].at_ms):
        return job
    due = replace(stamp, now_ms=max(stamp.now_ms, job.due_at_ms or 0), reason="")
    try:
        return services.jobs.apply(ReadyIfDue(job, due, PoolChooser(services, due.now_ms).for_job(job)))
    except TransitionRefused as refused:
        return refused.job
