"""Runs a target that is a container image: each attempt starts one task of ECS on Fargate and follows it to its end.

The start of a task carries a client token made of the job and the attempt, so however often it is sent within 24 hours,
one task runs (docs.aws.amazon.com, RunTask). The same words are the task's `startedBy`, by which a later attempt finds
and stops what a lost worker has left. Nothing here registers a task definition: that is the deployer's, by
`tidegate types register`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Any

from tidegate.adapters.executors.targets.aws_service import client_for, refusal, refusals
from tidegate.adapters.executors.targets.container_ends import result_of_task
from tidegate.adapters.executors.targets.container_logs import TaskLog
from tidegate.adapters.executors.targets.task_definition import CONTAINER, log_group_of
from tidegate.adapters.executors.targets.waiting import EARLIER_ATTEMPTS, as_text, attempt_name, until_ended
from tidegate.domain.containers import Container
from tidegate.domain.errors import JobError
from tidegate.domain.job import Json
from tidegate.jobs.context import JobContext
from tidegate.jobs.targets.bounds import Bounds
from tidegate.jobs.targets.command import attempt_variables

_LOGGER = logging.getLogger("tidegate.jobs")
MAX_OVERRIDES_CHARACTERS = 8_192
"""The most that the overrides of a task may have, as JSON with its brackets (RunTask, `overrides`)."""
_MAX_TOKEN_CHARACTERS = 64  # RunTask, `clientToken`
_READ_SECONDS = 10.0
_TRIES = 4
_NOT_IN_A_NAME = re.compile("[^A-Za-z0-9_-]")
# RunTask tells of an unknown family by the words of a general error.
_UNREGISTERED = re.compile("task ?definition", re.IGNORECASE)


def run_container(
    work: Container, parameters: Mapping[str, Json], context: JobContext, bounds: Bounds
) -> Json:
    """Starts a task with the parameters in its environment and follows it to its end; returns its result.

    The task's output becomes the job's log, and its last line the result if that is JSON. When the attempt stops, the
    task is stopped too. Raises JobError by the task's exit code or by the reason why it could not run, JobCancelled and
    JobTimedOut.
    """
    stack = _stack()
    overrides = _overrides(parameters, context)
    client = client_for("ecs", work.cluster, read_seconds=_READ_SECONDS, tries=_TRIES)
    log = TaskLog(
        client_for("logs", work.cluster, read_seconds=_READ_SECONDS, tries=_TRIES), log_group_of(stack)
    )
    name = attempt_name(context, _NOT_IN_A_NAME)
    if not context.is_second:
        for attempt in range(max(1, context.attempt - EARLIER_ATTEMPTS), context.attempt):
            _stop_all_of(client, work.cluster, attempt_name(context, _NOT_IN_A_NAME, attempt))
    task: str | None = None
    try:
        task = _start(client, work, work.family(stack), name, overrides)
        ended = _followed(client, work.cluster, task, log, bounds)
    except BaseException:
        cause = "the attempt of the job ended before the task"
        if task is None:
            # The answer of the start may have been lost on the way.
            _stop_all_of(client, work.cluster, name)
        else:
            _stop(client, work.cluster, task, cause)
        raise
    return result_of_task(work, task, ended, log, bounds)


def _stack() -> str:
    stack = os.environ.get("TIDEGATE_STACK", "")
    if not stack:
        raise JobError(
            "the worker's environment lacks TIDEGATE_STACK, the name of the stack whose task definitions run",
            code="variable-missing",
            retryable=False,
        )
    return stack


def _overrides(parameters: Mapping[str, Json], context: JobContext) -> Mapping[str, Any]:
    variables = {**attempt_variables(context), "TIDEGATE_PARAMETERS": as_text(parameters)}
    environment = [{"name": name, "value": value} for name, value in variables.items()]
    overrides = {"containerOverrides": [{"name": CONTAINER, "environment": environment}]}
    characters = len(json.dumps(overrides))
    if characters > MAX_OVERRIDES_CHARACTERS:
        raise JobError(
            f"the parameters with their frame have {characters:,} characters, and ECS gives a task at most "
            f"{MAX_OVERRIDES_CHARACTERS:,}; store them elsewhere and give their address",
            code="parameters-too-large",
            retryable=False,
        )
    return overrides


def _start(client: Any, work: Container, family: str, started_by: str, overrides: Mapping[str, Any]) -> str:
    """Starts the task of an attempt, or finds it if it was started already; returns its ARN."""
    from botocore.exceptions import ClientError

    network = {
        "subnets": list(work.subnets),
        "securityGroups": list(work.security_groups),
        "assignPublicIp": "ENABLED" if work.public_address else "DISABLED",
    }
    try:
        with refusals(work.cluster, parameter="ContainerCluster and ContainerRoles"):
            answer = client.run_task(
                cluster=work.cluster,
                taskDefinition=family,
                count=1,
                launchType="FARGATE",
                clientToken=_token(started_by),
                startedBy=started_by,
                networkConfiguration={"awsvpcConfiguration": network},
                overrides=overrides,
            )
    except JobError as error:
        cause = error.__cause__
        said = (
            str(cause.response.get("Error", {}).get("Message", "")) if isinstance(cause, ClientError) else ""
        )
        if _UNREGISTERED.search(said) and error.code in ("ClientException", "InvalidParameterException"):
            raise JobError(
                f"no task definition of the family {family} is registered; register it with `tidegate types register`",
                code="not-registered",
                retryable=False,
            ) from error
        raise
    if answer["tasks"]:
        return str(answer["tasks"][0]["taskArn"])
    reason = str((answer.get("failures") or [{}])[0].get("reason") or "no reason")
    raise JobError(f"ECS started no task: {reason}", code="task-not-started")


def _token(started_by: str) -> str:
    if len(started_by) <= _MAX_TOKEN_CHARACTERS:
        return started_by
    return hashlib.sha256(started_by.encode()).hexdigest()


def _followed(client: Any, cluster: str, task: str, log: TaskLog, bounds: Bounds) -> Mapping[str, Any]:
    """Waits until the task has ended and copies its output meanwhile; returns its description."""

    def look() -> Mapping[str, Any] | None:
        with refusals(cluster, parameter="ContainerCluster"):
            answer = client.describe_tasks(cluster=cluster, tasks=[task])
        if not answer["tasks"]:
            # A task is not found for some moments after its start, and an hour or more after its end.
            raise JobError(f"ECS does not know the task {task}", code="task-missing")
        found: Mapping[str, Any] = answer["tasks"][0]
        if found["lastStatus"] == "STOPPED":
            return found
        log.copy_what_is_there(task)
        return None

    return until_ended(look, f"task {task}", bounds)


def _stop_all_of(client: Any, cluster: str, started_by: str) -> None:
    """Stops the task of an attempt, if one runs. A client token lets an attempt start one, so one page has it."""
    try:
        with refusals(cluster, parameter="ContainerCluster"):
            found = client.list_tasks(cluster=cluster, startedBy=started_by)["taskArns"]
    except JobError as error:
        _LOGGER.warning("the tasks that %s has left can't be listed: %s", started_by, error.code)
        return
    for task in found:
        _stop(client, cluster, task, "a later attempt of the job took its place")


def _stop(client: Any, cluster: str, task: str, cause: str) -> None:
    """Stops a task; does nothing where it has ended. Logs a refusal."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.stop_task(cluster=cluster, task=task, reason=f"tidegate: {cause}")
    except ClientError as error:
        _LOGGER.warning(
            "task %s can't be stopped: %s", task, refusal(cluster, error.response["Error"]["Code"]).code
        )
    except BotoCoreError as error:
        _LOGGER.warning("task %s can't be stopped: %s", task, type(error).__name__)
