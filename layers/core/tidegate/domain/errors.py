"""The root of all errors, and the errors of plain values. Each says what was wrong and what to do about it.

An error that carries a job or a worker stands beside what raises it: in `transitions/base.py` and in `workers.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from tidegate.domain.roles import Role, Scope


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


_IF_NO_RECORD = "check the id, it may also have passed its retention"
_IF_NOT_FOUND = {
    "grant": "GET /v1/grants lists them all",
    "webhook": "GET /v1/webhooks lists them all",
    "timetable": "GET /v1/timetables lists them all; it may have been removed",
    "share": "GET /v1/pools/{pool}/shares lists those of a pool, and an operator makes one",
    "graph of workflow": "it was submitted before graphs were stored; its jobs name what they depend on",
}


class NotFound(TidegateError):
    """The error for something that does not exist: not yet, no longer, or never.

    `what` is its kind ("job", "workflow", …), `identifier` the id that was asked for.
    """

    code = "not-found"

    def __init__(self, what: str, identifier: str) -> None:
        self.what = what
        self.identifier = identifier
        super().__init__(f"there is no {what} {identifier!r}; {_IF_NOT_FOUND.get(what, _IF_NO_RECORD)}")


class NotYours(TidegateError):
    """The error for an act on a submission of another namespace. `what` names it, `owner` the caller it belongs to."""

    code = "not-yours"

    def __init__(self, what: str, owner: str, namespace: str) -> None:
        self.what = what
        self.owner = owner
        super().__init__(
            f"{what} belongs to {owner}; ask {owner} or an operator to do it, or ask an operator for the role: "
            f"tidegate grants set {quote(namespace)} --role operator"
        )


class InvalidToken(TidegateError):
    """The error for a request that carries no access token, though its API takes nothing else."""

    code = "invalid-token"


class MissingScope(TidegateError):
    """The error for a token without the scope that a route needs. `scope` names it."""

    code = "missing-scope"

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        super().__init__(
            f"your token lacks the scope {scope}, which this request needs; sign in again and ask for it"
        )


class MissingRole(TidegateError):
    """The error for a caller with a token whose role does not reach. `has` is its role, None without one."""

    code = "missing-role"

    def __init__(self, needed: Role, has: Role | None, namespace: str) -> None:
        self.needed = needed
        self.has = has
        asked = "client" if needed is Role.VIEWER else needed
        super().__init__(
            f"this request needs the role {needed}, and you are {f'a {has}' if has else 'given none'}; ask for the "
            f"group {needed}, or ask an operator: tidegate grants set {quote(namespace)} --role {asked}"
        )


class ShareFull(TidegateError):
    """The error for a submission to a share in which as many jobs wait as its operator allows, or too few may still."""

    code = "share-full"

    def __init__(self, pool: str, share: str, most: int, waiting: int, more: int) -> None:
        super().__init__(
            f"share {share!r} of pool {pool!r} lets {most} jobs wait; {waiting} wait already and {more} more were "
            "submitted; nothing was written: send them later, or fewer at once"
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


class NotWaiting(TidegateError):
    """The error for a job that can't be amended, because it does not wait or was amended as often as is allowed.

    `why` completes the sentence "job ID …": it gives the reason and what the caller can do instead.
    """

    code = "not-waiting"

    def __init__(self, job_id: str, why: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} {why}")


class NotMarkable(TidegateError):
    """The error for a job that a caller can't end by hand, because it is dispatched or has ended so that it stays so.

    `why` completes the sentence "job ID …": it gives the reason and what the caller can do instead.
    """

    code = "not-markable"

    def __init__(self, job_id: str, why: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} {why}")


class NotOutside(TidegateError):
    """The error for a job that can't be finished from outside, because the attempt is not outside, or not any more.

    `why` completes the sentence "job ID …": it gives the reason and what the caller can do instead.
    """

    code = "not-outside"

    def __init__(self, job_id: str, why: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} {why}")


class WrongToken(TidegateError):
    """The error for a token that finishes no attempt of the job. It never shows the token."""

    code = "wrong-token"

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"the token is none of job {job_id}; send the text that the job's code got as context.finish_token, whole"
        )


class NotAnApproval(TidegateError):
    """The error for a job that is to be approved or rejected, and is of another type."""

    code = "not-an-approval"

    def __init__(self, job_id: str, job_type: str) -> None:
        super().__init__(
            f"job {job_id} is of type {job_type}, which nobody approves; name a job of type tidegate.approval"
        )


class NotAnApprover(TidegateError):
    """The error for a caller that may not decide about an approval. `namespace` is the caller's."""

    code = "not-an-approver"

    def __init__(self, job_id: str, namespace: str, *, own: bool) -> None:
        why = "you submitted it, and nobody approves alone what is its own" if own else "you are no operator"
        super().__init__(
            f"job {job_id} is not yours to approve or reject: {why}, and its parameter approvers does not name "
            f"{namespace}; ask one whom it names, or an operator"
        )


class TooFarDownstream(TidegateError):
    """The error for a job with more jobs downstream than one call can find. `found` is how many the call found."""

    code = "too-far-downstream"

    def __init__(self, job_id: str, found: int) -> None:
        self.job_id = job_id
        self.found = found
        super().__init__(
            f"more than {found} jobs wait on {job_id}, too many or too deep for one call; nothing was done: "
            "act on its workflow as a whole, or begin further down"
        )


class ConditionError(TidegateError):
    """The error for a CONDITIONAL dependency's expression that does not compile, or fails when it is evaluated."""

    code = "condition-error"


class ConditionTooDear(ConditionError):
    """The error for a condition that would take more steps than the limit."""


class TooMuchGathered(TidegateError):
    """The error for a job whose upstreams' results are together larger than one job may gather."""

    code = "upstreams-too-large"


class ServiceUnavailable(TidegateError):
    """The error for a service that did not answer within its bounded retries. The caller may repeat the call."""

    code = "unavailable"


class ServiceRefused(TidegateError):
    """The error for a call that a service refused for good.

    Permissions, names or sizes are wrong, so repeating the call changes nothing.
    """

    code = "service-refused"


class JobError(TidegateError):
    """The error that job code raises to fail its job.

    `retryable` says whether another attempt could help; the job's retry policy decides instead where it names the
    error's `code`. `retry_after_seconds` (0-86,400) is the least time to wait before that attempt. A `code` is cut to
    64 characters.
    """

    code = "job-error"

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
