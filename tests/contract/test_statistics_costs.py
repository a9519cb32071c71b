"""What it costs to count ended jobs, as the local stack bills it (docs/decisions/0057-slices-are-chained.md)."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, Stores
from tests.harness.functions.api_calls import SETTINGS
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.meter import Usage
from tidegate.domain.job import HistoryEntry
from tidegate.domain.pools import PoolKind
from tidegate.domain.states import State
from tidegate.domain.statistics.ended import SETTLES_MS
from tidegate.domain.statistics.spans import WINDOW_MS, floor_to
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.count_ended import count_ended

JOBS = 600
BEGIN_MS = floor_to(NOW_MS, WINDOW_MS)


def services_on(stores: Stores) -> Services:
    """Returns services whose only pool is a function's, over stores of AWS where the count asks them."""
    (pool,) = [each for each in SETTINGS.pools.values() if each.kind is PoolKind.FUNCTION]
    settings = replace(SETTINGS, pools={POOL: replace(pool, name=POOL)}, default_pool=POOL)
    services, _ = memory_services(settings, MemoryWorld(shards=1, now_ms=NOW_MS))
    return replace(
        services,
        index=stores.index,
        kept_ends=stores.kept_ends,
        statistics=stores.statistics,
        workers=stores.workers,
        lanes=stores.lanes,
        rules=stores.rules,
        cursors=stores.cursors,
    )


def end_jobs(stores: Stores) -> None:
    """Lets jobs end all through ten minutes, with ids, types and workers as long as usual."""
    jobs = []
    for number in range(JOBS):
        at_ms = BEGIN_MS + number * WINDOW_MS // JOBS
        worker = f"ip-10-0-1-17-{number % 8}-4F7K"
        states = ((State.READY, 3_000), (State.QUEUED, 2_000), (State.RUNNING, 1_000), (State.SUCCEEDED, 0))
        job = new_job(
            f"01JDZ3K5M7N9P1R3T5V7X{number:05d}",
            type=f"text.count-{number % 5}",
            history=tuple(HistoryEntry(at_ms - ago_ms, state, 1, worker) for state, ago_ms in states),
            finished_at_ms=at_ms,
            began_at_ms=at_ms - 900,
            worker_id=worker,
        )
        jobs.append(replace(job, state=State.SUCCEEDED))
    assert not stores.jobs.insert_if_absent(jobs)


def test_a_counted_job_costs_a_twentieth_of_a_read_unit_and_a_fiftieth_of_a_write_unit_at_most(
    local_stores: Stores, local_clients: AwsClients
) -> None:
    services = services_on(local_stores)

    def cost_at(now_ms: int) -> Usage:
        before = local_clients.meter.snapshot()
        count_ended(services, now_ms)
        return local_clients.meter.snapshot() - before

    counted_ms = BEGIN_MS + SETTLES_MS
    cost_at(counted_ms - WINDOW_MS)
    idle = cost_at(counted_ms)
    assert idle.write_units_total == 1
    assert (
        idle.read_units <= 13
    )  # half a unit for each shard of five groups, and some for all else that is asked
    end_jobs(local_stores)
    busy = cost_at(counted_ms + WINDOW_MS)
    assert busy.read_units / JOBS <= 0.05
    assert busy.write_units_total / JOBS <= 0.02
