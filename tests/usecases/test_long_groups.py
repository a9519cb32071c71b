"""Groups longer than a page are counted, dispatched and searched as a whole."""

from __future__ import annotations

from dev.simulator.memory.seeded import JOB_TYPE
from tests.harness.usecases.dispatching import POOL, Deployment
from tidegate.domain.lanes import key_lane, share_lane
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import State
from tidegate.usecases.pools.earlier_pools import stands
from tidegate.usecases.pools.lanes import LANES_AT_MOST, known_lanes
from tidegate.usecases.read.status import pool_load

PAGE_ENTRIES = 5
CAPACITY = 20
WINDOW = 2 * CAPACITY


def test_a_full_window_stays_full_though_its_jobs_fill_many_pages() -> None:
    deployment = Deployment(capacity=CAPACITY)
    deployment.world.page_entries = PAGE_ENTRIES
    deployment.submit(3 * WINDOW)
    for _ in range(5):
        deployment.tick()
        assert len(deployment.dispatched) == WINDOW


def test_places_that_become_free_are_filled_and_no_more() -> None:
    deployment = Deployment(capacity=CAPACITY)
    deployment.world.page_entries = PAGE_ENTRIES
    deployment.submit(3 * WINDOW)
    deployment.tick()
    for _ in range(7):
        deployment.world.now_ms += 1
        deployment.run_one()
    report = deployment.react()
    assert [pool.dispatched for pool in report.pools] == [7]
    assert len(deployment.dispatched) == WINDOW


def test_a_type_at_its_limit_gets_no_further_place_though_its_jobs_stand_behind_the_first_page() -> None:
    deployment = Deployment(capacity=CAPACITY)
    deployment.world.page_entries = PAGE_ENTRIES
    deployment.submit(12)
    deployment.tick()
    assert len(deployment.in_state(State.QUEUED)) == 12
    deployment.services.rules.set_type_limit(JOB_TYPE, 13, actor="ann", now_ms=deployment.now_ms)
    deployment.submit(12)
    deployment.tick()
    assert len(deployment.in_state(State.QUEUED)) == 13


def test_every_lane_is_looked_into_in_the_end_however_many_there_are() -> None:
    deployment = Deployment()
    lanes = {key_lane(f"k{number:05}", 1) for number in range(3 * LANES_AT_MOST + 7)}
    for lane in lanes:
        deployment.services.lanes.note(POOL, lane, now_ms=deployment.now_ms)
    seen: set[str] = set()
    for _ in range(4):
        known = known_lanes(deployment.services, POOL, DispatchRules(), (), deployment.now_ms)
        assert len(known.held) <= 2 * LANES_AT_MOST
        seen |= {each.lane for each in known.held}
    assert seen == lanes


def test_a_count_over_the_first_lanes_alone_says_that_there_may_be_more() -> None:
    deployment = Deployment()
    for number in range(LANES_AT_MOST):
        deployment.services.lanes.note(POOL, key_lane(f"k{number:05}", 1), now_ms=deployment.now_ms)
    held = pool_load(deployment.services, POOL, now_ms=deployment.now_ms).held
    assert (held.count, held.more) == (0, True)


def test_a_count_over_the_first_shares_alone_says_that_there_may_be_more() -> None:
    deployment = Deployment()
    lanes = deployment.services.lanes
    for number in range(LANES_AT_MOST):
        lanes.note(POOL, share_lane(f"s{number:05}"), now_ms=deployment.now_ms)
    ready = pool_load(deployment.services, POOL, now_ms=deployment.now_ms).ready
    assert (ready.count, ready.more) == (0, True)


def test_a_count_over_all_shares_and_the_first_keys_is_whole_for_the_shares() -> None:
    deployment = Deployment()
    lanes = deployment.services.lanes
    lanes.note(POOL, share_lane("s"), now_ms=deployment.now_ms)
    for number in range(LANES_AT_MOST):
        lanes.note(POOL, key_lane(f"k{number:05}", 1), now_ms=deployment.now_ms)
    load = pool_load(deployment.services, POOL, now_ms=deployment.now_ms)
    assert (load.ready.more, load.held.more) == (False, True)


def test_a_removed_pool_with_more_lanes_than_are_looked_into_stands() -> None:
    deployment = Deployment()
    assert not stands(deployment.services, "gone")
    for number in range(LANES_AT_MOST):
        deployment.services.lanes.note("gone", key_lane(f"k{number:05}", 1), now_ms=deployment.now_ms)
    assert stands(deployment.services, "gone")
