"""The store of statistics keeps roll-ups by kind and time, and lets one counter at a time go forward."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.contract.stores import NOW_MS, POOL, Stores
from tidegate.adapters.dynamodb.statistics import DynamoStatisticsStore
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.histogram import histogram_of
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import Counted, Look, Reached, Span

EXPIRES_AT_S = NOW_MS // 1_000 + 86_400
HOUR_MS = 3_600_000


def rollup(count: int) -> Rollup:
    return Rollup(
        types={"a": Figures(succeeded=count, run=histogram_of([1_000] * count))}, workers={"w": Figures()}
    )


def test_rollups_are_found_by_kind_and_beginning(stores: Stores) -> None:
    store = stores.statistics
    assert store.find(POOL, Span.SLICE, 0, NOW_MS) == ()
    kept = [
        Counted(NOW_MS, NOW_MS + 5, rollup(1)),
        Counted(NOW_MS, NOW_MS + 9, rollup(2), slot_ms=0),
        Counted(NOW_MS + 9, NOW_MS + 20, rollup(3), slot_ms=10**13, oldest_ready_ms=0),
    ]
    for counted in [*reversed(kept), kept[0]]:  # the second time changes nothing
        store.put(POOL, Span.SLICE, counted, expires_at_s=EXPIRES_AT_S)
    hour = Counted(NOW_MS, NOW_MS + HOUR_MS, rollup(4), oldest_ready_ms=10**9)
    store.put(POOL, Span.HOUR, hour, expires_at_s=EXPIRES_AT_S)
    store.put("other", Span.SLICE, hour, expires_at_s=EXPIRES_AT_S)
    assert store.find(POOL, Span.SLICE, NOW_MS, NOW_MS + 10) == tuple(kept)
    assert store.find(POOL, Span.SLICE, NOW_MS, NOW_MS + 9) == tuple(kept[:2])
    assert store.find(POOL, Span.SLICE, NOW_MS + 1, NOW_MS + 10) == tuple(kept[2:])
    assert store.find(POOL, Span.SLICE, NOW_MS, NOW_MS) == ()
    assert store.find(POOL, Span.HOUR, NOW_MS, NOW_MS + 1) == (hour,)
    assert store.find(POOL, Span.DAY, NOW_MS, NOW_MS + 1) == ()
    run = Counted(NOW_MS, NOW_MS + HOUR_MS, Rollup(), slot_ms=HOUR_MS)
    store.put(POOL, Span.IDLE, run, expires_at_s=EXPIRES_AT_S)
    assert store.find(POOL, Span.IDLE, NOW_MS, NOW_MS + 1) == (run,)


def test_a_pool_goes_forward_from_where_it_stands_only(stores: Stores) -> None:
    store = stores.statistics
    first, second = Reached(10, 20, 10, 0), Reached(10, 30, 20, 0, slots_since_ms=10)
    assert store.reached([POOL, "other"]) == {}
    assert not store.advance(POOL, first, second)
    assert store.advance(POOL, None, first)
    assert not store.advance(POOL, None, second)
    assert store.advance(POOL, first, second)
    assert not store.advance(POOL, first, second)
    assert store.reached([POOL, "other"]) == {POOL: second}
    assert store.find(POOL, Span.SLICE, 0, NOW_MS) == ()
    for number, idle in enumerate((Counted(10, 40, Rollup(), 90, 0), Counted(10, 50, Rollup()), None)):
        third = replace(second, counted_ms=40 + number, idle=idle, looks=(Look(0, 0), Look(60, 10**9)))
        assert store.advance(POOL, second, third)
        assert store.reached([POOL]) == {POOL: third}
        second = third


@pytest.mark.parametrize("stores", ["moto"], indirect=True)
def test_what_an_earlier_version_counted_is_read(stores: Stores) -> None:
    """It knew neither idle runs nor waits. Its slots are still known, and it does not trust those of this version."""
    store = stores.statistics
    assert isinstance(store, DynamoStatisticsStore)
    client, table = store.clients.dynamodb, store.tables.progress
    times = {"since": 10, "counted": 30, "hours": 20, "days": 0, "slots_since": 10}
    key = {"workflow_id": {"S": f"stats#{POOL}"}, "part": {"S": "reached"}}
    values = {name: {"N": str(value)} for name, value in times.items()}
    client.put_item(TableName=table, Item={**key, **values})
    before = Reached(10, 30, 20, 0, slots_since_ms=10)
    assert store.reached([POOL]) == {POOL: before}
    assert store.advance(POOL, before, replace(before, counted_ms=40))
    assert "slots_since" not in client.get_item(TableName=table, Key=key)["Item"]
