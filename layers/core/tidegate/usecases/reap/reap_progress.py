"""Records what the recorder missed: changes of workflows' jobs that its stream gave up or no longer has.

A round goes through all workflows that have not ended as far as the recorder knows, newest first. Each run of the
reaper looks at a bounded number of workflows and of their jobs, and the next run continues behind those. A pause
follows each round. A run records a job as the recorder does, so both may work on a workflow at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tidegate.domain.job import workflow_job_id
from tidegate.domain.months import month_before, month_of
from tidegate.domain.progress import (
    Segment,
    WorkflowState,
    mark_of,
    new_segment,
    place_of,
    segments_of,
)
from tidegate.domain.states import TERMINAL
from tidegate.ports import WorkflowEntry, WorkflowRecord
from tidegate.usecases.bounds.deadline import NEVER, Deadline, while_time
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.read.visible import is_accepted
from tidegate.usecases.read.workflows import OLDEST_SECONDS
from tidegate.usecases.record.record import record, settle_summary
from tidegate.usecases.services import Services

WORKFLOWS_PER_RUN = 25
JOBS_PER_RUN = 200  # jobs that a run reads
MONTHS_PER_RUN = 12  # months without a workflow that a run passes over
GRACE_MS = 300_000  # far beyond the time by which the recorder lags behind
PAUSE_MS = 900_000  # from the beginning of a round to the next one
_CURSOR = "sweep#progress"


@dataclass(frozen=True, slots=True)
class _Round:
    """The progress of a round, stored between runs. Times are in milliseconds since the epoch.

    The round pauses until `rests_until_ms`; while that is 0 it continues in `month`, behind the workflow `after`. Of
    the workflow that is next there, the jobs before `job` have been looked at.
    """

    began_ms: int
    month: str
    after: WorkflowEntry | None = None
    job: int = 0
    rests_until_ms: int = 0


@dataclass(slots=True)
class _Found:
    """The reads and writes of a run so far: `written` counts segments and summaries."""

    jobs_left: int = JOBS_PER_RUN
    written: int = 0


def reap_progress(services: Services, now_ms: int, *, until: Deadline = NEVER) -> int:
    """Records states that have stood for `GRACE_MS` and that the progress of their workflows does not know.

    Looks at `WORKFLOWS_PER_RUN` workflows and reads `JOBS_PER_RUN` jobs at most. Returns how many segments and
    summaries were written. Raises the first error after the other workflows have been looked at; the next round looks
    at that one again.
    """
    standing = _read(services.cursors.load(_CURSOR))
    if standing is not None and now_ms < standing.rests_until_ms:
        return 0
    if standing is None or standing.rests_until_ms:
        standing = _Round(now_ms, month_of(now_ms))
    entries, place, behind = _page(services, standing, now_ms)
    # Stored before the workflows are looked at, so that one that fails or takes too long does not block the others.
    services.cursors.save(_CURSOR, _text(behind))
    found, errors = _Found(), FirstError()
    records = services.workflows.get_many([each.workflow_id for each in entries]) if entries else {}
    for entry in while_time(entries, until):
        next_job: int | None = None
        with errors.isolated():
            next_job = _look_at(services, records.get(entry.workflow_id), place.job, found, now_ms)
        if next_job is not None:
            services.cursors.save(_CURSOR, _text(replace(place, job=next_job)))
            break
        place = replace(place, after=entry, job=0)
    errors.raise_first()
    return found.written


def _page(
    services: Services, standing: _Round, now_ms: int
) -> tuple[tuple[WorkflowEntry, ...], _Round, _Round]:
    """Returns the next workflows of the round, where they begin, and where the round goes on behind them."""
    oldest_ms = max(0, now_ms - (services.settings.retention_seconds + OLDEST_SECONDS) * 1_000)
    for _ in range(MONTHS_PER_RUN):
        entries = services.workflows.page(
            standing.month,
            limit=WORKFLOWS_PER_RUN,
            from_ms=oldest_ms,
            to_ms=standing.began_ms,
            after=standing.after,
        )
        behind = replace(standing, after=entries[-1], job=0) if entries else standing
        if len(entries) < WORKFLOWS_PER_RUN:
            behind = _Round(standing.began_ms, month_before(standing.month))
            if standing.month <= month_of(oldest_ms):
                behind = replace(behind, rests_until_ms=max(now_ms, standing.began_ms + PAUSE_MS))
        if entries or behind.rests_until_ms:
            return entries, standing, behind
        standing = behind
    return (), standing, standing


def _look_at(
    services: Services, found: WorkflowRecord | None, first: int, run: _Found, now_ms: int
) -> int | None:
    """Records what is missing of a workflow, from the job `first` on.

    Returns the job with which the next run must continue, None where the workflow is done with.
    """
    if found is None or not is_accepted(found.submission):
        return None
    if found.summary is not None and found.summary.state is not WorkflowState.RUNNING:
        return None
    workflow_id, count = found.submission.submission_id, found.submission.job_count
    stored = {each.number: each for each in services.progress.load_all(workflow_id)}
    segments = [
        stored.get(number) or new_segment(workflow_id, number, count) for number in range(segments_of(count))
    ]
    states = [state for segment in segments for state in segment.states]
    not_ended = [index for index, state in enumerate(states) if state not in TERMINAL]
    if not not_ended:
        run.written += settle_summary(services, workflow_id)
        return None
    wanted = [index for index in not_ended if index >= first]
    if wanted and run.jobs_left == 0:
        return wanted[0]
    looked_at = wanted[: run.jobs_left]
    run.jobs_left -= len(looked_at)
    run.written += _record_missed(services, segments, looked_at, now_ms)
    return wanted[len(looked_at)] if len(looked_at) < len(wanted) else None


def _record_missed(
    services: Services, segments: Sequence[Segment], indexes: Sequence[int], now_ms: int
) -> int:
    """Records those jobs that the segments do not know as they are; returns how much was written."""
    ids = [workflow_job_id(segments[0].workflow_id, index) for index in indexes]
    jobs = services.jobs.get_many(ids) if ids else {}
    missed = []
    for job in jobs.values():
        place = place_of(job.job_id)
        if place is None or job.updated_at_ms > now_ms - GRACE_MS:
            continue
        if mark_of(job) > segments[place.segment].marks[place.offset]:
            missed.append(job)
    if not missed:
        return 0
    report = record(services, missed)
    return report.segments + report.summaries


def _text(standing: _Round) -> str:
    after = list(standing.after) if standing.after else None
    return json.dumps([standing.began_ms, standing.month, after, standing.job, standing.rests_until_ms])


def _read(stored: str | None) -> _Round | None:
    if stored is None:
        return None
    began_ms, month, after, job, rests_until_ms = json.loads(stored)
    return _Round(began_ms, month, WorkflowEntry(*after) if after else None, job, rests_until_ms)
