"""Timetables, their runs and their next times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tidegate_client.models.base import Model


class TimetableRun(Model):
    """A run of a timetable. `outcome` is submitted, skipped, missed or refused.

    `scheduled_at` is its scheduled time. `cause` is timetable, manual or backfill. `count` is more than 1 where a
    missed run stands for several times. `job_id` or `workflow_id` names what it submitted, whose state is `state`; None
    where that is gone. `code` and `message` say why a run was refused.
    """

    scheduled_at: datetime | None = None
    recorded_at: datetime | None = None
    cause: str
    outcome: str
    count: int = 1
    job_id: str | None = None
    workflow_id: str | None = None
    state: str | None = None
    code: str | None = None
    message: str | None = None


class TimetableSummary(Model):
    """A timetable without its template. `state` is ACTIVE, PAUSED or ENDED.

    It has `cron` with `zone`, or `every_seconds` with `anchor`. `next_at` is the next scheduled time, None where none
    is to come. `kind` is job or workflow.
    """

    timetable_id: str
    name: str | None = None
    state: str
    cron: str | None = None
    zone: str | None = None
    every_seconds: int | None = None
    anchor: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    jitter_seconds: int
    missed: str
    grace_seconds: int
    overlap: str
    kind: str
    job_types: tuple[str, ...] = ()
    submitted_by: str | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None
    changed_by: str | None = None
    version: int
    next_at: datetime | None = None
    last_run: TimetableRun | None = None


class Timetable(TimetableSummary):
    """A timetable with its template: `job` or `workflow` as its caller sent it, the other one None."""

    job: Mapping[str, Any] | None = None
    workflow: Mapping[str, Any] | None = None


class NextRun(Model):
    """A scheduled time that is to come, also on the clock of the timetable's zone, and when its run begins."""

    scheduled_at: datetime | None = None
    local: str
    begins_at: datetime | None = None


class NextRuns(Model):
    """The next scheduled times of a timetable, in order, as if it were not paused."""

    timetable_id: str
    zone: str
    times: tuple[NextRun, ...]


class BackfillCount(Model):
    """How many scheduled times a range has; `more` says that there are more than were counted.

    `submitted` of them have been submitted already, as far as the API looked, and are not submitted again.
    """

    timetable_id: str
    count: int
    more: bool
    submitted: int
    first: datetime | None = None
    last: datetime | None = None


class Backfilled(Model):
    """The work of one call of a backfill: the `runs` that it submitted or that were refused.

    `already` counts the times that had been submitted before. `next_from` begins the next call, None once the range is
    done.
    """

    timetable_id: str
    runs: tuple[TimetableRun, ...]
    already: int
    next_from: datetime | None = None
