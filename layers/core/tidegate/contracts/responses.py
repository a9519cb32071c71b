"""The answers about jobs and workflows: the model of each, the function that makes it, and the JSON text.

The models are typed dictionaries. The keys of an answer keep the order in which the functions write them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

from pydantic import GetPydanticSchema
from pydantic_core.core_schema import any_schema
from typing_extensions import TypedDict

from tidegate.contracts.judgements import JudgementOut, job_judgement_out, judgement_out
from tidegate.contracts.outside import OutsidePartOut, outside_part
from tidegate.contracts.times import Time, to_wire
from tidegate.contracts.workflow_responses import WorkflowSummaryOut
from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import EstimateSource, HistoryEntry, Job, JobFailure, Json, Progress
from tidegate.domain.keys import plain_key, plain_lane
from tidegate.domain.rank import RankPolicy, effective_priority
from tidegate.domain.states import State
from tidegate.domain.statistics.usual_runs import Straggler

# Any JSON value. Its schema says so in place of a type that contains itself.
JsonOut: TypeAlias = Annotated[Json, GetPydanticSchema(lambda _source, _handler: any_schema())]
MAX_ANSWER_BYTES = 6_000_000  # a function can answer with 6 MiB; the headers need the rest
_LONGEST_ESCAPE = 12  # a character outside the basic plane becomes two times \uXXXX


def to_json(body: Mapping[str, Any]) -> str:
    """Returns a body as JSON text."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, default=dict)


def fits_in_answer(text: str) -> bool:
    """Tells whether a function can answer with this text, which its own answer holds as a JSON string."""
    if len(text) * _LONGEST_ESCAPE <= MAX_ANSWER_BYTES:
        return True
    return len(json.dumps(text)) <= MAX_ANSWER_BYTES


class Accepted(TypedDict):
    """The answer to the submission of one job."""

    job_id: str


class AcceptedWorkflow(TypedDict):
    """The answer to the submission of a workflow. `job_ids` has the id of each job by its key."""

    workflow_id: str
    job_ids: Mapping[str, str]


class ForeseenOut(TypedDict):
    """The answer to a submission with `dry_run`: how many jobs it would create, by first state and by pool."""

    dry_run: bool
    job_count: int
    states: Mapping[str, int]
    pools: Mapping[str, int]


class DependencyOut(TypedDict):
    """A dependency of a job."""

    job_id: str
    type: DependencyType
    condition: str | None


class RetryOut(TypedDict):
    """The backoff of a job, and the codes of errors that are never or always retried."""

    backoff_seconds: int
    max_backoff_seconds: int
    never_on: list[str]
    always_on: list[str]


class ProgressOut(TypedDict):
    """The latest progress that a job reported."""

    fraction: float
    message: str | None


class ErrorOut(TypedDict):
    """The reason why a job ended without success.

    `upstream_id` is the upstream that it was skipped for. `last_lines` are the last lines that its last attempt
    printed, with the traceback of what it raised.
    """

    code: str
    message: str
    upstream_id: str | None
    last_lines: list[str]


class StepOut(TypedDict):
    """One entry of a job's history."""

    at: Time | None
    state: State
    attempt: int
    actor: str
    reason: str | None


class TimesOut(TypedDict):
    """The times of a job, null while they have not come."""

    created_at: Time | None
    not_before: Time | None
    finish_by: Time | None
    latest_start: Time | None
    due_at: Time | None
    ready_at: Time | None
    queued_at: Time | None
    started_at: Time | None
    began_at: Time | None
    finished_at: Time | None
    cancel_requested_at: Time | None
    updated_at: Time | None


class ResultOut(TypedDict, total=False):
    """The result of a job. It is left out where it overflowed and was not loaded, because null would mean none."""

    result: JsonOut


class StragglerOut(TypedDict):
    """The measure of a straggler: 99 % of the `runs` of its type that were counted took at most `p99_seconds`."""

    runs: int
    p99_seconds: float


class StragglingOut(TypedDict, total=False):
    """The measure by which a job straggles, null where it does not. Only `GET /v1/jobs/{job_id}` has it."""

    straggler: StragglerOut | None


# For job_out, whose caller adds the field: the type has to stand there.
_NOT_LOOKED_AT: Final[StragglingOut] = {}


class JobRowOut(TimesOut, StragglingOut, OutsidePartOut):
    """A job as a listing shows it: without its parameters, dependencies, result, history and `judgements`.

    `judgement` is what is known about its `finish_by` without a forecast, null where nothing is.
    """

    judgement: JudgementOut | None
    job_id: str
    workflow_id: str | None
    key: str | None
    name: str | None
    description: str | None
    type: str
    state: State
    priority: int
    effective_priority: float | None
    critical_path_boost: float
    pool: str
    requires: list[str]
    share: str | None
    concurrency_key: str | None
    concurrency_limit: int | None
    held_in: str | None
    on_hold: bool
    tags: dict[str, str]
    submitted_by: str | None
    namespace: str | None
    attempt: int
    tries: int
    worker_losses: int
    reopened: int
    worker: str | None
    worker_name: str | None
    worker_host: str | None
    waiting_on_count: int
    cancel_requested_by: str | None
    timeout_seconds: int
    max_retries: int
    retry: RetryOut
    estimated_duration_seconds: float | None
    estimate_source: EstimateSource | None
    actual_duration_seconds: float | None
    progress: ProgressOut | None
    error: ErrorOut | None


