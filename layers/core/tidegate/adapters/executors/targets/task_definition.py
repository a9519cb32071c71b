"""The task definition of a target that is a container image, and the names that it shares with the runner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tidegate.domain.containers import Container

CONTAINER: Final = "job"
"""The name of the one container in a task."""
_STREAM_PREFIX: Final = "container"


def log_group_of(stack: str) -> str:
    """Returns the log group for jobs of a stack, where its tasks write."""
    return f"/tidegate/{stack}/jobs"


def log_stream_of(task: str) -> str:
    """Returns the log stream of a task, which the driver `awslogs` makes of its prefix; `task` is an ARN."""
    return f"{_STREAM_PREFIX}/{CONTAINER}/{task.rpartition('/')[2]}"


def task_definition_of(work: Container, stack: str) -> Mapping[str, Any]:
    """Returns the arguments of RegisterTaskDefinition for a target of a stack."""
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": work.image,
        "essential": True,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": log_group_of(stack),
                "awslogs-region": work.cluster.split(":")[3],
                "awslogs-stream-prefix": _STREAM_PREFIX,
            },
        },
    }
    if work.command is not None:
        container["command"] = list(work.command)
    return {
        "family": work.family(stack),
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": str(work.cpu),
        "memory": str(work.memory_mib),
        "executionRoleArn": work.execution_role,
        **({"taskRoleArn": work.role} if work.role else {}),
        "containerDefinitions": [container],
    }
