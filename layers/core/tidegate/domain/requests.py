"""Requests of clients, whose shape has been checked. The use cases check their meaning.

`field` is the path of a value in the client's request, so that every violation can name it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import GivenFields, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyRequest:
    """An edge to a job of the same workflow (`key`) or of an earlier submission (`job_id`).

    Exactly one of the two is given. `condition` is a CEL expression, for the type CONDITIONAL only.
    """

    key: str | None = None
    job_id: str | None = None
    type: DependencyType = DependencyType.MUST_SUCCEED
    condition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRequest:
    """The share of a pool that a job belongs to.

    `weight` (1-1000) is the weight of the share, not of the job. Only operators may give one, for a share that nobody
    made; it counts while the share is new or rests. None takes the share's weight.
    """

    name: str
    weight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest(GivenFields):
    """One job as the client asked for it.

    None means that the client gave no value: the workflow's value or the default is used. `namespace` is a shared one
    for the keys of a job submitted alone; None takes the caller's own.
    """

    parameters: Mapping[str, Json] = field(default_factory=dict)
    priority: int | None = None
    pool: str | None = None
    share: ShareRequest | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[DependencyRequest, ...] = ()
    timeout_seconds: int | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRequest:
    """A workflow as the client asked for it: jobs with keys, and values for the jobs that give none of their own.

    `critical_path_weight` is in points per second of remaining path (0-1000); None takes the deployment's value.
    `finish_by_ms`, in milliseconds since the epoch, is when the last job ought to have ended. No job takes it over.
    `namespace` is as in JobRequest, for all of the workflow's keys.
    """

    jobs: tuple[JobRequest, ...]
    name: str | None = None
    priority: int | None = None
    critical_path_weight: float | None = None
    pool: str | None = None
    share: ShareRequest | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    finish_by_ms: int | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfRequest:
    """The changes that a caller wants in a forecast, and the jobs and workflows (`about`) that it asks about.

    `slots` is the number of slots (0 or more) by pool, `add_slots` how many more, or fewer below 0. No pool is in both.
    `priorities` are by the id of a job or of a workflow. `submit` is one more submission.
    """

    about: tuple[str, ...] = ()
    slots: Mapping[str, int] = field(default_factory=dict)
    add_slots: Mapping[str, int] = field(default_factory=dict)
    priorities: Mapping[str, int] = field(default_factory=dict)
    pause_pools: tuple[str, ...] = ()
    pause_types: tuple[str, ...] = ()
    submit: JobRequest | WorkflowRequest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAccepted:
    """The answer to a job's submission. `created` is False where the idempotency key found an earlier submission."""

    job_id: str
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowAccepted:
    """The answer to a workflow's submission, with `job_ids` by key.

    `created` is False where the idempotency key found an earlier submission.
    """

    workflow_id: str
    job_ids: Mapping[str, str]
    created: bool
