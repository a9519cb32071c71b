"""Jobs, what stands around them, and what they printed. Times are aware datetimes, durations are in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from tidegate_client.models.base import Model
from tidegate_client.models.states import JobState, State, is_terminal


class Progress(Model):
    """The latest progress that a job reported."""

    fraction: float
    message: str | None = None


class JobFailure(Model):
    """The reason why a job ended without success.

    `upstream_id` is the upstream that it was skipped for. `last_lines` are the last lines that its last attempt
    printed, with the traceback of what it raised.
    """

    code: str
    message: str
    upstream_id: str | None = None
    last_lines: tuple[str, ...] = ()


class Retry(Model):
    """The backoff of a job, and the codes of errors that are never or always retried."""

    backoff_seconds: int
    max_backoff_seconds: int
    never_on: tuple[str, ...] = ()
    always_on: tuple[str, ...] = ()


class Dependency(Model):
    """A dependency of a job."""

    job_id: str
    type: str
    condition: str | None = None


class Step(Model):
    """One entry of a job's history."""

    at: datetime | None = None
    state: JobState
    attempt: int
    actor: str
    reason: str | None = None


class Cancelled(Model):
    """How many jobs one call cancelled, asked to stop, found ended and left."""

    cancelled: int
    asked: int
    ended: int
    left: int
    complete: bool


class Reopening(Model):
    """How many jobs one call reopened, and how many it left because of a limit or a missing upstream."""

    reopened: int
    left_at_limit: int
    left_without_upstream: int
    complete: bool


class Rerunning(Model):
    """How many jobs one call reran, and how many it left because of a limit or because they were dispatched.

    With `dry_run` these are the jobs that would be. `cursor` continues, None where the rerun is complete.
    """

    rerun: int
    left_at_limit: int
    left_active: int
    complete: bool
    cursor: str | None = None
    dry_run: bool


class Outside(Model):
    """The hand-over of a job that is outside now.

    Its lease ends at `lease_expires_at` unless a heartbeat extends it, and its time outside at `until`.
    """

    since: datetime | None = None
    lease_expires_at: datetime | None = None
    until: datetime | None = None


class HeartbeatOutside(Model):
    """The answer to a heartbeat from outside."""

    job_id: str
    attempt: int
    outside: Outside | None = None


class Straggler(Model):
    """The measure of a straggler: 99 % of the `runs` of its type that were counted took at most `p99_seconds`."""

    runs: int
    p99_seconds: float


class Judgement(Model):
    """A verdict about a `finish_by`: `on-course`, `at-risk`, `impossible` or `missed`.

    `probability` (0-1) is that of an end in time when it was judged. The verdict stands since `judged_at`.
    """

    verdict: str
    probability: float
    judged_at: datetime | None = None


