"""The invariants of every run, checked on the jobs and their histories after all have ended."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from dev.simulator.checks.attempts import check_attempts, is_end_by_second, is_end_outside
from dev.simulator.system.simulator import Simulator
from tidegate.domain import limits
from tidegate.domain.changes import JobChange
from tidegate.domain.dependency import Dependency, DependencyType, Verdict, judge
from tidegate.domain.errors import ConditionError
from tidegate.domain.job import Job, submission_of
from tidegate.domain.lanes import MAIN
from tidegate.domain.pools import PoolKind
from tidegate.domain.states import TERMINAL, TRANSITIONS, Group, State
from tidegate.domain.submission import DONE_WITH, Phase, Submission
from tidegate.domain.workers import ability_of
from tidegate.settings import Settings
from tidegate.usecases.reap.reap_active import ACTOR as REAPER
from tidegate.usecases.recover.mark import MARKED_REASON
from tidegate.usecases.release.conditions import condition_view
from tidegate.usecases.services import Services


def first_start_ms(job: Job) -> int | None:
    """Returns when the job's first attempt began, or None if it never ran."""
    return next((entry.at_ms for entry in job.history if entry.state is State.RUNNING), None)


def check_all(simulator: Simulator) -> None:
    """Checks every invariant of a finished run."""
    check_histories(simulator.world.jobs.values())
    check_retention(simulator.world.jobs.values(), simulator.services.settings)
    check_order(simulator)
    check_submissions(simulator.world.jobs, simulator.world.submissions.values())


def check_retention(jobs: Iterable[Job], settings: Settings) -> None:
    """Checks that every ended job is removed the operator's number of days after its last end."""
    for job in jobs:
        assert job.finished_at_ms is not None
        assert job.expires_at_s == job.finished_at_ms // 1_000 + settings.retention_seconds, job


def check_submissions(job_ids: Iterable[str], submissions: Iterable[Submission]) -> None:
    """Checks that every submission is complete with all of its jobs, or removed with all of them."""
    held = Counter(submission_of(job_id) for job_id in job_ids)
    for submission in submissions:
        assert submission.phase in DONE_WITH, submission
        accepted = submission.phase is Phase.COMPLETE
        assert held[submission.submission_id] == (submission.job_count if accepted else 0), submission


def check_histories(jobs: Iterable[Job]) -> None:
    """Checks that every job ended once, by allowed transitions, with the right costs, and that times never go back.

    Only the worker that claimed an attempt, the reaper, or the outside may report its outcome. A second attempt may
    succeed.
    """
    for job in jobs:
        assert job.state in TERMINAL, f"{job.job_id} is {job.state}"
        states = [entry.state for entry in job.history]
        assert all(after in TRANSITIONS[before] for before, after in pairwise(states)), job
        check_attempts(job)
        attempts = [pair for pair in pairwise(job.history) if pair[0].state is State.RUNNING]
        assert all(
            after.actor in (claim.actor, REAPER)
            or after.state is State.RUNNING
            or is_end_outside(after)
            or is_end_by_second(claim, after)
            for claim, after in attempts
        ), f"somebody else's word was taken: {job}"
        assert job.history[-1].at_ms == job.finished_at_ms, job
        times = [entry.at_ms for entry in job.history]
        assert times == sorted(times), job


class Observed(Protocol):
    """A run whose writes were counted.

    By job: the number of the write that first claimed it, that first said that its code had begun, and that ended it.
    """

    @property
    def services(self) -> Services: ...

    @property
    def jobs(self) -> Mapping[str, Job]: ...

    @property
    def started(self) -> Mapping[str, int]: ...

    @property
    def began(self) -> Mapping[str, int]: ...

    @property
    def ended(self) -> Mapping[str, int]: ...


def check_order(run: Observed) -> None:
    """Checks that no job started before its dependencies allowed it, and that a job was skipped only if they never did.

    Reopened jobs and jobs that wait for them are left out: their first start and their present upstreams belong to
    different lives. So are jobs that a caller has ended by hand, and jobs that wait for them: their ends may have been
    corrected since.
    """
    for job in run.jobs.values():
        depends_on = run.services.jobs.load_input(job).depends_on
        around = [job, *(run.jobs[each.upstream_id] for each in depends_on)]
        if any(each.reopened or _is_marked(each) for each in around):
            continue
        allowed = [
            satisfied_at(run, dependency, run.jobs[dependency.upstream_id]) for dependency in depends_on
        ]
        started = run.started.get(job.job_id)
        if started is not None:
            assert all(write is not None and write < started for write in allowed), f"{job} ran early"
        elif job.state is State.SKIPPED:
            assert None in allowed, f"{job} was skipped although it could run"


