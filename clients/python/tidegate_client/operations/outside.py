"""Jobs outside: their heartbeats and ends by the token of their attempt, and the decisions about approvals."""

from __future__ import annotations

from typing import Any

from tidegate_client.models.base import reader
from tidegate_client.models.jobs import HeartbeatOutside, Job
from tidegate_client.wire import Operation, Request, request


def finish_job(
    job_id: str,
    *,
    token: str,
    result: Any = None,
) -> Operation[Job]:
    """Ends a job outside as SUCCEEDED by its attempt's token, and returns the job after that.

    `result` is JSON of at most 4 KB. The same call again answers as the first. Raises NotFound, Forbidden for a token
    of another job, and Conflict if the attempt has ended or its code still runs.
    """
    return Operation(_finish(job_id, {"token": token, "result": result}), reader(Job))


def fail_job(
    job_id: str,
    *,
    token: str,
    code: str,
    message: str = "",
    retryable: bool = True,
    retry_after_seconds: float | None = None,
) -> Operation[Job]:
    """Ends an attempt outside as failed by its token, and returns the job after that, which may be retried.

    `retryable` and `retry_after_seconds` (0-86,400) are about another attempt. The same call again answers as the
    first. Raises as `finish_job` does.
    """
    error: dict[str, Any] = {"code": code, "message": message, "retryable": retryable}
    if retry_after_seconds is not None:
        error["retry_after_seconds"] = retry_after_seconds
    return Operation(_finish(job_id, {"token": token, "error": error}), reader(Job))


def beat_job(
    job_id: str, *, token: str, fraction: float | None = None, message: str = ""
) -> Operation[HeartbeatOutside]:
    """Extends the lease of a job outside by its attempt's token, and stores its progress where `fraction` is given.

    Returns when the lease ends now. Raises as `finish_job` does.
    """
    body: dict[str, Any] = {"token": token}
    if fraction is not None:
        body["progress"] = {"fraction": fraction, "message": message}
    return Operation(request("POST", "/v1/jobs/{}/heartbeat", job_id, body=body), reader(HeartbeatOutside))


def approve_job(job_id: str, *, comment: str = "") -> Operation[Job]:
    """Approves a job of type `tidegate.approval`, and returns the job after that, with the decision as its result.

    The same call again answers as the first. Raises NotFound, Forbidden if the caller may not decide, and Conflict if
    the job does not wait for a decision.
    """
    return _decide("approve", job_id, comment)


def reject_job(job_id: str, *, comment: str = "") -> Operation[Job]:
    """Rejects a job of type `tidegate.approval`, which fails and is not retried. Raises as `approve_job` does."""
    return _decide("reject", job_id, comment)


def _finish(job_id: str, body: dict[str, Any]) -> Request:
    return request("POST", "/v1/jobs/{}/finish", job_id, body=body)


def _decide(act: str, job_id: str, comment: str) -> Operation[Job]:
    return Operation(request("POST", f"/v1/jobs/{{}}/{act}", job_id, body={"comment": comment}), reader(Job))
