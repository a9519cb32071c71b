"""Every store of open waits behaves the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.harness.contract.stores import NOW_MS, Stores
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.dynamodb import schema
from tidegate.domain.limits import MAX_OPEN_WAITS

LATER_MS = NOW_MS + 30_000


def begin(stores: Stores, holder: str, most: int = 1, *, now_ms: int = NOW_MS) -> bool:
    return stores.open_waits.begin_if_fewer(holder, most=most, now_ms=now_ms, until_ms=now_ms + 30_000)


def test_no_more_waits_are_open_than_may_be(stores: Stores) -> None:
    assert [begin(stores, holder, 3) for holder in "abcd"] == [True, True, True, False]
    assert begin(stores, "e", 4), "a deployment lets more calls wait now"
    assert not begin(stores, "f", 1), "or fewer"


def test_a_wait_has_room_after_the_end_of_another(stores: Stores) -> None:
    assert begin(stores, "a")
    stores.open_waits.end("a", until_ms=LATER_MS)
    stores.open_waits.end("a", until_ms=LATER_MS)
    assert begin(stores, "b")
    assert not begin(stores, "c")


def test_a_wait_whose_process_died_is_over_at_its_moment(stores: Stores) -> None:
    assert begin(stores, "a", 2)
    assert begin(stores, "b", 2, now_ms=NOW_MS + 1)
    assert not begin(stores, "c", 2, now_ms=LATER_MS)
    assert begin(stores, "c", 2, now_ms=LATER_MS + 1)
    assert not begin(stores, "d", 2, now_ms=LATER_MS + 1), "the one of b is not over"


def test_an_end_ends_no_other_wait(stores: Stores) -> None:
    assert begin(stores, "a")
    stores.open_waits.end("b", until_ms=LATER_MS)
    stores.open_waits.end("a", until_ms=LATER_MS + 1)
    assert not begin(stores, "c")


def test_an_end_of_what_never_began_leaves_nothing_behind(stores: Stores) -> None:
    stores.open_waits.end("a", until_ms=LATER_MS)
    if stores.clients is not None and stores.tables is not None:
        key = schema.control_key(schema.WAITS)
        found = stores.clients.dynamodb.get_item(TableName=stores.tables.control, Key=key)
        assert "Item" not in found
    assert begin(stores, "a")


@pytest.mark.parametrize("stores", ["memory", "local"], indirect=True)  # moto's writes are not atomic
def test_of_many_that_begin_at_once_as_many_wait_as_may(stores: Stores) -> None:
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda n: begin(stores, f"holder{n}", 4), range(16)))
    assert sum(begun) == 4


def test_a_wait_costs_two_write_units_though_all_others_wait_too(
    local_stores: Stores, local_clients: AwsClients
) -> None:
    """So the item that counts them never takes more than 1 KB."""
    for number in range(MAX_OPEN_WAITS - 1):
        assert begin(local_stores, f"holder{number:02d}", MAX_OPEN_WAITS)
    before = local_clients.meter.snapshot()
    assert begin(local_stores, "the last", MAX_OPEN_WAITS)
    local_stores.open_waits.end("the last", until_ms=LATER_MS)
    usage = local_clients.meter.snapshot() - before
    assert (usage.base_write_units, usage.index_write_units, usage.read_units) == (2, 0, 0)
