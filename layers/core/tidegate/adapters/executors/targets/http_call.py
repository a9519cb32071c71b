"""Runs a target that is an https call: each attempt posts its parameters once and reads the answer."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from functools import partial

from tidegate.adapters.executors.targets.waiting import as_text, in_thread, refuse_if_too_long
from tidegate.adapters.http_out.call import HttpsCaller
from tidegate.adapters.system import SystemStopwatch
from tidegate.domain import limits
from tidegate.domain.errors import JobError
from tidegate.domain.job import Json
from tidegate.domain.meanings import Meaning
from tidegate.domain.outside_calls import Answer, CallFailed, Fault
from tidegate.domain.targets import HttpCall
from tidegate.jobs.context import JobContext
from tidegate.jobs.targets.bounds import Bounds
from tidegate.ports import OutsideCaller

_LOGGER = logging.getLogger("tidegate.jobs")
# The faults that another attempt meets again.
_FOR_GOOD = frozenset({Fault.BAD_URL, Fault.REFUSED_ADDRESS, Fault.NO_TRUST})
# 408, 425 and 429 ask for a repeat (RFC 9110, 8470, 6585); so do errors of a server.
_ASK_FOR_A_REPEAT = frozenset({408, 425, 429, *range(500, 600)})


def run_call(
    work: HttpCall,
    parameters: Mapping[str, Json],
    context: JobContext,
    bounds: Bounds,
    *,
    caller: OutsideCaller | None = None,
) -> Json:
    """Posts the parameters as JSON; returns the body of the answer if it is JSON, otherwise None.

    A body that is no JSON leaves a line in the job's log, because the receiver did its work all the same.

    The header `idempotency-key` is the job and its attempt. The call goes to an address of the public internet, is sent
    once, and follows no redirect. Raises JobError by the answer's status, JobCancelled and JobTimedOut.
    """
    key = f"{context.job_id}-{context.attempt}{'-second' if context.is_second else ''}"
    headers = {
        "content-type": "application/json",
        "idempotency-key": key,
        "tidegate-job-id": context.job_id,
        "tidegate-attempt": str(context.attempt),
        **work.headers,
        **_secrets(work.secret_headers),
    }
    caller = caller or HttpsCaller(
        SystemStopwatch(), whole_seconds=bounds.remaining_seconds, answer_bytes=limits.MAX_RESULT_BYTES
    )
    try:
        answer = in_thread(partial(caller.post, work.url, headers, as_text(parameters).encode()), bounds)
    except CallFailed as error:
        bounds.check()
        raise JobError(
            str(error), code=f"http-{error.fault}", retryable=error.fault not in _FOR_GOOD
        ) from error
    return _result_of(work, answer)


def _secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """Returns headers with the values of their variables."""
    missing = sorted({name for name in variables.values() if name not in os.environ})
    if missing:
        raise JobError(
            f"the worker's environment lacks {', '.join(missing)}; set it and name it in TIDEGATE_JOB_ENVIRONMENT",
            code="variable-missing",
            retryable=False,
        )
    return {header: os.environ[name] for header, name in variables.items()}


def _result_of(work: HttpCall, answer: Answer) -> Json:
    if answer.is_success:
        return _body_of(answer)
    otherwise = Meaning(f"http-{answer.status}", answer.status in _ASK_FOR_A_REPEAT)
    meaning = work.statuses.get(answer.status, otherwise)
    raise JobError(
        f"the call was answered with status {answer.status}", code=meaning.code, retryable=meaning.retryable
    )


def _body_of(answer: Answer) -> Json:
    """Returns the body of a success. Raises JobError where it is too long, nested too deep, or did not come."""
    if answer.cut and not answer.body:
        raise JobError(
            f"the call was answered with status {answer.status}, and the body of the answer did not come",
            code=f"http-{Fault.BAD_ANSWER}",
        )
    # One byte more than is read makes the answer count as too long.
    refuse_if_too_long(answer.body + (b" " if answer.cut else b""), "the call")
    if not answer.body.strip():
        return None
    try:
        value: Json = json.loads(answer.body)
    except RecursionError as error:
        raise JobError(
            "the answer of the call is nested too deep", code="result-too-deep", retryable=False
        ) from error
    except ValueError:
        # The body itself may hold a secret, so it is not logged.
        _LOGGER.warning(
            "the call was answered with status %d and a body of %d bytes that is no JSON, so the job has no result",
            answer.status,
            len(answer.body),
        )
        return None
    return value
