"""Workflows, their graphs and their states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from tidegate_client.models.base import Model
from tidegate_client.models.forecasts import EndForecast
from tidegate_client.models.jobs import Job, Judgement
from tidegate_client.models.states import JobState


class WorkflowSummary(Model):
    """A workflow without its jobs. `ended_at` is None while it runs, and `counts` has the number of jobs by state.

    `forecast` is None unless a list was asked for it, and where the workflow has ended or was passed over.
    `judgement` is what is known about `finish_by` without a forecast, None where nothing is.
    """

    state: str
    counts: Mapping[str, int] = Field(default_factory=dict)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    critical_path_seconds: float | None = None
    finish_by: datetime | None = None
    judgement: Judgement | None = None
    workflow_id: str
    name: str | None = None
    created_at: datetime | None = None
    submitted_by: str | None = None
    job_count: int
    tags: Mapping[str, str] = Field(default_factory=dict)
    namespace: str | None = None
    forecast: EndForecast | None = None

    @property
    def has_ended(self) -> bool:
        """True if all of its jobs have ended."""
        return self.ended_at is not None


class WorkflowPage(WorkflowSummary):
    """A workflow with a page of its jobs, in the order of the submission. `cursor` reads the next page."""

    jobs: tuple[Job, ...] = ()
    cursor: str | None = None


class Graph(Model):
    """A workflow's graph by columns, each in the order of the submission. It never changes.

    `types` lists the job types, and `type_of` the place of each job's type in that list. `parents` lists for each
    job how many places before it each of its parents stands. An edge is of type MUST_SUCCEED unless `edge_types`
    lists it as job, place among the job's parents, type. `outside` lists edges from jobs of earlier submissions as
    job and id of the upstream, with the type behind them if it is another than MUST_SUCCEED. Jobs are named by their
    index.
    """

    workflow_id: str
    job_count: int
    keys: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    type_of: tuple[int, ...] = ()
    estimates: tuple[float | None, ...] = ()
    parents: tuple[tuple[int, ...], ...] = ()
    edge_types: tuple[tuple[int | str, ...], ...] = ()
    outside: tuple[tuple[int | str, ...], ...] = ()
    critical_path: tuple[int, ...] = ()
    critical_path_seconds: float | None = None


class CriticalPath(Model):
    """The chain of a workflow's jobs that takes longest, by columns, first job first.

    `seconds` is the length of the whole path, and `measured_seconds` the part of it that ended jobs took. `jobs` are
    indexes in the workflow. `known_by` says of each job whether its seconds are MEASURED, ESTIMATED, or UNKNOWN and 0.
    """

    workflow_id: str
    job_count: int
    version: str
    state: str
    seconds: float
    measured_seconds: float
    jobs: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    states: tuple[JobState, ...] = ()
    job_seconds: tuple[float, ...] = ()
    known_by: tuple[str, ...] = ()


class States(Model):
    """The states of a workflow's jobs, a letter each.

    `states` has one letter for each job, in the order of the submission. It is None where the request named a
    version: then `changes` lists by letter the indexes of the jobs that changed since.
    """

    state: str
    counts: Mapping[str, int] = Field(default_factory=dict)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    critical_path_seconds: float | None = None
    finish_by: datetime | None = None
    judgement: Judgement | None = None
    workflow_id: str
    job_count: int
    version: str
    states: str | None = None
    changes: Mapping[str, tuple[int, ...]] = Field(default_factory=dict)


class CancelledWorkflow(Model):
    """The counts of a workflow's cancellation. `cursor` continues it, None where nothing is left.

    With `dry_run` they are those that a cancellation would have.
    """

    cancelled: int
    asked: int
    ended: int
    left: int
    complete: bool
    workflow_id: str
    cursor: str | None = None
    dry_run: bool = False


class OnHold(Model):
    """How many jobs of a workflow one call put on hold or took off hold, and how many it found so before.

    `dispatched` jobs are QUEUED or RUNNING. `at_limit` jobs were changed as often as is allowed. `cursor` continues,
    None where nothing is left.
    """

    workflow_id: str
    changed: int
    same: int
    dispatched: int
    ended: int
    at_limit: int
    left: int
    complete: bool
    cursor: str | None = None


class Rerun(Model):
    """The counts of a workflow's rerun. `cursor` continues it, None where it is complete.

    With `dry_run` they are those of the jobs that would be reopened.
    """

    reopened: int
    left_at_limit: int
    left_without_upstream: int
    complete: bool
    workflow_id: str
    cursor: str | None = None
    dry_run: bool = False
