"""Timetables on the wire: the bodies that make and change them, and the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator
from typing_extensions import TypedDict

from tidegate.contracts.requests import BodyIn, Moment, Name, read_fingerprinted, read_options
from tidegate.contracts.times import Time, to_ms, to_wire
from tidegate.domain import limits
from tidegate.domain.amendments import KEPT
from tidegate.domain.errors import InvalidRequest, MalformedBody
from tidegate.domain.timetables.asked import AskedRecurrence, AskedTemplate, TimetableChange
from tidegate.domain.timetables.timetable import (
    DEFAULT_GRACE_SECONDS,
    Cron,
    Missed,
    Overlap,
    Run,
    SubmissionKind,
    Template,
    Timetable,
)
from tidegate.domain.timetables.views import RunView, TimetableView

CronText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=limits.MAX_CRON_CHARACTERS)]
ZoneName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=limits.MAX_ZONE_CHARACTERS)]
EverySeconds = Annotated[
    int, Field(strict=True, ge=limits.MIN_TIMETABLE_SECONDS, le=limits.MAX_TIMETABLE_SECONDS)
]
JitterSeconds = Annotated[int, Field(strict=True, ge=0, le=limits.MAX_JITTER_SECONDS)]
GraceSeconds = Annotated[int, Field(strict=True, ge=limits.MIN_GRACE_SECONDS, le=limits.MAX_GRACE_SECONDS)]
_PAUSED = "is not changed here; send POST to /pause or /resume of the timetable"
_RECURRENCE = frozenset({"cron", "zone", "every_seconds", "anchor"})


class _FieldsIn(BodyIn):
    """The fields that making and changing a timetable have in common."""

    name: Name | None = None
    cron: CronText | None = None
    zone: ZoneName | None = None
    every_seconds: EverySeconds | None = None
    anchor: Moment | None = None
    start: Moment | None = None
    end: Moment | None = None
    jitter_seconds: JitterSeconds = 0
    missed: Missed = Missed.SKIP
    grace_seconds: GraceSeconds = DEFAULT_GRACE_SECONDS
    overlap: Overlap = Overlap.ALLOW
    job: dict[str, Any] | None = None
    workflow: dict[str, Any] | None = None


class TimetableIn(_FieldsIn):
    """A new timetable. It needs `cron` or `every_seconds`, and `job` or `workflow`.

    `cron` has five fields and is read on the clock of `zone` (UTC by default). `every_seconds` counts from `anchor`
    (now by default). `job` is a body of `POST /v1/jobs`, `workflow` one of `POST /v1/workflows`. Texts among their
    parameters may hold `${scheduled_time}` and `${scheduled_date}`. `paused` makes it without letting it run.
    """

    paused: Annotated[bool, Field(strict=True)] = False


class ChangeTimetableIn(_FieldsIn):
    """The new values of a timetable. A field that is left out stays; null takes `name`, `start` or `end` off."""

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must name at least one field to change")
        return self


class BackfillIn(BodyIn):
    """The range of a backfill: scheduled times from `from` on and before `to`, which may not lie ahead."""

    since: Annotated[Moment, Field(alias="from")]
    to: Moment


class TimetableRunOut(TypedDict):
    """A run of a timetable. `outcome` is submitted, skipped, missed or refused.

    `scheduled_at` is its scheduled time, `recorded_at` when it was dealt with. `cause` is timetable, manual or
    backfill. `count` is more than 1 where a missed run stands for several times, of which `scheduled_at` is the
    latest. `job_id` or `workflow_id` names what it submitted, and `state` is the state that this has now, null where
    it is gone. `code` and `message` say why a run was refused.
    """

    scheduled_at: Time | None
    recorded_at: Time | None
    cause: str
    outcome: str
    count: int
    job_id: str | None
    workflow_id: str | None
    state: str | None
    code: str | None
    message: str | None


class TimetableRowOut(TypedDict):
    """A timetable as a row of the list. `state` is ACTIVE, PAUSED or ENDED.

    `next_at` is the next scheduled time, null where none is to come. `last_run` is the latest run, null before the
    first. `kind` is job or workflow. `submitted_by` is the caller in whose name it submits. `job_types` are those of
    its template.
    """

    timetable_id: str
    name: str | None
    state: str
    cron: str | None
    zone: str | None
    every_seconds: int | None
    anchor: Time | None
    start: Time | None
    end: Time | None
    jitter_seconds: int
    missed: str
    grace_seconds: int
    overlap: str
    kind: str
    job_types: list[str]
    submitted_by: str | None
    created_at: Time | None
    changed_at: Time | None
    changed_by: str | None
    version: int
    next_at: Time | None
    last_run: TimetableRunOut | None


class TimetableOut(TimetableRowOut):
    """A timetable with its template: `job` or `workflow` as its caller sent it, the other one null."""

    job: Mapping[str, Any] | None
    workflow: Mapping[str, Any] | None


class TimetableListOut(TypedDict):
    """A page of timetables, in the order of their ids."""

    timetables: list[TimetableRowOut]
    cursor: str | None


class TimetableRunsOut(TypedDict):
    """A page of the runs of a timetable, the latest first."""

    runs: list[TimetableRunOut]
    cursor: str | None


class NextRunOut(TypedDict):
    """A scheduled time that is to come: in UTC, on the clock of the timetable's zone, and when its run begins."""

    scheduled_at: Time | None
    local: str
    begins_at: Time | None


