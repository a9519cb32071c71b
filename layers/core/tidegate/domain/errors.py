"""The one tree of errors. Each error says what was wrong and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidegate.domain.job import Job
    from tidegate.domain.workers import Worker


class TidegateError(Exception):
    """The root of every error that tidegate raises on purpose.

    `code` is short and stable; it ends the `type` of a problem on the wire.
    """

    code = "error"


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault in a request.

    `field` is a path into the request (`jobs[3].priority`). `message` says what is wrong and what would be right.
    """

    field: str
    message: str


class MalformedBody(TidegateError):
    """The error for a request whose body is missing or is not JSON."""

    code = "malformed-body"


class BodyTooLarge(TidegateError):
    """The error for a request whose body is larger than AWS hands to the function."""

    code = "body-too-large"


class InvalidRequest(TidegateError):
    """The error for a request that breaks a rule. Nothing was written. `violations` names each fault."""

    code = "invalid-request"

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{v.field}: {v.message}" for v in self.violations))

    @classmethod
    def of(cls, field: str, message: str) -> InvalidRequest:
        """Makes the error for a single violation of `field`."""
        return cls((Violation(field, message),))


class UnknownName(InvalidRequest):
    """The error for a pool or a job type in the path that this deployment lacks. The message lists the known ones."""

    code = "not-found"


class IdempotencyConflict(TidegateError):
    """The error for an idempotency key that can't be used for this request, now or later."""

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
    """The error for something that does not exist: not yet, no longer, or never.

    `what` is its kind ("job", "workflow", …), `identifier` the id that was asked for.
    """

    code = "not-found"

    def __init__(self, what: str, identifier: str) -> None:
        self.what = what
        self.identifier = identifier
        super().__init__(
            f"there is no {what} {identifier!r}; check the id, it may also have passed its retention"
        )


class AlreadyEnded(TidegateError):
    """The error for a job that has ended, so that the transition asked for can't happen."""

    code = "already-ended"

    def __init__(self, job_id: str, state: str) -> None:
        self.job_id = job_id
        self.state = state
        super().__init__(f"job {job_id} has already ended as {state}; there is nothing left to cancel")


class NotRetryable(TidegateError):
    """The error for a job that can't be reopened.

    `why` completes the sentence "job ID …": it gives the reason and what the caller can do instead.
    """

    code = "not-retryable"

    def __init__(self, job_id: str, why: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} {why}")


class TooFarDownstream(TidegateError):
    """The error for a job with more jobs downstream than one call can find. `found` is how many the call found."""

    code = "too-far-downstream"

    def __init__(self, job_id: str, found: int) -> None:
        self.job_id = job_id
        self.found = found
        super().__init__(
            f"more than {found} jobs wait on {job_id}, too many or too deep for one call; nothing was cancelled: "
            "cancel its workflow as a whole, or begin further down"
        )


class TransitionRefused(TidegateError):
    """The error for a transition whose condition does not hold. `job` is the job as the conditional write found it."""

    code = "transition-refused"

    def __init__(self, transition: str, job: Job, why: str) -> None:
        self.transition = transition
        self.job = job
        self.why = why
        super().__init__(f"{transition} refused for job {job.job_id}: {why}")


class WorkerIdTaken(TidegateError):
    """The error for a worker id under which another process sent a heartbeat lately. `holder` is that process's entry.

    `silent_since_ms` is the time from which on a heartbeat keeps an id taken, in milliseconds since the epoch. The
    message says after how many seconds the id is free.
    """

    code = "worker-id-taken"

    def __init__(self, holder: Worker, *, silent_since_ms: int) -> None:
        self.holder = holder
        wait_seconds = max(0, holder.heartbeat_at_ms - silent_since_ms) // 1_000 + 1
        last = datetime.fromtimestamp(holder.heartbeat_at_ms / 1_000, UTC).isoformat(timespec="milliseconds")
        super().__init__(
            f"worker id {holder.worker_id!r} of pool {holder.pool!r} is taken: a process on host "
            f"{holder.spec.host!r} is {holder.state} under it, last heartbeat {last}; it is free in "
            f"{wait_seconds} s if that process sends no more heartbeats: wait, choose another worker id, or take it "
            "over (--take-over), which stops the other process"
        )


class WorkerRefused(TidegateError):
    """The error for a change of a worker's entry whose condition does not hold.

    `worker` is the entry as the conditional write found it, None where there is none.
    """

    code = "worker-refused"

    def __init__(self, action: str, worker_id: str, worker: Worker | None) -> None:
        self.worker = worker
        found = f"it is {worker.state} in session {worker.session_id}" if worker else "it has no entry"
        super().__init__(f"{action} refused for worker {worker_id}: {found}")


class WorkerFenced(TidegateError):
    """The error for a process whose worker id now belongs to another session. `holder` is that session's entry."""

    code = "worker-fenced"

    def __init__(self, holder: Worker) -> None:
        self.holder = holder
        super().__init__(
            f"worker id {holder.worker_id!r} of pool {holder.pool!r} now belongs to a process on host "
            f"{holder.spec.host!r} (session {holder.session_id}); this one must stop and hand its jobs back"
        )


class WorkerGone(TidegateError):
    """The error for draining a worker that has left or was lost."""

    code = "worker-gone"

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        super().__init__(f"worker {worker.worker_id} is {worker.state}; there is nothing left to drain")


class ConditionError(TidegateError):
    """The error for a CONDITIONAL dependency's expression that does not compile, or fails when it is evaluated."""

    code = "condition-error"


class ConditionTooDear(ConditionError):
    """The error for a condition that would take more steps than the limit."""


class TooMuchGathered(TidegateError):
    """The error for a job whose upstreams' results are together larger than one job may gather."""

    code = "upstreams-too-large"


class DependencyUnavailable(TidegateError):
    """The error for a service that did not answer within its bounded retries. The caller may repeat the call."""

    code = "unavailable"


class ServiceRefused(TidegateError):
    """The error for a call that a service refused for good.

    Permissions, names or sizes are wrong, so repeating the call changes nothing.
    """

    code = "service-refused"


class HandlerError(TidegateError):
    """The error that job code raises to fail its job.

    `retryable` says whether another attempt could help; the job's retry policy decides instead where it names the
    error's `code`. `retry_after_seconds` (0-86,400) is the least time to wait before that attempt. A `code` is cut to
    64 characters.
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
    """The error for an attempt that ran longer than the job's `timeout_seconds`."""

    code = "timed-out"


class JobCancelled(TidegateError):
    """The error that stops an attempt because a caller asked for cancellation."""

    code = "cancelled"
