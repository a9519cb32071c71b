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
from tidegate.adapters.executors.targets.waiting import as_text, result_from
from tidegate.domain.errors import JobError, JobTimedOut
from tidegate.domain.job import Json
from tidegate.domain.targets import StateMachine, execution_arn, machine_arn
from tidegate.jobs.context import JobContext
from tidegate.jobs.targets.bounds import Bounds

_LOGGER = logging.getLogger("tidegate.jobs")
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 15.0
_GROWTH = 1.5
EARLIER_ATTEMPTS = 3
"""How many earlier attempts' executions a later attempt stops; an attempt that never began has none."""
_STOP_SECONDS = 2.0  # before the timeout, so that the execution is stopped before the process is killed
MOST_UNTOLD = 10
"""Questions in a row about an execution that AWS may leave unanswered; its work goes on meanwhile."""
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
    name = _name(context)
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


def _name(context: JobContext, attempt: int | None = None) -> str:
    """Returns the name of an attempt's execution: at most 80 characters, of those that AWS allows."""
    number = context.attempt if attempt is None else attempt
    second = "-second" if context.is_second else ""
    return f"{_NOT_IN_A_NAME.sub('_', context.job_id)[:64]}-{number}{second}"[:80]


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
    """Waits until the execution has ended; returns its description.

    An execution outlives a question that AWS throttles or can't answer: only `MOST_UNTOLD` in a row end the attempt.
    """
    wait_seconds = FIRST_WAIT_SECONDS
    untold = 0
    while True:
        try:
            with refusals(machine):
                found: Mapping[str, Any] = client.describe_execution(executionArn=execution)
        except JobError as error:
            untold += 1
            if not error.retryable or untold >= MOST_UNTOLD:
                raise
            _LOGGER.warning("the state of execution %s is asked for again: %s", execution, error.code)
        else:
            untold = 0
            if found.get("status") not in ("RUNNING", "PENDING_REDRIVE"):
                return found
        left_seconds = bounds.remaining_seconds - _STOP_SECONDS
        if left_seconds <= 0:
            bounds.check()
            raise JobTimedOut("the time allowed for this attempt is over")
        bounds.sleep(min(wait_seconds, left_seconds))
        wait_seconds = min(wait_seconds * _GROWTH, LONGEST_WAIT_SECONDS)


def _failure(found: Mapping[str, Any]) -> JobError:
    status = str(found.get("status"))
    code = str(found.get("error") or f"execution-{status.lower().replace('_', '-')}")
    cause = str(found.get("cause") or f"the execution ended as {status}")
    return JobError(cause, code=code)


def _stop_earlier(client: Any, machine: str, context: JobContext) -> None:
    for attempt in range(max(1, context.attempt - EARLIER_ATTEMPTS), context.attempt):
        _stop(
            client,
            execution_arn(machine, _name(context, attempt)),
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
