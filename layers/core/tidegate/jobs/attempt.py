"""Runs the code of one attempt and returns a report; no error of job code escapes."""

from __future__ import annotations

import inspect
import json
import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ValidationError

from tidegate.domain import limits
from tidegate.domain.depth import is_deeper_than
from tidegate.domain.errors import JobCancelled, JobError, JobTimedOut
from tidegate.domain.job import Json
from tidegate.domain.texts import plain_message
from tidegate.jobs.context import JobContext
from tidegate.jobs.coroutines import run_coroutine
from tidegate.jobs.registry import InvalidParameters, JobType, describe

_LOGGER = logging.getLogger("tidegate.jobs")


class Interrupted(BaseException):
    """The error that an executor raises inside job code to stop it.

    It is not an Exception, so that `except Exception` in job code does not catch it.
    """


class ReportKind(StrEnum):
    """The ways in which job code can end."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    STOPPED = "STOPPED"  # it let JobCancelled pass


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """The end of job code: a result when SUCCEEDED, a code and a message when FAILED."""

    kind: ReportKind
    result: Json = None
    code: str = ""
    message: str = ""
    retryable: bool = True
    retry_after_seconds: float | None = None


def run_attempt(found: JobType, parameters: Mapping[str, Json], context: JobContext) -> AttemptReport:
    """Runs the code of the job type `found` to its end; returns an error as a report, without a traceback.

    The traceback goes to the logger `tidegate.jobs`, without any values. Only Interrupted is raised.
    """
    try:
        value = found.function(found.parse(parameters), context)
        if inspect.iscoroutine(value):
            value = run_coroutine(value, context)
        return _succeeded(value)
    except Interrupted:
        raise
    except JobTimedOut:
        return AttemptReport(ReportKind.TIMED_OUT)
    except JobCancelled as error:
        return AttemptReport(ReportKind.STOPPED, message=_text_of(error))
    except InvalidParameters as error:
        return _failed("invalid-parameters", str(error), retryable=False)
    except JobError as error:
        if (
            found.target is None
        ):  # the frames of a target are tidegate's own, and say nothing about its command
            _log_frames(context, error)
        return _failed(
            str(error.code),
            _text_of(error),
            retryable=bool(error.retryable),
            retry_after_seconds=_bounded(error.retry_after_seconds),
        )
    except ValidationError as error:
        if error.title == found.parameters.__name__:
            problems = "; ".join(f"{path}: {message}" for path, message in describe(error))
            return _failed("invalid-parameters", problems, retryable=False)
        return _unexpected(context, error)
    except BaseException as error:  # noqa: BLE001 - job code may raise anything
        return _unexpected(context, error)


def report_from(message: Mapping[str, Any]) -> AttemptReport:
    """Returns the report in a message of a process that runs job code.

    Every limit is checked again, because job code itself could have sent the message. Raises KeyError, TypeError or
    ValueError where the message holds no report.
    """
    kind = ReportKind(message["report"])
    if kind is ReportKind.SUCCEEDED:
        return _succeeded(message["result"])
    if kind is ReportKind.FAILED:
        return _failed(
            str(message["code"]),
            str(message["message"]),
            retryable=bool(message["retryable"]),
            retry_after_seconds=_bounded(message["retry_after_seconds"]),
        )
    return AttemptReport(kind)


def _unexpected(context: JobContext, error: BaseException) -> AttemptReport:
    _log_frames(context, error)
    return _failed(type(error).__name__, _text_of(error))


def _log_frames(context: JobContext, error: BaseException) -> None:
    # Logs frames and the class only, because an exception's text may hold parameters, which must never reach a log.
    own = error.__traceback__  # the frame of `run_attempt`
    frames = "".join(traceback.format_tb((own and own.tb_next) or own)).rstrip()
    kind = type(error).__name__
    _LOGGER.error("job %s attempt %d raised %s\n%s", context.job_id, context.attempt, kind, frames)


def _text_of(error: BaseException) -> str:
    """Returns the text of an error of job code, or its class if it has no text or its own code fails."""
    kind = type(error).__name__
    try:
        return str(error) or f"job code raised {kind}"
    except Exception:  # noqa: BLE001 - __str__ is job code too
        return f"job code raised {kind}, whose text can't be read"


def _bounded(seconds: object) -> float | None:
    """Returns the wait that job code asked for, cut to the limit; None if it is no valid number of seconds."""
    if not isinstance(seconds, int | float) or not seconds >= 0:  # this also excludes NaN
        return None
    return float(min(seconds, limits.MAX_BACKOFF_SECONDS))


def _failed(
    code: str, message: str, *, retryable: bool = True, retry_after_seconds: float | None = None
) -> AttemptReport:
    return AttemptReport(
        ReportKind.FAILED,
        code=" ".join(plain_message(code).split())[: limits.MAX_ERROR_CODE_CHARACTERS],
        message=plain_message(message)[: limits.MAX_ERROR_CHARACTERS],
        retryable=retryable,
        retry_after_seconds=retry_after_seconds,
    )


def _succeeded(value: object) -> AttemptReport:
    """Returns a report of the value as plain JSON, or of a failure if it is too large, too deep or not JSON."""
    try:
        text = json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        size_bytes = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        message = f"job code returned no JSON value: {error}; return plain values or a pydantic model"
        return _failed("result-not-json", message, retryable=False)
    if size_bytes > limits.MAX_RESULT_BYTES:
        message = (
            f"the result is {size_bytes:,} bytes; at most {limits.MAX_RESULT_BYTES:,} are allowed: "
            "store it elsewhere and return its address"
        )
        return _failed("result-too-large", message, retryable=False)
    result: Json = json.loads(text)
    if is_deeper_than(result, limits.MAX_RESULT_DEPTH):
        message = (
            f"the result's values are nested in more than {limits.MAX_RESULT_DEPTH} lists and objects; "
            "return them side by side"
        )
        return _failed("result-too-deep", message, retryable=False)
    return AttemptReport(ReportKind.SUCCEEDED, result=result)


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")
