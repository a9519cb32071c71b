"""The events that leave the stack: facts about jobs, workflows and workers for programs outside.

An event tells ids, states, types, tags and times. It never holds parameters, results, messages or callers. Its id is
made from the fact alone, so a fact that is told again has the same id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from tidegate.domain.job import Job
from tidegate.domain.progress import Summary, WorkflowState
from tidegate.domain.states import State
from tidegate.domain.submission import Submission
from tidegate.domain.verdicts import FinishVerdict, Judgement
from tidegate.domain.workers import Worker, WorkerState, kept_since_ms

SOURCE: Final = "tidegate"
"""The source that every event names."""

_ID_BITS: Final = 128


class EventType(StrEnum):
    """The kind of fact that an event tells."""

    JOB_ENDED = "job.ended"
    WORKFLOW_ENDED = "workflow.ended"
    DEADLINE_AT_RISK = "deadline.at-risk"
    WORKER_LOST = "worker.lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """The facts about a job that an event tells. Times are in milliseconds since the epoch, None before they came.

    `attempts` counts the claims over all lives. `error_code` says why the job did not succeed, None where it did.
    """

    job_id: str
    key: str | None
    name: str | None
    type: str
    state: State
    pool: str
    workflow_id: str | None
    tags: Mapping[str, str]
    attempts: int
    submitted_at_ms: int
    started_at_ms: int | None
    ended_at_ms: int | None
    error_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFacts:
    """The facts about a workflow that an event tells. Times are in milliseconds since the epoch.

    `job_counts` holds the number of jobs by state, without zeros. That and the last two times are None until the
    workflow has ended.
    """

    workflow_id: str
    name: str | None
    state: WorkflowState
    tags: Mapping[str, str]
    job_count: int
    job_counts: Mapping[State, int] | None
    submitted_at_ms: int
    started_at_ms: int | None
    ended_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """The facts about a worker process that an event tells. Times are in milliseconds since the epoch.

    `running` is how many attempts the last heartbeat told of.
    """

    worker_id: str
    name: str | None
    pool: str
    state: WorkerState
    host: str
    tags: Mapping[str, str]
    slots: int
    running: int
    started_at_ms: int
    heartbeat_at_ms: int


@dataclass(frozen=True, slots=True)
class DeadlineFacts:
    """A time to finish by, in milliseconds since the epoch, with the verdict about it.

    `probability` says how probable an end in time is (0-1).
    """

    finish_by_ms: int
    verdict: FinishVerdict
    probability: float


Subject: TypeAlias = JobFacts | WorkflowFacts | WorkerFacts


@dataclass(frozen=True, slots=True)
class Event:
    """An event: its id, its type, when the fact came about (milliseconds since the epoch), and what it is about.

    `deadline` is there for `DEADLINE_AT_RISK` alone.
    """

    id: str
    type: EventType
    at_ms: int
    subject: Subject
    deadline: DeadlineFacts | None = None


def job_ended(job: Job) -> Event:
    """Returns the event of a job that has ended. A later end of the same job is another fact.

    A job has several ends if it is reopened, or if a caller corrects its end.
    """
    at_ms = job.updated_at_ms if job.finished_at_ms is None else job.finished_at_ms
    event_id = _id_of(EventType.JOB_ENDED, job.job_id, job.reopened, job.state)
    return Event(event_id, EventType.JOB_ENDED, at_ms, _job_facts(job))


def workflow_ended(submission: Submission, summary: Summary) -> Event:
    """Returns the event of a workflow that has ended as `summary` says. A later end of it is another fact."""
    at_ms = submission.created_at_ms if summary.ended_at_ms is None else summary.ended_at_ms
    event_id = _id_of(EventType.WORKFLOW_ENDED, submission.submission_id, summary.version)
    return Event(event_id, EventType.WORKFLOW_ENDED, at_ms, _workflow_facts(submission, summary))


def job_at_risk(job: Job, finish_by_ms: int, judgement: Judgement) -> Event:
    """Returns the event of a job whose time to finish by, `finish_by_ms`, was judged not to be on course."""
    return _at_risk(job.job_id, _job_facts(job), finish_by_ms, judgement)


def workflow_at_risk(submission: Submission, finish_by_ms: int, judgement: Judgement) -> Event:
    """Returns the event of a workflow whose time to finish by, `finish_by_ms`, was judged not to be on course."""
    return _at_risk(submission.submission_id, _workflow_facts(submission, None), finish_by_ms, judgement)


def worker_lost(worker: Worker) -> Event:
    """Returns the event of a worker that the reaper marked LOST. One that comes back may be lost again."""
    event_id = _id_of(
        EventType.WORKER_LOST, worker.pool, worker.worker_id, worker.session_id, worker.heartbeat_at_ms
    )
    facts = WorkerFacts(
        worker_id=worker.worker_id,
        name=worker.spec.name,
        pool=worker.pool,
        state=worker.state,
        host=worker.spec.host,
        tags=worker.spec.tags,
        slots=worker.spec.slots,
        running=worker.running,
        started_at_ms=worker.started_at_ms,
        heartbeat_at_ms=worker.heartbeat_at_ms,
    )
    return Event(event_id, EventType.WORKER_LOST, kept_since_ms(worker.expires_at_s), facts)


def _at_risk(subject_id: str, facts: Subject, finish_by_ms: int, judgement: Judgement) -> Event:
    event_id = _id_of(
        EventType.DEADLINE_AT_RISK, subject_id, finish_by_ms, judgement.judged_at_ms, judgement.verdict
    )
    deadline = DeadlineFacts(finish_by_ms, judgement.verdict, judgement.probability)
    return Event(event_id, EventType.DEADLINE_AT_RISK, judgement.judged_at_ms, facts, deadline)


def _id_of(event_type: EventType, *parts: str | int) -> str:
    """Returns the id of a fact: `evt_` and 128 bits of SHA-256 in hexadecimal digits, without dots.

    No part holds a line break, so no two facts give the same text.
    """
    text = "\n".join(map(str, (event_type, *parts)))
    return f"evt_{hashlib.sha256(text.encode()).hexdigest()[: _ID_BITS // 4]}"


def _job_facts(job: Job) -> JobFacts:
    return JobFacts(
        job_id=job.job_id,
        key=job.key,
        name=job.name,
        type=job.type,
        state=job.state,
        pool=job.pool,
        workflow_id=job.workflow_id,
        tags=job.tags,
        attempts=job.attempt,
        submitted_at_ms=job.created_at_ms,
        started_at_ms=job.started_at_ms,
        ended_at_ms=job.finished_at_ms,
        error_code=None if job.failure is None else job.failure.code,
    )


def _workflow_facts(submission: Submission, summary: Summary | None) -> WorkflowFacts:
    state = WorkflowState.RUNNING if summary is None else summary.state
    return WorkflowFacts(
        workflow_id=submission.submission_id,
        name=submission.name,
        state=state.shown(on_hold=submission.on_hold),
        tags=submission.tags,
        job_count=submission.job_count,
        job_counts=None if summary is None else summary.counts,
        submitted_at_ms=submission.created_at_ms,
        started_at_ms=None if summary is None else summary.started_at_ms,
        ended_at_ms=None if summary is None else summary.ended_at_ms,
    )
