"""Jobs and workflows on the wire."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from tidegate.contracts.times import read_moment, to_wire
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.rank import RankPolicy, effective_priority
from tidegate.domain.states import State
from tidegate.domain.texts import UNPRINTABLE

_SHARE_NAME = re.compile("[A-Za-z0-9._-]+")


def _text(max_characters: int) -> StringConstraints:
    # Other people read the client's names on their terminals and compare them by eye.
    return StringConstraints(
        strict=True, min_length=1, max_length=max_characters, pattern=f"^[^{UNPRINTABLE}]*$"
    )


def _share_name(text: str) -> str:
    if not _SHARE_NAME.fullmatch(text):
        raise ValueError("must hold letters, digits, dots, hyphens and underscores alone")
    return text


Key = Annotated[str, _text(limits.MAX_KEY_CHARACTERS)]
JobId = Annotated[str, _text(limits.MAX_JOB_ID_CHARACTERS)]
Name = Annotated[str, _text(limits.MAX_NAME_CHARACTERS)]
JobTypeName = Annotated[str, _text(limits.MAX_TYPE_CHARACTERS)]
PoolName = Annotated[str, _text(limits.MAX_POOL_CHARACTERS)]
TagText = Annotated[str, _text(limits.MAX_TAG_CHARACTERS)]
ShareName = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=limits.MAX_SHARE_CHARACTERS),
    AfterValidator(_share_name),
]
ShareWeight = Annotated[int, Field(strict=True, ge=1, le=limits.MAX_SHARE_WEIGHT)]
ConcurrencyKey = Annotated[str, _text(limits.MAX_CONCURRENCY_KEY_CHARACTERS)]
ConcurrencyLimit = Annotated[int, Field(strict=True, ge=1, le=limits.MAX_CONCURRENCY_LIMIT)]
Condition = Annotated[str, _text(limits.MAX_CONDITION_CHARACTERS)]
Tags = Annotated[dict[TagText, TagText], Field(max_length=limits.MAX_TAGS)]
Priority = Annotated[int, Field(strict=True, ge=limits.MIN_PRIORITY, le=limits.MAX_PRIORITY)]
Estimate = Annotated[
    float, Field(strict=True, ge=0, le=limits.MAX_ESTIMATED_DURATION_SECONDS, allow_inf_nan=False)
]
CriticalPathWeight = Annotated[
    float, Field(strict=True, ge=0, le=limits.MAX_CRITICAL_PATH_WEIGHT, allow_inf_nan=False)
]
TimeoutSeconds = Annotated[int, Field(strict=True, ge=1, le=limits.MAX_TIMEOUT_SECONDS)]
BackoffSeconds = Annotated[int, Field(strict=True, ge=0, le=limits.MAX_BACKOFF_SECONDS)]
ErrorCodes = Annotated[
    frozenset[Annotated[str, _text(limits.MAX_ERROR_CODE_CHARACTERS)]],
    Field(max_length=limits.MAX_RETRY_CODES),
]
MaxRetries = Annotated[int, Field(strict=True, ge=0, le=limits.MAX_RETRIES)]
Moment = Annotated[datetime, BeforeValidator(read_moment)]


class _In(BaseModel):
    # A misspelt field is refused, not ignored. Numbers and strings are strict: "5" is not a priority.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DependencyIn(_In):
    """An edge to a job of the same workflow (`key`) or to an earlier job (`job_id`)."""

    key: Key | None = None
    job_id: JobId | None = None
    type: DependencyType = DependencyType.MUST_SUCCEED
    condition: Condition | None = None

    @model_validator(mode="after")
    def _exactly_one_upstream(self) -> Self:
        if (self.key is None) == (self.job_id is None):
            raise ValueError("must name exactly one of key (same workflow) and job_id (earlier job)")
        return self


class RetryIn(_In):
    """The backoff between attempts in seconds, and the codes of errors that are never or always retried."""

    backoff_seconds: BackoffSeconds = limits.DEFAULT_BACKOFF_SECONDS
    max_backoff_seconds: BackoffSeconds = limits.DEFAULT_MAX_BACKOFF_SECONDS
    never_on: ErrorCodes = frozenset()
    always_on: ErrorCodes = frozenset()

    @model_validator(mode="after")
    def _no_code_in_both(self) -> Self:
        both = sorted(self.never_on & self.always_on)
        if both:
            raise ValueError(f"has {both[0]!r} in never_on and in always_on; leave it in one of them")
        return self


class ShareIn(_In):
    """The share of its pool that a job belongs to.

    `weight` is the share's part of the pool, compared with other shares.
    """

    name: ShareName
    weight: ShareWeight = 1


class JobIn(_In):
    """A job as a client sends it. `key` is required in a workflow."""

    type: JobTypeName
    parameters: dict[str, Any] = Field(default_factory=dict)
    key: Key | None = None
    name: Name | None = None
    priority: Priority | None = None
    pool: PoolName | None = None
    requires: Annotated[tuple[TagText, ...], Field(max_length=limits.MAX_REQUIREMENTS)] = ()
    share: ShareIn | None = None
    concurrency_key: ConcurrencyKey | None = None
    concurrency_limit: ConcurrencyLimit = 1
    tags: Tags = Field(default_factory=dict)
    depends_on: Annotated[tuple[DependencyIn, ...], Field(max_length=limits.MAX_DEPENDENCIES_PER_JOB)] = ()
    not_before: Moment | None = None
    estimated_duration_seconds: Estimate | None = None
    timeout_seconds: TimeoutSeconds | None = None
    max_retries: MaxRetries = limits.DEFAULT_MAX_RETRIES
    retry: RetryIn = RetryIn()


class WorkflowIn(_In):
    """A workflow as a client sends it.

    `priority`, `pool`, `share` and `tags` apply to jobs that give none of their own. `critical_path_weight` is in
    points per second of the path that begins with a job. Each of `jobs` is a JobIn. They are validated one by one, so
    that a bad body costs no more than a good one.
    """

    jobs: Annotated[tuple[Any, ...], Field(min_length=1, max_length=limits.MAX_JOBS_PER_WORKFLOW)]
    name: Name | None = None
    priority: Priority | None = None
    critical_path_weight: CriticalPathWeight | None = None
    pool: PoolName | None = None
    share: ShareIn | None = None
    tags: Tags = Field(default_factory=dict)


def job_out(job: Job, policy: RankPolicy, now_ms: int) -> dict[str, Any]:
    """Returns a job as clients read it, with its `effective_priority` at `now_ms` (milliseconds) while it is READY."""
    points = None
    if job.state is State.READY and job.ready_at_ms is not None:
        boost = job.critical_path_boost_millipoints
        points = effective_priority(policy, job.priority, job.ready_at_ms, job.tries, now_ms, boost)
    given = job.input
    failure = job.failure
    return {
        "job_id": job.job_id,
        "workflow_id": job.workflow_id,
        "key": job.key,
        "name": job.name,
        "type": job.type,
        "state": job.state,
        "priority": job.priority,
        "effective_priority": points,
        "critical_path_boost": job.critical_path_boost_millipoints / 1_000,
        "pool": job.pool,
        "requires": list(job.requires),
        "share": job.share or None,
        "concurrency_key": job.concurrency_key,
        "concurrency_limit": job.concurrency_limit if job.concurrency_key else None,
        "held_in": job.held_in or None,
        "tags": dict(job.tags),
        "attempt": job.attempt,
        "tries": job.tries,
        "worker_losses": job.worker_losses,
        "reopened": job.reopened,
        "worker": job.worker_id,
        "parameters": given.parameters if given else None,
        "depends_on": [
            {"job_id": edge.upstream_id, "type": edge.type, "condition": edge.condition}
            for edge in (given.depends_on if given else ())
        ],
        "waiting_on_count": len(job.waiting_on),
        **_times_out(job),
        "cancel_requested_by": job.cancel_requested_by,
        "timeout_seconds": job.timeout_seconds,
        "max_retries": job.retry.max_retries,
        "retry": {
            "backoff_seconds": job.retry.backoff_seconds,
            "max_backoff_seconds": job.retry.max_backoff_seconds,
            "never_on": sorted(job.retry.never_on),
            "always_on": sorted(job.retry.always_on),
        },
        "estimated_duration_seconds": job.estimated_duration_seconds,
        "actual_duration_seconds": job.actual_duration_seconds,
        "progress": {"fraction": job.progress.fraction, "message": job.progress.message}
        if job.progress
        else None,
        # Left out where it overflowed and was not loaded, because null would mean that there is none.
        **({} if job.result_apart and job.result is None else {"result": job.result}),
        "error": (
            {"code": failure.code, "message": failure.message, "upstream_id": failure.upstream_id}
            if failure
            else None
        ),
        "history": [_step_out(entry) for entry in job.history],
    }


def _step_out(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "at": to_wire(entry.at_ms),
        "state": entry.state,
        "attempt": entry.attempt,
        "actor": entry.actor,
        "reason": entry.reason or None,
    }


def _times_out(job: Job) -> dict[str, str | None]:
    return {
        "created_at": to_wire(job.created_at_ms),
        "not_before": to_wire(job.not_before_ms),
        "due_at": to_wire(job.due_at_ms),
        "ready_at": to_wire(job.ready_at_ms),
        "queued_at": to_wire(job.queued_at_ms),
        "started_at": to_wire(job.started_at_ms),
        "began_at": to_wire(job.began_at_ms),
        "finished_at": to_wire(job.finished_at_ms),
        "cancel_requested_at": to_wire(job.cancel_requested_at_ms),
    }