class NextRunsOut(TypedDict):
    """The next scheduled times of a timetable, in order, as if it were not paused."""

    timetable_id: str
    zone: str
    times: list[NextRunOut]


class BackfillCountOut(TypedDict):
    """How many scheduled times a backfill of this range has; `more` says that there are more than were counted.

    `submitted` of them have been submitted already, as far as the first 100 tell, and are not submitted again.
    """

    timetable_id: str
    count: int
    more: bool
    submitted: int
    first: Time | None
    last: Time | None


class BackfilledOut(TypedDict):
    """The outcome of one call of a backfill. `runs` are those that it submitted or that were refused.

    `already` counts the times that had been submitted before. `next_from` is the `from` of the next call, null once the
    range is done.
    """

    timetable_id: str
    runs: list[TimetableRunOut]
    already: int
    next_from: Time | None


def read_timetable(body: str) -> tuple[TimetableChange, bool, str]:
    """Returns the values of a new timetable, whether it is made paused, and the body's fingerprint.

    Raises MalformedBody, or InvalidRequest that names each wrong field.
    """
    sent, fingerprint = read_fingerprinted(TimetableIn, _present(body))
    change = _change(sent, frozenset(TimetableIn.model_fields))
    if change.template is None:
        raise InvalidRequest.of("job", "is required, unless workflow is given; it is a body of POST /v1/jobs")
    return change, sent.paused, fingerprint


def read_change(body: str) -> TimetableChange:
    """Returns the new values of a timetable. Raises MalformedBody, or InvalidRequest that names each wrong field."""
    try:
        sent = read_options(ChangeTimetableIn, _present(body))
    except InvalidRequest as error:
        raise InvalidRequest(
            [replace(each, message=_PAUSED) if each.field == "paused" else each for each in error.violations]
        ) from error
    return _change(sent, frozenset(sent.model_fields_set))


def read_backfill(body: str) -> tuple[int, int]:
    """Returns the range of a backfill, in milliseconds since the epoch. Raises MalformedBody or InvalidRequest."""
    sent = read_options(BackfillIn, _present(body))
    return to_ms(sent.since) or 0, to_ms(sent.to) or 0


def _change(sent: _FieldsIn, given: frozenset[str]) -> TimetableChange:
    nulls = sorted(name for name in given & {*_RECURRENCE, "job", "workflow"} if getattr(sent, name) is None)
    if isinstance(sent, ChangeTimetableIn) and nulls:
        raise InvalidRequest.of(
            nulls[0], "can't be taken off; leave it out to keep it, or give another value"
        )
    return TimetableChange(
        recurrence=AskedRecurrence(
            cron=sent.cron, zone=sent.zone, every_seconds=sent.every_seconds, anchor_ms=to_ms(sent.anchor)
        ),
        template=_template(sent),
        name=sent.name if "name" in given else KEPT,
        start_ms=to_ms(sent.start) if "start" in given else KEPT,
        end_ms=to_ms(sent.end) if "end" in given else KEPT,
        jitter_seconds=sent.jitter_seconds if "jitter_seconds" in given else KEPT,
        missed=sent.missed if "missed" in given else KEPT,
        grace_seconds=sent.grace_seconds if "grace_seconds" in given else KEPT,
        overlap=sent.overlap if "overlap" in given else KEPT,
    )


