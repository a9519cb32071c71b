"""Permits whose holders ask for different limits: the lowest limit holds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from tests.harness.contract.stores import NOW_MS, Stores
from tests.harness.refused_shapes import bringing_no_item
from tidegate.domain.permits import NOBODY, Permit, asking

KEY = "key:k"
LATER_MS = NOW_MS + 60_000


def take(stores: Stores, job: str, limit: int) -> bool:
    return stores.permits.take_under_least(KEY, asking(job, limit), limit=limit, now_ms=NOW_MS)


def give_back(stores: Stores, job: str, limit: int) -> None:
    stores.permits.give_back(KEY, [asking(job, limit)])


def test_jobs_that_agree_have_as_many_permits_as_they_say(stores: Stores) -> None:
    assert [take(stores, job, 2) for job in ("a@1", "b@1", "c@1", "a@1")] == [True, True, False, True]
    give_back(stores, "b@1", 2)
    assert take(stores, "c@1", 2)
    assert stores.permits.standing(KEY) == Permit(frozenset({"a@1@2", "c@1@2"}))


def test_a_larger_limit_does_not_undo_a_holders_smaller_one(stores: Stores) -> None:
    assert take(stores, "a@1", 1)
    assert not take(stores, "b@1", 100)
    assert take(stores, "a@1", 1), "it holds the permit still"
    give_back(stores, "a@1", 1)
    assert all(take(stores, f"b@{n}", 100) for n in range(5)), "nobody asks for less any more"
    assert not take(stores, "c@1", 5)
    assert take(stores, "c@1", 6)
    assert not take(stores, "b@9", 100)


def test_what_the_smaller_one_asked_for_is_forgotten_with_it_while_others_hold_on(stores: Stores) -> None:
    assert take(stores, "b@1", 100)
    assert take(stores, "a@1", 2)
    assert not take(stores, "b@2", 100)
    give_back(stores, "a@1", 2)
    assert [take(stores, f"b@{n}", 100) for n in (2, 3)] == [True, True]
    assert len(stores.permits.standing(KEY).holders) == 3


def test_what_a_waiting_job_asked_for_binds_others(stores: Stores) -> None:
    assert take(stores, "b@1", 100)
    stores.permits.note_waiting(KEY, 1, now_ms=NOW_MS)
    assert not take(stores, "b@2", 100)
    give_back(stores, "b@1", 100)
    assert take(stores, "b@2", 100)
    assert not take(stores, "b@3", 100)
    assert take(stores, "b@2", 100), "it holds the permit already"
    assert stores.permits.set_waiting_if_not_noted_since(KEY, None, noted_at_ms=NOW_MS)
    assert take(stores, "b@3", 100)


def test_of_what_waiting_jobs_ask_for_the_least_holds_and_any_note_renews_it(stores: Stores) -> None:
    assert stores.permits.standing(KEY) == NOBODY
    stores.permits.note_waiting(KEY, 3, now_ms=NOW_MS)
    stores.permits.note_waiting(KEY, 2, now_ms=NOW_MS)
    stores.permits.note_waiting(KEY, 7, now_ms=LATER_MS)
    assert stores.permits.standing(KEY) == Permit(frozenset(), 2, LATER_MS)
    assert not stores.permits.set_waiting_if_not_noted_since(KEY, None, noted_at_ms=NOW_MS)
    assert stores.permits.set_waiting_if_not_noted_since(KEY, 7, noted_at_ms=LATER_MS)
    assert stores.permits.standing(KEY) == Permit(frozenset(), 7, LATER_MS)
    assert stores.permits.set_waiting_if_not_noted_since(KEY, None, noted_at_ms=LATER_MS)
    assert stores.permits.standing(KEY) == NOBODY
    assert not stores.permits.set_waiting_if_not_noted_since(KEY, 1, noted_at_ms=LATER_MS)


@pytest.mark.parametrize("stores", ["moto", "local"], indirect=True)
def test_a_refusal_that_brings_no_permit_is_not_taken_for_a_permit_that_nobody_holds(stores: Stores) -> None:
    assert stores.clients is not None
    assert take(stores, "b@1", 100)
    with bringing_no_item(stores.clients.dynamodb) as refusals:
        assert take(stores, "a@1", 2), "one of two"
        assert take(stores, "a@1", 2), "it holds the permit already"
        assert not take(stores, "b@2", 100)
    assert refusals.count > 0
    assert len(stores.permits.standing(KEY).holders) == 2


@pytest.mark.parametrize("stores", ["moto", "local"], indirect=True)
def test_a_permit_that_falls_free_while_it_is_asked_for_is_taken(stores: Stores) -> None:
    assert stores.clients is not None
    assert take(stores, "b@1", 100)
    events: Any = stores.clients.dynamodb.meta.events
    calls = count(1)

    def give_back_before_the_second_write(**_: Any) -> None:
        if next(calls) == 2:
            give_back(stores, "b@1", 100)

    events.register_first("before-call.dynamodb.UpdateItem", give_back_before_the_second_write)
    try:
        assert take(stores, "a@1", 2)
    finally:
        events.unregister("before-call.dynamodb.UpdateItem", give_back_before_the_second_write)
    assert stores.permits.standing(KEY).holders == {"a@1@2"}


@pytest.mark.parametrize("stores", ["memory", "local"], indirect=True)  # moto's writes are not atomic
def test_of_many_who_ask_for_different_limits_at_once_no_more_than_the_least_get_it(stores: Stores) -> None:
    asked = [(f"j@{n}", 3 if n % 3 else 40) for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda each: take(stores, *each), asked))
    holders = stores.permits.standing(KEY).holders
    assert sum(taken) == len(holders)
    # Dispatchers that ask for 40 may have been faster. None that asks for 3 joined more than two others.
    assert len(holders) <= 3 or all(holder.endswith("@40") for holder in holders)


@pytest.mark.parametrize("stores", ["moto", "local"], indirect=True)
def test_where_all_agree_a_permit_is_one_write(stores: Stores) -> None:
    assert stores.clients is not None
    before = stores.clients.meter.snapshot()
    assert take(stores, "a@1", 4)
    assert take(stores, "b@1", 4)
    used = stores.clients.meter.snapshot() - before
    assert used.to_json()["requests"] == {"dynamodb.UpdateItem": 2}