class JobOut(JobRowOut, ResultOut):
    """A job."""

    parameters: Mapping[str, JsonOut] | None
    depends_on: list[DependencyOut]
    history: list[StepOut]
    judgements: list[JudgementOut]


class JobPageOut(TypedDict):
    """A page of jobs. `cursor` asks for the next page, null where there is none."""

    jobs: list[JobOut]
    cursor: str | None


class WorkflowOut(JobPageOut, WorkflowSummaryOut):
    """A workflow with a page of its jobs."""

    workflow_id: str
    name: str | None
    created_at: Time | None
    submitted_by: str | None
    namespace: str | None
    tags: Mapping[str, str]
    job_count: int


class CancelledOut(TypedDict):
    """How many jobs one call cancelled, asked to stop, found ended and left."""

    cancelled: int
    asked: int
    ended: int
    left: int
    complete: bool


class CancelledJobOut(JobOut):
    """A cancelled job, with the counts of the jobs downstream of it."""

    downstream: CancelledOut


class CancelledWorkflowOut(CancelledOut):
    """The counts of a workflow's cancellation. `cursor` continues it, null where nothing is left."""

    workflow_id: str
    cursor: str | None


class OnHoldOut(TypedDict):
    """How many jobs of a workflow one call put on hold or took off hold, and how many it found so before.

    `dispatched` jobs are QUEUED or RUNNING. `at_limit` jobs were changed as often as is allowed. `cursor` continues,
    null where nothing is left.
    """

    workflow_id: str
    changed: int
    same: int
    dispatched: int
    ended: int
    at_limit: int
    left: int
    complete: bool
    cursor: str | None


class ReopeningOut(TypedDict):
    """How many jobs one call reopened, and how many it left because of a limit or a missing upstream."""

    reopened: int
    left_at_limit: int
    left_without_upstream: int
    complete: bool


class RetriedJobOut(JobOut):
    """A job that was retried by hand, with the counts of the jobs that were reopened with it."""

    reopening: ReopeningOut


class MarkedJobOut(JobOut):
    """A job that was ended by hand, with the counts of the jobs that were reopened because they had been skipped."""

    reopening: ReopeningOut


class RerunOut(ReopeningOut):
    """The counts of a workflow's rerun. `cursor` continues it, null where it is complete."""

    workflow_id: str
    cursor: str | None


class RerunningOut(TypedDict):
    """How many jobs one call reran, and how many it left because of a limit or because they were dispatched.

    With `dry_run` these are the jobs that would be. `cursor` continues, null where the rerun is complete.
    """

    rerun: int
    left_at_limit: int
    left_active: int
    complete: bool
    cursor: str | None
    dry_run: bool


class RerunJobOut(JobOut):
    """A job that was rerun, with the counts of the jobs that were rerun with it."""

    rerun: RerunningOut


class ToldOut(TypedDict):
    """The outcome of one job of an act in bulk: DONE, ASKED (its worker is to stop it) or LEFT, and why it was left."""

    job_id: str
    outcome: str
    state: str
    reason: str | None


class ActedOut(TypedDict):
    """The result of one call of an act in bulk. `cursor` continues it, null at the end.

    With `dry_run` the outcomes and the counts are those that the same call would have now.
    """

    jobs: list[ToldOut]
    done: int
    asked: int
    left: int
    looked_at: int
    cursor: str | None
    dry_run: bool


class RedrivenOut(TypedDict):
    """How many of the failed jobs that one call looked at it redrove. `cursor` continues, null at the end."""

    pool: str
    redriven: int
    looked_at: int
    cursor: str | None


class CancellationForeseenOut(CancelledJobOut):
    """The answer to a dry run of a job's cancellation: the job as it is, and what would become of those downstream."""

    dry_run: bool


class RetryForeseenOut(RetriedJobOut):
    """The answer to a dry run of a job's retry: the job as it is, and how many jobs would be reopened."""

    dry_run: bool


class WorkflowCancellationForeseenOut(CancelledWorkflowOut):
    """The answer to a dry run of a workflow's cancellation: what would become of its jobs."""

    dry_run: bool


class RerunForeseenOut(RerunOut):
    """The answer to a dry run of a workflow's rerun: how many jobs would be reopened."""

    dry_run: bool


