"""Permits of holders that are not dispatched: no job waits for them for ever, and no two jobs use one."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.seeded import function_pool
from dev.simulator.people.callers import caller_named
from tests.harness.usecases.dispatching import POOL, Deployment
from tests.usecases.test_concurrency import KEY, MINUTE_MS, crash_at
from tidegate.domain.states import Group, State
from tidegate.ports import OutcomeKind
from tidegate.usecases.dispatch.react import react
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.recover.cancel import cancel_job


def test_a_more_urgent_job_gets_past_one_that_a_dispatcher_left_with_the_permit() -> None:
    deployment = Deployment()
    deployment.submit(1, concurrency_key=KEY)
    deployment.react()
    (left,) = deployment.submit(1, concurrency_key=KEY)
    deployment.react()  # it waits in the key's lane
    deployment.run_one()
    deployment.events()
    deployment.world.now_ms += MINUTE_MS
    crash_at(deployment, "apply_all")
    (urgent,) = deployment.submit(1, concurrency_key=KEY, priority=900)
    deployment.react()  # it joins the lane, before the job that holds the permit
    for _ in range(2):
        deployment.tick()
        assert len(deployment.dispatched) <= 1
    assert deployment.dispatched == {urgent}
    assert deployment.job(left).state is State.READY


def test_a_pool_that_is_paused_keeps_no_key_from_another() -> None:
    deployment = Deployment(pools=(function_pool(POOL, 2), function_pool("other", 2)))
    deployment.submit(1, concurrency_key=KEY, pool="other")
    (candidate,) = deployment.services.index.page("other", Group.READY, 0, limit=9).entries or (
        deployment.services.index.page("other", Group.READY, 1, limit=9).entries
    )
    assert deployment.services.permits.take_if_free(
        f"key:{KEY}", f"{candidate.job_id}@{deployment.now_ms}@1", limit=1, now_ms=deployment.now_ms
    )  # its dispatcher ended there
    rules = deployment.services.rules
    rules.set_pool_paused("other", True, actor="ann", now_ms=deployment.now_ms)
    (here,) = deployment.submit(1, concurrency_key=KEY)
    for _ in range(2):
        deployment.world.now_ms += MINUTE_MS
        tick(deployment.services, now_ms=deployment.now_ms)
    assert deployment.dispatched == {here}


def test_a_dispatcher_that_was_passed_over_dispatches_nothing() -> None:
    """A tick takes the permit from a job that a slow dispatcher is about to dispatch."""
    number, interrupted = 0, True
    while interrupted:
        deployment = Deployment()
        deployment.submit(1, concurrency_key=KEY)
        deployment.react()
        deployment.submit(2, concurrency_key=KEY)
        deployment.react()
        deployment.run_one()
        deployment.events()
        came = deployment.at_request(number, deployment.another_tick)
        deployment.tick()
        deployment.calm()
        interrupted, number = came(), number + 1
        assert len(deployment.dispatched) <= 1, number
        deployment.tick()
        assert len(deployment.dispatched) == 1, number
    assert number > 10


def test_an_index_that_shows_an_earlier_attempt_dispatches_no_later_one() -> None:
    deployment = Deployment()
    (job_id,) = deployment.submit(1, concurrency_key=KEY)
    shown = deployment.services.index.first_pages(POOL, Group.READY, limit=9)
    deployment.react()
    deployment.world.now_ms += 10
    deployment.run_one(OutcomeKind.FAILED)
    late = deployment.events()
    deployment.world.now_ms += 10
    deployment.services.rules.set_pool_paused(POOL, True, actor="ann", now_ms=deployment.now_ms)
    deployment.tick()  # it is READY again, and not dispatched
    deployment.services.rules.set_pool_paused(POOL, False, actor="ann", now_ms=deployment.now_ms)
    index = deployment.services.index

    class Old:
        shards = index.shards
        page, count = index.page, index.count

        def first_pages(self, pool: str, group: Group, **arguments: object) -> object:
            return shown if group is Group.READY else index.first_pages(pool, group, **arguments)  # type: ignore[arg-type]

    services = replace(deployment.services, index=Old())  # type: ignore[arg-type]  # a stand-in for one port
    tick(services, now_ms=deployment.now_ms)
    assert deployment.dispatched == set(), "under the permit of its first attempt"
    deployment.tick()
    react(deployment.services, late, now_ms=deployment.now_ms)
    assert deployment.dispatched == {job_id}
    assert len(deployment.services.permits.standing(f"key:{KEY}").holders) == 1


def test_a_held_job_that_is_cancelled_keeps_nobody_waiting() -> None:
    deployment = Deployment()
    deployment.submit(1, concurrency_key=KEY)
    deployment.react()
    held, other = deployment.submit(2, concurrency_key=KEY)
    deployment.react()
    cancel_job(deployment.services, held, caller=caller_named("ann"), now_ms=deployment.now_ms)
    deployment.run_one()
    deployment.react()
    assert deployment.dispatched == {other}
    assert deployment.job(held).held_in == ""


def test_a_job_that_is_cancelled_while_it_is_granted_gives_its_permit_back() -> None:
    number, interrupted = 0, True
    while interrupted:
        deployment = Deployment()
        first, second = deployment.submit(2, concurrency_key=KEY)

        def cancel(world: Deployment = deployment, job_id: str = first) -> None:
            world.calm()
            if world.job(job_id).state is not State.QUEUED:
                cancel_job(world.services, job_id, caller=caller_named("ann"), now_ms=world.now_ms)
                react(world.services, world.events(), now_ms=world.now_ms)

        came = deployment.at_request(number, cancel)
        deployment.tick()
        deployment.calm()
        interrupted, number = came(), number + 1
        deployment.tick()
        assert len(deployment.dispatched) == 1, number
        assert deployment.dispatched <= {first, second}
    assert number > 8
