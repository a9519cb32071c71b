"""Run: a worker claims a job, runs its code, and records what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tidegate.domain.dependency import Dependency
from tidegate.domain.errors import DependencyUnavailable, NotFound, ServiceRefused, TransitionRefused
from tidegate.domain.job import Job, JobFailure, Progress
from tidegate.domain.retry import backoff_ms
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    ClaimIfQueued,
    Ending,
    FinishIfAttemptHolds,
    HandBackIfAttemptHolds,
    HeartbeatIfAttemptHolds,
    RetryIfAttemptHolds,
    Stamp,
    Transition,
)
from tidegate.ports import (
    Assignment,
    Clock,
    Executor,
    Heartbeat,
    Message,
    Outcome,
    OutcomeKind,
    Signal,
    Upstream,
)
from tidegate.usecases.services import Services


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that this worker owns, and what its code is given."""

    job: Job
    assignment: Assignment


def go_on() -> Signal:
    """The signal of a worker that isn't shutting down."""
    return Signal.GO_ON


def run_message(
    services: Services,
    executor: Executor,
    clock: Clock,
    message: Message,
    worker_id: str,
    signal: Callable[[], Signal] = go_on,
) -> None:
    """Claims, runs and concludes the job of one message.

    `signal` says at each heartbeat whether the worker itself wants to stop. When this returns, the message is done
    with: the outcome is recorded, or the job was somebody else's. Raises DependencyUnavailable where the message
    should come again.
    """
    claimed = claim(services, message, worker_id, clock.now_ms())
    if claimed is None:
        return
    outcome = executor.execute(claimed.assignment, _heartbeat(services, clock, claimed.job, signal))
    conclude(services, claimed, outcome, clock.now_ms())


def claim(services: Services, message: Message, worker_id: str, now_ms: int) -> Claimed | None:
    """Takes the job under its next attempt; None where the message is stale, doubled, or its job is gone."""
    transition = ClaimIfQueued(
        message.job_id,
        message.attempt,
        worker_id,
        lease_expires_at_ms=now_ms + services.settings.lease_ms,
        stamp=Stamp(now_ms, worker_id),
    )
    try:
        job = services.jobs.apply(transition)
    except (TransitionRefused, NotFound):
        return None
    given = services.jobs.load_input(job)
    upstreams: tuple[Upstream, ...] = ()
    if given.depends_on and services.catalogue.reads_upstreams(job.type):
        upstreams = _load_upstreams(services, given.depends_on)
    assignment = Assignment(
        job_id=job.job_id,
        attempt=job.attempt,
        type=job.type,
        parameters=given.parameters,
        deadline_ms=now_ms + job.timeout_seconds * 1_000,
        upstreams=upstreams,
        key=job.key,
    )
    return Claimed(job, assignment)


def _load_upstreams(services: Services, depends_on: Sequence[Dependency]) -> tuple[Upstream, ...]:
    """The upstreams with their results, without those that have passed their retention."""
    wanted = list(dict.fromkeys(dependency.upstream_id for dependency in depends_on))
    jobs = services.jobs.get_many(wanted)
    upstreams: list[Upstream] = []
    for upstream_id in wanted:
        job = jobs.get(upstream_id)
        if job is None or not job.is_terminal:
            # That read may be old: the upstream may have ended a moment ago, and this job was released by it.
            job = services.jobs.get(upstream_id, consistent=True)
        if job is None:
            continue
        try:
            result = services.jobs.load_result(job)
        except NotFound:
            continue
        upstreams.append(Upstream(job.job_id, job.key, job.state, result))
    return tuple(upstreams)


def _heartbeat(services: Services, clock: Clock, job: Job, signal: Callable[[], Signal]) -> Heartbeat:
    def on_interval(progress: Progress | None) -> Signal:
        answer = beat(services, job, progress, clock.now_ms())
        return signal() if answer is Signal.GO_ON else answer

    return on_interval


def beat(services: Services, job: Job, progress: Progress | None, now_ms: int) -> Signal:
    """Extends the lease of a claimed job and stores its progress; says whether its attempt may go on."""
    transition = HeartbeatIfAttemptHolds(job, job.attempt, now_ms + services.settings.lease_ms, progress)
    try:
        current = services.jobs.apply(transition)
    except (TransitionRefused, NotFound):
        return Signal.LOST
    except (DependencyUnavailable, ServiceRefused):
        return Signal.GO_ON  # the lease outlives several heartbeats: the next one may get through
    return Signal.GO_ON if current.cancel_requested_at_ms is None else Signal.CANCEL


def conclude(services: Services, claimed: Claimed, outcome: Outcome, now_ms: int) -> Job | None:
    """Records how the attempt went; returns the job after it, None where the attempt no longer holds."""
    if outcome.kind is OutcomeKind.LOST:
        return None
    job = claimed.job
    stamp = Stamp(now_ms, job.worker_id or "worker", outcome.code)
    try:
        return services.jobs.apply(_conclusion(services, job, outcome, stamp))
    except NotFound:
        return None
    except TransitionRefused as refused:
        if refused.job.state is not State.RUNNING or refused.job.attempt != job.attempt:
            return None
    # Only a cancellation that came meanwhile refuses a retry or a hand-back while the attempt still holds.
    return _finish_cancelled(services, job, stamp)


def _conclusion(services: Services, job: Job, outcome: Outcome, stamp: Stamp) -> Transition:
    if outcome.kind is OutcomeKind.SUCCEEDED:
        apart = services.jobs.store_result_apart(job, outcome.result)
        result = None if apart else outcome.result
        return _finish(services, job, Ending(State.SUCCEEDED, result=result, result_apart=apart), stamp)
    if outcome.kind is OutcomeKind.HANDED_BACK:
        return HandBackIfAttemptHolds(job, job.attempt, stamp)
    if outcome.kind is OutcomeKind.CANCELLED:
        return _finish(services, job, Ending(State.CANCELLED), stamp)
    timed_out = outcome.kind is OutcomeKind.TIMED_OUT
    failure = (
        JobFailure("timed-out", f"ran longer than its timeout of {job.timeout_seconds} s")
        if timed_out
        else JobFailure(outcome.code or "failed", outcome.message)
    )
    if outcome.retryable and job.attempt < job.retry.max_attempts:
        wait_ms = backoff_ms(job.retry, job.attempt, services.entropy.jitter())
        return RetryIfAttemptHolds(job, job.attempt, stamp.now_ms + wait_ms, failure, stamp)
    state = State.TIMED_OUT if timed_out else State.FAILED
    return _finish(services, job, Ending(state, failure=failure), stamp)


def _finish(services: Services, job: Job, ending: Ending, stamp: Stamp) -> FinishIfAttemptHolds:
    dated = Ending(
        ending.state,
        result=ending.result,
        failure=ending.failure,
        expires_at_s=services.settings.expires_at_s(stamp.now_ms),
        result_apart=ending.result_apart,
    )
    return FinishIfAttemptHolds(job, job.attempt, dated, stamp)


def _finish_cancelled(services: Services, job: Job, stamp: Stamp) -> Job | None:
    try:
        return services.jobs.apply(_finish(services, job, Ending(State.CANCELLED), stamp))
    except (TransitionRefused, NotFound):
        return None
