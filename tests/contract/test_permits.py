"""Every store of permits behaves the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.harness.contract.stores import NOW_MS, Stores
from tidegate.adapters.dynamodb import schema
from tidegate.domain.errors import ServiceRefused


def test_a_permit_is_given_back_by_somebody(stores: Stores) -> None:
    """AWS has no empty sets, not even one to take away."""
    assert stores.permits.take_if_free("key:k", "a", limit=1, now_ms=NOW_MS)
    with pytest.raises(ServiceRefused):
        stores.permits.give_back("key:k", [])
    assert set(stores.permits.standing("key:k").holders) == {"a"}


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
        TableName=stores.tables.control, Key=schema.permit_key("key:never")
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


def test_many_permits_are_read_at_once(stores: Stores) -> None:
    stores.permits.take_under_least("key:k", "a@1@2", limit=2, now_ms=NOW_MS)
    stores.permits.note_waiting("key:k", 1, now_ms=NOW_MS)
    stores.permits.take_if_free("type:t", "b@1", limit=2, now_ms=NOW_MS)
    names = ["key:k", "type:t", "key:never"]
    assert stores.permits.standing_of(names) == {name: stores.permits.standing(name) for name in names}
    assert stores.permits.standing_of([]) == {}
