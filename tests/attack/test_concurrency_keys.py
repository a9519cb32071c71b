"""A caller that uses another caller's concurrency key with a larger limit does not undo the other's limit."""

from __future__ import annotations

import random

import pytest

from dev.simulator.memory.seeded import function_pool
from dev.simulator.people.callers import caller_named
from tests.harness.usecases.dispatching import POOL, Deployment
from tidegate.domain.lanes import key_lane
from tidegate.domain.permits import key_permit
from tidegate.domain.states import State
from tidegate.ports import KnownLane
from tidegate.usecases.dispatch.permits import settle_waiting
from tidegate.usecases.dispatch.react import react
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.pools.lanes import LANES_AT_MOST
from tidegate.usecases.recover.cancel import cancel_job

KEY = "database"
MINUTE_MS = 60_000
DISPATCHED = (State.QUEUED, State.RUNNING)


def deployment_of_two_pools() -> Deployment:
    return Deployment(pools=(function_pool(POOL, 50), function_pool("q", 50)))


def flood(deployment: Deployment, number: int = 20, pool: str = POOL, limit: int = 100) -> list[str]:
    return deployment.submit(number, concurrency_key=KEY, concurrency_limit=limit, priority=900, pool=pool)


def follow(deployment: Deployment) -> None:
    """Handles events until there are no new ones."""
    while deployment.world.changes:
        react(deployment.services, deployment.events(), now_ms=deployment.now_ms)


def pass_minutes(deployment: Deployment, minutes: int) -> None:
    for _ in range(minutes):
        deployment.world.now_ms += MINUTE_MS
        tick(deployment.services, now_ms=deployment.now_ms)
        follow(deployment)


@pytest.mark.parametrize("pool", [POOL, "q"])
def test_a_limit_of_1_holds_for_all_while_a_job_that_asked_for_it_runs(pool: str) -> None:
    deployment = deployment_of_two_pools()
    deployment.submit(1, concurrency_key=KEY)
    follow(deployment)
    flood(deployment, pool=pool)
    follow(deployment)
    assert len(deployment.dispatched) == 1


@pytest.mark.parametrize("pool", [POOL, "q"])
def test_a_limit_of_1_holds_for_all_while_a_job_that_asked_for_it_waits(pool: str) -> None:
    deployment = deployment_of_two_pools()
    flood(deployment, 5, pool)
    follow(deployment)
    assert len(deployment.dispatched) == 5
    (mine,) = deployment.submit(1, concurrency_key=KEY)
    follow(deployment)
    flood(deployment, pool=pool)
    follow(deployment)
    assert len(deployment.dispatched) == 5, "none is dispatched beside the five, though they ask for 100"
    assert deployment.job(mine).state is State.READY


def test_jobs_that_ask_for_different_limits_all_come_by_one_after_the_other() -> None:
    deployment = Deployment(capacity=50)
    mine = deployment.submit(3, concurrency_key=KEY)
    theirs = deployment.submit(3, concurrency_key=KEY, concurrency_limit=100)
    for _ in range(6):
        follow(deployment)
        assert len(deployment.dispatched) == 1
        deployment.run_one()
    assert deployment.in_state(State.SUCCEEDED) == {*mine, *theirs}


@pytest.mark.parametrize("ends", ["by running", "by cancel"])
def test_the_smaller_limit_is_forgotten_when_nobody_asks_for_it_any_more(ends: str) -> None:
    deployment = Deployment(capacity=50)
    flood(deployment, 1)
    follow(deployment)
    (mine,) = deployment.submit(1, concurrency_key=KEY, priority=999)
    follow(deployment)
    flood(deployment, 9)
    if ends == "by cancel":
        cancel_job(deployment.services, mine, caller=caller_named("ann"), now_ms=deployment.now_ms)
    else:
        deployment.run_one()
        follow(deployment)
        assert deployment.dispatched == {mine}
        deployment.run_one()
    pass_minutes(deployment, 2)
    assert len(deployment.dispatched) == (9 if ends == "by running" else 10)


def test_a_smaller_limit_holds_on_though_very_many_other_lanes_hide_the_one_it_waits_in() -> None:
    deployment = deployment_of_two_pools()
    flood(deployment, 5, limit=99)
    follow(deployment)
    deployment.submit(1, concurrency_key=KEY)
    follow(deployment)
    flood(deployment, limit=99)
    follow(deployment)
    for number in range(LANES_AT_MOST):  # the listing holds the last of these by name
        deployment.services.lanes.note(POOL, key_lane(f"x{number}", 5), now_ms=deployment.now_ms)
    deployment.world.now_ms += 2 * MINUTE_MS
    lanes = [KnownLane(key_lane(KEY, 99), 1, 0)]
    settle_waiting(deployment.services, POOL, lanes, deployment.now_ms)
    assert settled(deployment) == 1


