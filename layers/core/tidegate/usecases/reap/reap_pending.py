"""Reap pending jobs: those that missed an event of an upstream, and those whose submission was given up."""

from __future__ import annotations

from tidegate.domain.errors import NotFound, ServiceRefused
from tidegate.domain.job import Job, submission_of
from tidegate.domain.states import Group, State
from tidegate.domain.submission import GIVEN_UP, Phase
from tidegate.domain.transitions import Stamp
from tidegate.usecases.bounds.deadline import (
    NEVER,
    Deadline,
    in_turns,
)
from tidegate.usecases.bounds.sweep import sweep_group
from tidegate.usecases.isolation import for_each
from tidegate.usecases.pools.earlier_pools import all_pools
from tidegate.usecases.release.judge_waiting import judge_waiting
from tidegate.usecases.services import Services

ACTOR = "reaper"
JOBS_PER_SHARD = 200
GRACE_MS = 60_000  # younger jobs are still served by events


def reap_pending(services: Services, now_ms: int, *, until: Deadline = NEVER) -> int:
    """Looks at pending jobs from their upstreams' side, `until` then; returns how many left PENDING."""

    def reap_pool(turn: tuple[str, Deadline]) -> int:
        pool, pool_until = turn

        def judge(jobs: list[Job]) -> int:
            pending = [job for job in jobs if job.state is State.PENDING]
            return _judge(services, _of_accepted(services, pending), Stamp(now_ms, ACTOR), pool_until)

        moved = sweep_group(
            services,
            pool,
            Group.PENDING,
            judge,
            jobs_per_shard=JOBS_PER_SHARD,
            up_to_ms=now_ms - GRACE_MS,
            until=pool_until,
        )
        return sum(moved)

    pools = in_turns(all_pools(services), until, services.entropy.jitter)
    return sum(for_each(pools, reap_pool))


def _judge(services: Services, jobs: list[Job], stamp: Stamp, until: Deadline) -> int:
    try:
        return judge_waiting(services, jobs, stamp, until=until)
    except (NotFound, ServiceRefused):
        # One of them, or of their upstreams, can't be read. The others must not wait for that to be mended.
        turns = in_turns(jobs, until, services.entropy.jitter)
        return sum(for_each(turns, lambda turn: judge_waiting(services, [turn[0]], stamp, until=turn[1])))


def _of_accepted(services: Services, jobs: list[Job]) -> list[Job]:
    """Without jobs that are still being staged; what an abandoned submission left behind is removed."""
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
