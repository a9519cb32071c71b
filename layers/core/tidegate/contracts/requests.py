"""The bodies that clients send, as pydantic models, and their readers. Each fault is named with its field."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, from_json

from tidegate.contracts.times import read_moment, to_ms
from tidegate.contracts.violations import join_path, oversize_violations, too_large_numbers, violations_of
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import BodyTooLarge, InvalidRequest, MalformedBody, Violation
from tidegate.domain.requests import DependencyRequest, JobRequest, ShareRequest, WorkflowRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.texts import UNPRINTABLE

MAX_REPORTED = 50  # enough to correct a request; further violations repeat the same faults
_LONGEST_BODY_ESCAPE = 6  # a control character becomes \u00XX; other characters stay UTF-8
ModelT = TypeVar("ModelT", bound=BaseModel)
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


def _stored(seconds: float) -> float:
    """Rounds to the microsecond, because the store can't hold numbers that are much nearer to 0."""
    return round(seconds, 6)


Key = Annotated[str, _text(limits.MAX_KEY_CHARACTERS)]
JobId = Annotated[str, _text(limits.MAX_JOB_ID_CHARACTERS)]
Name = Annotated[str, _text(limits.MAX_NAME_CHARACTERS)]
Description = Annotated[str, _text(limits.MAX_DESCRIPTION_CHARACTERS)]
JobTypeName = Annotated[str, _text(limits.MAX_TYPE_CHARACTERS)]
PoolName = Annotated[str, _text(limits.MAX_POOL_CHARACTERS)]
TagText = Annotated[str, _text(limits.MAX_TAG_CHARACTERS)]
SharedNamespace = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=limits.MAX_NAMESPACE_CHARACTERS),
    AfterValidator(_share_name),
]
ShareName = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=limits.MAX_SHARE_CHARACTERS),
    AfterValidator(_share_name),
    Field(json_schema_extra={"pattern": f"^{_SHARE_NAME.pattern}$"}),
]
ShareWeight = Annotated[int, Field(strict=True, ge=1, le=limits.MAX_SHARE_WEIGHT)]
ConcurrencyKey = Annotated[str, _text(limits.MAX_CONCURRENCY_KEY_CHARACTERS)]
ConcurrencyLimit = Annotated[int, Field(strict=True, ge=1, le=limits.MAX_CONCURRENCY_LIMIT)]
Condition = Annotated[str, _text(limits.MAX_CONDITION_CHARACTERS)]
Tags = Annotated[dict[TagText, TagText], Field(max_length=limits.MAX_TAGS)]
Priority = Annotated[int, Field(strict=True, ge=limits.MIN_PRIORITY, le=limits.MAX_PRIORITY)]
Estimate = Annotated[
    float,
    Field(strict=True, ge=0, le=limits.MAX_ESTIMATED_DURATION_SECONDS, allow_inf_nan=False),
    AfterValidator(_stored),
]
CriticalPathWeight = Annotated[
    float, Field(strict=True, ge=0, le=limits.MAX_CRITICAL_PATH_WEIGHT, allow_inf_nan=False)
]
TimeoutSeconds = Annotated[int, Field(strict=True, ge=1, le=limits.MAX_TIMEOUT_SECONDS)]
BackoffSeconds = Annotated[int, Field(strict=True, ge=0, le=limits.MAX_BACKOFF_SECONDS)]
ErrorCodes = Annotated[
    frozenset[Annotated[str, _text(limits.MAX_ERROR_CODE_CHARACTERS)]],
    # A code that is given twice counts once.
    Field(max_length=limits.MAX_RETRY_CODES, json_schema_extra={"uniqueItems": False}),
]
MaxRetries = Annotated[int, Field(strict=True, ge=0, le=limits.MAX_RETRIES)]
Moment = Annotated[datetime, BeforeValidator(read_moment)]