def test_the_least_of_the_others_is_found_though_very_many_other_lanes_hide_the_one_it_waits_in() -> None:
    deployment = deployment_of_two_pools()
    flood(deployment, 8)
    follow(deployment)
    (first,) = deployment.submit(1, concurrency_key=KEY)
    deployment.submit(1, concurrency_key=KEY, concurrency_limit=3)
    follow(deployment)
    assert settled(deployment) == 1
    for number in range(2 * LANES_AT_MOST):  # the listing holds the last of these by name
        deployment.services.lanes.note(POOL, key_lane(f"x{number}", 99), now_ms=deployment.now_ms)
    cancel_job(deployment.services, first, caller=caller_named("ann"), now_ms=deployment.now_ms)
    deployment.world.now_ms += 2 * MINUTE_MS
    settle_waiting(deployment.services, POOL, [KnownLane(key_lane(KEY, 1), 1, 0)], deployment.now_ms)
    assert settled(deployment) == 3


def test_what_is_left_of_the_limits_of_waiting_jobs_is_the_least_of_the_others() -> None:
    deployment = deployment_of_two_pools()
    flood(deployment, 8)
    follow(deployment)
    (first,) = deployment.submit(1, concurrency_key=KEY, concurrency_limit=1, pool="q")
    deployment.submit(1, concurrency_key=KEY, concurrency_limit=3)
    follow(deployment)
    assert settled(deployment) == 1
    cancel_job(deployment.services, first, caller=caller_named("ann"), now_ms=deployment.now_ms)
    pass_minutes(deployment, 2)
    assert settled(deployment) == 3


@pytest.mark.parametrize("pool", [POOL, "q"])
def test_the_limit_of_a_waiting_job_that_was_forgotten_too_early_holds_again(pool: str) -> None:
    deployment = deployment_of_two_pools()
    flood(deployment, 5)
    follow(deployment)
    (mine,) = deployment.submit(1, concurrency_key=KEY, pool=pool)
    follow(deployment)
    # The index lagged behind, or a slow dispatcher wrote the limit with an old time.
    standing = deployment.services.permits.standing(key_permit(KEY))
    deployment.services.permits.set_waiting_if_not_noted_since(
        key_permit(KEY), None, noted_at_ms=standing.waiting_noted_at_ms
    )
    pass_minutes(deployment, 1)
    flood(deployment)
    follow(deployment)
    assert len(deployment.dispatched) == 5
    assert (settled(deployment), deployment.job(mine).state) == (1, State.READY)


def settled(deployment: Deployment) -> int | None:
    return deployment.services.permits.standing(key_permit(KEY)).waiting_limit


@pytest.mark.parametrize("limit", [1, 100])
def test_very_many_jobs_of_a_key_ask_for_its_permit_once_in_a_run(limit: int) -> None:
    deployment = deployment_of_two_pools()
    flood(deployment, 1)
    follow(deployment)
    deployment.submit(1, concurrency_key=KEY)
    follow(deployment)  # the job waits from now on, and its limit binds all later jobs
    deployment.submit(150, concurrency_key=KEY, concurrency_limit=limit, priority=900)
    before = deployment.world.requests["take_permit"]
    tick(deployment.services, now_ms=deployment.now_ms)
    assert deployment.world.requests["take_permit"] - before <= 3


def limits_of(deployment: Deployment, *states: State) -> list[int]:
    return [job.concurrency_limit for job in deployment.world.jobs.values() if job.state in states]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_no_dispatch_breaks_a_limit_that_a_dispatched_or_a_held_job_asked_for(
    seed: int,
) -> None:
    draw = random.Random(seed)
    deployment = deployment_of_two_pools()
    ended = 0
    for _ in range(60):
        before = deployment.in_state(*DISPATCHED)
        held = [job.concurrency_limit for job in deployment.world.jobs.values() if job.held_in]
        step = draw.random()
        if step < 0.4:
            limit = draw.choice((1, 2, 2, 5, 100))
            deployment.submit(
                draw.randint(1, 3),
                concurrency_key=KEY,
                concurrency_limit=limit,
                pool=draw.choice((POOL, "q")),
                priority=draw.randint(1, 1_000),
            )
        elif step < 0.6 and deployment.world.jobs:
            deployment.world.now_ms += draw.choice((1_000, MINUTE_MS))
            tick(deployment.services, now_ms=deployment.now_ms)
        elif before:
            deployment.run_one(pool=deployment.job(draw.choice(sorted(before))).pool)
            ended += 1
        react(deployment.services, deployment.events(), now_ms=deployment.now_ms)
        after = deployment.in_state(*DISPATCHED)
        still_held = [job.concurrency_limit for job in deployment.world.jobs.values() if job.held_in]
        if after - before:
            least = min([*limits_of(deployment, *DISPATCHED), *(x for x in held if x in still_held)])
            assert len(after) <= least
    assert ended
