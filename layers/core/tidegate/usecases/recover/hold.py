"""Puts waiting jobs on hold, and takes them off hold.

A job on hold does not become READY, whatever it waited for. Its dependencies go on being judged, and its time goes on
passing, so a job that is taken off hold is where it would have been without it. The hold is an amendment of the job.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tidegate.domain import limits
from tidegate.domain.amendments import AMENDABLE, Amendment
from tidegate.domain.callers import Caller
from tidegate.domain.errors import InvalidRequest, NotFound, NotWaiting, ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions import AmendIfWaiting, ReadyIfDue, Stamp, TransitionRefused
from tidegate.ports import TransitionOutcome
from tidegate.usecases.bounds.deadline import NEVER, Deadline, while_time
from tidegate.usecases.bounds.portions import JOBS_AT_ONCE, lean_outcome
from tidegate.usecases.callers.ownership import refuse_foreign_jobs, refuse_foreign_workflow
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.read.visible import find_job
from tidegate.usecases.recover.whole_workflow import accepted_workflow, read_jobs_of
from tidegate.usecases.services import Services

_TRIES = (
    5  # a refused write means that the job changed meanwhile, and a waiting job passes through few states
)
_CURSOR = re.compile(r"[0-9]{1,5}", re.ASCII)
HELD, UNHELD = "put on hold", "taken off hold"


@dataclass(frozen=True, slots=True)
class OnHold:
    """Counts the jobs of one call by outcome.

    `changed` jobs are on hold now, or off hold. `same` jobs were so before. `dispatched` jobs are QUEUED or RUNNING, so
    it is too late to put them on hold. `ended` jobs had ended. `at_limit` jobs were amended as often as is allowed.
    `left` jobs were not reached in time: the next call with `cursor` continues with them.
    """

    changed: int = 0
    same: int = 0
    dispatched: int = 0
    ended: int = 0
    at_limit: int = 0
    left: int = 0
    cursor: str | None = None


def hold_job(services: Services, job_id: str, *, caller: Caller, now_ms: int) -> Job:
    """Puts a waiting job on hold by one conditional write; returns the job after it. Safe to repeat.

    Raises NotFound, also while the job's workflow is not accepted yet; NotYours; NotWaiting if the job is QUEUED,
    RUNNING or has ended, or was amended as often as is allowed; ServiceUnavailable if it kept changing meanwhile.
    """
    job = _set(services, job_id, caller, now_ms, on_hold=True)
    if job.on_hold:
        return job
    if job.is_terminal:
        raise NotWaiting(job_id, f"has ended as {job.state}; only a job that waits can be put on hold")
    if job.state in AMENDABLE:
        raise NotWaiting(
            job_id, f"was changed {limits.MAX_AMENDMENTS} times, the most allowed; cancel it to stop it"
        )
    raise NotWaiting(
        job_id, f"is {job.state}, so it is too late to put it on hold; cancel it, or let it go on"
    )


def unhold_job(services: Services, job_id: str, *, caller: Caller, now_ms: int) -> Job:
    """Takes a job off hold; returns the job after that. A job that is not on hold stays as it is. Safe to repeat.

    A SCHEDULED job whose time has come becomes READY by a second write. The dispatcher makes up for it if this call is
    killed in between. Raises NotFound; NotYours; ServiceUnavailable if the job kept changing meanwhile.
    """
    return _set(services, job_id, caller, now_ms, on_hold=False)


def _set(services: Services, job_id: str, caller: Caller, now_ms: int, *, on_hold: bool) -> Job:
    job = find_job(services, job_id)
    refuse_foreign_jobs(services, caller, [job])
    stamp = Stamp(now_ms, caller.display, HELD if on_hold else UNHELD)
    (outcome,) = set_on_hold(services, [job], stamp, on_hold=on_hold)
    raise_first_failure([outcome])
    if not isinstance(outcome, Job):
        raise NotFound("job", job_id)
    return outcome


def hold_workflow(
    services: Services,
    workflow_id: str,
    *,
    caller: Caller,
    now_ms: int,
    cursor: str | None = None,
    until: Deadline = NEVER,
) -> OnHold:
    """Puts every waiting job of a workflow on hold, the first submitted first. Safe to repeat.

    The workflow is HELD once one of its jobs is on hold by this.
    If the deadline `until` comes first, the answer has a `cursor` with which the next call continues. Each job is
    counted by one call only. Returns the counts.
    Raises NotFound, also while the workflow is not accepted yet; NotYours; InvalidRequest for a malformed cursor;
    ServiceUnavailable or ServiceRefused if some jobs could not be written: the same call continues with the rest.
    """
    return _set_workflow(services, workflow_id, Stamp(now_ms, caller.display, HELD), caller, cursor, until)


def unhold_workflow(
    services: Services,
    workflow_id: str,
    *,
    caller: Caller,
    now_ms: int,
    cursor: str | None = None,
    until: Deadline = NEVER,
) -> OnHold:
    """Takes every job of a workflow off hold, also those that were put on hold one by one.

    The workflow is no longer HELD once the last job was reached. Everything else is as in `hold_workflow`.
    """
    return _set_workflow(services, workflow_id, Stamp(now_ms, caller.display, UNHELD), caller, cursor, until)


def _set_workflow(
    services: Services,
    workflow_id: str,
    stamp: Stamp,
    caller: Caller,
    cursor: str | None,
    until: Deadline,
) -> OnHold:
    submission = accepted_workflow(services, workflow_id, stamp.now_ms)
    refuse_foreign_workflow(services, caller, submission)
    count = submission.job_count
    reached = 0 if cursor is None else _place_of(cursor, count)
    on_hold = stamp.reason == HELD
    total, outcomes = OnHold(), list[TransitionOutcome]()
    for first in while_time(range(reached, count, JOBS_AT_ONCE), until):
        reached = min(first + JOBS_AT_ONCE, count)
        before = read_jobs_of(services, workflow_id, range(first, reached))
        after = [lean_outcome(each) for each in set_on_hold(services, before, stamp, on_hold=on_hold)]
        total = _with(total, before, after, on_hold=on_hold)
        outcomes += [outcome for outcome in after if not isinstance(outcome, Job)]
    raise_first_failure(outcomes)
    left = count - reached
    if submission.on_hold is not on_hold and (total.changed + total.same if on_hold else not left):
        services.workflows.mark_hold_if_present(workflow_id, on_hold=on_hold)
    return replace(total, left=left, cursor=str(reached) if left else None)


def _place_of(cursor: str, job_count: int) -> int:
    if not _CURSOR.fullmatch(cursor) or not 1 <= int(cursor) < job_count:
        raise InvalidRequest.of("cursor", "is not a cursor of this workflow; leave it out to start over")
    return int(cursor)


def _with(
    total: OnHold, before: Sequence[Job], after: Sequence[TransitionOutcome], *, on_hold: bool
) -> OnHold:
    """Returns the counts with those of one portion added."""
    pairs = [(job, now) for job, now in zip(before, after, strict=True) if isinstance(now, Job)]
    changed = [now for job, now in pairs if job.on_hold is not on_hold and now.amended > job.amended]
    rest = [now for job, now in pairs if job.on_hold is on_hold or now.amended == job.amended]
    ended = sum(now.is_terminal for now in rest)
    dispatched = sum(not now.is_terminal and now.state not in AMENDABLE for now in rest)
    same = sum(now.state in AMENDABLE and now.on_hold is on_hold for now in rest)
    return OnHold(
        total.changed + len(changed),
        total.same + same,
        total.dispatched + dispatched,
        total.ended + ended,
        total.at_limit + len(rest) - ended - dispatched - same,
    )


def set_on_hold(
    services: Services, jobs: Sequence[Job], stamp: Stamp, *, on_hold: bool
) -> list[TransitionOutcome]:
    """Puts those of the jobs that wait on hold, or takes them off; jobs whose time has come then become READY.

    Returns outcomes in the order of `jobs`: each job as it is now, or the error that left its state unknown.
    """
    outcomes: list[TransitionOutcome] = [*jobs]
    places = list(range(len(jobs)))
    for _ in range(_TRIES):
        wanted = {
            place: job for place in places if (job := _changeable(outcomes[place], on_hold)) is not None
        }
        if not wanted:
            break
        amendment = Amendment(on_hold=on_hold)
        written = services.jobs.apply_all([AmendIfWaiting(job, amendment, stamp) for job in wanted.values()])
        places = []
        for place, outcome in zip(wanted, written, strict=True):
            outcomes[place] = outcome.job if isinstance(outcome, TransitionRefused) else outcome
            if isinstance(outcome, TransitionRefused):
                places.append(place)
    for place in places:
        if _changeable(outcomes[place], on_hold) is not None:
            outcomes[place] = ServiceUnavailable(
                f"job {jobs[place].job_id} kept changing meanwhile; send the request again"
            )
    return outcomes if on_hold else _ready_where_due(services, outcomes, stamp)


def _changeable(outcome: TransitionOutcome, on_hold: bool) -> Job | None:
    """Returns the job if the wanted amendment would change it and is allowed."""
    if not isinstance(outcome, Job) or outcome.state not in AMENDABLE or outcome.on_hold is on_hold:
        return None
    return None if on_hold and outcome.amended >= limits.MAX_AMENDMENTS else outcome


def _ready_where_due(
    services: Services, outcomes: list[TransitionOutcome], stamp: Stamp
) -> list[TransitionOutcome]:
    due = {place: job for place, job in enumerate(outcomes) if isinstance(job, Job) and _is_due(job, stamp)}
    chooser = PoolChooser(services, stamp.now_ms)
    ready = [
        ReadyIfDue(
            job,
            replace(stamp, now_ms=max(stamp.now_ms, job.due_at_ms or 0), reason=""),
            chooser.for_job(job),
        )
        for job in due.values()
    ]
    for place, outcome in zip(due, services.jobs.apply_all(ready) if ready else [], strict=True):
        outcomes[place] = outcome.job if isinstance(outcome, TransitionRefused) else outcome
    return outcomes


def _is_due(job: Job, stamp: Stamp) -> bool:
    """Tells whether a job that was just taken off hold may start at once."""
    latest_ms = max(stamp.now_ms, job.history[-1].at_ms if job.history else 0)
    return job.state is State.SCHEDULED and not job.on_hold and (job.due_at_ms or 0) <= latest_ms
