"""Releases or skips waiting jobs by reading their upstreams, independent of events.

`release` starts from an upstream that changed. This module starts from the PENDING jobs and reads the current state of
their upstreams. So it repairs jobs whose event was lost, and judges jobs that were just reopened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from tidegate.domain.dependency import Dependent
from tidegate.domain.job import Job, JobFailure, submission_of
from tidegate.domain.retry import UPSTREAM_GONE
from tidegate.domain.states import State
from tidegate.domain.submission import Phase
from tidegate.domain.transitions import (
    Ending,
    ReadyIfWaitingOnlyOn,
    ReleaseIfPending,
    SkipIfPending,
    Stamp,
    Transition,
)
from tidegate.ports import TransitionOutcome
from tidegate.usecases.bounds.deadline import NEVER, Deadline, while_time
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.release.keep_needed import keep_for_open
from tidegate.usecases.release.release import COSTLY_PER_CALL, settle
from tidegate.usecases.services import Services

_WAITS_AT_ONCE = 250  # dependencies; each may name another upstream, which is read with its result


def judge_waiting(
    services: Services,
    jobs: Sequence[Job],
    stamp: Stamp,
    *,
    until: Deadline = NEVER,
    costly: int = COSTLY_PER_CALL,
    without_upstream: list[str] | None = None,
) -> int:
    """Releases or skips PENDING jobs by the current state of their upstreams; returns how many left PENDING.

    An upstream that no longer exists decides nothing. A job that was claimed before had it satisfied then. Any other
    job is skipped, and its id is added to `without_upstream`. `until` and `costly` bound the work as in
    `release.settle`: jobs that are not judged within them stay PENDING.
    Raises ServiceUnavailable or ServiceRefused for a job that could not be written, after the others have been.
    """
    moved, unfound = judge_by_known(services, jobs, stamp.now_ms, until=until, costly=costly)
    gone: dict[str, tuple[Job, str, set[int]]] = {}
    for job, ordinal, upstream_id in unfound:
        if job.job_id in gone and not job.was_claimed:
            continue  # one missing upstream is enough to skip the job, and it may have 2,000 of them
        if _is_gone(services, job, upstream_id):
            gone.setdefault(job.job_id, (job, upstream_id, set()))[2].add(ordinal)
    repairs: list[Transition] = [_without_gone(services, *found, stamp) for found in gone.values()]
    outcomes: list[TransitionOutcome] = [*services.jobs.apply_all(repairs)] if repairs else []
    if without_upstream is not None:
        without_upstream += [
            outcome.job_id
            for outcome in outcomes
            if isinstance(outcome, Job) and outcome.state is State.SKIPPED
        ]
    free = [job for job in [*jobs, *outcomes] if isinstance(job, Job) and _waits_on_nothing(job)]
    outcomes += _make_ready(services, free, stamp)
    raise_first_failure(outcomes)
    return moved + sum(
        isinstance(outcome, Job) and outcome.state is not State.PENDING for outcome in outcomes
    )


def judge_by_known(
    services: Services,
    jobs: Sequence[Job],
    now_ms: int,
    *,
    until: Deadline = NEVER,
    costly: int = COSTLY_PER_CALL,
) -> tuple[int, list[tuple[Job, int, str]]]:
    """Releases or skips PENDING jobs by those of their upstreams that exist.

    Reads a bounded number of dependencies at a time, because each job may have 2,000 different upstreams. With a
    deadline it starts at a random dependency, so that repeated calls judge all of them even if each has little time.
    Returns how many jobs left PENDING, and the dependencies whose upstream was not found, as (job, ordinal of the
    dependency, upstream's id).
    """
    moved = 0
    unfound: list[tuple[Job, int, str]] = []
    count = sum(len(job.waiting_on) for job in jobs)
    start = 0 if until is NEVER else int(services.entropy.jitter() * count)
    waits = chain(islice(_waits_of(jobs), start, None), islice(_waits_of(jobs), start))
    for portion in while_time(iter(lambda: list(islice(waits, _WAITS_AT_ONCE)), []), until):
        moved_now, unfound_now = _judge_portion(services, portion, now_ms, until=until, costly=costly)
        moved += moved_now
        unfound += unfound_now
    return moved, unfound


def _waits_of(jobs: Sequence[Job]) -> Iterator[tuple[Job, int]]:
    return ((job, ordinal) for job in jobs for ordinal in sorted(job.waiting_on))


def _judge_portion(
    services: Services, portion: Sequence[tuple[Job, int]], now_ms: int, *, until: Deadline, costly: int
) -> tuple[int, list[tuple[Job, int, str]]]:
    dependencies = services.jobs.load_dependencies(portion)
    waits = [(job, ordinal, dependencies[job.job_id, ordinal]) for job, ordinal in portion]
    upstream_ids = list(dict.fromkeys(dependency.upstream_id for _, _, dependency in waits))
    upstreams = services.jobs.get_many(upstream_ids)
    for upstream_id in upstream_ids:
        if upstream_id not in upstreams:
            fresh = services.jobs.get(upstream_id, consistent=True)
            if fresh is not None:
                upstreams[upstream_id] = fresh
    keep_for_open(services, upstreams.values(), now_ms)
    edges = [
        (upstreams[dependency.upstream_id], Dependent(job.job_id, ordinal, dependency.type))
        for job, ordinal, dependency in waits
        if dependency.upstream_id in upstreams
    ]
    unfound = [
        (job, ordinal, dependency.upstream_id)
        for job, ordinal, dependency in waits
        if dependency.upstream_id not in upstreams
    ]
    return len(settle(services, edges, now_ms, until=until, costly=costly)), unfound


def _waits_on_nothing(job: Job) -> bool:
    return job.state is State.PENDING and not job.waiting_on


def _make_ready(services: Services, jobs: list[Job], stamp: Stamp) -> list[TransitionOutcome]:
    if not jobs:
        return []
    chooser = PoolChooser(services, stamp.now_ms)
    transitions = [ReadyIfWaitingOnlyOn(job, frozenset(), stamp, chooser.for_job(job)) for job in jobs]
    return [*services.jobs.apply_all(transitions)]


def _without_gone(
    services: Services, job: Job, upstream_id: str, ordinals: set[int], stamp: Stamp
) -> Transition:
    if job.was_claimed:
        return ReleaseIfPending(job, frozenset(ordinals))
    failure = JobFailure(
        UPSTREAM_GONE, f"{upstream_id} no longer exists; submit both jobs again if needed", upstream_id
    )
    ending = Ending(State.SKIPPED, failure=failure, expires_at_s=services.settings.expires_at_s(stamp.now_ms))
    return SkipIfPending(job, min(ordinals), ending, stamp)


def _is_gone(services: Services, job: Job, upstream_id: str) -> bool:
    """True if an upstream that was not found will never exist.

    A root of an accepted submission may not be written yet. It may also have been written since the first read. So
    the job is read once more, after the submission was read and found complete.
    """
    if submission_of(upstream_id) == job.workflow_id:
        submission = services.submissions.get(submission_of(upstream_id))
        if submission is not None and submission.phase is Phase.COMMITTED:
            return False
    return services.jobs.get(upstream_id, consistent=True) is None
