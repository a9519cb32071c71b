"""Repairs PENDING jobs: those whose upstream's event was lost, and those of a submission that was abandoned."""

from __future__ import annotations

from functools import partial

from tidegate.domain.errors import NotFound, ServiceRefused
from tidegate.domain.job import Job, submission_of
from tidegate.domain.states import Group, State
from tidegate.domain.submission import GIVEN_UP, Phase
from tidegate.domain.transitions import Stamp
from tidegate.usecases.bounds.deadline import NEVER, Deadline, in_turns
from tidegate.usecases.bounds.sweep import sweep_group
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.pools.earlier_pools import all_pools
from tidegate.usecases.release.judge_waiting import judge_waiting
from tidegate.usecases.services import Services

ACTOR = "reaper"
JOBS_PER_SHARD = 200
GRACE_MS = 60_000  # younger jobs are left to the events of their upstreams


def reap_pending(services: Services, now_ms: int, *, until: Deadline = NEVER) -> int:
    """Judges PENDING jobs by the current state of their upstreams; returns how many left PENDING.

    Looks at up to `JOBS_PER_SHARD` jobs of each shard of every pool; the next run continues behind them. Each pool gets
    an equal part of the time left before `until`. Raises the first error after all pools have been looked at.
    """
    moved = 0
    errors = FirstError()
    for pool, pool_until in in_turns(all_pools(services), until, services.entropy.jitter):
        with errors.isolated():
            moved += sum(
                sweep_group(
                    services,
                    pool,
                    Group.PENDING,
                    partial(_judge, services, Stamp(now_ms, ACTOR), pool_until),
                    jobs_per_shard=JOBS_PER_SHARD,
                    up_to_ms=now_ms - GRACE_MS,
                    until=pool_until,
                )
            )
    errors.raise_first()
    return moved


def _judge(services: Services, stamp: Stamp, until: Deadline, page: list[Job]) -> int:
    """Judges the jobs of a page that are PENDING and accepted; returns how many left PENDING."""
    jobs = _of_accepted(services, [job for job in page if job.state is State.PENDING])
    try:
        return judge_waiting(services, jobs, stamp, until=until)
    except (NotFound, ServiceRefused):
        # One job or upstream can't be read. The jobs are judged one by one, so that it does not hold up the others.
        moved = 0
        errors = FirstError()
        for job, job_until in in_turns(jobs, until, services.entropy.jitter):
            with errors.isolated():
                moved += judge_waiting(services, [job], stamp, until=job_until)
        errors.raise_first()
        return moved


def _of_accepted(services: Services, jobs: list[Job]) -> list[Job]:
    """Returns the jobs without those that are still being staged; removes those of abandoned submissions."""
    phases: dict[str, Phase | None] = {}
    staged = {job.job_id: submission_of(job.job_id) for job in jobs if job.workflow_id and not job.reopened}
    for submission_id in sorted(set(staged.values())):
        submission = services.submissions.get(submission_id)
        phases[submission_id] = submission.phase if submission else None
    orphans = [
        job_id for job_id, submission_id in staged.items() if phases[submission_id] in (None, *GIVEN_UP)
    ]
    if orphans:
        services.jobs.unstage(orphans)
    accepted = (Phase.COMMITTED, Phase.COMPLETE)
    return [job for job in jobs if job.job_id not in staged or phases[staged[job.job_id]] in accepted]
