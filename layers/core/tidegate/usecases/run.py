"""Run: a worker claims a job, runs its code, and records what came of it."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.domain.errors import DependencyUnavailable, NotFound, ServiceRefused, TransitionRefused
from tidegate.domain.job import Job, Progress
from tidegate.domain.transitions import HeartbeatIfAttemptHolds
from tidegate.ports import Clock, Executor, Heartbeat, Message, Signal
from tidegate.usecases.claim import Claimed, claim
from tidegate.usecases.conclude import conclude
from tidegate.usecases.services import Services

__all__ = ["Claimed", "beat", "claim", "conclude", "go_on", "heartbeat_of", "run_message"]


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
    outcome = claimed.failure or executor.execute(
        claimed.assignment, heartbeat_of(services, clock, claimed.job, signal)
    )
    conclude(services, claimed, outcome, clock.now_ms())


def heartbeat_of(services: Services, clock: Clock, job: Job, signal: Callable[[], Signal]) -> Heartbeat:
    """The heartbeat of a claimed job: what the job's own says, or else what `signal` does."""

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
