"""One tree of errors. Each says what was wrong and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidegate.domain.job import Job
    from tidegate.domain.workers import Worker


class TidegateError(Exception):
    """Root of every error that tidegate raises on purpose."""

    code = "error"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with what a client sent.

    `field` is a path into the request (`jobs[3].priority`), `message` says what is wrong and what would be right.
    """

    field: str
    message: str


class MalformedBody(TidegateError):
    """The request's body is missing or is no JSON."""

    code = "malformed-body"


class BodyTooLarge(TidegateError):
    """The request's body is larger than the platform takes."""

    code = "body-too-large"


class InvalidRequest(TidegateError):
    """The request can't be accepted; nothing was written."""

    code = "invalid-request"

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{v.field}: {v.message}" for v in self.violations))

    @classmethod
    def of(cls, field: str, message: str) -> InvalidRequest:
        """The error for a single violation."""
        return cls((Violation(field, message),))


class UnknownName(InvalidRequest):
    """The path names a pool or a job type that this deployment does not have; the known ones are listed."""

    code = "not-found"


class IdempotencyConflict(TidegateError):
    """The idempotency key can't be used for this request, whenever it is sent."""

    code = "idempotency-conflict"

    def __init__(
        self,
        message: str = (
            "Idempotency-Key was used before with a different body; "
            "send the same body again, or use a new key for a new submission"
        ),
    ) -> None:
        super().__init__(message)


class NotFound(TidegateError):
    """What was asked for does not exist (or no longer does, or not yet)."""

    code = "not-found"

    def __init__(self, what: str, identifier: str) -> None:
        self.what = what
        self.identifier = identifier
        super().__init__(
            f"there is no {what} {identifier!r}; check the id, it may also have passed its retention"
        )


class AlreadyEnded(TidegateError):
    """The job is terminal, so the transition asked for can't happen."""

    code = "already-ended"

    def __init__(self, job_id: str, state: str) -> None:
        self.job_id = job_id
        self.state = state
        super().__init__(f"job {job_id} has already ended as {state}; there is nothing left to cancel")


class NotRetryable(TidegateError):
    """The job can't be tried again as it stands. `why` says so, and what could be done instead."""

    code = "not-retryable"

    def __init__(self, job_id: str, why: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} {why}")


class TooFarDownstream(TidegateError):
    """More waits on a job than one call can find. `found` is how many it came by."""

    code = "too-far-downstream"

    def __init__(self, job_id: str, found: int) -> None:
        self.job_id = job_id
        self.found = found
        super().__init__(
            f"more than {found} jobs wait on {job_id}, too many or too deep for one call; nothing was cancelled: "
            "cancel its workflow as a whole, or begin further down"
        )


class TransitionRefused(TidegateError):
    """A conditional write found the job where the transition is not allowed. `job` is the job as it stands."""

    code = "transition-refused"

    def __init__(self, transition: str, job: Job, why: str) -> None:
        self.transition = transition
        self.job = job
        self.why = why
        super().__init__(f"{transition} refused for job {job.job_id}: {why}")


class WorkerIdTaken(TidegateError):
    """Another process works under this id and was heard of lately. `holder` is that one."""

    code = "worker-id-taken"

    def __init__(self, holder: Worker, *, silent_since_ms: int) -> None:
        self.holder = holder
        wait_seconds = max(0, holder.heartbeat_at_ms - silent_since_ms) // 1_000 + 1
        last = datetime.fromtimestamp(holder.heartbeat_at_ms / 1_000, UTC).isoformat(timespec="milliseconds")
        super().__init__(
            f"worker id {holder.worker_id!r} of pool {holder.pool!r} is taken: a process on host "
            f"{holder.spec.host!r} is {holder.state} under it, last heartbeat {last}; it is free in "
            f"{wait_seconds} s if nothing more is heard of that one: wait, choose another worker id, or take it "
            "over (--take-over), which stops the other process"
        )


class WorkerRefused(TidegateError):
    """A conditional write found the worker where it is not allowed. `worker` is its entry, None where it is gone."""

    code = "worker-refused"

    def __init__(self, action: str, worker_id: str, worker: Worker | None) -> None:
        self.worker = worker
        found = f"it is {worker.state} in session {worker.session_id}" if worker else "it has no entry"
        super().__init__(f"{action} refused for worker {worker_id}: {found}")


class WorkerFenced(TidegateError):
    """This process's worker id belongs to another session now. `holder` is that one's entry."""

    code = "worker-fenced"

    def __init__(self, holder: Worker) -> None:
        self.holder = holder
        super().__init__(
            f"worker id {holder.worker_id!r} of pool {holder.pool!r} now belongs to a process on host "
            f"{holder.spec.host!r} (session {holder.session_id}); this one must stop and hand its jobs back"
        )


class WorkerGone(TidegateError):
    """The worker has left or was lost, so there is nothing to drain."""

    code = "worker-gone"

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        super().__init__(f"worker {worker.worker_id} is {worker.state}; there is nothing left to drain")


class ConditionError(TidegateError):
    """A CONDITIONAL dependency's expression does not compile, or failed when it was evaluated."""

    code = "condition-error"


class ConditionTooDear(ConditionError):
    """A condition would take more steps than it may."""


class TooMuchGathered(TidegateError):
    """The results of a job's upstreams are larger, together, than one job may gather."""

    code = "upstreams-too-large"


class DependencyUnavailable(TidegateError):
    """A service that tidegate leans on did not answer within its bounded retries; the call may be repeated."""

    code = "unavailable"


class ServiceRefused(TidegateError):
    """A service refused a call for good: permissions, names or sizes are wrong, repeating it changes nothing."""

    code = "service-refused"


class HandlerError(TidegateError):
    """Raised by job code to fail its job.

    `retryable` says whether another attempt could help, unless the job's retry policy names the error's `code`;
    `retry_after_seconds` (0-86,400) how long it should wait at the least. A `code` is cut to 64 characters.
    """

    code = "handler-error"

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = True,
        retry_after_seconds: float | None = None,
        code: str | None = None,
    ) -> None:
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        if code:
            self.code = code
        super().__init__(message)


class JobTimedOut(TidegateError):
    """The attempt ran longer than the job's `timeout_seconds`."""

    code = "timed-out"


class JobCancelled(TidegateError):
    """Cancellation was asked for and the attempt stopped."""

    code = "cancelled"
