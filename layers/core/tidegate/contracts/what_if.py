"""The body and the answer of a what-if: a forecast as things stand, and after changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from typing_extensions import TypedDict

from tidegate.contracts.forecast import (
    FinishByOut,
    IntervalOut,
    NoteOut,
    Notes,
    finish_by_out,
    interval_out,
    notes_out,
)
from tidegate.contracts.requests import (
    BodyIn,
    JobId,
    JobTypeName,
    PoolName,
    Priority,
    read_options,
    read_submission,
)
from tidegate.contracts.times import Time, to_wire
from tidegate.domain import limits
from tidegate.domain.errors import MalformedBody
from tidegate.domain.forecast.finish_by import FinishBy
from tidegate.domain.forecast.forecast import COVERAGE
from tidegate.domain.forecast.what_if import Compared
from tidegate.domain.job import Job
from tidegate.domain.requests import WhatIfRequest
from tidegate.domain.states import State
from tidegate.domain.submission import Submission

_AtMost = Field(max_length=limits.MAX_WHAT_IF_NAMES)
_Slots = Annotated[int, Field(strict=True, ge=0, le=limits.MAX_WHAT_IF_SLOTS)]
_MoreSlots = Annotated[int, Field(strict=True, ge=-limits.MAX_WHAT_IF_SLOTS, le=limits.MAX_WHAT_IF_SLOTS)]
_CHANGES = ("slots", "add_slots", "priorities", "pause_pools", "pause_types", "submit")


class WhatIfIn(BodyIn):
    """The changes that a forecast is asked for, and what it is asked about.

    `about` lists ids of jobs and workflows. `slots` is the number of slots by pool, `add_slots` how many more, or fewer
    below 0. `priorities` are by the id of a job or a workflow. `submit` is a body of `POST /v1/jobs` or `POST
    /v1/workflows`. It is checked as a submission is, and never written.
    """

    about: Annotated[tuple[JobId, ...], _AtMost] = ()
    slots: Annotated[dict[PoolName, _Slots], _AtMost] = Field(default_factory=dict)
    add_slots: Annotated[dict[PoolName, _MoreSlots], _AtMost] = Field(default_factory=dict)
    priorities: Annotated[dict[JobId, Priority], _AtMost] = Field(default_factory=dict)
    pause_pools: Annotated[tuple[PoolName, ...], _AtMost] = ()
    pause_types: Annotated[tuple[JobTypeName, ...], _AtMost] = ()
    submit: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _says_what_to_change(self) -> Self:
        # An empty submission is one: its own fields say what is missing.
        if self.submit is None and not any(getattr(self, name) for name in _CHANGES):
            raise ValueError(f"must name at least one of {', '.join(_CHANGES[:-1])} and {_CHANGES[-1]}")
        twice = sorted(self.slots.keys() & self.add_slots.keys())
        if twice:
            raise ValueError(f"has pool {twice[0]!r} in slots and in add_slots; leave it in one of them")
        return self


def read_what_if(body: str) -> WhatIfRequest:
    """Returns what a body asks for. Raises MalformedBody, or InvalidRequest that names each wrong field."""
    if not body:
        raise MalformedBody("the request has no body; send a JSON object")
    sent = read_options(WhatIfIn, body)
    return WhatIfRequest(
        about=sent.about,
        slots=sent.slots,
        add_slots=sent.add_slots,
        priorities=sent.priorities,
        pause_pools=sent.pause_pools,
        pause_types=sent.pause_types,
        submit=None if sent.submit is None else read_submission(sent.submit, "submit"),
    )


class LaterOut(TypedDict):
    """How much later something ends, in seconds; below 0 where it ends earlier."""

    median: float
    low: float
    high: float


class ComparedOut(TypedDict):
    """The end as things stand and after the changes. Each is null where it does not come.

    `later_seconds` is null where one of the two is.
    """

    today: IntervalOut | None
    then: IntervalOut | None
    later_seconds: LaterOut | None


class WorkflowComparedOut(ComparedOut):
    """A workflow with its end as things stand and after the changes. `ended` says that it has no job left to run."""

    workflow_id: str
    name: str | None
    ended: bool


class JobComparedOut(ComparedOut):
    """A job with its end as things stand and after the changes."""

    job_id: str
    key: str | None
    state: State


class SubmittedOut(TypedDict):
    """The submission that was asked about: when it would end, and the judgement about its `finish_by`."""

    job_count: int
    end: IntervalOut | None
    finish_by: FinishByOut | None


class WhatIfOut(TypedDict):
    """The answer to a what-if. `workflows` are those that were asked about, and those whose end changes."""

    asked_at: Time | None
    workflows: list[WorkflowComparedOut]
    unchanged_workflows: int
    jobs: list[JobComparedOut]
    submitted: SubmittedOut | None
    coverage: float
    draws: int
    notes: list[NoteOut]


@dataclass(frozen=True, slots=True)
class WhatIfRows:
    """The parts of an answer. Each workflow comes with its end, and whether it has ended already."""

    workflows: Sequence[tuple[Submission, Compared, bool]]
    jobs: Sequence[tuple[Job, Compared | None]]
    submitted: tuple[int, Compared, FinishBy | None] | None
    unchanged: int
    draws: int
    notes: Notes


def what_if_out(now_ms: int, rows: WhatIfRows) -> WhatIfOut:
    """Makes the answer at `now_ms`, in milliseconds since the epoch."""
    return {
        "asked_at": to_wire(now_ms),
        "workflows": list(_workflows_out(rows.workflows)),
        "unchanged_workflows": rows.unchanged,
        "jobs": list(_jobs_out(rows.jobs)),
        "submitted": _submitted_out(rows.submitted),
        "coverage": COVERAGE,
        "draws": rows.draws,
        "notes": notes_out(rows.notes),
    }


def _submitted_out(row: tuple[int, Compared, FinishBy | None] | None) -> SubmittedOut | None:
    if row is None:
        return None
    job_count, end, judged = row
    return {"job_count": job_count, "end": interval_out(end.then), "finish_by": finish_by_out(judged)}


def _workflows_out(rows: Sequence[tuple[Submission, Compared, bool]]) -> Iterator[WorkflowComparedOut]:
    for submission, end, has_ended in rows:
        yield {
            "workflow_id": submission.submission_id,
            "name": submission.name,
            "ended": has_ended,
            **_compared_out(end),
        }


def _jobs_out(rows: Sequence[tuple[Job, Compared | None]]) -> Iterator[JobComparedOut]:
    for job, end in rows:
        yield {"job_id": job.job_id, "key": job.key, "state": job.state, **_compared_out(end)}


def _compared_out(end: Compared | None) -> ComparedOut:
    later = None if end is None else end.later
    return {
        "today": interval_out(None if end is None else end.today),
        "then": interval_out(None if end is None else end.then),
        "later_seconds": None
        if later is None
        else {
            "median": later.p50_ms / 1_000,
            "low": later.low_ms / 1_000,
            "high": later.high_ms / 1_000,
        },
    }