class RedriveForeseenOut(RedrivenOut):
    """The answer to a dry run of a redrive: how many of the jobs looked at would be redriven."""

    dry_run: bool


def job_out(job: Job, policy: RankPolicy, now_ms: int) -> JobOut:
    """Returns a job as clients read it, with its `effective_priority` at `now_ms` (milliseconds) while it is READY."""
    given = job.input
    return {
        "job_id": job.job_id,
        "workflow_id": job.workflow_id,
        "key": job.key,
        "name": job.name,
        "description": job.description,
        "type": job.type,
        "state": job.state,
        "priority": job.priority,
        "effective_priority": _points(job, policy, now_ms),
        "critical_path_boost": job.critical_path_boost_millipoints / 1_000,
        "pool": job.pool,
        "requires": list(job.requires),
        "share": job.share or None,
        "concurrency_key": job.concurrency_key and plain_key(job.concurrency_key, job.submitted_by),
        "concurrency_limit": job.concurrency_limit if job.concurrency_key else None,
        "held_in": plain_lane(job.held_in, job.submitted_by) or None,
        "on_hold": job.on_hold,
        "tags": dict(job.tags),
        "submitted_by": job.submitted_by,
        "namespace": job.namespace,
        "attempt": job.attempt,
        "tries": job.tries,
        "worker_losses": job.worker_losses,
        "reopened": job.reopened,
        "worker": job.worker_id,
        "worker_name": job.worker_name or None,
        "worker_host": job.worker_host or None,
        "parameters": given.parameters if given else None,
        "depends_on": [
            {"job_id": edge.upstream_id, "type": edge.type, "condition": edge.condition}
            for edge in (given.depends_on if given else ())
        ],
        "waiting_on_count": len(job.waiting_on),
        **_times_out(job),
        **outside_part(job),
        "judgement": job_judgement_out(job, now_ms),
        "cancel_requested_by": job.cancel_requested_by,
        "timeout_seconds": job.timeout_seconds,
        "max_retries": job.retry.max_retries,
        "retry": {
            "backoff_seconds": job.retry.backoff_seconds,
            "max_backoff_seconds": job.retry.max_backoff_seconds,
            "never_on": sorted(job.retry.never_on),
            "always_on": sorted(job.retry.always_on),
        },
        "estimated_duration_seconds": job.estimated_duration_seconds,
        "estimate_source": job.estimate_source,
        **_NOT_LOOKED_AT,
        "actual_duration_seconds": job.actual_duration_seconds,
        "progress": _progress_out(job.progress),
        **_result_out(job),
        "error": _error_out(job.failure),
        "history": [_step_out(entry) for entry in job.told_history],
        "judgements": [judgement_out(each) for each in job.judgements],
    }


def _points(job: Job, policy: RankPolicy, now_ms: int) -> float | None:
    if job.state is not State.READY or job.ready_at_ms is None:
        return None
    boost = job.critical_path_boost_millipoints
    return effective_priority(
        policy, job.priority, job.ready_at_ms, job.tries, now_ms, boost, job.latest_start_ms
    )


def straggling_out(found: Straggler | None) -> StragglingOut:
    """Returns the measure of a straggler as clients read it, null for a job that does not straggle."""
    if found is None:
        return {"straggler": None}
    return {"straggler": {"runs": found.runs, "p99_seconds": found.p99_seconds}}


def _progress_out(progress: Progress | None) -> ProgressOut | None:
    return None if progress is None else {"fraction": progress.fraction, "message": progress.message}


def _error_out(failure: JobFailure | None) -> ErrorOut | None:
    if failure is None:
        return None
    return {
        "code": failure.code,
        "message": failure.message,
        "upstream_id": failure.upstream_id,
        "last_lines": list(failure.last_lines),
    }


def _result_out(job: Job) -> ResultOut:
    return {} if job.result_overflow and job.result is None else {"result": job.result}


def _step_out(entry: HistoryEntry) -> StepOut:
    return {
        "at": to_wire(entry.at_ms),
        "state": entry.state,
        "attempt": entry.attempt,
        "actor": entry.actor,
        "reason": entry.reason or None,
    }


def _times_out(job: Job) -> TimesOut:
    return {
        "created_at": to_wire(job.created_at_ms),
        "not_before": to_wire(job.not_before_ms),
        "finish_by": to_wire(job.finish_by_ms),
        "latest_start": to_wire(job.latest_start_ms),
        "due_at": to_wire(job.due_at_ms),
        "ready_at": to_wire(job.ready_at_ms),
        "queued_at": to_wire(job.queued_at_ms),
        "started_at": to_wire(job.started_at_ms),
        "began_at": to_wire(job.began_at_ms),
        "finished_at": to_wire(job.finished_at_ms),
        "cancel_requested_at": to_wire(job.cancel_requested_at_ms),
        "updated_at": to_wire(job.updated_at_ms),
    }
