"""The bodies and the answers about jobs outside: their heartbeats and ends, and the decisions about approvals."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, model_validator
from typing_extensions import TypedDict

from tidegate.contracts.requests import BodyIn, read_options
from tidegate.contracts.times import Time, to_wire
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, MalformedBody
from tidegate.domain.job import Job, Progress
from tidegate.domain.outside_ends import Decision, FailedOutside, SucceededOutside
from tidegate.domain.texts import UNPRINTABLE, plain_message


def _line(most: int, least: int = 1) -> StringConstraints:
    return StringConstraints(strict=True, min_length=least, max_length=most, pattern=f"^[^{UNPRINTABLE}]*$")


_URL_SAFE: Final = "^[A-Za-z0-9_-]+$"
Token = Annotated[
    str, StringConstraints(strict=True, max_length=limits.MAX_TOKEN_CHARACTERS, pattern=_URL_SAFE)
]


class ErrorOutsideIn(BodyIn):
    """The failure of a job outside. `retryable` and `retry_after_seconds` are about another attempt."""

    code: Annotated[str, _line(limits.MAX_ERROR_CODE_CHARACTERS)]
    message: Annotated[str, StringConstraints(strict=True, max_length=limits.MAX_ERROR_CHARACTERS)] = ""
    retryable: Annotated[bool, Field(strict=True)] = True
    retry_after_seconds: (
        Annotated[float, Field(strict=True, ge=0, le=limits.MAX_BACKOFF_SECONDS, allow_inf_nan=False)] | None
    ) = None


class FinishIn(BodyIn):
    """The end of a job outside: its `result`, or its `error`. With neither it succeeds without a result."""

    token: Token
    result: Any = None
    error: ErrorOutsideIn | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.error is not None and self.result is not None:
            raise ValueError("has a result and an error; send one of them")
        return self


class ProgressIn(BodyIn):
    """The progress of a job outside. `fraction` is 0-1."""

    fraction: Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
    message: Annotated[str, _line(limits.MAX_PROGRESS_CHARACTERS, least=0)] = ""


class HeartbeatIn(BodyIn):
    """A heartbeat of a job outside."""

    token: Token
    progress: ProgressIn | None = None


class DecisionIn(BodyIn):
    """The comment of an approval or a rejection, for people."""

    comment: Annotated[str, _line(limits.MAX_COMMENT_CHARACTERS, least=0)] = ""


class OutsideOut(TypedDict):
    """The hand-over of a job that is outside now.

    Its lease ends at `lease_expires_at` unless a heartbeat extends it, and its time outside at `until`.
    """

    since: Time | None
    lease_expires_at: Time | None
    until: Time | None


class OutsidePartOut(TypedDict):
    """The part of a job that says whether it is outside; null where it is not."""

    outside: OutsideOut | None


class HeartbeatOut(OutsidePartOut):
    """The answer to a heartbeat from outside."""

    job_id: str
    attempt: int


def read_finish(body: str) -> tuple[str, SucceededOutside | FailedOutside]:
    """Returns the token and the end of a job outside. Raises MalformedBody, or InvalidRequest that names each field."""
    sent = read_options(FinishIn, _present(body))
    if sent.error is None:
        _refuse_large(sent.result)
        return sent.token, SucceededOutside(sent.result)
    error = sent.error
    message = plain_message(error.message)
    return sent.token, FailedOutside(error.code, message, error.retryable, error.retry_after_seconds)


def read_heartbeat(body: str) -> tuple[str, Progress | None]:
    """Returns the token and the progress of a heartbeat. Raises as `read_finish` does."""
    sent = read_options(HeartbeatIn, _present(body))
    told = sent.progress
    return sent.token, None if told is None else Progress(round(told.fraction, 6), told.message)


def read_decision(body: str, *, approved: bool) -> Decision:
    """Returns the decision with the comment of a body, which may be empty. Raises as `read_finish` does."""
    return Decision(approved, read_options(DecisionIn, body).comment)


def outside_part(job: Job) -> OutsidePartOut:
    """Returns what an answer says about a job's time outside."""
    outside = job.outside
    if outside is None or not job.is_outside:
        return {"outside": None}
    return {
        "outside": {
            "since": to_wire(outside.since_ms),
            "lease_expires_at": to_wire(job.lease_expires_at_ms),
            "until": to_wire(outside.until_ms),
        }
    }


def heartbeat_out(job: Job) -> HeartbeatOut:
    """Returns the answer to a heartbeat after which the job is as it is."""
    return {"job_id": job.job_id, "attempt": job.attempt, **outside_part(job)}


def _refuse_large(result: Any) -> None:
    try:
        text = json.dumps(result, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        size_bytes = len(text.encode())
    except ValueError as error:
        raise InvalidRequest.of("result", "holds a value that is no JSON; leave it out") from error
    if size_bytes > limits.MAX_OUTSIDE_RESULT_BYTES:
        raise InvalidRequest.of(
            "result",
            f"has {size_bytes:,} bytes; at most {limits.MAX_OUTSIDE_RESULT_BYTES:,} are allowed: store it elsewhere "
            "and send its address",
        )


def _present(body: str) -> str:
    if not body:
        raise MalformedBody("the request has no body; send a JSON object")
    return body
