"""Runs jobs in a worker: claims a job, runs its code, sends heartbeats, and records the outcome.

`run_message` does all of it for one message. A worker that runs many jobs at once uses the parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tidegate.domain.errors import NotFound, ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job, Progress, SecondHold
from tidegate.domain.transitions import (
    BeginIfAttemptHolds,
    HeartbeatIfAttemptHolds,
    HeartbeatSecondIfHolds,
    TransitionRefused,
)
from tidegate.ports import Clock, Executor, Message, Outcome, OutcomeKind, Signal
from tidegate.usecases.services import Services
from tidegate.usecases.work.claim import Claimed, claim
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.function_faults import FunctionFaults


def go_on() -> Signal:
    """Returns the signal of a worker that isn't shutting down."""
    return Signal.GO_ON


def run_message(
    services: Services,
    executor: Executor,
    clock: Clock,
    message: Message,
    worker_id: str,
    signal: Callable[[], Signal] = go_on,
    faults: FunctionFaults | None = None,
) -> Job | None:
    """Claims the job of one message, runs it, and records its outcome.

    `signal` is asked at each heartbeat whether the worker itself wants to stop. `faults` are the job types that the
    function lacks. When this returns, the message is done with: the outcome is recorded, or the job belongs to another
    worker, or it was taken back. Returns the job after its recorded outcome, None where nothing was recorded. Raises
    ServiceUnavailable or ServiceRefused if the message should be delivered again.
    """
    faults = faults or FunctionFaults()
    if message.type and message.type not in services.registry.types():
        faults.refuse(services, message, worker_id, clock.now_ms())
        return None
    claimed = claim(services, message, worker_id, clock.now_ms())
    if claimed is None:
        return None
    ran, outcome = Run(services, clock, claimed.job, signal).execute(executor, claimed)
    if outcome.kind is OutcomeKind.UNABLE:
        faults.note(services, claimed.job, outcome, clock.now_ms())
    return conclude(services, ran, outcome, clock.now_ms())


@dataclass(slots=True)
class Run:
    """One attempt of a claimed job while an executor runs it.

    The executor reports the beginning of the code and each heartbeat here, and learns whether to go on. `signal` is
    asked at each heartbeat whether the worker itself wants to stop. `began_at_ms` is when the code began, None before.
    """

    services: Services
    clock: Clock
    job: Job
    signal: Callable[[], Signal]
    began_at_ms: int | None = None

    def execute(self, executor: Executor, claimed: Claimed) -> tuple[Claimed, Outcome]:
        """Runs the attempt, unless its input was refused; returns it with the time its code began, and its outcome."""
        outcome = claimed.refusal or executor.execute(claimed.assignment, self.beats, self.begins)
        return replace(claimed, began_at_ms=self.began_at_ms), outcome

    def begins(self) -> None:
        """Notes that the code begins now; writes this at once if other jobs wait for the job's start."""
        self.began_at_ms = self.clock.now_ms()
        if self.job.watch_start and not self.job.was_started and not isinstance(self.job, SecondHold):
            begin_code(self.services, self.job, self.began_at_ms)

    def beats(self, progress: Progress | None) -> Signal:
        """Sends a heartbeat; returns its signal, or that of `signal` if the heartbeat says GO_ON."""
        before_ms = self.clock.now_ms()
        answer = beat(self.services, self.job, progress, before_ms, began_at_ms=self.began_at_ms)
        was_off = abs(self.clock.now_ms() - before_ms) > self.services.settings.lease_ms // 3
        if answer is Signal.GO_ON and was_off:
            # The answer has corrected a wrong clock, so the lease that was just written ends at a wrong time. A second
            # heartbeat writes it again.
            answer = beat(self.services, self.job, None, self.clock.now_ms(), began_at_ms=self.began_at_ms)
        return self.signal() if answer is Signal.GO_ON else answer


def begin_code(services: Services, job: Job, began_at_ms: int) -> None:
    """Writes that the code of a claimed job began at `began_at_ms`. Never raises.

    If the write fails, the next heartbeat or the end of the attempt carries the time.
    """
    try:
        services.jobs.apply(BeginIfAttemptHolds(job, job.attempt, began_at_ms))
    except (TransitionRefused, NotFound, ServiceUnavailable, ServiceRefused):
        return


def beat(
    services: Services, job: Job, progress: Progress | None, now_ms: int, *, began_at_ms: int | None = None
) -> Signal:
    """Extends the lease of a claimed job and stores its progress; returns the signal for its code.

    LOST means that the attempt is no longer the current one, CANCEL that a cancellation was asked for, else GO_ON.
    `began_at_ms` is when the attempt's code began, None before that.
    """
    lease_expires_at_ms = now_ms + services.settings.lease_ms
    transition: HeartbeatIfAttemptHolds | HeartbeatSecondIfHolds
    if isinstance(job, SecondHold):
        # The job shows the progress and the beginning of the first attempt.
        transition = HeartbeatSecondIfHolds(job, job.attempt, job.worker_id or "", lease_expires_at_ms)
    else:
        transition = HeartbeatIfAttemptHolds(job, job.attempt, lease_expires_at_ms, progress, began_at_ms)
    try:
        current = services.jobs.apply(transition)
    except (TransitionRefused, NotFound):
        return Signal.LOST
    except (ServiceUnavailable, ServiceRefused):
        return Signal.GO_ON  # the lease outlives several heartbeats, and the next one may succeed
    return Signal.GO_ON if current.cancel_requested_at_ms is None else Signal.CANCEL
