"""Cancel: at once before a job runs; by asking its worker while it runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tidegate.domain.errors import (
    AlreadyEnded,
    DependencyUnavailable,
    InvalidRequest,
    NotFound,
    TooFarDownstream,
    TransitionRefused,
)
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.states import State
from tidegate.domain.transitions import CancelIfInState, Ending, RequestCancelIfRunning, Stamp, Transition
from tidegate.ports import MoveOutcome
from tidegate.usecases.bounds.deadline import (
    NEVER,
    Deadline,
    while_time,
)
from tidegate.usecases.bounds.portions import (
    JOBS_AT_ONCE,
    lean_outcome,
    portions,
)
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.read.visible import find_job
from tidegate.usecases.recover.whole_workflow import (
    accepted_workflow,
    read_jobs_of,
)
from tidegate.usecases.release.downstream import downstream_of
from tidegate.usecases.services import Services

_TRIES = 5  # each lost race moves the job forward, and its states are few
_REASON = "cancellation asked for"
_CURSOR = re.compile(r"[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The outcome for many jobs: CANCELLED now, RUNNING with their worker asked to stop, or ended before.

    `left` counts those that the call had no time for. `cursor` is where a next call goes on, None where none is needed
    or the same call again finds its way by itself.
    """

    cancelled: int
    asked: int
    ended: int
    left: int = 0
    cursor: str | None = None


def cancel_job(services: Services, job_id: str, *, actor: str, now_ms: int) -> Job:
    """Cancels a job, or asks its worker to; returns the job after that. Cancelling twice changes nothing.

    Raises NotFound (also while its workflow is not accepted yet), AlreadyEnded (it ended in another way), or
    DependencyUnavailable when it kept moving.
    """
    job = find_job(services, job_id)
    (outcome,) = _cancel_all(services, [job], Stamp(now_ms, actor, _REASON))
    raise_first_failure([outcome])
    if not isinstance(outcome, Job):
        raise NotFound("job", job_id)
    if outcome.is_terminal and outcome.state is not State.CANCELLED:
        raise AlreadyEnded(job_id, outcome.state)
    return outcome


def cancel_downstream(
    services: Services, job_id: str, *, actor: str, now_ms: int, until: Deadline = NEVER
) -> tuple[Job, Cancelled]:
    """Cancels a job and everything that waits on it, directly or through others, of later submissions too.

    A job that has ended may still have open ones downstream, so that is no error here. Returns the job after that and
    what became of the others. The job itself comes last: where the time is over `until` then, it is left as it is, and
    the same call again goes on. Raises NotFound; TooFarDownstream where there are more than one call can find, before
    any is cancelled; DependencyUnavailable where some could not be reached: the next call goes on.
    """
    job = find_job(services, job_id)
    found = downstream_of(services, [job])
    if not found.complete:
        raise TooFarDownstream(job_id, len(found.jobs))
    # Those that wait come first: none of them becomes READY by the end of what it waits on.
    stamp = Stamp(now_ms, actor, _REASON)
    jobs = [each for each in reversed(found.jobs) if not each.is_terminal]
    outcomes: list[MoveOutcome] = []
    for portion in while_time(portions(jobs), until):
        outcomes += [lean_outcome(outcome) for outcome in _cancel_all(services, portion, stamp)]
    left = len(jobs) - len(outcomes)
    last: MoveOutcome = job
    if not left:
        (last,) = _cancel_all(services, [job], stamp)
    raise_first_failure([*outcomes, last])
    counted = _counted(jobs[: len(outcomes)], outcomes)
    counted = replace(counted, ended=counted.ended + len(found.jobs) - len(jobs), left=left)
    return last if isinstance(last, Job) else job, counted


