"""Pools and types that a deploy removed stay visible while they are in use, and their rules can be lifted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.people.callers import caller_named
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tests.harness.usecases.listing import list_jobs
from tidegate.bootstrap import Services
from tidegate.domain.callers import NOBODY
from tidegate.domain.errors import InvalidRequest, UnknownName
from tidegate.domain.requests import JobRequest
from tidegate.domain.states import State
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady, Stamp
from tidegate.domain.type_facts import TypeFacts
from tidegate.domain.workers import WorkerSpec, WorkerState, begin
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.operate import set_rules
from tidegate.usecases.operate.drain import drain_worker
from tidegate.usecases.pools.earlier_pools import EARLIER_AT_MOST, NAME, earlier_pools, note_pools
from tidegate.usecases.read import status
from tidegate.usecases.read.workers import list_workers
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.recover.redrive import redrive_pool
from tidegate.usecases.recover.reopen import retry_job
from tidegate.usecases.submit.submit import submit_job

TYPE = "tidegate.noop"
WHO = {"caller": caller_named("ann"), "now_ms": NOW_MS}
MINUTE_MS = 60_000


class Types:
    """A registry of given types."""

    def __init__(self, *names: str) -> None:
        self._names = sorted(names)

    def types(self) -> list[str]:
        return self._names

    def violations(self, *_: object) -> list[tuple[str, str]]:
        return []

    def reads_upstreams(self, _: str) -> bool:
        return False

    def may_run_twice(self, job_type: str) -> bool | None:
        return False if job_type in self.types() else None

    def facts(self, job_type: str) -> TypeFacts | None:
        return TypeFacts() if job_type in self.types() else None

    @property
    def homes(self) -> Mapping[str, str]:
        return {}

    def faults(self) -> list[str]:
        return []


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld(shards=2, now_ms=NOW_MS)


def deployed(world: MemoryWorld, *pools: str, types: tuple[str, ...] = (TYPE, "other")) -> Services:
    settings = replace(SETTINGS, pools={name: SETTINGS.pools[name] for name in pools}, shards=2)
    return memory_services(settings, world, registry=Types(*types))[0]


def before(world: MemoryWorld) -> Services:
    return deployed(world, "ecs", "lambda")


def after(world: MemoryWorld) -> Services:
    """Makes a deployment without the pool "ecs" and without the type."""
    return deployed(world, "lambda", types=("other",))


def submit(
    services: Services, pool: str = "ecs", *, not_before_ms: int | None = None, key: str | None = None
) -> str:
    request = JobRequest(type=TYPE, pool=pool, not_before_ms=not_before_ms, concurrency_key=key)
    return submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS).job_id


def pools_shown(services: Services) -> list[str]:
    found = status.pool_statuses(services, services.rules.load(), now_ms=NOW_MS)
    return [each.name for each in found]


def test_a_pause_of_a_pool_that_is_gone_is_seen_and_taken_off(world: MemoryWorld) -> None:
    set_rules.pause_pool(before(world), "ecs", **WHO)  # type: ignore[arg-type]
    services = after(world)
    found = status.pool_status(services, "ecs", services.rules.load(), now_ms=NOW_MS)
    assert (found.pool, found.paused, found.load.capacity) == (None, True, 0)
    assert pools_shown(services) == ["ecs", "lambda"]
    assert not set_rules.resume_pool(services, "ecs", **WHO).paused_pools  # type: ignore[arg-type]
    assert pools_shown(services) == ["lambda"]
    assert status.pool_status(services, "ecs", services.rules.load(), now_ms=NOW_MS).paused_change is not None


def test_rules_of_a_type_that_is_gone_are_seen_and_taken_off_and_its_jobs_flow(world: MemoryWorld) -> None:
    services = before(world)
    set_rules.pause_type(services, TYPE, **WHO)  # type: ignore[arg-type]
    set_rules.limit_type(services, TYPE, 1, **WHO)  # type: ignore[arg-type]
    job_id = submit(services, "lambda")
    services = after(world)
    shown = {each.type: each for each in status.type_statuses(services, services.rules.load())}
    assert (shown[TYPE].registered, shown[TYPE].rule.paused, shown[TYPE].rule.max_running) == (False, True, 1)
    assert shown["other"].registered
    tick(services, now_ms=NOW_MS)
    assert world.jobs[job_id].state is State.READY
    set_rules.limit_type(services, TYPE, None, **WHO)  # type: ignore[arg-type]
    rules = set_rules.resume_type(services, TYPE, **WHO)  # type: ignore[arg-type]
    assert list(rules.types) == []
    assert [each.type for each in status.type_statuses(services, rules)] == ["other"]
    tick(services, now_ms=NOW_MS + MINUTE_MS)
    assert world.jobs[job_id].state is State.QUEUED


def test_a_new_rule_for_what_is_gone_is_refused_and_says_why(world: MemoryWorld) -> None:
    services = before(world)
    submit(services)
    set_rules.limit_type(services, TYPE, 2, **WHO)  # type: ignore[arg-type]
    services = after(world)
    with pytest.raises(UnknownName, match=r"pool 'ecs' is not deployed any more: .* pools are lambda"):
        set_rules.pause_pool(services, "ecs", **WHO)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match=rf"type '{TYPE}' is not deployed any more: .* types are other"):
        set_rules.pause_type(services, TYPE, **WHO)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="not deployed any more"):
        set_rules.limit_type(services, TYPE, 3, **WHO)  # type: ignore[arg-type]
    assert services.rules.load().types[TYPE].max_running == 2


def test_jobs_of_a_pool_that_is_gone_are_listed_cancelled_and_tried_again(world: MemoryWorld) -> None:
    job_id = submit(before(world))
    services = after(world)
    found = status.pool_status(services, "ecs", services.rules.load(), now_ms=NOW_MS)
    assert (found.pool, found.load.ready.count) == (None, 1)
    page = list_jobs(services, State.READY, pool="ecs", cursor=None, limit=10)
    assert [job.job_id for job in page.jobs] == [job_id]
    assert cancel_job(services, job_id, **WHO).state is State.CANCELLED  # type: ignore[arg-type]
    job, _ = retry_job(services, job_id, reopen_skipped=True, **WHO)  # type: ignore[arg-type]
    assert (job.state, job.pool) == (State.READY, "ecs")
    assert redrive_pool(services, "ecs", cursor=None, limit=10, **WHO).looked_at == 0  # type: ignore[arg-type]


def test_a_listing_of_all_goes_over_the_pools_that_are_gone_page_by_page(world: MemoryWorld) -> None:
    services = before(world)
    reap(services, now_ms=NOW_MS)
    job_ids = {submit(services, pool) for pool in ("ecs", "lambda") for _ in range(3)}
    services = after(world)
    assert earlier_pools(services) == ("ecs",)
    assert pools_shown(services) == ["ecs", "lambda"]
    found: list[str] = []
    cursor = None
    for _ in range(10):
        page = list_jobs(services, State.READY, pool=None, cursor=cursor, limit=2)
        found += [job.job_id for job in page.jobs]
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(found) == sorted(job_ids)


def test_workers_of_a_pool_that_is_gone_are_listed_drained_and_marked_lost(world: MemoryWorld) -> None:
    services = before(world)
    reap(services, now_ms=NOW_MS)
    worker = begin(WorkerSpec("ecs", "w", "host", 1), "S", NOW_MS)
    services.workers.register_if_free(worker, silent_since_ms=0)
    services = after(world)
    for pool in (None, "ecs"):
        listed = list_workers(services, pool=pool, state=None, cursor=None, limit=10).workers
        assert [each.worker_id for each in listed] == ["w"]
    assert drain_worker(services, "ecs", "w", caller=NOBODY, now_ms=NOW_MS).state is WorkerState.DRAINING
    assert reap(services, now_ms=NOW_MS + 10 * MINUTE_MS).workers_lost == 1


def test_a_job_whose_worker_was_lost_with_its_pool_is_taken_back(world: MemoryWorld) -> None:
    services = before(world)
    reap(services, now_ms=NOW_MS)
    lost, queued = submit(services), submit(services)
    stamp = Stamp(NOW_MS, "w")
    for job_id in (lost, queued):
        services.jobs.apply(DispatchIfReady(job_id, "ecs", stamp))
    services.jobs.apply(ClaimIfQueued(lost, 0, "w", NOW_MS + MINUTE_MS, stamp))
    report = reap(after(world), now_ms=NOW_MS + 10 * MINUTE_MS)
    assert (report.jobs_reclaimed, report.messages_resent) == (1, 0)  # there is no queue to send to
    assert [world.jobs[job_id].state for job_id in (lost, queued)] == [State.READY, State.READY]


def test_a_job_whose_time_comes_when_its_pool_is_gone_is_ready_and_one_that_named_none_runs_elsewhere(
    world: MemoryWorld,
) -> None:
    services = before(world)
    reap(services, now_ms=NOW_MS)
    named, open_to_any = (submit(services, not_before_ms=NOW_MS + MINUTE_MS) for _ in range(2))
    world.write(replace(world.jobs[open_to_any], pool_open=True))
    services = after(world)
    assert reap(services, now_ms=NOW_MS + MINUTE_MS - 1).jobs_woken == 0
    assert reap(services, now_ms=NOW_MS + MINUTE_MS).jobs_woken == 2
    assert (world.jobs[named].state, world.jobs[named].pool) == (State.READY, "ecs")
    assert "ecs" in pools_shown(services)
    tick(services, now_ms=NOW_MS + MINUTE_MS)
    assert (world.jobs[open_to_any].state, world.jobs[open_to_any].pool) == (State.QUEUED, "lambda")


def test_a_job_whose_queue_is_gone_with_its_pool_is_ready_and_one_that_named_none_runs_elsewhere(
    world: MemoryWorld,
) -> None:
    services = before(world)
    reap(services, now_ms=NOW_MS)
    named, open_to_any = submit(services), submit(services)
    world.write(replace(world.jobs[open_to_any], pool_open=True))
    for job_id in (named, open_to_any):
        services.jobs.apply(DispatchIfReady(job_id, "ecs", Stamp(NOW_MS, "dispatcher")))
    services = after(world)
    soon_ms, later_ms = NOW_MS + MINUTE_MS, NOW_MS + 10 * MINUTE_MS
    assert reap(services, now_ms=soon_ms).jobs_taken_back == 0  # the queue may still be served for a moment
    assert reap(services, now_ms=later_ms).jobs_taken_back == 2
    assert (world.jobs[named].state, world.jobs[named].pool) == (State.READY, "ecs")
    tick(services, now_ms=later_ms)
    assert (world.jobs[open_to_any].state, world.jobs[open_to_any].pool) == (State.QUEUED, "lambda")


@pytest.mark.parametrize("name", ["moon", "", "x" * 33, "a#b", "a\nb"])
def test_a_pool_of_which_nothing_stands_is_unknown(world: MemoryWorld, name: str) -> None:
    services = before(world)
    with pytest.raises(UnknownName, match="unknown pool"):
        status.pool_status(services, name, services.rules.load(), now_ms=NOW_MS)
    with pytest.raises(UnknownName, match="unknown pool"):
        set_rules.resume_pool(services, name, **WHO)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="unknown pool"):
        list_jobs(services, State.READY, pool=name, cursor=None, limit=10)


def test_the_names_of_pools_are_noted_once_and_not_without_bound(world: MemoryWorld) -> None:
    names = [f"p{number:02d}" for number in range(2 * EARLIER_AT_MOST)]
    services = before(world)
    for name in names:
        pool = replace(SETTINGS.pools["lambda"], name=name)
        settings = replace(SETTINGS, pools={name: pool}, default_pool=name)
        services = memory_services(settings, world, registry=Types(TYPE))[0]
        note_pools(services)
    saved = world.requests["save_cursor"]
    note_pools(services)
    assert world.requests["save_cursor"] == saved
    assert list(earlier_pools(services)) == names[-EARLIER_AT_MOST - 1 : -1]


def test_names_that_cant_be_read_keep_no_deployed_pool_from_being_repaired(world: MemoryWorld) -> None:
    services = before(world)
    job_id = submit(services)
    services.jobs.apply(DispatchIfReady(job_id, "ecs", Stamp(NOW_MS, "dispatcher")))
    services.jobs.apply(ClaimIfQueued(job_id, 0, "w", NOW_MS + MINUTE_MS, Stamp(NOW_MS, "w")))
    services.cursors.save(NAME, "not JSON")
    with pytest.raises(ValueError, match="Expecting value"):
        reap(services, now_ms=NOW_MS + 2 * MINUTE_MS)
    assert world.jobs[job_id].state is State.READY


def test_a_key_that_a_job_of_a_pool_that_is_gone_had_taken_comes_free(world: MemoryWorld) -> None:
    services = deployed(world, "ecs", "lambda")
    reap(services, now_ms=NOW_MS)
    services.workers.register_if_free(
        begin(WorkerSpec("ecs", "w", "host", 1), "S", NOW_MS), silent_since_ms=0
    )
    there = submit(services, key="printer")
    tick(services, now_ms=NOW_MS)
    assert world.jobs[there].state is State.QUEUED
    here = submit(services, "lambda", key="printer")
    services = after(world)
    for minute in range(15):
        now_ms = world.now_ms = NOW_MS + minute * MINUTE_MS
        reap(services, now_ms=now_ms)
        tick(services, now_ms=now_ms)
    assert [world.jobs[each].state for each in (there, here)] == [State.READY, State.QUEUED]
