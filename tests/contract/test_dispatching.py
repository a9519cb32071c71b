"""Lanes, permits and dispatch leases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.harness.contract.stores import (
    NOW_MS,
    POOL,
    Stores,
)
from tidegate.adapters.dynamodb import schema
from tidegate.domain.errors import ServiceRefused
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


def test_a_permit_is_given_back_by_somebody(stores: Stores) -> None:
    """AWS has no empty sets, not even one to take away."""
    assert stores.permits.take_if_free("key:k", "a", limit=1, now_ms=NOW_MS)
    with pytest.raises(ServiceRefused):
        stores.permits.give_back("key:k", [])
    assert set(stores.permits.standing("key:k").holders) == {"a"}


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


def test_a_permit_has_no_more_holders_than_its_limit(stores: Stores) -> None:
    def take(holder: str) -> bool:
        return stores.permits.take_if_free("key:k", holder, limit=2, now_ms=NOW_MS)

    assert [take(holder) for holder in ("a", "b", "c", "a")] == [True, True, False, True]
    assert stores.permits.standing("key:k").holders == {"a", "b"}
    stores.permits.give_back("key:k", ["b", "b", "never"])
    assert take("c")
    stores.permits.give_back("key:k", ["a", "c"])
    assert stores.permits.standing("key:k").holders == frozenset()
    stores.permits.give_back("key:k", ["a"])
    assert take("d")
    assert stores.permits.standing("key:other").holders == frozenset()


@pytest.mark.parametrize("stores", ["moto", "local"], indirect=True)
def test_giving_back_what_nobody_took_leaves_nothing_behind(stores: Stores) -> None:
    stores.permits.give_back("key:never", ["a"])
    assert stores.clients is not None
    assert stores.tables is not None
    answer = stores.clients.dynamodb.get_item(
        TableName=stores.tables.control, Key={"name": {"S": schema.permit_name("key:never")}}
    )
    assert "Item" not in answer


@pytest.mark.parametrize("stores", ["memory", "local"], indirect=True)  # moto's writes are not atomic
def test_of_many_who_take_a_permit_at_once_only_its_limit_get_it(stores: Stores) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = pool.map(
            lambda n: stores.permits.take_if_free("type:t", f"j{n}", limit=3, now_ms=NOW_MS), range(16)
        )
    assert sum(taken) == 3
    assert len(stores.permits.standing("type:t").holders) == 3


def test_a_lease_is_one_dispatchers_until_it_ends(stores: Stores) -> None:
    def take(owner: str, now_ms: int) -> bool:
        return stores.leases.take_if_free(POOL, owner, now_ms=now_ms, until_ms=now_ms + 1_000)

    assert take("one", NOW_MS)
    assert take("one", NOW_MS + 500)
    assert not take("two", NOW_MS + 1_500)
    assert stores.leases.take_if_free("other", "two", now_ms=NOW_MS, until_ms=NOW_MS)
    assert take("two", NOW_MS + 1_501)
    assert stores.leases.release_if_not_asked(POOL, "one", until_ms=LATER_MS), (
        "it was lost: there is nothing to give back"
    )
    assert not take("one", NOW_MS + 1_502)


def test_who_is_asked_for_the_lease_meanwhile_goes_again(stores: Stores) -> None:
    assert stores.leases.take_if_free(POOL, "one", now_ms=NOW_MS, until_ms=LATER_MS)
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS)
    assert not stores.leases.release_if_not_asked(POOL, "one", until_ms=LATER_MS)
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS), "it is held still"
    assert not stores.leases.release_if_not_asked(POOL, "one", until_ms=LATER_MS)
    assert stores.leases.release_if_not_asked(POOL, "one", until_ms=LATER_MS)
    assert stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS)


def test_who_goes_again_has_the_lease_for_longer(stores: Stores) -> None:
    """Ten turns may last longer than one lease, and then two dispatchers would fill the window."""
    assert stores.leases.take_if_free(POOL, "one", now_ms=NOW_MS, until_ms=NOW_MS + 10)
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS + 9, until_ms=LATER_MS)
    assert not stores.leases.release_if_not_asked(POOL, "one", until_ms=NOW_MS + 20)
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS + 19, until_ms=LATER_MS)
    assert stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS + 21, until_ms=LATER_MS)
    assert stores.leases.release_if_not_asked(POOL, "one", until_ms=LATER_MS), "it is another's by now"


def test_a_lease_can_be_given_back_whoever_asked(stores: Stores) -> None:
    assert stores.leases.take_if_free(POOL, "one", now_ms=NOW_MS, until_ms=LATER_MS)
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS)
    stores.leases.release(POOL, "two")
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS), "it is not its own"
    stores.leases.release(POOL, "one")
    assert stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS)
    assert stores.leases.release_if_not_asked(POOL, "two", until_ms=LATER_MS)
