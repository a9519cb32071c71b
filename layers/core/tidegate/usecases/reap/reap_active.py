"""Repairs active jobs: of lost workers, with lost messages, outside without a word, and cancelled to deaf workers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from tidegate.domain import limits
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.retry import WORKER_LOST
from tidegate.domain.states import Group, State
from tidegate.domain.transitions import (
    CancelIfGraceOver,
    Ending,
    FinishIfLeaseExpired,
    ReadyIfLeaseExpired,
    ResendIfStillQueued,
    Stamp,
    TakeBackIfStillQueued,
    Transition,
)
from tidegate.ports import Message, message_of
from tidegate.usecases.bounds.deadline import NEVER, Deadline, in_turns
from tidegate.usecases.bounds.sweep import sweep_group
from tidegate.usecases.isolation import FirstError, raise_first_failure
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.pools.earlier_pools import all_pools
from tidegate.usecases.reap.lost_messages import QueueEvidence, repair_of_queued, repair_without_queue
from tidegate.usecases.reap.outside import repair_of_outside
from tidegate.usecases.services import Services

ACTOR = "reaper"
JOBS_PER_SHARD = 1_000


@dataclass(slots=True)
class ActiveCounts:
    """The number of repaired active jobs, by kind: READY again, ended, message sent again, taken back."""

    reclaimed: int = 0
    ended: int = 0
    resent: int = 0
    taken_back: int = 0


def reap_active(services: Services, now_ms: int, *, until: Deadline = NEVER) -> ActiveCounts:
    """Takes jobs from lost workers and from a silent outside, forces overdue cancellations, sends lost messages again.

    Looks at up to `JOBS_PER_SHARD` QUEUED and RUNNING jobs of each shard of every pool, and at as many outside; the
    next run continues behind them. Each pool gets an equal part of the time left before `until`. Returns the counts.
    Raises the first error after all pools have been looked at.
    """
    counts = ActiveCounts()
    errors = FirstError()
    for pool, pool_until in in_turns(all_pools(services), until, services.entropy.jitter):
        evidence = QueueEvidence(services, pool)
        # Those outside are sorted by the ends of their leases, so only those whose lease has run out are read.
        for group in (Group.OUTSIDE, Group.ACTIVE):
            with errors.isolated():
                sweep_group(
                    services,
                    pool,
                    group,
                    partial(_repair, services, evidence, now_ms, counts),
                    jobs_per_shard=JOBS_PER_SHARD,
                    up_to_ms=now_ms,
                    until=pool_until,
                )
    errors.raise_first()
    return counts


def _repair(
    services: Services, evidence: QueueEvidence, now_ms: int, counts: ActiveCounts, jobs: list[Job]
) -> None:
    chooser = PoolChooser(services, now_ms)
    needed = (_repair_for(services, job, evidence, chooser, now_ms) for job in jobs)
    repairs = [repair for repair in needed if repair is not None]
    messages: list[Message] = []
    outcomes = services.jobs.apply_all(repairs)
    for repair, outcome in zip(repairs, outcomes, strict=True):
        if not isinstance(outcome, Job):
            continue  # the job changed meanwhile, or could not be written
        if isinstance(repair, ResendIfStillQueued):
            messages.append(message_of(outcome))
        elif isinstance(repair, TakeBackIfStillQueued):
            counts.taken_back += 1
        elif outcome.is_terminal:
            counts.ended += 1
        else:
            counts.reclaimed += 1
    if messages:
        unsent = services.queue.send(evidence.pool, messages)
        counts.resent += len(messages) - len(unsent)
    raise_first_failure(outcomes)


def _repair_for(
    services: Services, job: Job, evidence: QueueEvidence, chooser: PoolChooser, now_ms: int
) -> Transition | None:
    settings = services.settings
    if job.state is State.QUEUED:
        if job.pool not in settings.pools:
            return repair_without_queue(services, job, chooser, ACTOR, now_ms)
        return repair_of_queued(services, job, evidence, ACTOR, now_ms)
    if job.state is not State.RUNNING:
        return None
    if job.is_outside:
        jitter, expires_at_s = services.entropy.jitter(), settings.expires_at_s(now_ms)
        return repair_of_outside(job, jitter=jitter, expires_at_s=expires_at_s, actor=ACTOR, now_ms=now_ms)
    grace_ms = settings.cancel_grace_seconds * 1_000
    if job.cancel_requested_at_ms is not None and job.cancel_requested_at_ms + grace_ms <= now_ms:
        ending = _ending(services, State.CANCELLED, JobFailure("cancelled", "cancelled by force"), now_ms)
        return CancelIfGraceOver(job, grace_ms, ending, _as_asked(job, "grace period over", now_ms))
    if job.lease_expires_at_ms is None or job.lease_expires_at_ms >= now_ms:
        return None
    if job.cancel_requested_at_ms is not None:
        ending = _ending(services, State.CANCELLED, JobFailure("cancelled", "its worker was lost"), now_ms)
        return FinishIfLeaseExpired(job, job.attempt, ending, _as_asked(job, "worker lost", now_ms))
    stamp = Stamp(now_ms, ACTOR, "worker lost")
    if job.may_lose_its_worker:
        return ReadyIfLeaseExpired(job, job.attempt, stamp)
    why = (
        f"the last of {limits.MAX_WORKER_LOSSES} losses allowed; the job itself may be what ends its workers"
        if job.retry.allows(WORKER_LOST)
        else "and its retry policy never retries that"
    )
    failure = JobFailure(WORKER_LOST, f"its worker {job.worker_id} was lost at attempt {job.attempt}, {why}")
    return FinishIfLeaseExpired(job, job.attempt, _ending(services, State.FAILED, failure, now_ms), stamp)


def _as_asked(job: Job, why: str, now_ms: int) -> Stamp:
    asked = f"asked for by {job.cancel_requested_by}, " if job.cancel_requested_by else ""
    return Stamp(now_ms, ACTOR, asked + why)


def _ending(services: Services, state: State, failure: JobFailure, now_ms: int) -> Ending:
    return Ending(state, failure=failure, expires_at_s=services.settings.expires_at_s(now_ms))
