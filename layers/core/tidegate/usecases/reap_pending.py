"""Reap pending jobs: those that missed an event of an upstream, and those whose submission was given up."""

from __future__ import annotations

from tidegate.domain.dependency import Dependent
from tidegate.domain.job import Job, JobFailure, submission_of
from tidegate.domain.states import Group, State
from tidegate.domain.submission import GIVEN_UP, Phase
from tidegate.domain.transitions import Ending, ReadyIfWaitingOnlyOn, SkipIfPending, Stamp, Transition
from tidegate.usecases.choose_pool import PoolChooser
from tidegate.usecases.each import for_each, raise_first_failure
from tidegate.usecases.release import settle
from tidegate.usecases.services import Services
from tidegate.usecases.sweep import sweep_group

ACTOR = "reaper"
JOBS_PER_SHARD = 200
GRACE_MS = 60_000  # younger jobs are still served by events


def reap_pending(services: Services, now_ms: int) -> int:
    """Looks at pending jobs from their upstreams' side; returns how many left PENDING."""

    def reap_pool(pool: str) -> int:
        sweep = sweep_group(
            services, pool, Group.PENDING, jobs_per_shard=JOBS_PER_SHARD, up_to_ms=now_ms - GRACE_MS
        )
        moved = 0
        for jobs in sweep:
            pending = [job for job in jobs if job.state is State.PENDING]
            moved += _release(services, _of_accepted(services, pending), now_ms)
        return moved

    return sum(for_each(sorted(services.settings.pools), reap_pool))


def _of_accepted(services: Services, jobs: list[Job]) -> list[Job]:
    """Without jobs that are still being staged; what an abandoned submission left behind is removed."""
    phases: dict[str, Phase | None] = {}
    for submission_id in {submission_of(job.job_id) for job in jobs if job.workflow_id is not None}:
        submission = services.submissions.get(submission_id)
        phases[submission_id] = submission.phase if submission else None
    orphans = [
        job.job_id
        for job in jobs
        if job.workflow_id is not None and phases[job.workflow_id] in (None, *GIVEN_UP)
    ]
    if orphans:
        services.jobs.unstage(orphans)
    accepted = (Phase.COMMITTED, Phase.COMPLETE)
    return [job for job in jobs if job.workflow_id is None or phases[job.workflow_id] in accepted]


def _release(services: Services, jobs: list[Job], now_ms: int) -> int:
    inputs = services.jobs.load_inputs(jobs)
    waits = [
        (job, ordinal, inputs[job.job_id].depends_on[ordinal])
        for job in jobs
        for ordinal in sorted(job.waiting_on)
    ]
    upstream_ids = list(dict.fromkeys(dependency.upstream_id for _, _, dependency in waits))
    upstreams = services.jobs.get_many(upstream_ids)
    for upstream_id in upstream_ids:
        if upstream_id not in upstreams:
            fresh = services.jobs.get(upstream_id, consistent=True)
            if fresh is not None:
                upstreams[upstream_id] = fresh
    edges = [
        (upstreams[dependency.upstream_id], Dependent(job.job_id, ordinal, dependency.type))
        for job, ordinal, dependency in waits
        if dependency.upstream_id in upstreams
    ]
    moved = len(settle(services, edges, now_ms))
    stamp = Stamp(now_ms, ACTOR)
    chooser = PoolChooser(services, now_ms)
    repairs: list[Transition] = [
        ReadyIfWaitingOnlyOn(job, frozenset(), stamp, chooser.for_job(job))
        for job in jobs
        if not job.waiting_on
    ]
    gone = {
        job.job_id: (job, dependency.upstream_id)
        for job, _, dependency in waits
        if dependency.upstream_id not in upstreams and _is_gone(services, job, dependency.upstream_id)
    }
    for job, upstream_id in gone.values():
        failure = JobFailure("dependency-unsatisfiable", f"{upstream_id} no longer exists", upstream_id)
        ending = Ending(State.SKIPPED, failure=failure, expires_at_s=services.settings.expires_at_s(now_ms))
        repairs.append(SkipIfPending(job, ending, stamp))
    outcomes = services.jobs.apply_all(repairs) if repairs else []
    raise_first_failure(outcomes)
    return moved + sum(isinstance(outcome, Job) for outcome in outcomes)


def _is_gone(services: Services, job: Job, upstream_id: str) -> bool:
    """Whether an upstream that was not found will never be there.

    A root of an accepted submission may not be written yet. It may also have been written since it was looked
    for, so it is looked for once more after the submission was seen to be past that.
    """
    if submission_of(upstream_id) == job.workflow_id:
        submission = services.submissions.get(submission_of(upstream_id))
        if submission is not None and submission.phase is Phase.COMMITTED:
            return False
    return services.jobs.get(upstream_id, consistent=True) is None