def cancel_workflow(
    services: Services,
    workflow_id: str,
    *,
    actor: str,
    now_ms: int,
    cursor: str | None = None,
    until: Deadline = NEVER,
) -> Cancelled:
    """Cancels every job of a workflow that has not ended, the last submitted first. Cancelling twice changes nothing.

    Where the time is over `until` then, the answer's `cursor` is where a next call goes on: each job is counted by one
    call. Raises NotFound, also while the workflow is not accepted yet; InvalidRequest for a cursor that is none; or
    DependencyUnavailable where some jobs could not be reached: the others are cancelled, and the next call goes on.
    """
    submission = accepted_workflow(services, workflow_id, now_ms)
    left = submission.job_count if cursor is None else _place_of(cursor, submission.job_count)
    stamp = Stamp(now_ms, actor, _REASON)
    total = Cancelled(0, 0, 0)
    outcomes: list[MoveOutcome] = []
    for first in while_time(range((left - 1) // JOBS_AT_ONCE * JOBS_AT_ONCE, -1, -JOBS_AT_ONCE), until):
        before = read_jobs_of(services, workflow_id, range(left - 1, first - 1, -1))
        after = [lean_outcome(outcome) for outcome in _cancel_all(services, before, stamp)]
        total = _sum(total, _counted(before, after))
        outcomes += [outcome for outcome in after if not isinstance(outcome, Job)]
        left = first
    raise_first_failure(outcomes)
    return replace(total, left=left, cursor=str(left) if left else None)


def _place_of(cursor: str, job_count: int) -> int:
    if not _CURSOR.fullmatch(cursor) or not 1 <= int(cursor) <= job_count:
        raise InvalidRequest.of("cursor", "is not a cursor of this workflow; leave it out to start over")
    return int(cursor)


def _sum(one: Cancelled, other: Cancelled) -> Cancelled:
    return Cancelled(one.cancelled + other.cancelled, one.asked + other.asked, one.ended + other.ended)


def _cancel_all(services: Services, jobs: Sequence[Job], stamp: Stamp) -> list[MoveOutcome]:
    """Outcomes in the same order: a job as it stands now, cancelled or ended in another way, or why it isn't known."""
    outcomes: list[MoveOutcome] = [*jobs]
    open_places = [place for place, job in enumerate(jobs) if not job.is_terminal]
    for _ in range(_TRIES):
        standing = (outcomes[place] for place in open_places)
        moves = [_transition(services, job, stamp) for job in standing if isinstance(job, Job)]
        if not moves:
            return outcomes
        left = []
        for place, outcome in zip(open_places, services.jobs.apply_all(moves), strict=True):
            outcomes[place] = outcome.job if isinstance(outcome, TransitionRefused) else outcome
            if isinstance(outcome, TransitionRefused) and not outcome.job.is_terminal:
                left.append(place)
        open_places = left
    for place in open_places:
        outcomes[place] = DependencyUnavailable(
            f"job {jobs[place].job_id} kept changing while it was being cancelled; ask again"
        )
    return outcomes


def _transition(services: Services, job: Job, stamp: Stamp) -> Transition:
    if job.state is State.RUNNING:
        return RequestCancelIfRunning(job, stamp)
    when = "before it ran again" if job.was_started else "before it ran"
    ending = Ending(
        State.CANCELLED,
        failure=JobFailure("cancelled", f"cancelled by {stamp.actor} {when}"),
        expires_at_s=services.settings.expires_at_s(stamp.now_ms),
    )
    return CancelIfInState(job, ending, stamp)


def _counted(before: Sequence[Job], after: Sequence[MoveOutcome]) -> Cancelled:
    pairs = [(job, now) for job, now in zip(before, after, strict=True) if isinstance(now, Job)]
    asked = sum(_is_asked(now) for _, now in pairs)
    # One that was tried again since was cancelled all the same.
    cancelled = sum(
        not job.is_terminal and not _is_asked(now) and (now.state is State.CANCELLED or not now.is_terminal)
        for job, now in pairs
    )
    return Cancelled(cancelled, asked, ended=len(before) - cancelled - asked)


def _is_asked(job: Job) -> bool:
    return job.state is State.RUNNING and job.cancel_requested_at_ms is not None