def _is_marked(job: Job) -> bool:
    return any(entry.reason.startswith(MARKED_REASON) for entry in job.history)


def satisfied_at(run: Observed, dependency: Dependency, upstream: Job) -> int | None:
    """Returns the number of the write by which the upstream satisfied the dependency, or None if it never did."""
    services = run.services
    verdict = judge(dependency.type, upstream.state, upstream.was_started)
    if verdict is Verdict.EVALUATE:
        try:
            holds = services.conditions.evaluate(
                dependency.condition or "", condition_view(services, upstream)
            )
        except ConditionError:
            holds = False
        verdict = Verdict.SATISFIED if holds else Verdict.UNSATISFIABLE
    if verdict is not Verdict.SATISFIED:
        return None
    by_start = dependency.type is DependencyType.MUST_START
    return run.began.get(upstream.job_id) if by_start else run.ended[upstream.job_id]


@dataclass(frozen=True)
class SentAgain:
    """An observer: a dispatch has a handful of messages and no more, however long its job waits."""

    times: Counter[tuple[str, int | None]] = field(default_factory=Counter)

    def __call__(self, simulator: Simulator, changes: list[JobChange]) -> None:
        for old, new in ((change.old, change.new) for change in changes):
            if old is None or old.state is not State.QUEUED:
                continue
            if new.state is State.QUEUED and new.sent_at_ms != old.sent_at_ms:
                dispatch = (new.job_id, new.queued_at_ms)
                self.times[dispatch] += 1
                simulator.happened["message sent again"] += 1
                assert self.times[dispatch] < limits.MAX_MESSAGES_PER_DISPATCH, f"sent too often: {new}"
            simulator.happened["job taken back from its queue"] += new.state is State.READY


def hold_back(simulator: Simulator, changes: list[JobChange]) -> None:
    """Checks that no job is dispatched past a more urgent READY job, and never more than the window allows."""
    world, settings = simulator.world, simulator.services.settings
    for pool in settings.pools.values():
        dispatched = [
            (world.index_entry(change.old).sort, position)
            for position, change in enumerate(changes)
            if change.old is not None
            and change.new.pool == pool.name
            and (change.old.state, change.new.state) == (State.READY, State.QUEUED)
        ]
        if not dispatched:
            continue
        shards = [world.index.get((pool.name, Group.READY, shard, MAIN), []) for shard in range(world.shards)]
        simulator.happened["dispatched past a job that waits"] += any(shards)
        for sort, position in dispatched:
            # A later run of the same event, of a doubled batch, may have made further jobs READY.
            later = {each.new.job_id for each in changes[position + 1 :] if each.new.state is State.READY}
            for entries in shards:
                most_urgent = next(
                    (other for other, job_id in reversed(entries) if job_id not in later), sort
                )
                assert most_urgent <= sort
        # An observer makes no requests, because requests may be refused.
        live = [worker for (name, _), worker in world.workers.items() if name == pool.name]
        silent_since_ms = settings.worker_silent_since_ms(simulator.now_ms)
        by_process = ability_of(live, silent_since_ms).slots
        capacity = pool.capacity if pool.kind is PoolKind.FUNCTION else by_process
        active = sum(
            len(world.index.get((pool.name, Group.ACTIVE, shard, MAIN), ())) for shard in range(world.shards)
        )
        assert active <= math.floor(capacity * settings.window)


def started_ahead(job: Job, others: Iterable[Job], rank_of: Callable[[Job], int]) -> int:
    """Returns how many less urgent jobs of its pool started while `job` was READY or QUEUED. Each has one attempt."""
    assert job.ready_at_ms is not None
    assert job.started_at_ms is not None
    return sum(
        other.pool == job.pool
        and other.started_at_ms is not None
        and job.ready_at_ms < other.started_at_ms < job.started_at_ms
        and rank_of(other) < rank_of(job)
        for other in others
    )
