"""Runs the code of one attempt and says what came of it; no error of job code escapes."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ValidationError

from tidegate.domain import limits
from tidegate.domain.errors import HandlerError, JobCancelled, JobTimedOut
from tidegate.domain.job import Json
from tidegate.handlers.context import JobContext, storable
from tidegate.handlers.registry import Registry, describe

_LOGGER = logging.getLogger("tidegate.jobs")


class ReportKind(StrEnum):
    """How job code ended."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    STOPPED = "STOPPED"  # it heeded JobContext.check


@dataclass(frozen=True, slots=True)
class Report:
    """What came of job code: a result when SUCCEEDED, a code and a message when FAILED."""

    kind: ReportKind
    result: Json = None
    code: str = ""
    message: str = ""
    retryable: bool = True
    retry_after_seconds: float | None = None


def run_attempt(
    registry: Registry, job_type: str, parameters: Mapping[str, Json], context: JobContext
) -> Report:
    """Runs the code of `job_type` to its end. Errors of job code come back as a report, without a traceback.

    The traceback goes to the logger `tidegate.jobs` without any values. What is neither an `Exception` nor
    SystemExit passes through: the interrupts of whoever runs this.
    """
    found = registry.find(job_type)
    if found is None:
        return _failed(
            "unknown-type", f"this worker has no job type {job_type!r}; deploy the job code to every worker"
        )
    try:
        return _succeeded(found.function(found.parse(parameters), context))
    except JobTimedOut:
        return Report(ReportKind.TIMED_OUT)
    except JobCancelled as error:
        return Report(ReportKind.STOPPED, message=str(error))
    except HandlerError as error:
        return _failed(
            error.code,
            str(error),
            retryable=error.retryable,
            retry_after_seconds=_bounded(error.retry_after_seconds),
        )
    except ValidationError as error:
        if error.title == found.parameters.__name__:
            problems = "; ".join(f"{path}: {message}" for path, message in describe(error))
            return _failed("invalid-parameters", problems, retryable=False)
        return _unexpected(context, error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - job code may raise anything
        return _unexpected(context, error)


def _unexpected(context: JobContext, error: BaseException) -> Report:
    # Frames and the class only: an exception's text may hold parameters, and those never reach a log.
    frames = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error).__name__
    _LOGGER.error("job %s attempt %d raised %s\n%s", context.job_id, context.attempt, kind, frames)
    return _failed(kind, str(error) or f"job code raised {kind}")


def _bounded(seconds: float | None) -> float | None:
    if seconds is None or not seconds >= 0:  # no number either
        return None
    return min(float(seconds), limits.MAX_BACKOFF_SECONDS)


def _failed(
    code: str, message: str, *, retryable: bool = True, retry_after_seconds: float | None = None
) -> Report:
    return Report(
        ReportKind.FAILED,
        code=storable(code)[: limits.MAX_ERROR_CODE_CHARACTERS],
        message=storable(message)[: limits.MAX_ERROR_CHARACTERS],
        retryable=retryable,
        retry_after_seconds=retry_after_seconds,
    )


def _succeeded(value: object) -> Report:
    """What job code returned, as plain JSON values; a failure where it is too large or not JSON."""
    try:
        text = json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        size_bytes = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        message = f"job code returned what JSON can't say: {error}; return plain values or a pydantic model"
        return _failed("result-not-json", message, retryable=False)
    if size_bytes > limits.MAX_RESULT_BYTES:
        message = (
            f"the result is {size_bytes:,} bytes; at most {limits.MAX_RESULT_BYTES:,} are allowed: "
            "store it elsewhere and return its address"
        )
        return _failed("result-too-large", message, retryable=False)
    result: Json = json.loads(text)
    return Report(ReportKind.SUCCEEDED, result=result)


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")
