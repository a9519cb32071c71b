"""The Python client of tidegate's API.

with Client("https://….execute-api.eu-central-1.amazonaws.com/prod", auth=SigV4("eu-central-1")) as client:
    accepted = client.submit_job({"type": "text.count", "parameters": {"path": "README.md"}})
    job = client.wait_job(accepted.id, timeout_seconds=60)

`SigV4` is in `tidegate_client.sigv4`, because it needs the extra `aws`.
"""

from __future__ import annotations

from tidegate_client.async_client import AsyncClient
from tidegate_client.auth import Bearer
from tidegate_client.client import Client
from tidegate_client.errors import (
    ApiError,
    ClientError,
    Conflict,
    FieldFault,
    Forbidden,
    IdempotencyConflict,
    InvalidArgument,
    InvalidRequest,
    InvalidWorkflow,
    NotFound,
    ServerError,
    StillRunning,
    TooManyRequests,
    UnexpectedAnswer,
    Unreachable,
)
from tidegate_client.exchange import RetryPolicy
from tidegate_client.following import Polling, WorkflowChange
from tidegate_client.models.states import State
from tidegate_client.operations.bulk import JobFilter
from tidegate_client.operations.jobs import Accepted
from tidegate_client.workflow import Earlier, JobRef, Workflow

__all__ = [
    "Accepted",
    "ApiError",
    "AsyncClient",
    "Bearer",
    "Client",
    "ClientError",
    "Conflict",
    "Earlier",
    "FieldFault",
    "Forbidden",
    "IdempotencyConflict",
    "InvalidArgument",
    "InvalidRequest",
    "InvalidWorkflow",
    "JobFilter",
    "JobRef",
    "NotFound",
    "Polling",
    "RetryPolicy",
    "ServerError",
    "State",
    "StillRunning",
    "TooManyRequests",
    "UnexpectedAnswer",
    "Unreachable",
    "Workflow",
    "WorkflowChange",
]
