"""A deployment in memory in which a job may straggle and get a second attempt."""

from __future__ import annotations

from typing import Any

from dev.simulator.memory.usual_runs import note_usual_runs
from tests.harness.usecases.dispatching import POOL, Deployment
from tidegate.domain.job import Job
from tidegate.domain.second_attempts import second_permit
from tidegate.domain.statistics.usual_runs import MIN_RUNS_OF_P99
from tidegate.ports import Outcome, OutcomeKind, Signal
from tidegate.usecases.work.claim import Claimed, claim
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.run import beat


class Stragglers(Deployment):
    """A pool of four slots in which jobs usually run for a second."""

    def __init__(self, *, capacity: int = 4, percent: int = 50, lease_seconds: int = 60) -> None:
        super().__init__(capacity=capacity, lease_seconds=lease_seconds, second_percent=percent)
        note_usual_runs(self.services, [1_000] * MIN_RUNS_OF_P99)

    def claim_next(self, worker_id: str) -> Claimed | None:
        """Lets a worker take the next message, and acknowledges it."""
        (delivery,) = self.services.queue.receive(POOL, limit=1, wait_seconds=0)
        self.services.queue.delete(POOL, [delivery.receipt])
        return claim(self.services, delivery.message, worker_id, self.now_ms)

    def start(self, worker_id: str = "first", **fields: Any) -> Claimed:
        """Submits a job and starts it. After 45 seconds, so nearly a straggler, its worker sends a heartbeat."""
        self.submit(1, **fields)
        self.react()
        claimed = self.claim_next(worker_id)
        assert claimed is not None
        self.world.now_ms += 45_000
        self.beat(claimed)
        return claimed

    def straggle(self) -> None:
        """Lets 20 seconds pass, in which no lease ends, and ticks."""
        self.world.now_ms += 20_000
        self.tick()

    def both(self) -> tuple[Claimed, Claimed]:
        """Starts a job and its second attempt."""
        first = self.start()
        self.straggle()
        second = self.claim_next("second")
        assert second is not None
        return first, second

    def end(self, claimed: Claimed, kind: OutcomeKind, result: str | None = None) -> Job | None:
        return conclude(self.services, claimed, Outcome(kind, result), self.now_ms)

    def beat(self, claimed: Claimed) -> Signal:
        return beat(self.services, claimed.job, None, self.now_ms)

    @property
    def offers(self) -> int:
        return sum(job.second is not None for job in self.world.jobs.values())

    @property
    def held(self) -> int:
        return len(self.services.permits.standing(second_permit(POOL)).holders)
