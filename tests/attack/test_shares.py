"""Callers may name any shares: an unused share costs no query, uses no space and is forgotten."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.harness.usecases.dispatching import POOL, Deployment
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.job import Job
from tidegate.domain.lanes import MAIN, share_lane
from tidegate.domain.requests import DependencyRequest, ShareRequest
from tidegate.domain.states import State
from tidegate.ports import KnownLane, OutcomeKind
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.pools.lanes import Lanes, keep_shares, known_lanes
from tidegate.usecases.release.release import release

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
FULL = limits.MAX_SHARES_PER_POOL


class Crowd(Deployment):
    """A pool in which a caller has named many shares, each for one job that has ended."""

    def __init__(self) -> None:
        super().__init__(capacity=200)

    def crowd(self, number: int) -> None:
        for place in range(number):
            self.submit(1, share=ShareRequest(name=f"s{place}"))
        self.react()
        while self.in_state(State.QUEUED):
            self.run_one()
        self.react()

    def pass_ms(self, ms: int) -> None:
        """Moves the clock forward, with a tick each minute unless there are too many minutes."""
        until_ms = self.world.now_ms + ms
        step_ms = max(MINUTE_MS, ms // 30)
        while self.world.now_ms < until_ms:
            self.world.now_ms = min(until_ms, self.world.now_ms + step_ms)
            tick(self.services, now_ms=self.world.now_ms)

    def lanes(self) -> dict[str, KnownLane]:
        return {each.lane: each for each in self.services.lanes.list_lanes(POOL, limit=1_000)}

    def pages_of_a_dispatch(self) -> int:
        """Returns the number of index queries that dispatch one job without a share."""
        self.submit(1)
        before = self.world.requests["page"]
        self.react()
        return self.world.requests["page"] - before


def test_a_share_that_nobody_uses_costs_no_query_and_is_forgotten_after_a_day() -> None:
    alone = Crowd().pages_of_a_dispatch()
    deployment = Crowd()
    deployment.crowd(99)
    crowded = deployment.pages_of_a_dispatch()
    assert crowded >= alone + 99 * deployment.services.index.shards  # for a few minutes
    while deployment.in_state(State.QUEUED):
        deployment.run_one()
    deployment.pass_ms(15 * MINUTE_MS)
    assert all(each.resting for each in deployment.lanes().values())
    assert deployment.pages_of_a_dispatch() == alone
    deployment.pass_ms(DAY_MS)
    deployment.pass_ms(10 * MINUTE_MS)  # each tick forgets sixteen shares
    assert deployment.lanes() == {}


def test_a_pool_full_of_unused_shares_has_room_for_others_after_a_day() -> None:
    deployment = Crowd()
    deployment.crowd(FULL)
    for ms in (0, 15 * MINUTE_MS):
        deployment.pass_ms(ms)
        with pytest.raises(InvalidRequest, match="one share too many"):
            deployment.submit(1, share=ShareRequest(name="mine"))
    deployment.pass_ms(DAY_MS)
    deployment.submit(1, share=ShareRequest(name="mine", weight=3))
    assert deployment.lanes()[share_lane("mine")].weight == 3


def test_a_run_looks_into_a_bounded_number_of_shares_and_into_that_of_its_changes() -> None:
    deployment = Crowd()
    for place in range(3 * FULL):
        deployment.services.lanes.note(POOL, share_lane(f"s{place:03d}"), now_ms=deployment.now_ms)
    (mine,) = deployment.submit(1)
    job = put_back(deployment, replace(deployment.job(mine), share="s000"))
    rules = deployment.services.rules.load()
    seen = known_lanes(deployment.services, POOL, rules, [job], deployment.now_ms).in_turn
    assert [each.lane for each in seen[:2]] == [MAIN, share_lane("s000")]
    assert len(seen) == FULL + 2
    looked: set[str] = set()
    for _ in range(60):
        lanes = known_lanes(deployment.services, POOL, rules, [], deployment.now_ms)
        looked |= {each.lane for each in lanes.in_turn}
    assert len(looked) == 3 * FULL + 1, "each has its turn"


def test_nobody_changes_the_weight_of_a_share_that_is_in_use() -> None:
    deployment = Crowd()
    deployment.submit(300, share=ShareRequest(name="data", weight=7))
    for minutes in range(30):
        weight = 1_000 if minutes % 2 else 1
        deployment.submit(1, share=ShareRequest(name="data", weight=weight))
        deployment.pass_ms(MINUTE_MS)
    assert deployment.lanes()[share_lane("data")].weight == 7


def test_a_share_that_rested_takes_the_weight_that_it_is_named_with_next() -> None:
    deployment = Crowd()
    deployment.crowd(1)
    deployment.pass_ms(15 * MINUTE_MS)
    deployment.submit(1, share=ShareRequest(name="s0", weight=4))
    assert deployment.lanes()[share_lane("s0")] == KnownLane(share_lane("s0"), 4, deployment.now_ms)


# --- no job of a share is lost --------------------------------------------------------------------
def asleep(deployment: Crowd, **fields: Any) -> Job:
    """Creates a job that waits for another job until its share is at rest."""
    upstream, *_ = deployment.submit(1)
    edge = DependencyRequest(job_id=upstream)
    (waiting,) = deployment.submit(1, depends_on=(edge,), share=ShareRequest(name="data", weight=9), **fields)
    deployment.react()
    deployment.pass_ms(15 * MINUTE_MS)
    assert deployment.lanes()[share_lane("data")].resting
    return deployment.job(waiting)


@pytest.mark.parametrize("after_ms", [0, DAY_MS + 15 * MINUTE_MS])
def test_a_share_is_known_again_before_a_job_of_it_becomes_ready(after_ms: int) -> None:
    deployment = Crowd()
    waiting = asleep(deployment)
    deployment.pass_ms(after_ms)
    assert (share_lane("data") in deployment.lanes()) is (after_ms == 0)
    deployment.run_one()
    ended = deployment.events()
    assert len(release(deployment.services, ended, deployment.now_ms)) == 1
    assert not deployment.lanes()[share_lane("data")].resting
    deployment.world.changes.clear()  # the change that made the job READY is lost
    deployment.tick()
    assert deployment.job(waiting.job_id).state is State.QUEUED


def put_back(deployment: Crowd, job: Job) -> Job:
    """Makes a job READY in its share's lane while that lane is at rest.

    A worker that hands a job back does this, because it registers no lane.
    """
    ready = replace(job, state=State.READY, ready_at_ms=deployment.now_ms, waiting_on=frozenset())
    deployment.world.write(ready)
    deployment.world.changes.clear()
    return ready


def test_a_dispatcher_that_hears_of_a_job_in_a_resting_share_has_the_others_look_too() -> None:
    deployment = Crowd()
    ready = put_back(deployment, asleep(deployment))
    rules = deployment.services.rules.load()

    def seen(*changed: Job) -> Lanes:
        return known_lanes(deployment.services, POOL, rules, changed, deployment.now_ms)

    assert [each.lane for each in seen().in_turn] == [MAIN]
    assert [each.lane for each in seen(ready).in_turn] == [MAIN, share_lane("data")]
    assert [each.lane for each in seen().in_turn] == [MAIN, share_lane("data")]
    assert seen().weights["data"] == 9


def test_the_schedule_finds_a_job_in_a_resting_share_that_nobody_heard_of() -> None:
    deployment = Crowd()
    ready = put_back(deployment, asleep(deployment))
    deployment.tick()
    assert deployment.job(ready.job_id).state is State.QUEUED


def test_a_share_with_a_dispatched_job_does_not_rest() -> None:
    deployment = Crowd()
    deployment.submit(1, share=ShareRequest(name="data"))
    deployment.react()
    deployment.pass_ms(DAY_MS)
    assert not deployment.lanes()[share_lane("data")].resting


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("idle_ms", [11 * MINUTE_MS, DAY_MS + 11 * MINUTE_MS])
def test_a_share_that_is_noted_while_it_is_found_unused_stays_awake(idle_ms: int, number: int) -> None:
    deployment = Crowd()
    deployment.crowd(1)
    deployment.world.now_ms += 11 * MINUTE_MS
    if idle_ms > DAY_MS:
        deployment.tick()
        assert deployment.lanes()[share_lane("s0")].resting
        deployment.world.now_ms += DAY_MS
    note = partial(keep_shares, deployment.services, POOL, ["s0"], deployment.now_ms)
    came = deployment.at_request(number, note)
    tick(deployment.services, now_ms=deployment.now_ms)
    deployment.calm()
    if not came():
        note()
    assert not deployment.lanes()[share_lane("s0")].resting


@pytest.mark.parametrize("number", range(12))
def test_a_share_whose_job_is_handed_back_while_it_is_found_unused_stays_awake(number: int) -> None:
    deployment = Crowd()
    (mine,) = deployment.submit(1, share=ShareRequest(name="data"))
    deployment.react()
    deployment.world.now_ms += 11 * MINUTE_MS
    came = deployment.at_request(number, partial(deployment.run_one, OutcomeKind.HANDED_BACK))
    tick(deployment.services, now_ms=deployment.now_ms)
    deployment.calm()
    is_waiting = deployment.job(mine).state is State.READY
    assert not (is_waiting and deployment.lanes()[share_lane("data")].resting)
    assert came() or number > 8


def test_a_dispatcher_that_hears_of_a_job_in_a_share_that_could_rest_notes_it() -> None:
    deployment = Crowd()
    (mine,) = deployment.submit(1, share=ShareRequest(name="data"))
    ready = deployment.job(mine)
    rules = deployment.services.rules.load()
    noted_ms = deployment.now_ms
    for minutes, noted_minutes in ((5, 0), (6, 6), (7, 6)):
        deployment.world.now_ms = noted_ms + minutes * MINUTE_MS
        known_lanes(deployment.services, POOL, rules, [ready], deployment.now_ms)
        noted_at_ms = deployment.lanes()[share_lane("data")].noted_at_ms
        assert noted_at_ms == noted_ms + noted_minutes * MINUTE_MS


def test_a_job_that_is_held_back_by_a_key_does_not_wake_its_share() -> None:
    deployment = Crowd()
    waiting = asleep(deployment, concurrency_key="k")
    held = replace(waiting, state=State.READY, ready_at_ms=deployment.now_ms, held_in="key:1:k")
    rules = deployment.services.rules.load()
    lanes = known_lanes(deployment.services, POOL, rules, [held], deployment.now_ms)
    assert [each.lane for each in lanes.in_turn] == [MAIN]
