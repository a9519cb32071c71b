"""The bodies that clients send, as pydantic models."""

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

from tidegate.contracts.times import read_moment
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType
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


class TypeLimitIn(_In):
    """The body that limits how many jobs of a type may run at once. Null removes the limit."""

    max_running: Annotated[int, Field(strict=True, ge=1, le=limits.MAX_TYPE_LIMIT)] | None


class NoOptionsIn(_In):
    """The body of a route without options. A field that a client sends is refused, not ignored."""


class CancelJobIn(_In):
    """The options of a cancellation. `downstream` also cancels all jobs that wait on the job."""

    downstream: Annotated[bool, Field(strict=True)] = False


class RetryJobIn(_In):
    """The options of a retry by hand. `reopen_skipped` also reopens the jobs that were skipped because of the job."""

    reopen_skipped: Annotated[bool, Field(strict=True)] = True
