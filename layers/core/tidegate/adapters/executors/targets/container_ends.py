"""The end of a task as the end of an attempt: a result, or an error by the exit code or by the reason of ECS."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from tidegate.adapters.executors.targets.container_logs import TaskLog
from tidegate.domain.containers import Container
from tidegate.domain.errors import JobError
from tidegate.domain.job import Json
from tidegate.jobs.targets.bounds import Bounds
from tidegate.jobs.targets.command import failure_of, result_of_line

_LOGGER = logging.getLogger("tidegate.jobs")
# By the task's stop code (docs.aws.amazon.com, Task, `stopCode`).
_STOPPED = {
    "SpotInterruption": "spot-interruption",
    "TerminationNotice": "task-retired",
    "UserInitiated": "task-stopped",
}
# By the first word of the reason for which a task did not start; and whether another attempt could help.
_NOT_STARTED = {
    "CannotPullContainerError": ("image-not-pulled", True),
    "CannotCreateContainerError": ("container-not-started", False),
    "CannotStartContainerError": ("container-not-started", False),
    "ResourceInitializationError": ("task-not-prepared", True),
}
_NO_SUCH_IMAGE = re.compile(
    "not found|not exist|manifest unknown|access denied|denied:|unauthorized|no basic auth|"
    "invalid reference|does not match the specified platform|no matching manifest",
    re.IGNORECASE,
)


def result_of_task(
    work: Container, task: str, ended: Mapping[str, Any], log: TaskLog, bounds: Bounds
) -> Json:
    """Copies the rest of the output; returns the result of a task that ended with exit code 0, otherwise raises."""
    error = failure_of_task(work, ended)
    if error is None:
        # Without the rest of the output nobody could tell the result.
        log.copy_rest(task, bounds)
        return result_of_line(log.last_line)
    try:
        log.copy_rest(task, bounds)
    except JobError as unread:
        _LOGGER.warning("the last output of task %s can't be read: %s", task, unread.code)
    raise error


def failure_of_task(work: Container, ended: Mapping[str, Any]) -> JobError | None:
    """Returns the error of a task that was stopped, None if its program ended with exit code 0."""
    container = (ended.get("containers") or [{}])[0]
    code = container.get("exitCode")
    reason = str(container.get("reason") or ended.get("stoppedReason") or "ECS gave no reason")
    stop = str(ended.get("stopCode") or "")
    if stop in _STOPPED:
        return JobError(f"ECS stopped the task: {reason}", code=_STOPPED[stop])
    if code == 0:
        return None
    if reason.startswith("OutOfMemory") and code not in work.exit_codes:
        return JobError(
            f"the container needed more than {work.memory_mib:,} MiB; raise memory_mib in targets.yaml",
            code="out-of-memory",
            retryable=False,
        )
    if code is not None:
        return failure_of(work.exit_codes, int(code), "container")
    told = str(ended.get("stoppedReason") or reason)
    for text in (told, reason):
        kind, retryable = _NOT_STARTED.get(text.partition(":")[0].strip(), ("", True))
        if kind:
            gone = kind == "image-not-pulled" and bool(_NO_SUCH_IMAGE.search(text))
            return JobError(f"the task did not start: {text}", code=kind, retryable=retryable and not gone)
    return JobError(f"the task ended without an exit code: {told}", code="task-lost")