class BodyIn(BaseModel):
    """The base of all bodies and of the objects in them."""

    # A misspelt field is refused, not ignored. Numbers and strings are strict: "5" is not a priority.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DependencyIn(BodyIn):
    """An edge to a job of the same workflow (`key`) or to an earlier job (`job_id`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": [name], "properties": {name: {"type": "string"}}} for name in ("key", "job_id")
            ]
        }
    )

    key: Key | None = None
    job_id: JobId | None = None
    type: DependencyType = DependencyType.MUST_SUCCEED
    condition: Condition | None = None

    @model_validator(mode="after")
    def _exactly_one_upstream(self) -> Self:
        if (self.key is None) == (self.job_id is None):
            raise ValueError("must name exactly one of key (same workflow) and job_id (earlier job)")
        return self


class RetryIn(BodyIn):
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


class ShareIn(BodyIn):
    """The share of its pool that a job belongs to. A text stands for its name alone.

    `weight` is for operators, and for a share that nobody made: its part of the pool, compared with other shares.
    """

    name: ShareName
    weight: ShareWeight | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_its_name(cls, sent: Any) -> Any:
        return {"name": sent} if isinstance(sent, str) else sent

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describes both forms: the name alone, and the object."""
        whole = handler(schema)
        name = handler.resolve_ref_schema(whole)["properties"]["name"]
        return {"anyOf": [name, whole]}


class JobIn(BodyIn):
    """A job as a client sends it. `key` is required in a workflow, and `namespace` is for a job alone."""

    type: JobTypeName
    parameters: dict[str, Any] = Field(default_factory=dict)
    key: Key | None = None
    name: Name | None = None
    description: Description | None = None
    priority: Priority | None = None
    pool: PoolName | None = None
    requires: Annotated[tuple[TagText, ...], Field(max_length=limits.MAX_REQUIREMENTS)] = ()
    share: ShareIn | None = None
    concurrency_key: ConcurrencyKey | None = None
    concurrency_limit: ConcurrencyLimit = 1
    tags: Tags = Field(default_factory=dict)
    depends_on: Annotated[tuple[DependencyIn, ...], Field(max_length=limits.MAX_DEPENDENCIES_PER_JOB)] = ()
    not_before: Moment | None = None
    finish_by: Moment | None = None
    estimated_duration_seconds: Estimate | None = None
    timeout_seconds: TimeoutSeconds | None = None
    max_retries: MaxRetries = limits.DEFAULT_MAX_RETRIES
    retry: RetryIn = RetryIn()
    namespace: SharedNamespace | None = None


class WorkflowIn(BodyIn):
    """A workflow as a client sends it.

    `priority`, `pool`, `share` and `tags` apply to jobs that give none of their own. `finish_by` is for the last job.
    `critical_path_weight` is in points per second of the path that begins with a job. Each of `jobs` is a JobIn. They
    are validated one by one, so that a bad body costs no more than a good one.
    """

    jobs: Annotated[tuple[Any, ...], Field(min_length=1, max_length=limits.MAX_JOBS_PER_WORKFLOW)]
    name: Name | None = None
    priority: Priority | None = None
    critical_path_weight: CriticalPathWeight | None = None
    pool: PoolName | None = None
    share: ShareIn | None = None
    tags: Tags = Field(default_factory=dict)
    finish_by: Moment | None = None
    namespace: SharedNamespace | None = None


class TypeLimitIn(BodyIn):
    """The body that limits how many jobs of a type may run at once. Null removes the limit."""

    max_running: Annotated[int, Field(strict=True, ge=1, le=limits.MAX_TYPE_LIMIT)] | None


class NoOptionsIn(BodyIn):
    """The body of a route without options. A field that a client sends is refused, not ignored."""


class CancelJobIn(BodyIn):
    """The options of a cancellation. `downstream` also cancels all jobs that wait on the job."""

    downstream: Annotated[bool, Field(strict=True)] = False
    dry_run: Annotated[bool, Field(strict=True)] = False


class RetryJobIn(BodyIn):
    """The options of a retry by hand. `reopen_skipped` also reopens the jobs that were skipped because of the job."""

    reopen_skipped: Annotated[bool, Field(strict=True)] = True
    dry_run: Annotated[bool, Field(strict=True)] = False


def read_job(body: str) -> tuple[JobRequest, str]:
    """Returns the job that a body asks for, and the body's fingerprint.

    Raises MalformedBody, or InvalidRequest that names each wrong field.
    """
    value, fingerprint = _read(body)
    violations: list[Violation] = []
    job = _job(value, "", violations)
    if job is None:
        raise InvalidRequest(violations[:MAX_REPORTED])
    return job, fingerprint


