"""Work that can't be done, now or ever, does not stop any other work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.queue import MemoryQueue
from dev.simulator.memory.services import memory_services
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.bootstrap import Services
from tidegate.domain.dependency import Dependency
from tidegate.domain.errors import NotFound, ServiceRefused
from tidegate.domain.job import Job
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate.domain.states import Group, State
from tidegate.domain.submission import Phase, Submission
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady, Stamp
from tidegate.ports import Delivery, Message
from tidegate.settings import Settings
from tidegate.usecases.bounds.deadline import NEVER
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.dispatch.wake import MAX_JOBS_PER_SHARD, wake_due
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.reap.reap_pending import GRACE_MS, JOBS_PER_SHARD
from tidegate.usecases.reap.reap_submissions import GRACE_MS as SUBMISSION_GRACE_MS
from tidegate.usecases.reap.reap_submissions import SUBMISSIONS_PER_RUN, reap_submissions
from tidegate.usecases.submit.submit import submit_job

STAMP = Stamp(NOW_MS, "test")
LATER_MS = NOW_MS + max(GRACE_MS, SUBMISSION_GRACE_MS) + 1


class OneQueueGone(MemoryQueue):
    """A queue port for which the queue of pool `a` is gone."""

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        if pool == "a":
            raise ServiceRefused("there is no such queue")
        return super().send(pool, messages)


class OneInputGone(MemoryJobStore):
    """A store in which the input of the job with the key `broken` is gone."""

    def load_dependencies(self, wanted: Sequence[tuple[Job, int]]) -> dict[tuple[str, int], Dependency]:
        for job, _ in wanted:
            if job.key == "broken":
                raise NotFound("input of job", job.job_id)
        return super().load_dependencies(wanted)


class SomeUnreadable(MemoryJobStore):
    """A store in which the items of jobs named `broken` are no jobs."""

    def get_many(self, job_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Job]:
        jobs = super().get_many(job_ids, consistent=consistent)
        return {job_id: job for job_id, job in jobs.items() if job.name != "broken"}


def _submit(services: Services, *edges: DependencyRequest, pool: str | None = None) -> str:
    request = JobRequest(type="tidegate.noop", depends_on=edges, pool=pool)
    return submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS).job_id


def _open_submission(services: Services, submission_id: str, phase: Phase, opened_at_ms: int) -> None:
    services.submissions.begin_if_absent(
        Submission(
            submission_id=submission_id,
            phase=phase,
            job_count=1,
            fingerprint="",
            created_at_ms=opened_at_ms,
        )
    )


def test_a_pool_whose_queue_is_gone_does_not_stop_the_others() -> None:
    pools = {name: Pool(name, "", PoolKind.FUNCTION, 840, capacity=1) for name in ("a", "b")}
    services, world = memory_services(Settings(pools=pools, default_pool="a"))
    services = replace(services, queue=OneQueueGone(world))
    _submit(services, pool="a")
    job_id = _submit(services, pool="b")
    with pytest.raises(ServiceRefused):
        tick(services, now_ms=NOW_MS)
    assert world.jobs[job_id].state is State.QUEUED


def test_a_submission_that_can_not_be_finished_does_not_stop_the_reaper() -> None:
    services, world = memory_services(SETTINGS)
    _open_submission(services, "A", Phase.COMMITTED, NOW_MS - 1)  # its plan is gone
    _open_submission(services, "B", Phase.STAGING, NOW_MS)
    job_id = _submit(services)
    services.jobs.apply(DispatchIfReady(job_id, "lambda", STAMP))
    services.jobs.apply(ClaimIfQueued(job_id, 0, "lost", NOW_MS + 1, STAMP))
    with pytest.raises(NotFound, match="plan"):
        reap(services, now_ms=LATER_MS)
    assert world.jobs[job_id].state is State.READY
    assert world.submissions["B"].phase is Phase.REMOVED


def test_a_job_that_can_not_be_worked_on_is_in_the_way_of_none_beside_or_behind_it() -> None:
    services, world = memory_services(replace(SETTINGS, shards=1))
    services = replace(services, jobs=OneInputGone(world))
    upstream_id = _submit(services)
    edge = DependencyRequest(job_id=upstream_id)
    first, second, *_, last = sorted(_submit(services, edge) for _ in range(JOBS_PER_SHARD + 1))
    world.jobs[first] = replace(world.jobs[first], key="broken")
    for job_id in (second, last):
        # Its release was interrupted.
        world.jobs[job_id] = replace(world.jobs[job_id], waiting_on=frozenset())
    with pytest.raises(NotFound):
        reap(services, now_ms=LATER_MS)
    assert world.jobs[second].state is State.READY, "it was read together with the broken one"
    for _ in range(JOBS_PER_SHARD):
        try:
            reap(services, now_ms=LATER_MS)
        except NotFound:
            continue
    assert world.jobs[last].state is State.READY


def test_a_job_that_can_not_be_worked_on_is_in_the_way_of_no_other_shard() -> None:
    services, world = memory_services(replace(SETTINGS, shards=4))
    services = replace(services, jobs=OneInputGone(world))
    edge = DependencyRequest(job_id=_submit(services))
    waiting = [_submit(services, edge) for _ in range(40)]
    (in_first_shard, *_) = services.index.page("lambda", Group.PENDING, 0, limit=1).entries
    broken = in_first_shard.job_id
    for job_id in waiting:  # their releases were interrupted
        world.jobs[job_id] = replace(world.jobs[job_id], waiting_on=frozenset())
    # Nothing more is read for a job without upstreams.
    world.jobs[broken] = replace(world.jobs[broken], key="broken", waiting_on=frozenset({0}))
    with pytest.raises(NotFound):
        reap(services, now_ms=LATER_MS)
    assert {job_id for job_id in waiting if world.jobs[job_id].state is State.PENDING} == {broken}


def test_lost_workers_are_noticed_in_a_pool_whose_queue_is_gone() -> None:
    pools = {"a": Pool("a", "", PoolKind.FUNCTION, 840, capacity=1)}
    services, world = memory_services(Settings(pools=pools, default_pool="a", shards=4))
    services = replace(services, queue=OneQueueGone(world))
    job_ids = [_submit(services) for _ in range(80)]
    services.jobs.apply_all([DispatchIfReady(job_id, "a", STAMP) for job_id in job_ids])
    claimed = job_ids[::2]
    services.jobs.apply_all([ClaimIfQueued(job_id, 0, "w", NOW_MS + 60_000, STAMP) for job_id in claimed])
    with pytest.raises(ServiceRefused):  # because it can't send the other jobs' messages again
        reap(services, now_ms=NOW_MS + 3_600_000)
    assert {world.jobs[job_id].state for job_id in claimed} == {State.READY}


def test_a_pool_whose_queue_is_gone_keeps_the_reaper_from_no_other() -> None:
    pools = {name: Pool(name, "", PoolKind.FUNCTION, 840, capacity=1) for name in ("a", "b")}
    services, world = memory_services(Settings(pools=pools, default_pool="a"))
    services = replace(services, queue=OneQueueGone(world))
    for pool in pools:
        services.jobs.apply(DispatchIfReady(_submit(services, pool=pool), pool, STAMP))
    later_ms = NOW_MS + services.settings.resend_after_seconds * 1_500  # jitter may add a half
    with pytest.raises(ServiceRefused):
        reap(services, now_ms=later_ms)
    assert len(services.queue.receive("b", limit=9, wait_seconds=0)) == 1


def test_an_error_that_nobody_foresaw_keeps_the_reaper_from_nothing_else() -> None:
    services, world = memory_services(SETTINGS)

    class Broken(MemoryQueue):
        """Fails to return its dead letters, with an error that the code does not expect."""

        def receive_dead(self, pool: str, *, limit: int) -> tuple[Delivery, ...]:
            raise LookupError(pool, limit)

    job_id = _submit(services, DependencyRequest(job_id=_submit(services)))
    world.jobs[job_id] = replace(
        world.jobs[job_id], waiting_on=frozenset()
    )  # its release was interrupted half way
    with pytest.raises(LookupError):
        reap(replace(services, queue=Broken(world)), now_ms=LATER_MS)
    assert world.jobs[job_id].state is State.READY


def test_a_job_whose_time_has_come_is_woken_however_many_earlier_ones_can_not_be() -> None:
    services, world = memory_services(replace(SETTINGS, shards=1))
    services = replace(services, jobs=SomeUnreadable(world))
    stuck = 3 * MAX_JOBS_PER_SHARD
    ids = [_submit(services) for _ in range(stuck + 7)]
    for at, job_id in enumerate(ids):
        name = "broken" if at < stuck else "whole"
        world.write(replace(world.jobs[job_id], name=name, state=State.SCHEDULED, due_at_ms=NOW_MS + at))
    woken = [job.job_id for _ in range(3) for job in wake_due(services, "lambda", NOW_MS + len(ids))]
    assert woken == ids[stuck:]
    # In the end it starts again, and reaches a job that meanwhile came behind the first page.
    late = ids[MAX_JOBS_PER_SHARD + 1]
    world.write(replace(world.jobs[late], name="mended"))
    assert [job.job_id for _ in range(3) for job in wake_due(services, "lambda", NOW_MS + len(ids))] == [late]


def test_submissions_that_can_not_be_closed_do_not_keep_later_ones_open_for_ever() -> None:
    services, world = memory_services(SETTINGS)
    stuck = 30 * SUBMISSIONS_PER_RUN
    for at in range(stuck):
        _open_submission(services, f"A{at}", Phase.COMMITTED, NOW_MS - stuck + at)  # their plans are gone
    _open_submission(services, "B", Phase.STAGING, NOW_MS)
    for _ in range(stuck // SUBMISSIONS_PER_RUN + 1):
        with pytest.raises(NotFound, match="plan"):
            reap_submissions(services, LATER_MS)
    assert world.submissions["B"].phase is Phase.REMOVED


def test_a_submission_has_its_turn_though_each_run_has_time_for_one_that_can_not_be_closed() -> None:
    services, world = memory_services(SETTINGS)
    for at in range(SUBMISSIONS_PER_RUN):
        _open_submission(services, f"A{at}", Phase.COMMITTED, NOW_MS - 100 + at)  # their plans are gone
    _open_submission(services, "B", Phase.STAGING, NOW_MS)
    for _ in range(SUBMISSIONS_PER_RUN):
        with pytest.raises(NotFound, match="plan"):
            reap_submissions(services, LATER_MS, until=replace(NEVER, at_ms=0))
    assert reap_submissions(services, LATER_MS, until=replace(NEVER, at_ms=0)) == (0, 1)
    assert world.submissions["B"].phase is Phase.REMOVED
