"""A worker joins, beats, drains and leaves, whatever happens to its id meanwhile."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.workers import MemoryWorkerRegistry
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.domain.callers import NOBODY
from tidegate.domain.errors import InvalidRequest, ServiceRefused
from tidegate.domain.workers import (
    AllSessions,
    Totals,
    Worker,
    WorkerFenced,
    WorkerIdTaken,
    WorkerSpec,
    WorkerState,
)
from tidegate.usecases.operate.drain import drain_worker
from tidegate.usecases.pools.capacity import pool_capacity
from tidegate.usecases.reap.reap_workers import WORKERS_PER_POOL, reap_workers
from tidegate.usecases.services import Services
from tidegate.usecases.work.worker_life import beat_worker, join_pool, leave_pool

SPEC = WorkerSpec("ecs", "w", "host-a", slots=4, capabilities=frozenset({"gpu"}))
SILENCE_MS = SETTINGS.worker_silence_seconds * 1_000


@pytest.fixture
def services() -> Services:
    return memory_services(SETTINGS, MemoryWorld(shards=2, now_ms=NOW_MS))[0]


def join(
    services: Services, session_id: str = "S1", *, at_ms: int = NOW_MS, take_over: bool = False
) -> Worker:
    return join_pool(services, SPEC, session_id=session_id, now_ms=at_ms, take_over=take_over)


def at(worker: Worker, at_ms: int) -> Worker:
    return replace(worker, heartbeat_at_ms=at_ms)


def standing(services: Services) -> Worker:
    found = services.workers.get("ecs", "w")
    assert found is not None
    return found


def capacity(services: Services, now_ms: int = NOW_MS) -> int:
    return pool_capacity(services, SETTINGS.pools["ecs"], now_ms)


def test_a_worker_brings_its_slots_from_joining_until_it_drains(services: Services) -> None:
    assert capacity(services) == 0
    mine = join(services)
    assert capacity(services) == 4
    mine = beat_worker(services, replace(mine, state=WorkerState.DRAINING))
    assert (mine.state, capacity(services)) == (WorkerState.DRAINING, 0)
    leave_pool(services, mine)
    assert (standing(services).state, capacity(services)) == (WorkerState.INACTIVE, 0)


def test_the_counts_of_an_id_outlive_its_sessions(services: Services) -> None:
    mine = join(services)
    leave_pool(services, replace(mine, totals=Totals(9, 5, 2, 1)))
    mine = join(services, "S2", at_ms=NOW_MS + 1_000)
    beat_worker(services, replace(mine, totals=Totals(3, 1, 0, 0), running=2))
    join(services, "S3", at_ms=NOW_MS + 2_000, take_over=True)
    assert standing(services).all_sessions == AllSessions(NOW_MS, 3, Totals(12, 6, 2, 1), lost=2)


def test_a_silent_worker_brings_nothing_marked_or_not(services: Services) -> None:
    join(services)
    assert capacity(services, NOW_MS + SILENCE_MS) == 4
    assert capacity(services, NOW_MS + SILENCE_MS + 1) == 0


def test_a_bad_worker_is_refused_and_not_written(services: Services) -> None:
    with pytest.raises(InvalidRequest, match="slots: is 0"):
        join_pool(services, replace(SPEC, slots=0), session_id="S1", now_ms=NOW_MS)
    assert services.workers.get("ecs", "w") is None


def test_a_process_that_died_is_refused_its_id_until_it_counts_as_silent(services: Services) -> None:
    join(services)
    with pytest.raises(WorkerIdTaken, match="it is free in 31 s"):
        join(services, "S2", at_ms=NOW_MS + 30_000)
    assert join(services, "S2", at_ms=NOW_MS + SILENCE_MS + 1) == standing(services)


def test_taking_over_fences_the_other_at_once(services: Services) -> None:
    mine = join(services)
    assert join(services, "S2", at_ms=NOW_MS + 1, take_over=True).session_id == "S2"
    with pytest.raises(WorkerFenced, match="host 'host-a'"):
        beat_worker(services, at(mine, NOW_MS + 2))
    leave_pool(services, mine)
    assert (standing(services).session_id, standing(services).state) == ("S2", WorkerState.ACTIVE)


def test_a_drain_that_was_asked_for_comes_with_the_next_beat(services: Services) -> None:
    mine = join(services)
    drain_worker(services, "ecs", "w", caller=NOBODY, now_ms=NOW_MS + 1)
    assert capacity(services) == 0
    assert beat_worker(services, mine).state is WorkerState.DRAINING


def test_a_worker_that_only_stood_still_comes_back(services: Services) -> None:
    mine = join(services)
    later_ms = NOW_MS + SILENCE_MS + 1
    assert reap_workers(services, later_ms) == 1
    assert standing(services).state is WorkerState.LOST
    assert beat_worker(services, at(mine, later_ms)).state is WorkerState.ACTIVE
    assert capacity(services, later_ms) == 4


def test_it_comes_back_draining_where_it_drained_or_was_asked_to(services: Services) -> None:
    mine = join(services)
    drain_worker(services, "ecs", "w", caller=NOBODY, now_ms=NOW_MS + 1)
    later_ms = NOW_MS + SILENCE_MS + 1
    reap_workers(services, later_ms)
    assert beat_worker(services, at(mine, later_ms)).state is WorkerState.DRAINING


def test_it_comes_back_after_its_entry_expired(services: Services) -> None:
    mine = join(services)
    # A world that does not know the worker.
    other = memory_services(SETTINGS, MemoryWorld(shards=2, now_ms=NOW_MS))[0]
    assert beat_worker(other, at(mine, NOW_MS + 1)) == standing(other)


def test_it_does_not_come_back_where_its_id_is_anothers(services: Services) -> None:
    mine = join(services)
    later_ms = NOW_MS + SILENCE_MS + 1
    reap_workers(services, later_ms)
    join(services, "S2", at_ms=later_ms)
    with pytest.raises(WorkerFenced):
        beat_worker(services, at(mine, later_ms))
    assert standing(services).session_id == "S2"


def test_a_late_beat_does_not_undo_leaving(services: Services) -> None:
    mine = join(services)
    leave_pool(services, mine)
    with pytest.raises(WorkerFenced):
        beat_worker(services, mine)
    assert standing(services).state is WorkerState.INACTIVE


def test_the_reaper_marks_silent_workers_of_every_page_and_no_others(services: Services) -> None:
    later_ms = NOW_MS + SILENCE_MS + 1
    for number in range(250):
        at_ms = later_ms if number % 2 else NOW_MS
        spec = replace(SPEC, worker_id=f"w{number:03d}")
        join_pool(services, spec, session_id=f"S{number}", now_ms=at_ms)
    assert reap_workers(services, later_ms) == 125
    assert reap_workers(services, later_ms) == 0
    live = services.workers.list_live("ecs", silent_since_ms=0)
    assert [worker.worker_id for worker in live] == [f"w{number:03d}" for number in range(1, 250, 2)]


def test_a_run_of_the_reaper_is_bounded_and_the_next_goes_on(services: Services) -> None:
    for number in range(WORKERS_PER_POOL + 50):
        join_pool(services, replace(SPEC, worker_id=f"w{number:04d}"), session_id=f"S{number}", now_ms=NOW_MS)
    later_ms = NOW_MS + SILENCE_MS + 1
    assert [reap_workers(services, later_ms) for _ in range(3)] == [WORKERS_PER_POOL, 50, 0]


class SomeCanNotBeMarked(MemoryWorkerRegistry):
    """A registry in which the service refuses the entries of workers whose id begins with `broken`."""

    def mark_lost_if_silent(self, worker: Worker, *, silent_since_ms: int, expires_at_s: int) -> bool:
        if worker.worker_id.startswith("broken"):
            raise ServiceRefused("the item is none")
        return super().mark_lost_if_silent(worker, silent_since_ms=silent_since_ms, expires_at_s=expires_at_s)


def test_a_worker_that_can_not_be_marked_is_in_the_way_of_none_beside_or_behind_it() -> None:
    services, world = memory_services(SETTINGS, MemoryWorld(shards=2, now_ms=NOW_MS))
    services = replace(services, workers=SomeCanNotBeMarked(world))
    for number in range(WORKERS_PER_POOL):
        spec = replace(SPEC, worker_id=f"broken{number:04d}")
        join_pool(services, spec, session_id=f"S{number}", now_ms=NOW_MS)
    join(services)
    for _ in range(2):
        with suppress(ServiceRefused):
            reap_workers(services, NOW_MS + SILENCE_MS + 1)
    assert standing(services).state is WorkerState.LOST
