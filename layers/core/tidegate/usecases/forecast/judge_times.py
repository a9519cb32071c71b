"""Judges all times to finish by of a workflow, or that of one job, from one reading of live state."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain.forecast.finish_by import FinishBy, Wanted, judge_finishes
from tidegate.domain.forecast.run_times import learned
from tidegate.domain.job import Job
from tidegate.domain.submission import Submission
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.forecast.read_scene import SceneRead, read_job_scene, read_workflow_scene
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.usual_runs import known_overruns


@dataclass(frozen=True, slots=True)
class TimesJudged:
    """The judgements about a workflow's time and about the times of jobs, as their forecasts would give them.

    `workflow` is None where the workflow has no time, or no job that is left to run. `jobs` have each open job that has
    a time, earliest time first, with None where the job is going to be skipped. `jobs_stepped` is the size of the
    scene. `is_open` says that jobs of it have not ended. Where `was_cut_short`, the time was over before all of it was
    stepped, and nothing is judged.
    """

    workflow: FinishBy | None
    jobs: tuple[tuple[Job, FinishBy | None], ...]
    jobs_stepped: int
    is_open: bool = True
    was_cut_short: bool = False


def judge_workflow_times(
    services: Services, submission: Submission, *, now_ms: int, until: Deadline = NEVER
) -> TimesJudged:
    """Judges the times of a workflow and of its open jobs at `now_ms`. No draw is stepped after `until`.

    Reads what `read_workflow_scene` says, and steps what a forecast of the workflow steps, at most twice. Raises
    NotFound where the workflow was submitted before graphs were stored; ServiceUnavailable.
    """
    read = read_workflow_scene(services, submission.submission_id, submission.job_count, now_ms)
    return _judged(services, read, submission.finish_by_ms, now_ms, until)


def judge_job_time(services: Services, job: Job, *, now_ms: int, until: Deadline = NEVER) -> TimesJudged:
    """Judges the time of an open job that was submitted alone, as `judge_workflow_times` does.

    Reads nothing where the time has passed.
    """
    if job.finish_by_ms is not None and job.finish_by_ms <= now_ms:
        return TimesJudged(None, ((job, FinishBy.missed(job.finish_by_ms)),), 0)
    return _judged(services, read_job_scene(services, job, now_ms), None, now_ms, until)


def _judged(
    services: Services, read: SceneRead, finish_by_ms: int | None, now_ms: int, until: Deadline
) -> TimesJudged:
    left = [job for job in read.wanted if job.job_id not in read.skipped]
    timed = sorted((job.finish_by_ms, job.job_id, job) for job in read.wanted if job.finish_by_ms is not None)
    wanted = {job_id: Wanted([job_id], at_ms) for at_ms, job_id, _ in timed if job_id not in read.skipped}
    asked = list(wanted.values())
    if finish_by_ms is not None and left:
        asked.append(Wanted([job.job_id for job in left], finish_by_ms))
    past = known_overruns(services, now_ms, until) if asked else {}
    found = judge_finishes(read.scene, learned(read.ended, past), asked, is_over=until.is_over)
    if found is None:
        return TimesJudged(None, (), len(read.scene.jobs), was_cut_short=True)
    of_jobs = dict(zip(wanted, found, strict=False))
    return TimesJudged(
        found[-1] if len(found) > len(wanted) else None,
        tuple((job, of_jobs.get(job_id)) for _, job_id, job in timed),
        len(read.scene.jobs),
        is_open=bool(read.wanted),
    )
