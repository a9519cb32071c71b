"""The hold-back window under concurrent dispatchers, and the times at which jobs are dispatched."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from dev.simulator.memory.seeded import JOB_TYPE, function_pool, make_services, make_settings
from tests.harness.usecases.dispatching import POOL, Deployment
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.lanes import share_lane
from tidegate.domain.pools import PoolKind
from tidegate.domain.requests import JobRequest, ShareRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.ports import OutcomeKind
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.dispatch.wake import LOOK_EVERY_MS, DueWatch
from tidegate.usecases.submit.submit import submit_workflow

WINDOW = 4  # twice the capacity of 2


def test_no_more_than_the_window_is_dispatched_and_a_free_slot_is_filled_at_once() -> None:
    deployment = Deployment()
    deployment.submit(10)
    deployment.react()
    assert len(deployment.dispatched) == WINDOW
    deployment.run_one()
    assert len(deployment.dispatched) == WINDOW - 1
    report = deployment.react()
    assert [pool.dispatched for pool in report.pools] == [1]
    assert len(deployment.dispatched) == WINDOW


def test_an_attempt_that_is_tried_again_later_frees_its_place_at_once() -> None:
    deployment = Deployment()
    deployment.submit(10)
    deployment.react()
    deployment.world.now_ms += 1
    failed = deployment.run_one(OutcomeKind.FAILED)
    assert deployment.job(failed).state is State.SCHEDULED
    deployment.react()
    assert len(deployment.dispatched) == WINDOW


@pytest.mark.parametrize("lease_seconds", [0, 60])
def test_a_dispatcher_in_the_middle_of_another_fills_the_window_once(lease_seconds: int) -> None:
    """A second dispatcher runs to its end at each request of the first.

    With leases the window holds exactly. Without them both may have seen the same free slots, so the bound is the
    window and one dispatcher's batch.
    """
    interrupted, overshot, number = True, 0, 0
    while interrupted:
        deployment = Deployment(lease_seconds=lease_seconds)
        deployment.submit(12)
        came = deployment.at_request(number, deployment.another_tick)
        deployment.tick()
        deployment.calm()
        interrupted, number = came(), number + 1
        held = len(deployment.dispatched)
        assert held >= WINDOW
        overshot = max(overshot, held - WINDOW)
        messages = len(deployment.services.queue.receive(POOL, limit=10, wait_seconds=0))
        assert messages == held, "nobody was sent twice"
    assert number > 8
    assert overshot <= (0 if lease_seconds else WINDOW)


def test_three_dispatchers_inside_each_other_keep_to_the_window_by_their_leases() -> None:
    for outer in range(14):
        for inner in range(14):
            deployment = Deployment(lease_seconds=60)
            deployment.submit(16)

            def second(world: Deployment = deployment, at: int = inner) -> None:
                world.at_request(at, world.another_tick)
                tick(world.services, now_ms=world.now_ms)

            deployment.at_request(outer, second)
            deployment.tick()
            deployment.calm()
            assert len(deployment.dispatched) == WINDOW, (outer, inner)


def test_who_holds_the_lease_serves_what_became_ready_meanwhile() -> None:
    """The event of a job is not lost if the job becomes READY while another dispatcher is giving back its lease."""
    for number in range(30):
        deployment = Deployment(lease_seconds=60)
        deployment.submit(1)
        late: list[str] = []

        def arrive(world: Deployment = deployment, jobs: list[str] = late) -> None:
            world.calm()
            jobs.extend(world.submit(1))
            world.react()

        came = deployment.at_request(number, arrive)
        deployment.react()
        deployment.calm()
        if not came():
            break
        assert late[0] in deployment.dispatched, number
    else:
        pytest.fail("the dispatcher has more requests than expected")
    assert number > 8


def test_a_lease_that_was_left_behind_ends() -> None:
    deployment = Deployment(lease_seconds=60)
    deployment.submit(1)
    assert deployment.services.leases.take_if_free(
        POOL, "dead", now_ms=deployment.now_ms, until_ms=deployment.now_ms + 60_000
    )
    assert deployment.tick().dispatched == 0
    deployment.world.now_ms += 60_001
    assert deployment.tick().dispatched == 1


@pytest.mark.parametrize("error", [ServiceUnavailable("refused"), ValueError("nobody foresaw it")])
@pytest.mark.parametrize("refused", ["page", "apply_all", "send", "note_lane"])
def test_a_dispatcher_that_fails_leaves_no_lease_behind(refused: str, error: Exception) -> None:
    deployment = Deployment(lease_seconds=60)
    deployment.submit(2, concurrency_key="k")

    def fail(request: str) -> None:
        if request == refused and deployment.world.leases:
            raise error

    deployment.world.on_request = fail
    with contextlib.suppress(type(error)):
        deployment.tick()
    assert deployment.world.requests[refused] > 0
    assert not deployment.world.leases


def test_the_schedule_dispatches_although_what_it_tidies_fails() -> None:
    deployment = Deployment()
    deployment.submit(2, concurrency_key="k")
    deployment.react()
    deployment.submit(1)

    def fail(request: str) -> None:
        if request == "permit_holders":
            raise ServiceUnavailable("refused")

    deployment.world.on_request = fail
    with pytest.raises(ServiceUnavailable):
        deployment.tick()
    assert len(deployment.dispatched) == 2


def test_what_may_go_is_dispatched_although_the_others_can_not_be_moved_away() -> None:
    deployment = Deployment()
    deployment.submit(2, concurrency_key="k")

    def fail(request: str) -> None:
        if request == "note_lane":
            raise ServiceUnavailable("refused")

    deployment.world.on_request = fail
    with pytest.raises(ServiceUnavailable):
        deployment.tick()
    assert len(deployment.dispatched) == 1


def test_a_paused_pool_dispatches_nothing_until_it_goes_on() -> None:
    deployment = Deployment()
    deployment.services.rules.set_pool_paused(POOL, True, actor="ann", now_ms=deployment.now_ms)
    deployment.submit(2)
    assert deployment.tick().dispatched == 0
    deployment.services.rules.set_pool_paused(POOL, False, actor="ann", now_ms=deployment.now_ms)
    assert deployment.tick().dispatched == 2


def test_the_pool_with_the_most_free_capacity_gets_the_job_that_becomes_ready() -> None:
    small, large = (
        replace(function_pool(name, capacity), capabilities=frozenset({"gpu"}))
        for name, capacity in (("small", 2), ("large", 5))
    )
    deployment = Deployment(pools=(function_pool("default", 9), small, large))
    jobs = deployment.submit(7, requires=("gpu",))
    pools = [deployment.job(job_id).pool for job_id in jobs]
    assert pools == ["large", "large", "large", "large", "small", "large", "small"]
    (named,) = deployment.submit(1, requires=("gpu",), pool="small")
    (plain,) = deployment.submit(1)
    assert (deployment.job(named).pool, deployment.job(plain).pool) == ("small", "default")


def test_a_pool_that_is_paused_is_chosen_only_where_no_other_has_workers() -> None:
    one, other = (replace(function_pool(name, 2), capabilities=frozenset({"gpu"})) for name in ("a", "b"))
    deployment = Deployment(pools=(function_pool("default", 9), one, other))
    rules = deployment.services.rules
    rules.set_pool_paused("a", True, actor="ann", now_ms=deployment.now_ms)
    chosen = [deployment.job(job_id).pool for job_id in deployment.submit(5, requires=("gpu",))]
    assert chosen == ["b"] * 5
    rules.set_pool_paused("b", True, actor="ann", now_ms=deployment.now_ms)
    (last,) = deployment.submit(1, requires=("gpu",))
    assert deployment.job(last).pool == "a", "it has less waiting"


def test_a_job_that_waited_gets_the_pool_that_is_free_when_it_becomes_ready() -> None:
    one, other = (replace(function_pool(name, 2), capabilities=frozenset({"gpu"})) for name in ("a", "b"))
    deployment = Deployment(pools=(function_pool("default", 9), one, other))
    soon_ms = deployment.now_ms + 1_000
    (waiting,) = deployment.submit(1, requires=("gpu",), not_before_ms=soon_ms)
    assert deployment.job(waiting).pool == "a", "a guess, for now"
    deployment.submit(2, pool="a")
    deployment.world.now_ms = soon_ms
    tick(deployment.services, now_ms=soon_ms)
    tick(deployment.services, now_ms=soon_ms)
    job = deployment.job(waiting)
    assert (job.pool, job.state) == ("b", State.QUEUED)
    (delivery,) = deployment.services.queue.receive("b", limit=9, wait_seconds=0)
    assert delivery.message.job_id == waiting


def test_a_share_is_noted_once_however_many_jobs_it_has() -> None:
    deployment = Deployment()
    deployment.submit(20, share=ShareRequest(name="data", weight=2))
    assert deployment.world.requests["note_lane"] == 1
    deployment.submit(1, share=ShareRequest(name="data", weight=3))
    assert deployment.world.requests["note_lane"] == 1
    (known,) = deployment.services.lanes.list_lanes(POOL, limit=9)
    # The first weight holds while the share is in use.
    assert (known.lane, known.weight) == (share_lane("data"), 2)


def test_shares_with_less_urgent_jobs_are_served_beside_a_long_queue() -> None:
    deployment = Deployment()
    deployment.submit(50, priority=900, share=ShareRequest(name="many"))
    few = set(deployment.submit(2, priority=1, share=ShareRequest(name="few")))
    deployment.react()
    assert few <= deployment.dispatched
    assert len(deployment.dispatched) == WINDOW


def test_due_jobs_of_other_pools_are_looked_for_while_work_flows() -> None:
    watch = DueWatch()
    times_ms = [1_000_000 + step for step in range(0, 4 * LOOK_EVERY_MS, 500)]
    looked = [at_ms for at_ms in times_ms if watch.is_time(at_ms)]
    assert looked == [1_000_000 + turn * LOOK_EVERY_MS for turn in range(4)]
    assert LOOK_EVERY_MS <= 5_000


def test_a_pool_without_workers_takes_nothing() -> None:
    deployment = Deployment(pools=(replace(function_pool(POOL, 0), kind=PoolKind.PROCESS),))
    deployment.submit(1)
    assert deployment.tick().dispatched == 0


@pytest.mark.parametrize("shards", [1, 4])
def test_jobs_of_one_priority_and_one_workflow_are_dispatched_in_the_order_of_submission(shards: int) -> None:
    """This holds across shards too: the dispatcher merges them by rank, whose last digits are the job's position."""
    settings = make_settings(function_pool(POOL, 6), shards=shards)
    services, world = make_services(settings, seed=1)
    jobs = tuple(JobRequest(type=JOB_TYPE, key=f"k{number}") for number in range(24))
    accepted = submit_workflow(
        services, WorkflowRequest(jobs=jobs), idempotency_key=None, fingerprint="", now_ms=world.now_ms
    )
    tick(services, now_ms=world.now_ms)
    dispatched = {job.job_id for job in world.jobs.values() if job.state is State.QUEUED}
    assert dispatched == {f"{accepted.workflow_id}.{number}" for number in range(12)}
    deliveries = services.queue.receive(POOL, limit=10, wait_seconds=0)
    assert [delivery.message.job_id for delivery in deliveries] == [
        f"{accepted.workflow_id}.{number}" for number in range(10)
    ]
