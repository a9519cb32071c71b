"""Runs a target that is a Step Functions state machine: each attempt starts one execution and follows it to its end.

The execution's name holds the job and the attempt, so however often the start of an attempt is sent, one execution
runs. AWS answers a repeated name with the first execution while that runs, and with ExecutionAlreadyExists once it has
ended (docs.aws.amazon.com, StartExecution). Both lead to the same execution here. A worker that was lost may leave an
execution behind, so a later attempt first stops those of the attempts before it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from tidegate.adapters.executors.targets.aws_service import client_for, refusals
from tidegate.adapters.executors.targets.waiting import (
    EARLIER_ATTEMPTS,
    as_text,
    attempt_name,
    result_from,
    until_ended,
)
from tidegate.domain.errors import JobError
from tidegate.domain.job import Json
from tidegate.domain.targets import StateMachine, execution_arn, machine_arn
from tidegate.jobs.context import JobContext
from tidegate.jobs.targets.bounds import Bounds

_LOGGER = logging.getLogger("tidegate.jobs")
_READ_SECONDS = 10.0
_TRIES = 4
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.+=@()'-]")


def run_machine(
    work: StateMachine, parameters: Mapping[str, Json], context: JobContext, bounds: Bounds
) -> Json:
    """Starts an execution with the parameters as its input and follows it to its end; returns its output.

    When the attempt stops, the execution is stopped too. Raises JobError with the execution's error as the code,
    JobCancelled and JobTimedOut.
    """
    client = client_for("stepfunctions", work.machine, read_seconds=_READ_SECONDS, tries=_TRIES)
    name = attempt_name(context, _NOT_IN_A_NAME)
    execution = execution_arn(work.machine, name)
    if not context.is_second:
        _stop_earlier(client, work.machine, context)
    try:
        with refusals(machine_arn(work.machine)):
            execution = _start(client, work.machine, name, as_text(parameters)) or execution
        found = followed(client, work.machine, execution, bounds)
    except BaseException:
        # Also where the start failed: its answer may have been lost on the way.
        _stop(client, execution, "the attempt of the job ended before the execution")
        raise
    if found["status"] == "SUCCEEDED":
        return result_from(str(found.get("output") or ""), execution)
    raise _failure(found)


def _start(client: Any, machine: str, name: str, given: str) -> str | None:
    """Starts an execution; returns its ARN, None if one of that name has ended already."""
    from botocore.exceptions import ClientError

    try:
        started: str = client.start_execution(stateMachineArn=machine, name=name, input=given)["executionArn"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ExecutionAlreadyExists":
            raise
        return None
    return started


def followed(client: Any, machine: str, execution: str, bounds: Bounds) -> Mapping[str, Any]:
    """Waits until the execution has ended; returns its description."""

    def look() -> Mapping[str, Any] | None:
        with refusals(machine):
            found: Mapping[str, Any] = client.describe_execution(executionArn=execution)
        return None if found.get("status") in ("RUNNING", "PENDING_REDRIVE") else found

    return until_ended(look, f"execution {execution}", bounds)


def _failure(found: Mapping[str, Any]) -> JobError:
    status = str(found.get("status"))
    code = str(found.get("error") or f"execution-{status.lower().replace('_', '-')}")
    cause = str(found.get("cause") or f"the execution ended as {status}")
    return JobError(cause, code=code)


def _stop_earlier(client: Any, machine: str, context: JobContext) -> None:
    for attempt in range(max(1, context.attempt - EARLIER_ATTEMPTS), context.attempt):
        _stop(
            client,
            execution_arn(machine, attempt_name(context, _NOT_IN_A_NAME, attempt)),
            "a later attempt of the job took its place",
        )


def _stop(client: Any, execution: str, cause: str) -> None:
    """Stops an execution; does nothing where there is none or it has ended. Logs any other refusal."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.stop_execution(executionArn=execution, error="tidegate-stopped", cause=cause)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code != "ExecutionDoesNotExist":
            _LOGGER.warning("execution %s can't be stopped: %s", execution, code)
    except BotoCoreError as error:
        _LOGGER.warning("execution %s can't be stopped: %s", execution, type(error).__name__)
