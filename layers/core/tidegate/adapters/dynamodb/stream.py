"""Decodes the records of the tables' streams."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import job_from_image
from tidegate.adapters.dynamodb.values import Attribute
from tidegate.domain.changes import Changes, JobChange, UnreadableRecord
from tidegate.domain.errors import ServiceRefused


def changes_from(records: Iterable[Mapping[str, Any]]) -> Changes:
    """Decodes the records of one batch; the removal of a job is no change.

    The table of a record is told from its keys. A record that can't be read is listed as unreadable: it can never be
    read, and an error would block its shard.
    """
    jobs: list[JobChange] = []
    joined: set[str] = set()
    of_rules = False
    unreadable: list[UnreadableRecord] = []
    for record in records:
        keys = (record.get("dynamodb") or {}).get("Keys") or {}
        pool = _pool_of_worker(keys)
        if is_of_rules(keys):
            of_rules = True
        elif pool is not None:
            joined.add(pool)
        elif record.get("eventName") != "REMOVE":
            try:
                jobs.append(job_change_from(record))
            except Exception as error:  # noqa: BLE001 - one bad record must not block its shard
                unreadable.append(UnreadableRecord(record.get("eventID"), type(error).__name__))
    return Changes(tuple(jobs), frozenset(joined), of_rules, tuple(unreadable))


def is_of_rules(keys: Mapping[str, Attribute]) -> bool:
    """Returns True if a stream record with these `keys` is about the rules."""
    return keys.get(schema.NAME) == {"S": schema.RULES}


def _pool_of_worker(keys: Mapping[str, Attribute]) -> str | None:
    """Returns the pool of the worker that a stream record with these `keys` is about, None if it is about no worker."""
    if schema.WORKER_ID not in keys:
        return None
    return str(keys[schema.POOL]["S"])


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