def read_workflow(body: str) -> tuple[WorkflowRequest, str]:
    """Returns the workflow that a body asks for, and the body's fingerprint.

    Raises MalformedBody, or InvalidRequest that names each wrong field.
    """
    value, fingerprint = _read(body)
    violations: list[Violation] = []
    request = _workflow(value, "", violations)
    if request is None:
        raise InvalidRequest(violations[:MAX_REPORTED])
    return request, fingerprint


def read_submission(value: Any, field: str) -> JobRequest | WorkflowRequest:
    """Returns the submission that stands in a body at the path `field`: a workflow if it has `jobs`, else a job.

    Raises InvalidRequest that names each wrong field by its path in the body.
    """
    violations: list[Violation] = []
    request: JobRequest | WorkflowRequest | None
    if isinstance(value, dict) and "jobs" in value:
        request = _workflow(value, field, violations)
    else:
        request = _job(value, field, violations)
    if request is None:
        raise InvalidRequest(violations[:MAX_REPORTED])
    return request


def read_type_limit(body: str) -> int | None:
    """Returns how many jobs of a type may run at once; None removes the limit.

    Raises MalformedBody, or InvalidRequest that names the wrong field.
    """
    if not body:
        raise MalformedBody("the request has no body; send a JSON object")
    return read_options(TypeLimitIn, body).max_running


def read_cancel_job(body: str) -> CancelJobIn:
    """Returns the options of a cancellation. The body may be empty. Raises MalformedBody or InvalidRequest."""
    return read_options(CancelJobIn, body)


def read_retry_job(body: str) -> RetryJobIn:
    """Returns the options of a retry by hand. The body may be empty. Raises MalformedBody or InvalidRequest."""
    return read_options(RetryJobIn, body)


def read_no_options(body: str) -> None:
    """Checks that the body is empty or holds no field. Raises MalformedBody or InvalidRequest."""
    read_options(NoOptionsIn, body)


def read_options(model: type[ModelT], body: str) -> ModelT:
    """Returns the body as a model; an empty body has no field. Raises MalformedBody or InvalidRequest."""
    return read_fingerprinted(model, body or "{}")[0]


def read_fingerprinted(model: type[ModelT], body: str) -> tuple[ModelT, str]:
    """Returns the body as a model, and the body's fingerprint. Raises MalformedBody or InvalidRequest."""
    value, fingerprint = _read(body)
    violations: list[Violation] = []
    options = _validate(model, value, "", violations)
    if options is None:
        raise InvalidRequest(violations[:MAX_REPORTED])
    return options, fingerprint


def refuse_if_too_large(body: str) -> None:
    """Raises BodyTooLarge for a body that AWS would not hand to the function.

    A body travels as a JSON string in the function's event, where each quotation mark, backslash and line break takes
    two bytes. Source: AWS Lambda quotas (6 MB for a synchronous invocation, measured on the whole event).
    """
    if len(body) * _LONGEST_BODY_ESCAPE <= limits.MAX_BODY_BYTES:
        return
    size_bytes = len(json.dumps(body, ensure_ascii=False).encode())
    if size_bytes > limits.MAX_BODY_BYTES:
        raise BodyTooLarge(
            f"the body takes {size_bytes:,} bytes as a JSON string, which is how it reaches the function "
            f"({len(body.encode()):,} as sent); at most {limits.MAX_BODY_BYTES:,} are allowed: "
            "submit the work as several workflows"
        )


def _read(body: str) -> tuple[Any, str]:
    """Returns a body's value and its fingerprint: the SHA-256 of its canonical JSON, whatever its spacing and order."""
    if not body:
        raise MalformedBody("the request has no body; send a JSON object")
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise MalformedBody(
                "the body nests lists and objects more than 200 deep; put them side by side"
            ) from error
        if "number out of range" in str(error):
            raise MalformedBody(
                f"the body has a whole number with too many digits: {error}; send it as a string"
            ) from error
        raise MalformedBody(f"the body is not JSON: {error}") from error
    try:
        canonical = json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except ValueError as error:
        raise InvalidRequest(list(too_large_numbers(value, MAX_REPORTED))) from error
    doubled = doubled_names(body, MAX_REPORTED)
    if doubled:
        raise InvalidRequest(
            [Violation(join_path("", place), "is given more than once; give it once") for place in doubled]
        )
    return value, hashlib.sha256(canonical.encode()).hexdigest()


Place = tuple[int | str, ...]
"""The path of a value in a body: names of fields, and indexes of lists."""


