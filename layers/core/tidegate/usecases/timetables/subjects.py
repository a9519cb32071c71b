"""Looks at the jobs and workflows that runs submitted: their states, and whether they have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.domain.callers import Caller
from tidegate.domain.errors import AlreadyEnded, NotFound
from tidegate.domain.progress import WorkflowState
from tidegate.domain.timetables.timetable import Run, Subject, SubmissionKind
from tidegate.domain.timetables.views import RunView
from tidegate.ports import WorkflowRecord
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.read.visible import is_accepted
from tidegate.usecases.recover.cancel import cancel_job, cancel_workflow
from tidegate.usecases.services import Services


def open_among(services: Services, subjects: Sequence[Subject]) -> frozenset[Subject]:
    """Returns those of the subjects that have not ended. A subject that is gone has ended. Reads them in batches."""
    job_ids, workflow_ids = _ids(subjects)
    jobs = services.jobs.get_many(job_ids, consistent=True) if job_ids else {}
    records = services.workflows.get_many(workflow_ids, consistent=True) if workflow_ids else {}
    is_open = {job_id: not job.is_terminal for job_id, job in jobs.items()}
    is_open |= {each: _word(record) is WorkflowState.RUNNING for each, record in records.items()}
    return frozenset(each for each in subjects if is_open.get(each.submission_id))


def cancelled(
    services: Services, subject: Subject, *, caller: Caller, now_ms: int, until: Deadline = NEVER
) -> bool:
    """Cancels a job or workflow. Returns False if some jobs of a workflow could not be reached in time."""
    try:
        if subject.kind is SubmissionKind.JOB:
            cancel_job(services, subject.submission_id, caller=caller, now_ms=now_ms)
            return True
        done = cancel_workflow(services, subject.submission_id, caller=caller, now_ms=now_ms, until=until)
        return not done.left
    except (AlreadyEnded, NotFound):
        return True


def run_views(services: Services, runs: Sequence[Run]) -> list[RunView]:
    """Returns the runs with the states of what they submitted. Reads these in batches; they may be a little old."""
    subjects = [run.submitted for run in runs if run.submitted is not None]
    job_ids, workflow_ids = _ids(subjects)
    states: dict[str, str] = {}
    if job_ids:
        states |= {job_id: str(job.state) for job_id, job in services.jobs.get_many(job_ids).items()}
    if workflow_ids:
        records: Mapping[str, WorkflowRecord] = services.workflows.get_many(workflow_ids)
        states |= {each: str(word) for each, record in records.items() if (word := _word(record)) is not None}
    return [RunView(run, states.get(run.submitted.submission_id) if run.submitted else None) for run in runs]


def _word(record: WorkflowRecord) -> WorkflowState | None:
    """Returns the word of state of a workflow that was accepted, None for another one."""
    if not is_accepted(record.submission):
        return None
    return WorkflowState.RUNNING if record.summary is None else record.summary.state


def _ids(subjects: Sequence[Subject]) -> tuple[list[str], list[str]]:
    """Returns the ids of the jobs and those of the workflows among the subjects, each once."""
    by_kind = {
        kind: list(dict.fromkeys(each.submission_id for each in subjects if each.kind is kind))
        for kind in SubmissionKind
    }
    return by_kind[SubmissionKind.JOB], by_kind[SubmissionKind.WORKFLOW]
