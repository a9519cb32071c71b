"""The bodies of acts on jobs: changes, reruns and acts in bulk. Each fault is named with its field."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tidegate.contracts.job_listing import MAX_SUBJECT_CHARACTERS, MAX_WAIT_SECONDS, read_job_query
from tidegate.contracts.requests import (
    BodyIn,
    Description,
    Moment,
    PoolName,
    Priority,
    Tags,
    read_options,
)
from tidegate.contracts.times import to_ms
from tidegate.domain import limits
from tidegate.domain.amendments import KEPT, Amendment
from tidegate.domain.errors import InvalidRequest, MalformedBody
from tidegate.domain.job_query import JobQuery

_CURSOR_CHARACTERS: Final = 16_384  # a cursor names each shard of each pool


class AmendJobIn(BodyIn):
    """The new values of a waiting job. A field that is left out stays as it is; null takes a value off."""

    priority: Priority = limits.DEFAULT_PRIORITY
    not_before: Moment | None = None
    finish_by: Moment | None = None
    pool: PoolName = ""
    description: Description | None = None
    tags: Tags = Field(default_factory=dict)

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(
                "must name at least one of priority, not_before, finish_by, pool, description and tags"
            )
        return self


class AmendWorkflowIn(BodyIn):
    """The new values of a workflow. Null takes its time to finish by off."""

    finish_by: Moment | None


class DryRunIn(BodyIn):
    """The body of an act whose only option is `dry_run`, which changes nothing and says what would be."""

    dry_run: Annotated[bool, Field(strict=True)] = False


class RerunJobIn(BodyIn):
    """The options of a job's rerun.

    `parameters` replace those of the job, null keeps them. `downstream` also reruns every job that follows it.
    `dry_run` changes nothing and says what would be.
    """

    parameters: dict[str, Any] | None = None
    downstream: Annotated[bool, Field(strict=True)] = True
    dry_run: Annotated[bool, Field(strict=True)] = False


class MarkJobIn(BodyIn):
    """How a caller ends a job by hand. `reason` is for people, and stands in the job's history."""

    state: Literal["SUCCEEDED", "SKIPPED"]
    reason: Annotated[
        str, StringConstraints(strict=True, min_length=1, max_length=limits.MAX_MARK_REASON_CHARACTERS)
    ]


_Filter = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_SUBJECT_CHARACTERS)]


class WantedIn(BodyIn):
    """The jobs of an act in bulk: the filters of `GET /v1/jobs`, by the same names and with the same values.

    `state` names one state or several, with commas between. `tag` lists texts like `team=data`.
    """

    state: _Filter
    pool: _Filter | None = None
    type: _Filter | None = None
    workflow: _Filter | None = None
    id: _Filter | None = None
    worker: _Filter | None = None
    tag: Annotated[list[_Filter], Field(max_length=limits.MAX_TAGS)] = Field(default_factory=list)
    name: _Filter | None = None
    key: _Filter | None = None
    error: _Filter | None = None
    failure: _Filter | None = None
    submitted_by: _Filter | None = None
    since: Annotated[_Filter | None, Field(alias="from")] = None
    to: _Filter | None = None
    finish_by: _Filter | None = None
    verdict: _Filter | None = None
    overdue: Annotated[bool, Field(strict=True)] = False
    waits_longer_than: Annotated[float, Field(strict=True, ge=0, le=MAX_WAIT_SECONDS)] | None = None

    def as_parameters(self) -> dict[str, list[str]]:
        """Returns the filters as the query parameters of a listing, in one form for equal filters."""
        given = self.model_dump(
            by_alias=True, exclude_none=True, exclude={"tag", "overdue", "waits_longer_than"}
        )
        parameters = {name: [value] for name, value in given.items()}
        if self.tag:
            parameters["tag"] = sorted(self.tag)
        if self.overdue:
            parameters["overdue"] = ["true"]
        if self.waits_longer_than is not None:
            parameters["waits_longer_than"] = [f"{self.waits_longer_than:.3f}"]
        return parameters

    def as_query(self) -> JobQuery:
        """Returns the query that the filters ask for. Raises InvalidRequest, which names every faulty one."""
        try:
            return read_job_query(self.as_parameters())
        except InvalidRequest as error:
            named = [replace(each, field=f"filter.{each.field}") for each in error.violations]
            raise InvalidRequest(named) from error


class ActInBulkIn(BodyIn):
    """An act on many jobs. `filter` says on which. `dry_run` changes nothing and says what would be.

    One call looks at `limit` jobs at most. `cursor` is the one of the answer before.
    """

    filter: WantedIn
    dry_run: Annotated[bool, Field(strict=True)] = False
    limit: Annotated[int, Field(strict=True, ge=1, le=limits.MAX_PAGE_SIZE)] = limits.DEFAULT_PAGE_SIZE
    cursor: Annotated[str, StringConstraints(strict=True, max_length=_CURSOR_CHARACTERS)] | None = None


class ReprioritiseIn(ActInBulkIn):
    """An act in bulk that gives waiting jobs another priority."""

    priority: Priority


def read_amend_job(body: str) -> Amendment:
    """Returns the new values of a waiting job. Raises MalformedBody, or InvalidRequest that names each wrong field."""
    sent = read_options(AmendJobIn, _present(body))
    given = sent.model_fields_set
    return Amendment(
        priority=sent.priority if "priority" in given else KEPT,
        not_before_ms=to_ms(sent.not_before) if "not_before" in given else KEPT,
        finish_by_ms=to_ms(sent.finish_by) if "finish_by" in given else KEPT,
        pool=sent.pool if "pool" in given else KEPT,
        description=sent.description if "description" in given else KEPT,
        tags=sent.tags if "tags" in given else KEPT,
    )


def read_amend_workflow(body: str) -> int | None:
    """Returns a workflow's new time to finish by, in milliseconds since the epoch. Raises as its neighbours do."""
    return to_ms(read_options(AmendWorkflowIn, _present(body)).finish_by)


def read_dry_run(body: str) -> bool:
    """Tells whether an act is only to say what it would do. The body may be empty. Raises as its neighbours do."""
    return read_options(DryRunIn, body).dry_run


def read_rerun_job(body: str) -> RerunJobIn:
    """Returns the options of a job's rerun. The body may be empty. Raises MalformedBody or InvalidRequest."""
    return read_options(RerunJobIn, body)


def read_mark_job(body: str) -> MarkJobIn:
    """Returns how a job is to be ended by hand. Raises MalformedBody, or InvalidRequest that names each wrong field."""
    return read_options(MarkJobIn, _present(body))


def read_act_in_bulk(body: str) -> ActInBulkIn:
    """Returns what an act in bulk asks for. Raises MalformedBody, or InvalidRequest that names each wrong field."""
    return read_options(ActInBulkIn, _present(body))


def read_reprioritise(body: str) -> ReprioritiseIn:
    """Returns what a change of priority in bulk asks for. Raises as `read_act_in_bulk` does."""
    return read_options(ReprioritiseIn, _present(body))


def _present(body: str) -> str:
    if not body:
        raise MalformedBody("the request has no body; send a JSON object")
    return body