class _Doubled(dict[str, Any]):
    """An object of a body that gives a field more than once."""

    names: tuple[str, ...] = ()


def doubled_names(body: str, most: int) -> list[Place]:
    """Returns the places of at most `most` names that stand twice in one object. A JSON reader keeps one value alone.

    The body has been read before, so it is JSON and no deeper than that reader allows.
    """
    doubled = 0

    def make(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        doubled += 1
        if doubled > most:
            return made  # a body may hold hundreds of thousands of them
        marked = _Doubled(made)
        marked.names = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        return marked

    # Numbers stay text, because `int` refuses a very long one.
    value = json.loads(body, object_pairs_hook=make, parse_int=str, parse_float=str)
    return list(islice(_doubled_in(value, ()), most)) if doubled else []


def _doubled_in(value: Any, place: Place) -> Iterator[Place]:
    if isinstance(value, _Doubled):
        yield from ((*place, name) for name in value.names)
    if isinstance(value, dict):
        for name, held in value.items():
            yield from _doubled_in(held, (*place, name))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from _doubled_in(held, (*place, index))


def _validate(model: type[ModelT], value: Any, field: str, violations: list[Violation]) -> ModelT | None:
    """Returns the value as `model`, or None after adding its faults to `violations`."""
    if isinstance(value, dict):
        oversize = list(oversize_violations(model, value, field))
        if oversize:
            violations += oversize
            return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        violations += violations_of(error, field, model)
        return None


# The fields of JobIn that have another form in JobRequest. It takes every other field under the same name, as it is.
_CONVERTED = frozenset({"share", "depends_on", "not_before", "finish_by", "max_retries", "retry"})


def _job(value: Any, field: str, violations: list[Violation]) -> JobRequest | None:
    if isinstance(value, dict) and not _parts_fit(value, field, violations):
        return None
    job = _validate(JobIn, value, field, violations)
    if job is None:
        return None
    return JobRequest(
        **{name: sent for name, sent in job if name not in _CONVERTED},
        share=_share(job.share),
        depends_on=tuple(
            DependencyRequest(key=edge.key, job_id=edge.job_id, type=edge.type, condition=edge.condition)
            for edge in job.depends_on
        ),
        not_before_ms=to_ms(job.not_before) if job.not_before else None,
        finish_by_ms=to_ms(job.finish_by) if job.finish_by else None,
        retry=_retry(job),
    )


def _workflow(value: Any, field: str, violations: list[Violation]) -> WorkflowRequest | None:
    workflow = _validate(WorkflowIn, value, field, violations)
    jobs: list[JobRequest] = []
    for index, item in enumerate(workflow.jobs if workflow else ()):
        job = _job(item, join_path(field, ("jobs", index)), violations)
        if job is not None:
            jobs.append(job)
        if len(violations) >= MAX_REPORTED:
            break
    if workflow is None or violations:
        return None
    return WorkflowRequest(
        jobs=tuple(jobs),
        name=workflow.name,
        priority=workflow.priority,
        critical_path_weight=workflow.critical_path_weight,
        pool=workflow.pool,
        share=_share(workflow.share),
        tags=workflow.tags,
        finish_by_ms=to_ms(workflow.finish_by),
        namespace=workflow.namespace,
    )


def _retry(job: JobIn) -> RetryPolicy:
    retry = job.retry
    return RetryPolicy(
        job.max_retries, retry.backoff_seconds, retry.max_backoff_seconds, retry.never_on, retry.always_on
    )


def _share(share: ShareIn | None) -> ShareRequest | None:
    return None if share is None else ShareRequest(name=share.name, weight=share.weight)


def _parts_fit(value: dict[str, Any], field: str, violations: list[Violation]) -> bool:
    """Tells whether no object inside the job has more fields than its model; else adds the faults to `violations`."""
    before = len(violations)
    retry = value.get("retry")
    if isinstance(retry, dict) and len(retry) > len(RetryIn.model_fields):
        violations += oversize_violations(RetryIn, retry, join_path(field, ("retry",)))
    edges = value.get("depends_on")
    for place, edge in enumerate(edges if isinstance(edges, list) else ()):
        if isinstance(edge, dict) and len(edge) > len(DependencyIn.model_fields):
            violations += oversize_violations(DependencyIn, edge, join_path(field, ("depends_on", place)))
            break
    return len(violations) == before
