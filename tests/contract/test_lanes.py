"""Every lane registry behaves the same."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.contract.stores import NOW_MS, POOL, Stores
from tidegate.domain.lanes import share_lane
from tidegate.domain.shares import ShareRule
from tidegate.ports import KnownLane

LATER_MS = NOW_MS + 60_000


def test_lanes_are_listed_last_name_first_and_the_first_weight_holds(stores: Stores) -> None:
    for number in (2, 0, 1):
        stores.lanes.note(POOL, f"share:{number}", weight=number + 1, now_ms=NOW_MS)
    stores.lanes.note("other", "share:x", now_ms=NOW_MS)
    stores.lanes.note(POOL, "share:1", weight=7, now_ms=LATER_MS)
    known = (
        KnownLane("share:2", 3, NOW_MS),
        KnownLane("share:1", 2, LATER_MS),
        KnownLane("share:0", 1, NOW_MS),
    )
    assert stores.lanes.list_lanes(POOL, limit=9) == known
    assert stores.lanes.list_lanes(POOL, limit=2) == known[:2]
    assert stores.lanes.list_lanes("none", limit=2) == ()


def test_a_lane_is_forgotten_only_as_it_was_last_noted(stores: Stores) -> None:
    stores.lanes.note(POOL, "key:1:k", now_ms=NOW_MS)
    stores.lanes.note(POOL, "key:1:k", now_ms=LATER_MS)
    assert not stores.lanes.forget_if_not_noted_since(POOL, "key:1:k", noted_at_ms=NOW_MS)
    assert stores.lanes.list_lanes(POOL, limit=9) == (KnownLane("key:1:k", 1, LATER_MS),)
    assert stores.lanes.forget_if_not_noted_since(POOL, "key:1:k", noted_at_ms=LATER_MS)
    assert stores.lanes.list_lanes(POOL, limit=9) == ()
    assert not stores.lanes.forget_if_not_noted_since(POOL, "key:1:k", noted_at_ms=LATER_MS)


def test_a_lane_rests_only_as_it_was_last_noted_and_takes_a_weight_when_it_is_woken(stores: Stores) -> None:
    def known() -> tuple[KnownLane, ...]:
        return stores.lanes.list_lanes(POOL, limit=9)

    stores.lanes.note(POOL, "share:a", weight=5, now_ms=NOW_MS)
    assert not stores.lanes.rest_if_not_noted_since(POOL, "share:a", noted_at_ms=NOW_MS - 1)
    assert stores.lanes.rest_if_not_noted_since(POOL, "share:a", noted_at_ms=NOW_MS)
    assert known() == (KnownLane("share:a", 5, NOW_MS, resting=True),)
    assert not stores.lanes.rest_if_not_noted_since(POOL, "share:a", noted_at_ms=NOW_MS)
    stores.lanes.note(POOL, "share:a", weight=2, now_ms=LATER_MS)
    assert known() == (KnownLane("share:a", 2, LATER_MS),)
    assert stores.lanes.rest_if_not_noted_since(POOL, "share:a", noted_at_ms=LATER_MS)
    assert stores.lanes.forget_if_not_noted_since(POOL, "share:a", noted_at_ms=LATER_MS)
    assert not stores.lanes.rest_if_not_noted_since(POOL, "share:a", noted_at_ms=LATER_MS)
    assert known() == ()


def test_a_share_that_an_operator_made_keeps_its_rule(stores: Stores) -> None:
    lanes, lane = stores.lanes, share_lane("data")
    rule = ShareRule(max_priority=500, max_waiting=None, by="ann", at_ms=NOW_MS)
    lanes.define(POOL, lane, weight=3, rule=rule, now_ms=NOW_MS)
    assert lanes.list_lanes(POOL, limit=9) == (KnownLane(lane, 3, NOW_MS, rule=rule),)
    assert lanes.rest_if_not_noted_since(POOL, lane, noted_at_ms=NOW_MS)
    lanes.note(POOL, lane, weight=3, now_ms=NOW_MS + 1)
    assert lanes.list_lanes(POOL, limit=9) == (KnownLane(lane, 3, NOW_MS + 1, rule=rule),)
    other = ShareRule(max_priority=None, max_waiting=7, by="ben", at_ms=NOW_MS + 2)
    assert lanes.rest_if_not_noted_since(POOL, lane, noted_at_ms=NOW_MS + 1)
    lanes.define(POOL, lane, weight=4, rule=other, now_ms=NOW_MS + 2)
    assert lanes.list_lanes(POOL, limit=9) == (KnownLane(lane, 4, NOW_MS + 2, rule=other),)
    free = replace(other, max_waiting=None)
    lanes.define(POOL, lane, weight=4, rule=free, now_ms=NOW_MS + 2)
    assert lanes.undefine(POOL, lane)
    assert not lanes.undefine(POOL, lane)
    assert not lanes.undefine(POOL, share_lane("none"))
    assert lanes.list_lanes(POOL, limit=9) == (KnownLane(lane, 4, NOW_MS + 2),)
    lanes.define(POOL, lane, weight=5, rule=replace(rule, max_waiting=2), now_ms=NOW_MS + 3)
    assert lanes.list_lanes(POOL, limit=9)[0].weight == 5
