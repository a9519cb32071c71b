"""The recorder tells what happened on the stack's event bus."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.workflows.graphs import job, workflow
from tests.harness.faults.deployment import MINUTE_MS, PROCESS_POOL, Deployment
from tests.harness.faults.emulated import EVENT_BUS
from tests.harness.faults.steps import submit, submit_all
from tidegate.domain.workers import WorkerSpec
from tidegate.usecases.reap.reap_times import reap_times
from tidegate.usecases.reap.reap_workers import reap_workers
from tidegate.usecases.work.worker_life import join_pool

SETTINGS = {"event_bus": EVENT_BUS}


def told(d: Deployment) -> None:
    """A job alone and a workflow end, a time to finish by is missed, and a worker is lost."""
    spec = WorkerSpec(PROCESS_POOL, "w", "host", slots=2, capabilities=frozenset({"cpu"}))
    d.ask(lambda: join_pool(d.services, spec, session_id="1", now_ms=d.now_ms))
    by_ms = d.now_ms + MINUTE_MS
    submit_all(d, replace(workflow([job("a"), job("b", "a")]), finish_by_ms=by_ms))
    submit(d, "alone", finish_by_ms=by_ms)
    d.wait(2 * MINUTE_MS)
    d.ask(lambda: reap_times(d.services, d.now_ms))
    d.ask(lambda: reap_workers(d.services, d.now_ms))
    d.record()
    d.settle()
    d.record()
