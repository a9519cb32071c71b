"""The real clock, the real entropy, and counters that many threads add to."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from tests.harness.contract.stores import Stores
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.meter import Usage
from tidegate.adapters.system import SystemClock, SystemEntropy


def test_the_clock_tells_milliseconds() -> None:
    before = int(time.time() * 1_000)
    now_ms = SystemClock().now_ms()
    assert before <= now_ms <= before + 5_000


def test_ulids_differ_and_sort_by_time() -> None:
    entropy = SystemEntropy()
    early = {entropy.new_ulid(1_700_000_000_000) for _ in range(100)}
    late = entropy.new_ulid(1_700_000_000_001)
    assert len(early) == 100
    assert all(len(each) == 26 and each < late for each in early)


def test_jitter_stays_in_its_interval() -> None:
    entropy = SystemEntropy()
    drawn = [entropy.jitter() for _ in range(200)]
    assert all(0 <= value < 1 for value in drawn)
    assert len(set(drawn)) > 100


def test_the_meter_misses_nothing_that_threads_do_at_once(
    local_stores: Stores, local_clients: AwsClients
) -> None:
    before = local_clients.meter.snapshot()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: local_stores.cursors.save(f"c{n % 3}", str(n)), range(80)))
    used = local_clients.meter.snapshot() - before
    assert used.requests == {("dynamodb", "PutItem"): 80}
    assert used.base_write_units == 80


def test_usage_subtracts_to_what_was_used_between() -> None:
    earlier = Usage({("dynamodb", "PutItem"): 2}, {("Jobs", "table"): 2.0}, 1.5)
    later = Usage(
        {("dynamodb", "PutItem"): 2, ("sqs", "SendMessage"): 1},
        {("Jobs", "table"): 5.0, ("Jobs", "by_group"): 1.0},
        2.0,
    )
    assert later - earlier == Usage(
        {("sqs", "SendMessage"): 1}, {("Jobs", "table"): 3.0, ("Jobs", "by_group"): 1.0}, 0.5
    )
    assert later - later == Usage()
