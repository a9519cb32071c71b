"""From the wire to requests: bodies are parsed, and what is wrong with them is named field by field."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tidegate.contracts.jobs import JobIn, WorkflowIn
from tidegate.contracts.times import to_ms
from tidegate.domain.errors import InvalidRequest, MalformedBody, Violation
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.retry import RetryPolicy

MAX_REPORTED = 50
ModelT = TypeVar("ModelT", bound=BaseModel)

_PLAIN_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not a known field; leave it out or correct its name",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "dict_type": "must be an object",
    "tuple_type": "must be a list",
    "model_type": "must be an object",
    "timezone_aware": "must be a time with a zone, like 2026-12-01T06:00:00Z",
}


def parse(model: type[ModelT], body: str | None) -> ModelT:
    """The body as `model`; raises MalformedBody, or InvalidRequest naming each field that is wrong."""
    if not body:
        raise MalformedBody("the request has no body; send a JSON object")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    if details[0]["type"] == "json_invalid":
        raise MalformedBody(f"the body is not JSON: {details[0]['msg'].removeprefix('Invalid JSON: ')}")
    raise InvalidRequest(
        [Violation(_path(detail["loc"]), _message(detail)) for detail in details[:MAX_REPORTED]]
    )


def fingerprint(body: str) -> str:
    """Identifies a body whatever its spacing and the order of its fields: SHA-256 of its canonical JSON, in hex."""
    canonical = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _path(location: Sequence[int | str]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _message(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _PLAIN_MESSAGES:
        return _PLAIN_MESSAGES[kind]
    if kind == "enum":
        return f"must be one of {context['expected']}"
    if kind == "too_long":
        return f"has {context['actual_length']:,} entries; at most {context['max_length']:,} are allowed"
    if kind == "string_too_long":
        return f"is too long; at most {context['max_length']:,} characters are allowed"
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = context["ge"] if kind == "greater_than_equal" else context["le"]
        return f"must be at {'least' if kind == 'greater_than_equal' else 'most'} {bound:,}"
    return detail["msg"].removeprefix("Value error, ")


def job_request(job: JobIn) -> JobRequest:
    """What a job's body asks for."""
    return JobRequest(
        type=job.type,
        parameters=job.parameters,
        key=job.key,
        name=job.name,
        priority=job.priority,
        pool=job.pool,
        requires=job.requires,
        tags=job.tags,
        depends_on=tuple(
            DependencyRequest(key=edge.key, job_id=edge.job_id, type=edge.type, condition=edge.condition)
            for edge in job.depends_on
        ),
        not_before_ms=to_ms(job.not_before),
        estimated_duration_seconds=job.estimated_duration_seconds,
        timeout_seconds=job.timeout_seconds,
        retry=RetryPolicy(job.max_retries, job.retry.backoff_seconds, job.retry.max_backoff_seconds),
    )


def workflow_request(workflow: WorkflowIn) -> WorkflowRequest:
    """What a workflow's body asks for."""
    return WorkflowRequest(
        jobs=tuple(job_request(job) for job in workflow.jobs),
        name=workflow.name,
        priority=workflow.priority,
        pool=workflow.pool,
        tags=workflow.tags,
    )


def to_json(body: Mapping[str, Any]) -> str:
    """A body as JSON text."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, default=dict)
