"""Forecasts a workflow, or one job, from live state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tidegate.domain.forecast.finish_by import FinishBy, Wanted, judge_finish
from tidegate.domain.forecast.forecast import Forecast, Interval, JobForecast, draws_for, forecast
from tidegate.domain.forecast.run_times import RunTimes, learned
from tidegate.domain.job import Job, submission_of
from tidegate.domain.states import State
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.forecast.notes import Note, notes_of
from tidegate.usecases.forecast.read_scene import SceneRead, read_job_scene, read_workflow_scene
from tidegate.usecases.read.visible import find_job, find_workflow
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.usual_runs import known_overruns

MAX_ROWS: Final = 200
"""Jobs that the forecast of a workflow shows: those that start first."""


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """A job that has not ended, with its forecast."""

    job: Job
    forecast: JobForecast


@dataclass(frozen=True, slots=True)
class WorkflowForecast:
    """The forecast of a workflow: its end, and the first of its jobs in the order of their starts.

    `end` is None where the workflow has ended, or does not end as things stand. `left` counts the jobs that have not
    ended. `draws` is how many courses were drawn, 0 where nothing is left. `finish_by` judges the workflow's time, None
    where it has no such time or nothing is left.
    """

    left: int
    end: Interval | None
    rows: tuple[ForecastRow, ...]
    draws: int
    notes: tuple[Note, ...]
    finish_by: FinishBy | None = None


@dataclass(frozen=True, slots=True)
class JobForecastRead:
    """The forecast of one job. It is empty where the job has ended, and without notes.

    `draws` is 0 where the job has ended or is going to be skipped, of which the notes tell the latter. `finish_by`
    judges the job's time, None where it has no such time or does not run any more.
    """

    job: Job
    forecast: JobForecast
    draws: int
    notes: tuple[Note, ...]
    finish_by: FinishBy | None = None


_NOTHING = JobForecast(None, None)


def forecast_workflow(
    services: Services, workflow_id: str, *, now_ms: int, until: Deadline = NEVER
) -> WorkflowForecast:
    """Forecasts the end of a workflow and of its jobs at `now_ms`.

    Reads what `read_scene` and `known_usual_runs` say, and steps at most about `JOBS_DRAWN` jobs. Where the workflow's
    `finish_by` is at risk, it steps as many again for up to 2,000 jobs, and up to five times as many for 10,000; none
    of these is begun after `until`. Raises NotFound, also where the workflow was submitted before graphs were stored;
    ServiceUnavailable.
    """
    submission = find_workflow(services, workflow_id)
    read = read_workflow_scene(services, workflow_id, submission.job_count, now_ms)
    run_times = learned(read.ended, known_overruns(services, now_ms, until))
    jobs = [job for job in read.wanted if job.job_id not in read.skipped]
    found = _drawn(read, run_times, jobs)
    rows = sorted((ForecastRow(job, each) for job, each in zip(jobs, found.jobs, strict=True)), key=_by_start)
    return WorkflowForecast(
        len(read.wanted),
        found.end,
        tuple(rows[:MAX_ROWS]),
        found.draws,
        tuple(notes_of(read, run_times, jobs)),
        _judged(services, read, run_times, found, jobs, submission.finish_by_ms, until),
    )


def forecast_job(services: Services, job_id: str, *, now_ms: int, until: Deadline = NEVER) -> JobForecastRead:
    """Forecasts the start and the end of a job at `now_ms`. A job of a workflow is forecast with its workflow.

    Steps what `forecast_workflow` steps. Raises NotFound; ServiceUnavailable.
    """
    job = find_job(services, job_id)
    if job.is_terminal:
        return JobForecastRead(job, _NOTHING, 0, ())
    if job.workflow_id is None:
        read = read_job_scene(services, job, now_ms)
    else:
        workflow_id = submission_of(job_id)
        submission = find_workflow(services, workflow_id)
        read = read_workflow_scene(services, workflow_id, submission.job_count, now_ms)
    if all(each.job_id != job_id for each in read.wanted):  # it ended meanwhile
        return JobForecastRead(job, _NOTHING, 0, ())
    jobs = [each for each in read.wanted if each.job_id == job_id and job_id not in read.skipped]
    run_times = learned(read.ended, known_overruns(services, now_ms, until))
    found = _drawn(read, run_times, jobs)
    own = found.jobs[0] if found.jobs else _NOTHING
    judged = _judged(services, read, run_times, found, jobs, job.finish_by_ms, until)
    return JobForecastRead(job, own, found.draws, tuple(notes_of(read, run_times, jobs)), judged)


def _drawn(read: SceneRead, run_times: RunTimes, jobs: Sequence[Job]) -> Forecast:
    if not jobs:
        return Forecast((), None, 0)
    scene = read.scene
    return forecast(scene, run_times, [job.job_id for job in jobs], draws=draws_for(len(scene.jobs)))


def _judged(
    services: Services,
    read: SceneRead,
    run_times: RunTimes,
    found: Forecast,
    jobs: Sequence[Job],
    finish_by_ms: int | None,
    until: Deadline,
) -> FinishBy | None:
    if finish_by_ms is None or not jobs:
        return None
    return judge_finish(
        read.scene,
        run_times,
        Wanted([job.job_id for job in jobs], finish_by_ms),
        found.ends_ms,
        window=services.settings.window,
        is_over=until.is_over,
    )


def _by_start(row: ForecastRow) -> tuple[bool, float, float]:
    """Orders jobs by their starts: those that run first, those that never start last."""
    start, end = row.forecast.start, row.forecast.end
    if row.job.state is State.RUNNING:
        return False, 0.0, math.inf if end is None else end.p50_ms
    if start is None:
        return True, 0.0, 0.0
    return False, start.p50_ms, start.p50_ms if end is None else end.p50_ms
