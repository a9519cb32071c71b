"""Bounds on concurrency, by key and by type, hold strictly, and a job that waits for one hides no other job."""

from __future__ import annotations

import pytest

from dev.simulator.memory.seeded import JOB_TYPE, function_pool
from tests.harness.usecases.dispatching import POOL, Deployment
from tests.harness.usecases.listing import list_jobs
from tidegate.domain.lanes import key_lane, type_lane
from tidegate.domain.requests import ShareRequest
from tidegate.domain.states import State
from tidegate.ports import OutcomeKind
from tidegate.usecases.dispatch.react import react
from tidegate.usecases.pools.lanes import HELD_LANES_PER_RUN, LANES_AT_MOST

KEY = "customer-7"
MINUTE_MS = 60_000


def holders(deployment: Deployment) -> int:
    return len(deployment.services.permits.standing(f"key:{KEY}").holders)


def test_jobs_of_one_key_run_one_after_the_other_and_let_others_pass() -> None:
    deployment = Deployment()
    keyed = deployment.submit(3, concurrency_key=KEY, priority=900)
    others = set(deployment.submit(3))
    deployment.react()
    assert len(deployment.dispatched & set(keyed)) == 1
    assert others <= deployment.dispatched
    waiting = [job_id for job_id in keyed if job_id not in deployment.dispatched]
    assert {deployment.job(job_id).held_in for job_id in waiting} == {key_lane(KEY, 1)}
    for _ in range(6):
        deployment.run_one()
        deployment.react()
        assert len(deployment.dispatched & set(keyed)) <= 1
    assert deployment.in_state(State.SUCCEEDED) == {*keyed, *others}
    assert holders(deployment) == 0
    assert all(not deployment.job(job_id).held_in for job_id in keyed)


def test_the_most_urgent_of_a_key_comes_next_in_the_run_that_learns_of_the_end() -> None:
    deployment = Deployment()
    (first,) = deployment.submit(1, concurrency_key=KEY)
    deployment.react()
    deployment.submit(5, concurrency_key=KEY, priority=10)
    (urgent,) = deployment.submit(1, concurrency_key=KEY, priority=500)
    deployment.react()
    assert deployment.dispatched == {first}
    deployment.run_one()
    deployment.react()
    assert deployment.dispatched == {urgent}


def test_a_key_with_a_larger_limit_has_that_many() -> None:
    deployment = Deployment()
    deployment.submit(6, concurrency_key=KEY, concurrency_limit=2)
    deployment.react()
    assert len(deployment.dispatched) == 2
    deployment.run_one()
    deployment.react()
    assert len(deployment.dispatched) == 2


@pytest.mark.parametrize("limited", [False, True])
def test_an_end_in_one_pool_lets_the_next_of_another_pool_go_at_once(limited: bool) -> None:
    deployment = Deployment(pools=(function_pool(POOL, 2), function_pool("q", 2)))
    fields = {} if limited else {"concurrency_key": KEY}
    if limited:
        deployment.services.rules.set_type_limit(JOB_TYPE, 1, actor="ann", now_ms=deployment.now_ms)
    (first,) = deployment.submit(1, pool=POOL, **fields)
    deployment.react()
    (other,) = deployment.submit(1, pool="q", **fields)
    deployment.react()
    assert deployment.dispatched == {first}
    deployment.run_one()
    deployment.react()
    assert deployment.dispatched == {other}


def test_a_dispatcher_in_the_middle_of_another_never_doubles_a_key() -> None:
    number, interrupted = 0, True
    while interrupted:
        deployment = Deployment()
        deployment.submit(5, concurrency_key=KEY)
        came = deployment.at_request(number, deployment.another_tick)
        deployment.tick()
        deployment.calm()
        interrupted, number = came(), number + 1
        assert len(deployment.dispatched) <= 1, number
        deployment.tick()
        assert len(deployment.dispatched) == 1, number
    assert number > 10


def test_a_late_change_of_an_earlier_attempt_gives_nothing_back() -> None:
    deployment = Deployment()
    deployment.submit(1, concurrency_key=KEY, priority=900)
    deployment.submit(1, concurrency_key=KEY)
    deployment.react()
    deployment.world.now_ms += 10
    first = deployment.run_one(OutcomeKind.FAILED)
    late = deployment.events()
    deployment.world.now_ms += 10
    deployment.tick()  # its backoff is over: it is dispatched again before the event of its failure comes
    assert first in deployment.dispatched
    before = deployment.dispatched
    react(deployment.services, late, now_ms=deployment.now_ms)
    assert deployment.dispatched == before
    assert len(before) == 1


def test_what_was_left_behind_by_an_event_that_never_came_is_freed_by_the_schedule() -> None:
    deployment = Deployment()
    deployment.submit(2, concurrency_key=KEY)
    deployment.react()
    deployment.run_one()
    deployment.events()  # no dispatcher reacts to them
    deployment.world.now_ms += MINUTE_MS
    assert deployment.tick().dispatched == 1
    assert holders(deployment) == 1


def test_a_crash_between_permit_and_dispatch_leaves_the_key_to_that_job() -> None:
    deployment = Deployment()
    first, second = deployment.submit(2, concurrency_key=KEY)
    crash_at(deployment, "apply_all")
    assert (deployment.dispatched, holders(deployment)) == (set(), 1)
    deployment.tick()
    assert len(deployment.dispatched & {first, second}) == 1


