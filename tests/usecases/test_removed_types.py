"""A job of a removed type waits for it for as long as it takes, and its item does not grow."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tests.usecases.test_earlier_pools import Types
from tidegate.domain import limits
from tidegate.domain.requests import JobRequest
from tidegate.domain.states import State
from tidegate.ports import message_of
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.submit.submit import submit_job
from tidegate.usecases.work.function_faults import FunctionFaults

MINUTE_MS = 60_000
A_DAY = 24 * 60


def test_a_job_of_a_type_that_its_function_lacks_waits_for_a_day_and_its_history_stays_short() -> None:
    world = MemoryWorld(shards=2, now_ms=NOW_MS)
    settings = replace(SETTINGS, pools={"lambda": SETTINGS.pools["lambda"]}, default_pool="lambda", shards=2)
    before, _ = memory_services(settings, world, registry=Types("gone", "other"))
    job_id = submit_job(
        before, JobRequest(type="gone"), idempotency_key=None, fingerprint="", now_ms=NOW_MS
    ).job_id
    services, _ = memory_services(settings, world, registry=Types("other"))
    refused = 0
    faults = FunctionFaults()
    for minute in range(A_DAY):
        world.now_ms = now_ms = NOW_MS + minute * MINUTE_MS
        services.recall.forget()
        tick(services, now_ms=now_ms)
        job = world.jobs[job_id]
        if job.state is State.QUEUED:
            faults.refuse(services, message_of(job), "lambda-1", now_ms + 1_000)
            refused += 1
    assert refused > 100
    job = world.jobs[job_id]
    assert (job.state, job.tries, job.attempt) == (State.READY, 0, 0)
    assert len(job.history) <= 1 + 2 * limits.MAX_DISPATCHES_KEPT
