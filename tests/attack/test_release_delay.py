"""A caller's conditions cost as much as they may, and other callers' jobs wait a bounded time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import pytest

from dev.simulator.memory.seeded import SeededEntropy
from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import ConditionTooDear, ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job, Json
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.submission import Phase
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady, Ending, FinishIfAttemptHolds, Stamp
from tidegate.settings import Settings
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.dispatch.react import SERVE_AFTER_MS, react
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.reap.reap_pending import GRACE_MS
from tidegate.usecases.reap.reap_submissions import GRACE_MS as SUBMISSION_GRACE_MS
from tidegate.usecases.reap.reap_submissions import reap_submissions
from tidegate.usecases.release.conditions import CHEAP_STEPS
from tidegate.usecases.release.judge_waiting import judge_waiting
from tidegate.usecases.release.release import COSTLY_PER_CALL, TRIES_MS
from tidegate.usecases.submit.submit import submit_job, submit_workflow

NOW_MS = 1_800_000_000_000
STAMP = Stamp(NOW_MS, "test")
COSTLY_MS = 50
FIRST_TRY_MS = 6  # with compiling
LOAD_MS = 40  # a result of the largest size, on a small function
PORTION_MS = 200 * FIRST_TRY_MS
TEXTS: Json = [f"x{number:05}" for number in range(20_000)]


class CostlyConditions:
    """Conditions that each take the longest allowed time, on the clock of the world."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world
        self.evaluated: list[str] = []

    def check(self, expression: str) -> None:
        pass

    def evaluate(
        self,
        expression: str,
        upstream: Mapping[str, Json],
        *,
        max_steps: int = limits.MAX_CONDITION_STEPS,
    ) -> bool:
        if max_steps <= CHEAP_STEPS:
            self._world.now_ms += FIRST_TRY_MS
            raise ConditionTooDear("it costs more")
        self._world.now_ms += COSTLY_MS
        self.evaluated.append(expression)
        return True


