"""Measures the cost of one job in the processes that run job code, without a store."""

from __future__ import annotations

import threading
import time
from typing import Any

from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.adapters.system import SystemStopwatch
from tidegate.domain.job import Progress
from tidegate.ports import Assignment, OutcomeKind, Signal

JOBS = 4_000
CLOCK = SystemStopwatch()
_WARM_UP = 5
_TIMEOUT_MS = 300_000


def no_ops(slots: int) -> dict[str, Any]:
    """Runs `JOBS` no-ops from `slots` threads. Returns jobs a second, and the parent's CPU time for each job."""
    executor = ProcessExecutor(CLOCK, heartbeat_seconds=15, cancel_grace_seconds=30)
    try:
        executor.warm(slots)
        _run(executor, slots, _WARM_UP)
        cpu_began, began = time.process_time(), time.monotonic()
        _run(executor, slots, JOBS // slots)
        cpu_seconds, seconds = time.process_time() - cpu_began, time.monotonic() - began
    finally:
        executor.close()
    return {
        "slots": slots,
        "jobs_per_second": round(JOBS / seconds, 1),
        "parent_cpu_microseconds_per_job": round(1e6 * cpu_seconds / JOBS, 1),
    }


def _run(executor: ProcessExecutor, slots: int, jobs_each: int) -> None:
    failures: list[str] = []

    def work() -> None:
        for number in range(jobs_each):
            job = Assignment(f"01JD.{number}", 1, "tidegate.noop", {}, _TIMEOUT_MS)
            outcome = executor.execute(job, _go_on)
            if outcome.kind is not OutcomeKind.SUCCEEDED:
                failures.append(f"{outcome.kind} {outcome.code}")

    threads = [threading.Thread(target=work) for _ in range(slots)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"{len(failures)} no-ops did not succeed: {failures[0]}")


def _go_on(progress: Progress | None) -> Signal:
    del progress
    return Signal.GO_ON
