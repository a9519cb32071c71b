"""A worker process that runs in a thread while a test observes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from dev.simulator.memory.world import MemoryWorld
from tests.harness.waiting import PATIENCE_SECONDS
from tests.harness.worker.world import (
    CLOCK,
    POOL,
    GateExecutor,
    RecordingQueue,
    make_services,
    registration_of,
)
from tidegate.ports import SlotExecutor
from tidegate.usecases.services import Services
from tidegate_worker.process import Options, WorkerProcess
from tidegate_worker.protection import TaskGuard


class Fixture:
    """A worker process over a deployment in memory, running in a thread."""

    def __init__(self) -> None:
        self.world = MemoryWorld()
        self.queue = RecordingQueue(self.world)
        self.services: Services = replace(make_services(self.world), queue=self.queue)
        self.executor = GateExecutor()

    @contextmanager
    def running(
        self,
        *,
        slots: int = 2,
        drain_seconds: float = PATIENCE_SECONDS,
        executor: SlotExecutor | None = None,
        guard: TaskGuard | None = None,
    ) -> Iterator[RunningWorker]:
        options = Options(POOL, slots, poll_seconds=0, drain_seconds=drain_seconds)
        registration = registration_of(self.services, slots=slots, beat_seconds=0)
        worker = RunningWorker(
            WorkerProcess(self.services, executor or self.executor, CLOCK, options, registration, guard)
        )
        worker.start()
        try:
            yield worker
        finally:
            worker.process.stop()
            worker.process.stop()
            worker.join(PATIENCE_SECONDS)
            assert not worker.is_alive()


class RunningWorker(threading.Thread):
    def __init__(self, process: WorkerProcess) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.code: int | None = None

    def run(self) -> None:
        self.code = self.process.run()

    def ended(self) -> int | None:
        self.join(PATIENCE_SECONDS)
        return self.code
