"""The items of timetables, of their runs, and of the notes of when they are due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.values import Attribute, Item, Plain, decode_item, encode_item
from tidegate.domain.timetables.timetable import (
    Cause,
    Cron,
    Due,
    Every,
    Missed,
    Overlap,
    Recurrence,
    Run,
    RunOutcome,
    Subject,
    SubmissionKind,
    TemplateType,
    Timetable,
)
from tidegate.domain.type_facts import TypeFacts


def timetable_item(timetable: Timetable) -> Item:
    """Returns a timetable as it is stored."""
    recurs = timetable.recurrence
    cron, every = (recurs, None) if isinstance(recurs, Cron) else (None, recurs)
    values: dict[str, Plain] = {
        schema.WORKFLOW_ID: schema.TIMETABLES,
        schema.PART: timetable.timetable_id,
        schema.VERSION: timetable.version,
        schema.NAME: timetable.name,
        schema.SUBMITTED_BY: timetable.owner,
        schema.CRON: cron.expression if cron else None,
        schema.ZONE: cron.zone if cron else None,
        schema.EVERY_SECONDS: every.seconds if every else None,
        schema.ANCHOR: every.anchor_ms if every else None,
        schema.KIND: str(timetable.kind),
        schema.TEMPLATE_ID: timetable.template_id,
        schema.JOB_TYPES: {
            name: [each.facts.second_attempt, each.facts.needs_process, each.home]
            for name, each in timetable.job_types.items()
        },
        schema.COUNTS_FROM: timetable.from_ms,
        schema.CREATED_AT: timetable.created_at_ms,
        schema.CHANGED_AT: timetable.changed_at_ms,
        schema.CHANGED_BY: timetable.changed_by,
        schema.FINGERPRINT: timetable.fingerprint,
        schema.START_AT: timetable.start_ms,
        schema.END_AT: timetable.end_ms,
        schema.JITTER_SECONDS: timetable.jitter_seconds,
        schema.MISSED: str(timetable.missed),
        schema.GRACE_SECONDS: timetable.grace_seconds,
        schema.OVERLAP: str(timetable.overlap),
        schema.PAUSED: timetable.is_paused or None,
    }
    return encode_item(values)


def timetable_from(item: Mapping[str, Attribute]) -> Timetable:
    """Returns the timetable that an item holds."""
    values = decode_item(item)
    return Timetable(
        timetable_id=values[schema.PART],
        version=values[schema.VERSION],
        name=values.get(schema.NAME),
        owner=values.get(schema.SUBMITTED_BY),
        recurrence=_recurrence(values),
        kind=SubmissionKind(values[schema.KIND]),
        template_id=values[schema.TEMPLATE_ID],
        job_types={
            name: TemplateType(TypeFacts(second_attempt, needs_process), home)
            for name, (second_attempt, needs_process, home) in values[schema.JOB_TYPES].items()
        },
        from_ms=values[schema.COUNTS_FROM],
        created_at_ms=values[schema.CREATED_AT],
        changed_at_ms=values[schema.CHANGED_AT],
        changed_by=values.get(schema.CHANGED_BY),
        fingerprint=values[schema.FINGERPRINT],
        start_ms=values.get(schema.START_AT),
        end_ms=values.get(schema.END_AT),
        jitter_seconds=values[schema.JITTER_SECONDS],
        missed=Missed(values[schema.MISSED]),
        grace_seconds=values[schema.GRACE_SECONDS],
        overlap=Overlap(values[schema.OVERLAP]),
        is_paused=values.get(schema.PAUSED, False),
    )


def _recurrence(values: Mapping[str, Any]) -> Recurrence:
    if schema.CRON in values:
        return Cron(values[schema.CRON], values[schema.ZONE])
    return Every(values[schema.EVERY_SECONDS], values[schema.ANCHOR])


def due_item(note: Due) -> Item:
    """Returns the note that a timetable is due as it is stored."""
    values: dict[str, Plain] = {
        schema.WORKFLOW_ID: schema.TIMETABLES_DUE,
        schema.PART: schema.due_part(note.at_ms, note.timetable_id),
        schema.VERSION: note.version,
        schema.REACHED: note.reached_ms,
        schema.NOTED_AT: note.noted_ms,
    }
    return encode_item(values)


def due_from(item: Mapping[str, Attribute]) -> Due:
    """Returns the note that an item holds."""
    values = decode_item(item)
    at_ms, _, timetable_id = values[schema.PART].partition("#")
    return Due(
        int(at_ms), timetable_id, values[schema.VERSION], values[schema.REACHED], values[schema.NOTED_AT]
    )


def run_item(run: Run) -> Item:
    """Returns the record of a run as it is stored."""
    values: dict[str, Plain] = {
        schema.WORKFLOW_ID: schema.timetable_key(run.timetable_id),
        schema.PART: schema.run_part(run.scheduled_ms, is_manual=run.cause is Cause.MANUAL),
        schema.CAUSE: str(run.cause),
        schema.OUTCOME: str(run.outcome),
        schema.RECORDED_AT: run.recorded_ms,
        schema.COUNT: run.count if run.count > 1 else None,
        schema.KIND: str(run.subject.kind) if run.subject else None,
        schema.SUBMISSION_ID: run.subject.submission_id if run.subject else None,
        schema.ERROR_CODE: run.code,
        schema.ERROR_MESSAGE: run.message,
        schema.EXPIRES_AT: run.expires_at_s,
    }
    return encode_item(values)


def run_from(item: Mapping[str, Attribute]) -> Run:
    """Returns the run that an item records."""
    values = decode_item(item)
    scheduled = values[schema.PART].removeprefix(schema.RUN_PREFIX).removesuffix(schema.MANUAL_END)
    subject = None
    if schema.SUBMISSION_ID in values:
        subject = Subject(SubmissionKind(values[schema.KIND]), values[schema.SUBMISSION_ID])
    return Run(
        timetable_id=values[schema.WORKFLOW_ID].partition("#")[2],
        scheduled_ms=int(scheduled),
        cause=Cause(values[schema.CAUSE]),
        outcome=RunOutcome(values[schema.OUTCOME]),
        recorded_ms=values[schema.RECORDED_AT],
        expires_at_s=values[schema.EXPIRES_AT],
        count=values.get(schema.COUNT, 1),
        subject=subject,
        code=values.get(schema.ERROR_CODE),
        message=values.get(schema.ERROR_MESSAGE),
    )
