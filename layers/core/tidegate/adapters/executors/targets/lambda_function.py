"""Runs a target that is a Lambda function: each attempt calls it once and waits for its answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from tidegate.adapters.executors.targets.aws_service import client_for, refusals
from tidegate.adapters.executors.targets.waiting import as_text, in_thread, result_from
from tidegate.domain import limits
from tidegate.domain.errors import JobError
from tidegate.domain.job import Json
from tidegate.domain.targets import LambdaFunction
from tidegate.jobs.context import JobContext
from tidegate.jobs.targets.bounds import Bounds

_LONGEST_SECONDS = 930  # a function runs for 900 s at most


def run_function(
    work: LambdaFunction, parameters: Mapping[str, Json], context: JobContext, bounds: Bounds
) -> Json:
    """Calls the function with the parameters as its event; returns its answer.

    The client context says which job and which attempt call, so that the function can make an effect safe to repeat.
    The call is sent once: a repeat could run the function twice for one attempt. Raises JobError with the function's
    error type as the code, JobCancelled and JobTimedOut. A function that runs when the attempt stops goes on.
    """
    who = {"custom": {"tidegate": {"job_id": context.job_id, "attempt": context.attempt, "key": context.key}}}
    seconds = min(bounds.remaining_seconds, _LONGEST_SECONDS)

    def call() -> tuple[str, bytes]:
        with refusals(work.function):
            answer = client_for("lambda", work.function, read_seconds=seconds, tries=1).invoke(
                FunctionName=work.function,
                InvocationType="RequestResponse",
                Payload=as_text(parameters).encode(),
                ClientContext=base64.b64encode(json.dumps(who).encode()).decode(),
            )
            return str(answer.get("FunctionError", "")), answer["Payload"].read(limits.MAX_RESULT_BYTES + 1)

    failed, text = in_thread(call, bounds)
    if failed:
        raise _failure(work.function, text)
    return result_from(text, work.function)


def _failure(function: str, text: bytes) -> JobError:
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        said = {}
    kind = str(said.get("errorType") or "function-error")
    return JobError(str(said.get("errorMessage") or f"{function} failed: {kind}"), code=kind)
