"""Decodes the records of the tables' streams."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import job_from_image
from tidegate.adapters.dynamodb.workers import worker_from
from tidegate.adapters.dynamodb.workflows import workflow_from
from tidegate.domain.changes import Changes, JobChange, UnreadableRecord, WorkflowChange
from tidegate.domain.errors import ServiceRefused
from tidegate.domain.workers import Worker, WorkerState

_RULES_NAME = schema.control_key(schema.RULES)[schema.NAME]


def changes_from(records: Iterable[Mapping[str, Any]]) -> Changes:
    """Decodes the records of one batch; the removal of a job is no change.

    The table of a record is told from its keys. A record that can't be read is listed as unreadable: it can never be
    read, and an error would block its shard.
    """
    jobs: list[JobChange] = []
    workflows: list[WorkflowChange] = []
    lost: list[Worker] = []
    joined: set[str] = set()
    of_rules = False
    unreadable: list[UnreadableRecord] = []
    made_at_ms: list[int] = []
    for record in records:
        images = record.get("dynamodb") or {}
        keys = images.get("Keys") or {}
        made_at_s = images.get("ApproximateCreationDateTime")
        if isinstance(made_at_s, int | float):
            made_at_ms.append(int(made_at_s * 1_000))
        if keys.get(schema.NAME) == _RULES_NAME:
            of_rules = True
            continue
        if schema.WORKER_ID in keys and not _is_lost(images):
            joined.add(str(keys[schema.POOL]["S"]))
            continue
        if record.get("eventName") != "REMOVE":
            try:
                if schema.WORKER_ID in keys:
                    lost.append(worker_from(images["NewImage"]))
                elif schema.SUBMISSION_ID in keys:
                    workflows.append(workflow_change_from(record))
                else:
                    jobs.append(job_change_from(record))
            except Exception as error:  # noqa: BLE001 - one bad record must not block its shard
                unreadable.append(UnreadableRecord(record.get("eventID"), type(error).__name__))
    return Changes(
        tuple(jobs),
        frozenset(joined),
        of_rules,
        tuple(unreadable),
        min(made_at_ms, default=None),
        tuple(workflows),
        tuple(lost),
    )


def workflow_change_from(record: Mapping[str, Any]) -> WorkflowChange:
    """Decodes a record of the stream of Submissions that is no removal. Raises an error of any type if malformed."""
    images = record["dynamodb"]
    old = images.get("OldImage")
    return WorkflowChange(None if old is None else workflow_from(old), workflow_from(images["NewImage"]))


def _is_lost(images: Mapping[str, Any]) -> bool:
    """Tells whether a record of the stream of Workers brings a worker that was marked LOST, by its new image."""
    state = images.get("NewImage", {}).get(schema.STATE, {})
    return bool(state.get("S") == WorkerState.LOST)


def job_change_from(record: Mapping[str, Any]) -> JobChange:
    """Decodes a record of the stream of Jobs that is no removal. Raises an error of any type if the job is malformed.

    An earlier state of the job that can't be read is left out, because the dispatcher acts on the later one.
    """
    images = record["dynamodb"]
    new = job_from_image(images["NewImage"])
    old = images.get("OldImage")
    try:
        return JobChange(None if old is None else job_from_image(old), new)
    except ServiceRefused:
        return JobChange(None, new)
