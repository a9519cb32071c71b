"""Forecasts of jobs and workflows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tidegate_client.models.base import Model
from tidegate_client.models.states import JobState


class Interval(Model):
    """A forecast time: the median, and the bounds between which it lies with the `coverage` of the answer."""

    median: datetime
    low: datetime
    high: datetime


class EndForecast(Model):
    """When a workflow of a list is forecast to end; `end` is None where it does not end as things stand."""

    end: Interval | None = None


class ForecastNote(Model):
    """One thing that a forecast takes for granted, or that keeps jobs from a forecast."""

    code: str
    message: str


class Help(Model):
    """A change that makes an end in time more probable, with the `probability` (0-1) after it.

    It is `priority` for the jobs that still wait and have a lower one, or `add_slots`, more slots by pool. The other
    one is None.
    """

    probability: float
    priority: int | None = None
    add_slots: Mapping[str, int] | None = None


class FinishBy(Model):
    """The judgement about a `finish_by`.

    `verdict` is `on-course`, `at-risk`, `impossible` or `missed`. `probability` (0-1) is that of an end in time, as
    things stand. `earliest` is the median of the ends without any wait, known where the time is impossible.
    """

    at: datetime
    verdict: str
    probability: float
    earliest: datetime | None = None
    helps: tuple[Help, ...] = ()


class ForecastRow(Model):
    """A job of a workflow with its forecast."""

    job_id: str
    key: str | None = None
    state: JobState
    start: Interval | None = None
    end: Interval | None = None


class WorkflowForecast(Model):
    """When a workflow ends. `end` is None where it has ended, or does not end as things stand.

    `jobs` are the first of the `jobs_left` that have not ended, in the order of their starts.
    """

    workflow_id: str
    asked_at: datetime
    jobs_left: int
    end: Interval | None = None
    jobs: tuple[ForecastRow, ...] = ()
    coverage: float
    draws: int
    notes: tuple[ForecastNote, ...] = ()
    finish_by: FinishBy | None = None


class JobForecast(Model):
    """When a job starts and ends. A time is None where it has come, or does not come as things stand."""

    job_id: str
    state: JobState
    asked_at: datetime
    start: Interval | None = None
    end: Interval | None = None
    coverage: float
    draws: int
    notes: tuple[ForecastNote, ...] = ()
    finish_by: FinishBy | None = None


class Later(Model):
    """How many seconds later something ends after changes: the median and the bounds; below 0 where it ends earlier."""

    median: float
    low: float
    high: float


class WorkflowCompared(Model):
    """A workflow's end as things stand (`today`) and after the changes (`then`). None where it does not come.

    `ended` says that the workflow has no job left to run.
    """

    workflow_id: str
    name: str | None = None
    ended: bool = False
    today: Interval | None = None
    then: Interval | None = None
    later_seconds: Later | None = None


class JobCompared(Model):
    """A job's end as things stand (`today`) and after the changes (`then`). None where it does not come."""

    job_id: str
    key: str | None = None
    state: JobState
    today: Interval | None = None
    then: Interval | None = None
    later_seconds: Later | None = None


class SubmissionForeseen(Model):
    """The submission that was asked about: the number of its jobs, its end, and the judgement about its `finish_by`."""

    job_count: int
    end: Interval | None = None
    finish_by: FinishBy | None = None


class WhatIf(Model):
    """The answer to a what-if: when things would end after changes.

    `workflows` are those that were asked about, and those whose end changes. `unchanged_workflows` counts the others.
    """

    asked_at: datetime
    workflows: tuple[WorkflowCompared, ...] = ()
    unchanged_workflows: int
    jobs: tuple[JobCompared, ...] = ()
    submitted: SubmissionForeseen | None = None
    coverage: float
    draws: int
    notes: tuple[ForecastNote, ...] = ()