class WorldClock:
    """The clock of the world."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def now_ms(self) -> int:
        return self._world.now_ms


class Deployment:
    """One pool that has a slot for every job. The time of conditions passes on its clock unless `real`."""

    def __init__(self, *, real: bool = False, shards: int = 2) -> None:
        pools = {"lambda": Pool("lambda", "", PoolKind.FUNCTION, 840, capacity=10_000)}
        settings = Settings(pools=pools, default_pool="lambda", shards=shards)
        services, self.world = memory_services(settings, MemoryWorld(shards=shards, now_ms=NOW_MS))
        self.conditions = CostlyConditions(self.world)
        services = replace(services, entropy=SeededEntropy(1))
        self.services = services if real else replace(services, conditions=self.conditions)
        self.clock = WorldClock(self.world)

    def submit(self, *edges: DependencyRequest) -> str:
        request = JobRequest(type="tidegate.noop", depends_on=edges)
        accepted = submit_job(
            self.services, request, idempotency_key=None, fingerprint="", now_ms=self.world.now_ms
        )
        return accepted.job_id

    def end(self, job_id: str, result: Json = None, state: State = State.SUCCEEDED) -> Job:
        self.services.jobs.apply(DispatchIfReady(job_id, "lambda", STAMP))
        job = self.services.jobs.apply(ClaimIfQueued(job_id, 0, "w", NOW_MS + 60_000, STAMP))
        if result is not None:
            assert self.services.jobs.store_result_overflow(job, result)
        ending = Ending(state, result_overflow=result is not None)
        return self.services.jobs.apply(FinishIfAttemptHolds(job, 1, ending, STAMP))

    def until(self, duration_ms: int) -> Deadline:
        return Deadline(self.clock, self.world.now_ms + duration_ms)

    def count(self, job_ids: list[str], state: State) -> int:
        return sum(self.world.jobs[job_id].state is state for job_id in job_ids)


def _costly(upstream_id: str, number: int) -> DependencyRequest:
    # Each condition is different, so that none shares the result of another.
    condition = f"upstream.result.all(x, x != '{number}' && upstream.result.all(y, y != ''))"
    return DependencyRequest(job_id=upstream_id, type=DependencyType.CONDITIONAL, condition=condition)


@pytest.mark.parametrize("hostile", [8, 500])
def test_a_foreign_job_of_the_same_changes_is_dispatched_before_any_costly_condition(hostile: int) -> None:
    deployed = Deployment()
    upstream_id, foreign_upstream_id = deployed.submit(), deployed.submit()
    for number in range(hostile):
        deployed.submit(_costly(upstream_id, number))
    foreign_id = deployed.submit(DependencyRequest(job_id=foreign_upstream_id))
    ended = [deployed.end(upstream_id), deployed.end(foreign_upstream_id)]
    queued_after: list[int] = []

    def watch(request: str) -> None:
        if not queued_after and deployed.world.jobs[foreign_id].state is State.QUEUED:
            queued_after.append(len(deployed.conditions.evaluated))

    deployed.world.on_request = watch
    started_ms = deployed.world.now_ms
    react(deployed.services, ended, now_ms=started_ms, until=deployed.until(200_000))
    assert queued_after == [0]
    took_ms = deployed.world.now_ms - started_ms
    assert took_ms <= COSTLY_PER_CALL * COSTLY_MS + hostile * FIRST_TRY_MS, (
        "what comes next on the shard waits so long"
    )


def test_however_many_conditions_there_are_a_foreign_job_waits_for_seconds() -> None:
    deployed = Deployment()
    upstream_id, foreign_upstream_id = deployed.submit(), deployed.submit()
    for number in range(3_000):
        deployed.submit(_costly(upstream_id, number))
    foreign_id = deployed.submit(DependencyRequest(job_id=foreign_upstream_id))
    ended = [deployed.end(upstream_id), deployed.end(foreign_upstream_id)]
    started_ms = deployed.world.now_ms
    queued_after_ms: list[int] = []

    def watch(request: str) -> None:
        if not queued_after_ms and deployed.world.jobs[foreign_id].state is State.QUEUED:
            queued_after_ms.append(deployed.world.now_ms - started_ms)

    deployed.world.on_request = watch
    react(deployed.services, ended, now_ms=started_ms, until=deployed.until(200_000))
    assert queued_after_ms[0] <= SERVE_AFTER_MS + PORTION_MS
    took_ms = deployed.world.now_ms - started_ms
    assert took_ms <= TRIES_MS + PORTION_MS + COSTLY_PER_CALL * COSTLY_MS <= 10_000


def test_results_that_conditions_look_at_keep_a_foreign_job_waiting_no_longer() -> None:
    deployed = Deployment()
    foreign_upstream_id, *upstream_ids = [deployed.submit() for _ in range(400)]
    for number, upstream_id in enumerate(upstream_ids):
        deployed.submit(_costly(upstream_id, number))
    foreign_id = deployed.submit(DependencyRequest(job_id=foreign_upstream_id))
    large: Json = ["x" * 100] * 100
    ended = [deployed.end(upstream_id, large) for upstream_id in upstream_ids]
    ended.append(deployed.end(foreign_upstream_id))
    started_ms = deployed.world.now_ms
    queued_after_ms: list[int] = []

    def watch(request: str) -> None:
        if not queued_after_ms and deployed.world.jobs[foreign_id].state is State.QUEUED:
            queued_after_ms.append(deployed.world.now_ms - started_ms)
        if request == "load_result":
            deployed.world.now_ms += LOAD_MS

    deployed.world.on_request = watch
    react(deployed.services, ended, now_ms=started_ms, until=deployed.until(200_000))
    assert queued_after_ms, "it waits for all the conditions"
    assert queued_after_ms[0] <= 4_000, "as docs/explanation/guarantees.md promises"
    assert deployed.world.now_ms - started_ms <= 15_000


def test_very_many_upstreams_that_failed_are_read_again_together() -> None:
    deployed = Deployment()
    upstream_ids = [deployed.submit() for _ in range(300)]
    waiting = [
        deployed.submit(DependencyRequest(job_id=upstream_id, type=DependencyType.MUST_COMPLETE))
        for upstream_id in upstream_ids
    ]
    failed = [deployed.end(upstream_id, state=State.FAILED) for upstream_id in upstream_ids]
    before = deployed.world.requests.copy()
    react(deployed.services, failed, now_ms=NOW_MS, until=deployed.until(200_000))
    assert deployed.count(waiting, State.QUEUED) == 300
    assert (deployed.world.requests - before)["get_consistent"] <= 2, "one after the other they take seconds"


def test_thousands_of_costly_conditions_take_a_dispatcher_seconds_and_the_reaper_finishes_them() -> None:
    deployed = Deployment()
    upstream_id = deployed.submit()
    hostile = [deployed.submit(_costly(upstream_id, number)) for number in range(1_000)]
    ended = deployed.end(upstream_id)
    react(deployed.services, [ended], now_ms=NOW_MS, until=deployed.until(200_000))
    assert deployed.count(hostile, State.PENDING) == 1_000 - COSTLY_PER_CALL
    deployed.world.now_ms += GRACE_MS
    for _ in range(40):
        before = deployed.count(hostile, State.PENDING)
        started_ms = deployed.world.now_ms
        reap(deployed.services, now_ms=started_ms, until=deployed.until(10_000))
        assert deployed.world.now_ms - started_ms <= 12_000
        assert deployed.count(hostile, State.PENDING) < max(before, 1), "each run gets on"
        deployed.world.now_ms += 60_000
    assert deployed.count(hostile, State.PENDING) == 0
    assert len(set(deployed.conditions.evaluated)) == len(deployed.conditions.evaluated), (
        "each was evaluated once"
    )


def test_a_foreign_job_whose_change_was_lost_is_released_though_others_take_all_the_time_of_the_reaper() -> (
    None
):
    deployed = Deployment(shards=1)
    upstream_id, foreign_upstream_id = deployed.submit(), deployed.submit()
    for number in range(150):
        deployed.submit(_costly(upstream_id, number))
    foreign_id = deployed.submit(DependencyRequest(job_id=foreign_upstream_id))
    deployed.end(upstream_id)
    deployed.end(foreign_upstream_id)
    deployed.world.now_ms += GRACE_MS
    for _ in range(2):  # its page comes in the second tick at the latest
        reap(deployed.services, now_ms=deployed.world.now_ms, until=deployed.until(1_000))
        deployed.world.now_ms += 60_000
    assert deployed.world.jobs[foreign_id].state is State.READY


def test_jobs_that_wait_for_very_many_others_do_not_keep_one_behind_them_from_its_turn() -> None:
    deployed = Deployment(shards=1)
    others = [deployed.submit() for _ in range(500)]
    for _ in range(9):
        deployed.submit(*[DependencyRequest(job_id=other) for other in others])
    foreign_upstream_id = deployed.submit()
    foreign_id = deployed.submit(DependencyRequest(job_id=foreign_upstream_id))
    deployed.end(foreign_upstream_id)
    deployed.world.now_ms += GRACE_MS

    def slow(request: str) -> None:
        deployed.world.now_ms += 100

    deployed.world.on_request = slow
    runs = 0
    while deployed.world.jobs[foreign_id].state is State.PENDING:
        reap(deployed.services, now_ms=deployed.world.now_ms, until=deployed.until(3_000))
        runs += 1
        assert runs < 100, "the reaper never comes to the last of a page"


def test_one_that_waits_for_very_many_has_all_of_them_looked_at_though_time_is_short() -> None:
    deployed = Deployment(shards=1)
    others = [deployed.submit() for _ in range(1_500)]
    waiting_id = deployed.submit(*[DependencyRequest(job_id=other) for other in others])
    for other in others[-250:]:
        deployed.end(other)
    deployed.world.now_ms += GRACE_MS

    def slow(request: str) -> None:
        deployed.world.now_ms += 2_000

    deployed.world.on_request = slow
    for _ in range(100):
        reap(deployed.services, now_ms=deployed.world.now_ms, until=deployed.until(3_000))
    assert len(deployed.world.jobs[waiting_id].waiting_on) == 1_250


class PoisonedConditions(CostlyConditions):
    """Conditions of which the store refuses one, as it refuses unreadable data."""

    def evaluate(
        self, expression: str, upstream: Mapping[str, Json], *, max_steps: int = limits.MAX_CONDITION_STEPS
    ) -> bool:
        if "'0'" in expression:
            raise ServiceRefused("it can't be read")
        return super().evaluate(expression, upstream, max_steps=max_steps)


def test_one_that_can_not_be_read_gives_the_others_of_its_page_no_more_time() -> None:
    deployed = Deployment(shards=1)
    deployed.services = replace(deployed.services, conditions=PoisonedConditions(deployed.world))
    upstream_id = deployed.submit()
    waiting = [deployed.submit(_costly(upstream_id, number)) for number in range(90)]
    deployed.end(upstream_id)
    deployed.world.now_ms += GRACE_MS
    runs = 0
    while deployed.count(waiting, State.PENDING) > 1:
        started_ms = deployed.world.now_ms
        with suppress(ServiceRefused):
            reap(deployed.services, now_ms=deployed.world.now_ms, until=deployed.until(1_000))
        assert deployed.world.now_ms - started_ms < 1_000 + PORTION_MS
        runs += 1
        assert runs < 100


def test_a_repair_that_takes_too_long_keeps_no_later_one_from_its_turn() -> None:
    deployed = Deployment()
    lost_id, foreign_upstream_id = deployed.submit(), deployed.submit()
    foreign_id = deployed.submit(DependencyRequest(job_id=foreign_upstream_id))
    deployed.end(foreign_upstream_id)
    deployed.services.jobs.apply(DispatchIfReady(lost_id, "lambda", STAMP))
    deployed.services.jobs.apply(ClaimIfQueued(lost_id, 0, "w", NOW_MS + 1, STAMP))
    deployed.world.now_ms += GRACE_MS

    def slow(request: str) -> None:
        deployed.world.now_ms += 1_000

    deployed.world.on_request = slow
    for _ in range(6):
        reap(deployed.services, now_ms=deployed.world.now_ms, until=deployed.until(5_000))
    deployed.world.on_request = lambda request: None
    assert deployed.world.jobs[lost_id].state is State.READY
    assert deployed.world.jobs[foreign_id].state is State.READY


def test_more_dependents_than_there_is_time_for_go_on_with_the_same_change() -> None:
    deployed = Deployment()
    upstream_id = deployed.submit()
    waiting = [deployed.submit(DependencyRequest(job_id=upstream_id)) for _ in range(900)]
    ended = deployed.end(upstream_id)

    def slow(request: str) -> None:
        deployed.world.now_ms += 100

    deployed.world.on_request = slow
    left = [deployed.count(waiting, State.PENDING)]
    while left[-1]:
        with suppress(ServiceUnavailable):
            react(deployed.services, [ended], now_ms=NOW_MS, until=deployed.until(1_000))
        left.append(deployed.count(waiting, State.PENDING))
        assert left[-1] < left[-2], "each call saves what it did"
    assert len(left) > 2, "one call was not enough"


def test_the_same_costly_condition_on_many_jobs_is_evaluated_once() -> None:
    deployed = Deployment()
    upstream_id = deployed.submit()
    waiting = [deployed.submit(_costly(upstream_id, 1)) for _ in range(300)]
    react(deployed.services, [deployed.end(upstream_id)], now_ms=NOW_MS)
    assert deployed.count(waiting, State.PENDING) == 0
    assert len(deployed.conditions.evaluated) == 1


def test_an_answer_to_a_caller_waits_for_no_more_costly_conditions_than_a_dispatcher_does() -> None:
    deployed = Deployment()
    upstream_id = deployed.submit()
    deployed.end(upstream_id)
    started_ms = deployed.world.now_ms
    deployed.submit(*[_costly(upstream_id, number) for number in range(300)])
    assert len(deployed.conditions.evaluated) == COSTLY_PER_CALL
    assert deployed.world.now_ms - started_ms <= COSTLY_PER_CALL * COSTLY_MS + 300 * FIRST_TRY_MS


def test_an_answer_waits_for_no_more_of_them_where_very_many_upstreams_have_ended() -> None:
    deployed = Deployment()
    upstream_ids = [deployed.submit() for _ in range(450)]
    for upstream_id in upstream_ids:
        deployed.end(upstream_id)
    deployed.submit(*[_costly(upstream_id, number) for number, upstream_id in enumerate(upstream_ids)])
    assert len(deployed.conditions.evaluated) == COSTLY_PER_CALL


def test_the_reaper_finishes_a_submission_in_time_and_leaves_its_conditions_to_the_next_repair() -> None:
    deployed = Deployment()
    upstream_ids = [deployed.submit() for _ in range(1_000)]
    for upstream_id in upstream_ids:
        deployed.end(upstream_id)

    def cut_off(request: str) -> None:
        if any(each.phase is Phase.COMMITTED for each in deployed.world.submissions.values()):
            raise ServiceUnavailable("the submitter is gone")

    edges = tuple(
        DependencyRequest(job_id=upstream_id, type=DependencyType.CONDITIONAL, condition="true")
        for upstream_id in upstream_ids
    )
    job = JobRequest(type="tidegate.noop", depends_on=edges, key="waits")
    deployed.world.on_request = cut_off
    with suppress(ServiceUnavailable):
        submit_workflow(
            deployed.services,
            WorkflowRequest(name="w", jobs=(job,)),
            idempotency_key=None,
            fingerprint="",
            now_ms=deployed.world.now_ms,
        )
    deployed.world.on_request = lambda request: None
    (submission,) = deployed.world.submissions.values()
    assert submission.phase is Phase.COMMITTED
    deployed.world.now_ms += SUBMISSION_GRACE_MS
    started_ms = deployed.world.now_ms
    finished, _ = reap_submissions(deployed.services, deployed.world.now_ms + 1, until=deployed.until(1_000))
    assert finished == 1
    first_of_each_portion_ms = 5 * PORTION_MS
    assert deployed.world.now_ms - started_ms <= 1_000 + first_of_each_portion_ms


def test_a_call_may_leave_all_costly_conditions_to_the_reaper() -> None:
    deployed = Deployment()
    upstream_id = deployed.submit()
    waiting_id = deployed.submit(_costly(upstream_id, 1))
    deployed.end(upstream_id)
    waiting = deployed.world.jobs[waiting_id]
    assert judge_waiting(deployed.services, [waiting], STAMP, costly=0) == 0
    assert deployed.conditions.evaluated == []
    assert judge_waiting(deployed.services, [waiting], STAMP) == 1


def test_real_conditions_of_the_worst_kind_over_a_result_of_the_largest_size() -> None:
    deployed = Deployment(real=True)
    upstream_id, foreign_upstream_id = deployed.submit(), deployed.submit()
    hostile = [
        deployed.submit(*[_costly(upstream_id, number) for number in range(place, place + 32)])
        for place in range(0, 32 * 32, 32)
    ]
    foreign_id = deployed.submit(DependencyRequest(job_id=foreign_upstream_id))
    ended = [deployed.end(upstream_id, TEXTS), deployed.end(foreign_upstream_id)]
    started = time.thread_time()
    react(deployed.services, ended, now_ms=NOW_MS)
    assert time.thread_time() - started < 10
    assert deployed.world.jobs[foreign_id].state is State.QUEUED
    skipped = next(job for job_id in hostile if (job := deployed.world.jobs[job_id]).state is State.SKIPPED)
    assert skipped.failure is not None
    assert skipped.failure.code == "condition-error"
    assert "could not be evaluated: it costs more than 150,000 steps" in skipped.failure.message