class Job(Model):
    """A job as it was last read.

    `estimate_source` is `caller` or `statistics`, None without an estimate. `straggler` stands in an answer about one
    job alone (`GET /v1/jobs/{job_id}`), while that job runs longer than 99 % of its type did.

    `outside` says that the job was handed over and nobody has finished it yet.

    `judgement` is what is known about `finish_by` without a forecast, None where nothing is; `judgements` are the
    latest ten. `latest_start` is None unless the stack ranks by latest starts and a time to finish by concerns the job.

    A list and `fields=slim` leave out `result`, `parameters`, `depends_on`, `history` and `judgements`. The answer to a
    cancellation with everything downstream has `downstream`, the answers to a retry and to a mark have `reopening`, the
    answer to a rerun has `rerun`. With `dry_run` the job is as it is, and the counts say what would become of others.
    """

    created_at: datetime | None = None
    not_before: datetime | None = None
    finish_by: datetime | None = None
    latest_start: datetime | None = None
    due_at: datetime | None = None
    ready_at: datetime | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    began_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    updated_at: datetime | None = None
    judgement: Judgement | None = None
    job_id: str
    workflow_id: str | None = None
    key: str | None = None
    name: str | None = None
    description: str | None = None
    type: str
    state: JobState
    priority: int
    effective_priority: float | None = None
    critical_path_boost: float
    pool: str
    requires: tuple[str, ...] = ()
    share: str | None = None
    concurrency_key: str | None = None
    concurrency_limit: int | None = None
    held_in: str | None = None
    tags: Mapping[str, str] = Field(default_factory=dict)
    submitted_by: str | None = None
    namespace: str | None = None
    attempt: int
    tries: int
    worker_losses: int
    reopened: int
    worker: str | None = None
    worker_name: str | None = None
    worker_host: str | None = None
    waiting_on_count: int
    on_hold: bool = False
    cancel_requested_by: str | None = None
    timeout_seconds: int
    max_retries: int
    retry: Retry
    estimated_duration_seconds: float | None = None
    estimate_source: str | None = None
    actual_duration_seconds: float | None = None
    straggler: Straggler | None = None
    progress: Progress | None = None
    outside: Outside | None = None
    error: JobFailure | None = None
    result: Any = None
    parameters: Mapping[str, Any] | None = None
    depends_on: tuple[Dependency, ...] = ()
    history: tuple[Step, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    downstream: Cancelled | None = None
    reopening: Reopening | None = None
    rerun: Rerunning | None = None
    dry_run: bool = False

    @property
    def has_ended(self) -> bool:
        """True in a state in which the job stays unless it is retried by hand."""
        return is_terminal(self.state)

    @property
    def has_succeeded(self) -> bool:
        """True if the job ended as SUCCEEDED."""
        return self.state == State.SUCCEEDED


class LogLine(Model):
    """One line that an attempt printed or logged. `number` counts the lines of the attempt from 1."""

    at: datetime | None = None
    number: int
    text: str


class LogPage(Model):
    """A page of the lines of an attempt, oldest first.

    `attempt` is None before the first one, `log_group` and `log_stream` where the lines are kept nowhere.
    `missing` counts lines that are not in the log although they were printed. `cursor` continues, None at the end
    of an attempt that has ended.
    """

    job_id: str
    state: JobState
    attempt: int | None = None
    log_group: str | None = None
    log_stream: str | None = None
    lines: tuple[LogLine, ...] = ()
    missing: int
    looked_to: datetime | None = None
    cursor: str | None = None


class UpstreamJob(Model):
    """A dependency of a job. `state` is None where the upstream has passed its retention.

    `satisfied` is None where it can't be told any more. `satisfied_at` is None too where the upstream no longer
    shows it.
    """

    job_id: str
    key: str | None = None
    name: str | None = None
    state: JobState | None = None
    type: str
    condition: str | None = None
    satisfied: bool | None = None
    satisfied_at: datetime | None = None


class DownstreamJob(Model):
    """A job that depends on another. `state` is None where it has passed its retention."""

    job_id: str
    key: str | None = None
    name: str | None = None
    state: JobState | None = None
    type: str


class Link(Model):
    """An edge of a chain."""

    upstream_id: str
    downstream_id: str
    type: str


class ChainJob(Model):
    """A job of a chain."""

    job_id: str
    key: str | None = None
    name: str | None = None
    type: str
    state: JobState


class Chain(Model):
    """The jobs around a job, nearest first, and the edges between them. `more` says that a bound cut some off.

    `drawing` is the chain in the language of Mermaid or Graphviz, None where none was asked for.
    """

    job_id: str
    jobs: tuple[ChainJob, ...] = ()
    edges: tuple[Link, ...] = ()
    more: bool
    drawing: str | None = None


class StartingChange(Model):
    """The least change that removes one fact. A field that its action does not need is None."""

    action: str
    sentence: str
    pool: str | None = None
    type: str | None = None
    job_ids: tuple[str, ...] = ()
    max_running: int | None = None
    slots: int | None = None
    at: datetime | None = None


class Fact(Model):
    """One fact that holds a job by itself, or that a running job is a straggler, with the values it was read from."""

    code: str
    message: str
    evidence: Mapping[str, Any] = Field(default_factory=dict)
    change: StartingChange


class Why(Model):
    """Why a job is not running. `complete` is false where not everything that could hold it was read."""

    job_id: str
    state: JobState
    type: str
    pool: str
    facts: tuple[Fact, ...] = ()
    sentence: str
    complete: bool
