"""A job that has ended and is counted."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.contract.jobs import new_job
from tests.harness.functions.api_calls import NOW_MS, Api
from tidegate.domain.job import HistoryEntry
from tidegate.domain.states import State
from tidegate.domain.statistics.spans import HOUR_MS, WINDOW_MS, floor_to
from tidegate.domain.workers import WorkerSpec, WorkerState, begin
from tidegate.usecases.statistics.count_ended import count_ended

ENDED_MS = floor_to(NOW_MS, WINDOW_MS) - 2 * HOUR_MS


def count_one_job(api: Api) -> None:
    """Lets a job of the pool ecs end that waited for 2 s and ran for 3 s on a worker of one slot, and counts it."""
    began_ms = ENDED_MS - 3_000
    history = (
        HistoryEntry(began_ms - 2_000, State.READY, 0, "submit"),
        HistoryEntry(began_ms, State.RUNNING, 1, "w"),
        HistoryEntry(ENDED_MS, State.SUCCEEDED, 1, "w"),
    )
    job = new_job(
        "0" * 26,
        pool="ecs",
        history=history,
        finished_at_ms=ENDED_MS,
        began_at_ms=began_ms,
        worker_id="w",
    )
    api.world.write(replace(job, state=State.SUCCEEDED))
    worker = begin(WorkerSpec("ecs", "w", "h", slots=1), "0" * 26, ENDED_MS - 5 * 60_000)
    worker = replace(worker, state=WorkerState.INACTIVE, heartbeat_at_ms=worker.started_at_ms + 15 * 60_000)
    api.services.workers.register_if_free(worker, silent_since_ms=0)
    count_ended(api.services, NOW_MS)