def crash_at(deployment: Deployment, request: str) -> None:
    """Ends a dispatcher before its first request of this name takes effect."""

    def crash() -> None:
        raise KeyboardInterrupt

    deployment.at_request(_request_of(deployment, request), crash)
    with pytest.raises(KeyboardInterrupt):
        deployment.tick()
    deployment.calm()


def _request_of(deployment: Deployment, name: str) -> int:
    """Returns the number of the first request of this name in a run like the next one, without changing anything."""
    seen: list[str] = []

    class Found(BaseException):
        pass

    def note(request: str) -> None:
        seen.append(request)
        if request == name:
            raise Found

    deployment.world.on_request = note
    with pytest.raises(Found):
        deployment.tick()
    deployment.calm()
    return len(seen) - 1


def test_a_type_with_a_limit_has_no_more_than_that_and_goes_on_when_one_ends() -> None:
    deployment = Deployment()
    deployment.services.rules.set_type_limit(JOB_TYPE, 1, actor="ann", now_ms=deployment.now_ms)
    jobs = deployment.submit(4)
    deployment.react()
    assert len(deployment.dispatched) == 1
    for _ in jobs:
        deployment.run_one()
        deployment.react()
        assert len(deployment.dispatched) <= 1
    assert deployment.in_state(State.SUCCEEDED) == set(jobs)


def test_a_limit_that_is_taken_off_lets_all_go_that_were_held_back() -> None:
    deployment = Deployment()
    deployment.services.rules.set_type_limit(JOB_TYPE, 1, actor="ann", now_ms=deployment.now_ms)
    deployment.submit(4)
    deployment.react()
    deployment.services.rules.set_type_limit(JOB_TYPE, None, actor="ann", now_ms=deployment.now_ms)
    deployment.tick()
    assert len(deployment.dispatched) == 4


def test_a_paused_type_waits_is_listed_and_can_be_cancelled_and_then_goes_on() -> None:
    deployment = Deployment()
    rules = deployment.services.rules
    rules.set_type_paused(JOB_TYPE, True, actor="ann", now_ms=deployment.now_ms)
    jobs = deployment.submit(9)
    deployment.react()
    assert deployment.dispatched == set()
    assert {deployment.job(job_id).held_in for job_id in jobs} == {type_lane(JOB_TYPE)}
    first = list_jobs(deployment.services, State.READY, pool=None, cursor=None, limit=5)
    rest = list_jobs(deployment.services, State.READY, pool=None, cursor=first.cursor, limit=5)
    assert sorted(job.job_id for job in (*first.jobs, *rest.jobs)) == sorted(jobs)
    rules.set_type_paused(JOB_TYPE, False, actor="ann", now_ms=deployment.now_ms)
    deployment.tick()
    assert len(deployment.dispatched) == 4


def test_being_held_back_is_no_event_of_its_own() -> None:
    deployment = Deployment()
    deployment.submit(3, concurrency_key=KEY)
    deployment.react()
    assert [job.state for job in deployment.events()] == []


def test_lanes_that_nobody_waits_in_are_forgotten_after_a_while_and_not_before() -> None:
    deployment = Deployment()
    deployment.submit(2, concurrency_key=KEY)
    deployment.react()
    for _ in range(2):
        deployment.run_one()
        deployment.react()
    deployment.tick()
    assert [known.lane for known in deployment.services.lanes.list_lanes(POOL, limit=9)] == [key_lane(KEY, 1)]
    deployment.world.now_ms += 16 * MINUTE_MS
    deployment.tick()
    assert deployment.services.lanes.list_lanes(POOL, limit=9) == ()


def test_the_next_of_a_key_comes_at_once_however_many_other_lanes_there_are() -> None:
    deployment = Deployment(capacity=500)
    for number in range(5 * HELD_LANES_PER_RUN):
        deployment.services.lanes.note(POOL, key_lane(f"a-{number}", 1), now_ms=deployment.now_ms)
    deployment.submit(20, concurrency_key=KEY)
    deployment.react()
    for _ in range(19):
        deployment.run_one()
        deployment.react()
        assert len(deployment.dispatched) == 1


def test_very_many_keys_hide_no_share() -> None:
    deployment = Deployment()
    jobs = deployment.submit(1, share=ShareRequest(name="data"))
    for number in range(LANES_AT_MOST + 1):
        deployment.services.lanes.note(POOL, key_lane(f"k-{number}", 1), now_ms=deployment.now_ms)
    deployment.tick()
    assert deployment.dispatched == set(jobs)


def test_very_many_keys_are_served_in_turn() -> None:
    deployment = Deployment(capacity=500)
    keys = 3 * HELD_LANES_PER_RUN
    for number in range(keys):
        deployment.submit(2, concurrency_key=f"customer-{number}")
    deployment.tick()
    assert len(deployment.dispatched) == keys
    for _ in range(keys):
        deployment.run_one()
    deployment.events()
    for _ in range(20):
        deployment.world.now_ms += MINUTE_MS
        assert deployment.tick().dispatched <= HELD_LANES_PER_RUN
    assert len(deployment.in_state(State.SUCCEEDED) | deployment.dispatched) == 2 * keys
