"""Draws the whole way of a job, by the real transitions, as the records of a stream would show it."""

from __future__ import annotations

import random
from dataclasses import replace

from tidegate.domain.job import HistoryEntry, Job, JobFailure
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    CancelIfInState,
    ClaimAgainIfLeaseExpired,
    ClaimIfQueued,
    DispatchIfReady,
    Ending,
    FinishIfAttemptHolds,
    HandBackIfAttemptHolds,
    ReadyIfDue,
    ReadyIfWaitingOnlyOn,
    ReopenIfEnded,
    RetryIfAttemptHolds,
    SkipIfPending,
    Stamp,
    TakeBackIfStillQueued,
    Transition,
    TransitionRefused,
)

START_MS = 1_700_000_000_000
LEASE_MS = 60_000
KEPT_UNTIL_S = START_MS // 1_000 + 86_400


def submitted(job_id: str, state: State = State.PENDING, now_ms: int = START_MS) -> Job:
    """Makes a job as it is first written."""
    return Job(
        job_id=job_id,
        state=state,
        type="t",
        pool="p",
        priority=100,
        dependency_count=1,
        waiting_on=frozenset({0}) if state is State.PENDING else frozenset(),
        created_at_ms=now_ms,
        ready_at_ms=now_ms if state is State.READY else None,
        due_at_ms=now_ms if state is State.SCHEDULED else None,
        history=(HistoryEntry(now_ms, state, 0, "submit"),),
    )


def way_of(job: Job, draw: random.Random, steps: int) -> list[Job]:
    """Returns the job after each of at most `steps` transitions, which are drawn. Many happen in the same instant."""
    seen, now_ms = [job], START_MS
    for _ in range(steps):
        now_ms += draw.choice((0, 0, 0, 1, 7))
        possible = _following(job, now_ms)
        if not possible:
            break
        following = draw.choice(possible)
        if isinstance(following, ClaimAgainIfLeaseExpired):
            now_ms = (job.lease_expires_at_ms or 0) + 1
            following = replace(following, stamp=Stamp(now_ms, "w"), lease_expires_at_ms=now_ms + LEASE_MS)
        try:
            job = following.apply(job)
        except TransitionRefused:  # a job loses so many workers, and is reopened so often, and no more
            continue
        seen.append(job)
    return seen


def _following(job: Job, now_ms: int) -> list[Transition]:
    stamp = Stamp(now_ms, "w")
    cancelled = CancelIfInState(job, Ending(State.CANCELLED, expires_at_s=KEPT_UNTIL_S), stamp)
    match job.state:
        case State.PENDING:
            skipped = SkipIfPending(job, 0, Ending(State.SKIPPED, expires_at_s=KEPT_UNTIL_S), stamp)
            ready = ReadyIfWaitingOnlyOn(job, job.waiting_on, stamp)
            return [ready, ready, ready, skipped, cancelled]
        case State.SCHEDULED:
            return [ReadyIfDue(job, stamp), cancelled]
        case State.READY:
            return [*[DispatchIfReady(job.job_id, "p", stamp, job.ready_at_ms)] * 3, cancelled]
        case State.QUEUED:
            claimed = ClaimIfQueued(job.job_id, job.attempt, "w", now_ms + LEASE_MS, stamp)
            return [claimed, claimed, TakeBackIfStillQueued(job, job.attempt, job.reopened, stamp), cancelled]
        case State.RUNNING:
            failed = Ending(State.FAILED, expires_at_s=KEPT_UNTIL_S)
            return [
                FinishIfAttemptHolds(job, job.attempt, failed, stamp),
                FinishIfAttemptHolds(job, job.attempt, replace(failed, state=State.SUCCEEDED), stamp),
                RetryIfAttemptHolds(job, job.attempt, now_ms, JobFailure("x", ""), stamp),
                HandBackIfAttemptHolds(job, job.attempt, stamp),
                ClaimAgainIfLeaseExpired(job, job.attempt, "w", now_ms + LEASE_MS, stamp),
            ]
        case State.SUCCEEDED:
            return []
        case _:
            return [ReopenIfEnded(job, stamp)]
