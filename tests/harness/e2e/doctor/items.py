"""Breaks what a living stack stores, by items that are written past the use cases; and what the doctor brings along."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

from tests.harness.e2e.doctor.deployed import Deployed
from tidegate.adapters.dynamodb import schema
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.pulses import Part
from tidegate.domain.states import Group, State
from tidegate.domain.submission import Phase, Submission
from tidegate_cli.commands import doctor

POOL = "ecs"  # no worker of it runs, so nothing takes its jobs
JOB_ID = "01JD0CT0R00000000000000000"
SUBMISSION_ID = "01JD0CT0R00000000000000001"
HOUR_MS = 3_600_000


@contextmanager
def lease_over(on: Deployed) -> Iterator[None]:
    """Stores a RUNNING job whose worker fell silent an hour ago."""
    began_ms = _now_ms() - HOUR_MS
    job = replace(
        _job(began_ms),
        state=State.RUNNING,
        worker_id="01JD0CT0R00000000000000002",
        started_at_ms=began_ms,
        lease_expires_at_ms=began_ms + 60_000,
        history=(HistoryEntry(began_ms, State.RUNNING, 1, "worker"),),
    )
    with _stored(on, job):
        yield


@contextmanager
def entry_elsewhere(on: Deployed) -> Iterator[None]:
    """Stores a job that ended an hour ago, and leaves its entry of the index among the running ones."""
    with _stored(on, _ended(_now_ms() - HOUR_MS)):
        shards = on.services().index.shards
        key = schema.group_key(POOL, Group.ACTIVE, schema.shard_of(JOB_ID, shards))
        on.client("dynamodb").update_item(
            TableName=on.stack.outputs["JobsTable"],
            Key={schema.JOB_ID: {"S": JOB_ID}},
            UpdateExpression=f"SET {schema.GROUP_KEY} = :key",
            ExpressionAttributeValues={":key": {"S": key}},
        )
        yield


@contextmanager
def ended_unread(on: Deployed, part: Part) -> Iterator[None]:
    """Stores a job that ended two minutes ago, and an older pulse of the part that should have read of it."""
    with _stored(on, _ended(_now_ms() - 120_000)), old_pulse(on, part):
        yield


@contextmanager
def old_pulse(on: Deployed, part: Part) -> Iterator[None]:
    """Sets the last pulse of a part to an hour ago. Afterwards a schedule's is of now, and a reader's as it was."""
    dynamodb, table, key = on.client("dynamodb"), on.stack.outputs["ControlTable"], schema.pulse_key(part)
    before = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")

    def put(at_ms: int) -> None:
        dynamodb.put_item(TableName=table, Item={**key, schema.PULSE_AT: {"N": str(at_ms)}})

    put(_now_ms() - HOUR_MS)
    try:
        yield
    finally:
        if part in (Part.DISPATCHER, Part.REAPER):
            put(_now_ms())
        elif before is None:
            dynamodb.delete_item(TableName=table, Key=key)
        else:
            dynamodb.put_item(TableName=table, Item=before)


@contextmanager
def no_pulse(on: Deployed, part: Part) -> Iterator[None]:
    """Removes the pulse of a schedule, as if it had never run. Afterwards it is of now."""
    with old_pulse(on, part):
        on.client("dynamodb").delete_item(
            TableName=on.stack.outputs["ControlTable"], Key=schema.pulse_key(part)
        )
        yield


@contextmanager
def paused_with_a_job(on: Deployed) -> Iterator[None]:
    """Pauses a pool in which a READY job waits. Afterwards it is not paused."""
    rules, now_ms = on.services().rules, _now_ms()
    job = replace(_job(now_ms), state=State.READY, queued_at_ms=None, sent_at_ms=None, attempt=0)
    rules.set_pool_paused(POOL, True, actor="test", now_ms=now_ms)
    try:
        with _stored(on, job):
            yield
    finally:
        rules.set_pool_paused(POOL, False, actor="test", now_ms=now_ms + 1)


@contextmanager
def counts_late(on: Deployed) -> Iterator[None]:
    """Says that a pool's ended jobs are counted up to two hours ago, and no further."""
    dynamodb, table = on.client("dynamodb"), on.stack.outputs["ProgressTable"]
    key = {
        schema.WORKFLOW_ID: {"S": schema.statistics_key(POOL)},
        schema.PART: {"S": schema.REACHED_PART},
    }
    before = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    counted_ms = int(before[schema.COUNTED]["N"]) - 2 * HOUR_MS
    dynamodb.put_item(TableName=table, Item={**before, schema.COUNTED: {"N": str(counted_ms)}})
    try:
        yield
    finally:
        dynamodb.put_item(TableName=table, Item=before)


@contextmanager
def submission_open(on: Deployed) -> Iterator[None]:
    """Stores a submission that was accepted an hour ago, and that nobody has finished."""
    on.services().submissions.begin_if_absent(
        Submission(
            submission_id=SUBMISSION_ID,
            phase=Phase.COMMITTED,
            job_count=2,
            fingerprint="",
            created_at_ms=_now_ms() - HOUR_MS,
        )
    )
    try:
        yield
    finally:
        on.client("dynamodb").delete_item(
            TableName=on.stack.outputs["SubmissionsTable"], Key={schema.SUBMISSION_ID: {"S": SUBMISSION_ID}}
        )


@contextmanager
def clock_ahead(_on: Deployed, seconds: float) -> Iterator[None]:
    """Sets the clock by which the doctor goes."""
    with patch.object(doctor, "time", SimpleNamespace(time=lambda: time.time() + seconds)):
        yield


@contextmanager
def own_version(_on: Deployed, version: str) -> Iterator[None]:
    """Gives the command line another version than the stack's."""
    with patch.object(doctor, "version", lambda _package: version):
        yield


@contextmanager
def _stored(on: Deployed, job: Job) -> Iterator[None]:
    on.services().jobs.insert_if_absent([job])
    try:
        yield
    finally:
        on.client("dynamodb").delete_item(
            TableName=on.stack.outputs["JobsTable"], Key={schema.JOB_ID: {"S": job.job_id}}
        )


def _job(at_ms: int) -> Job:
    return Job(
        job_id=JOB_ID,
        state=State.QUEUED,
        type="tidegate.noop",
        pool=POOL,
        priority=100,
        created_at_ms=at_ms,
        ready_at_ms=at_ms,
        queued_at_ms=at_ms,
        sent_at_ms=at_ms,
        attempt=1,
    )


def _ended(at_ms: int) -> Job:
    history = (HistoryEntry(at_ms, State.SUCCEEDED, 1, "worker"),)
    return replace(_job(at_ms), state=State.SUCCEEDED, finished_at_ms=at_ms, history=history)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