def _template(sent: _FieldsIn) -> AskedTemplate | None:
    if sent.job is not None and sent.workflow is not None:
        raise InvalidRequest.of("workflow", "stands beside job; give one of the two")
    if sent.job is not None:
        if "jobs" in sent.job:
            raise InvalidRequest.of("job.jobs", "makes it a workflow; send it as workflow")
        return AskedTemplate(kind=SubmissionKind.JOB, body=sent.job)
    if sent.workflow is not None:
        if "jobs" not in sent.workflow:
            raise InvalidRequest.of("workflow.jobs", "is required")
        return AskedTemplate(kind=SubmissionKind.WORKFLOW, body=sent.workflow)
    return None


def timetable_row_out(view: TimetableView) -> TimetableRowOut:
    """Returns a timetable as a row of the list."""
    timetable = view.timetable
    recurs = timetable.recurrence
    cron, every = (recurs, None) if isinstance(recurs, Cron) else (None, recurs)
    return {
        "timetable_id": timetable.timetable_id,
        "name": timetable.name,
        "state": view.state,
        "cron": cron.expression if cron else None,
        "zone": cron.zone if cron else None,
        "every_seconds": every.seconds if every else None,
        "anchor": to_wire(every.anchor_ms) if every else None,
        "start": to_wire(timetable.start_ms),
        "end": to_wire(timetable.end_ms),
        "jitter_seconds": timetable.jitter_seconds,
        "missed": timetable.missed,
        "grace_seconds": timetable.grace_seconds,
        "overlap": timetable.overlap,
        "kind": timetable.kind,
        "job_types": sorted(timetable.job_types),
        "submitted_by": timetable.owner,
        "created_at": to_wire(timetable.created_at_ms),
        "changed_at": to_wire(timetable.changed_at_ms),
        "changed_by": timetable.changed_by,
        "version": timetable.version,
        "next_at": to_wire(view.next_ms),
        "last_run": run_out(view.last_run) if view.last_run else None,
    }


def timetable_out(view: TimetableView, template: Template) -> TimetableOut:
    """Returns a timetable with its template as callers read it."""
    body: Mapping[str, Any] = json.loads(template.text)
    is_job = view.timetable.kind is SubmissionKind.JOB
    return {
        **timetable_row_out(view),
        "job": body if is_job else None,
        "workflow": None if is_job else body,
    }


def run_out(view: RunView) -> TimetableRunOut:
    """Returns a run as callers read it."""
    run: Run = view.run
    submitted = run.submitted
    is_job = submitted is not None and submitted.kind is SubmissionKind.JOB
    return {
        "scheduled_at": to_wire(run.scheduled_ms),
        "recorded_at": to_wire(run.recorded_ms),
        "cause": run.cause,
        "outcome": run.outcome,
        "count": run.count,
        "job_id": submitted.submission_id if submitted and is_job else None,
        "workflow_id": submitted.submission_id if submitted and not is_job else None,
        "state": view.state,
        "code": run.code,
        "message": run.message,
    }


def next_runs_out(timetable: Timetable, times: Sequence[tuple[int, str, int]]) -> NextRunsOut:
    """Returns scheduled times, each with its local text and when its run begins, as callers read them."""
    return {
        "timetable_id": timetable.timetable_id,
        "zone": timetable.zone,
        "times": [
            {"scheduled_at": to_wire(at_ms), "local": local, "begins_at": to_wire(begins_ms)}
            for at_ms, local, begins_ms in times
        ],
    }


def _present(body: str) -> str:
    if not body:
        raise MalformedBody("the request has no body; send a JSON object")
    return body
