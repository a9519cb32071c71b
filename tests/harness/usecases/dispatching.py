"""A deployment in memory whose dispatcher the test calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dev.simulator.memory.seeded import JOB_TYPE, function_pool, make_services, make_settings
from tidegate.domain.job import Job
from tidegate.domain.pools import Pool
from tidegate.domain.requests import JobRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import State
from tidegate.ports import Outcome, OutcomeKind
from tidegate.usecases.dispatch.dispatch import DispatchReport
from tidegate.usecases.dispatch.react import ReactReport, react
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.submit.submit import submit_job
from tidegate.usecases.work.claim import claim
from tidegate.usecases.work.conclude import conclude

POOL = "p"


class Deployment:
    """A pool of `capacity` slots, with two dispatched jobs allowed for each.

    `second_percent` of them may run second attempts, which every job may have then.
    """

    def __init__(
        self,
        *,
        capacity: int = 2,
        lease_seconds: int = 0,
        pools: tuple[Pool, ...] = (),
        second_percent: int = 0,
    ) -> None:
        settings = make_settings(*(pools or (function_pool(POOL, capacity),)), shards=2)
        settings = replace(
            settings, dispatch_lease_seconds=lease_seconds, second_attempt_percent=second_percent
        )
        self.services, self.world = make_services(settings, seed=1, twice=second_percent > 0)

    @property
    def now_ms(self) -> int:
        return self.world.now_ms

    def submit(self, number: int = 1, **fields: Any) -> list[str]:
        """Submits jobs of the one type, all equally urgent."""
        request = JobRequest(**{"type": JOB_TYPE, "retry": RetryPolicy(3, 0, 0), **fields})
        return [
            submit_job(
                self.services, request, idempotency_key=None, fingerprint="", now_ms=self.now_ms
            ).job_id
            for _ in range(number)
        ]

    def events(self) -> list[Job]:
        """Brings the stream's records: the jobs that changed in a way that concerns the dispatcher."""
        changed = [change.new for change in self.world.changes if change.concerns_dispatcher]
        self.world.changes.clear()
        return changed

    def react(self) -> ReactReport:
        return react(self.services, self.events(), due={POOL}, now_ms=self.now_ms)

    def tick(self) -> DispatchReport:
        (report,) = tick(self.services, now_ms=self.now_ms)
        return report

    def another_tick(self) -> None:
        """Runs a tick that nothing interrupts."""
        self.calm()
        tick(self.services, now_ms=self.now_ms)

    def job(self, job_id: str) -> Job:
        job = self.services.jobs.get(job_id, consistent=True)
        assert job is not None
        return job

    def in_state(self, *states: State) -> set[str]:
        return {job.job_id for job in self.world.jobs.values() if job.state in states}

    @property
    def dispatched(self) -> set[str]:
        return self.in_state(State.QUEUED, State.RUNNING)

    def run_one(self, outcome: OutcomeKind = OutcomeKind.SUCCEEDED, pool: str = POOL) -> str:
        """Lets a worker take the next message and run its job. Returns the job."""
        (delivery,) = self.services.queue.receive(pool, limit=1, wait_seconds=0)
        claimed = claim(self.services, delivery.message, "worker", self.now_ms)
        assert claimed is not None
        conclude(self.services, claimed, Outcome(outcome), self.now_ms)
        self.services.queue.delete(pool, [delivery.receipt])
        return claimed.job.job_id

    def at_request(self, number: int, action: Callable[[], object]) -> Callable[[], bool]:
        """Runs `action` in the middle of the next call, at its request `number` (from 0). Says whether that came."""
        seen = 0
        done = False

        def on_request(_request: str) -> None:
            nonlocal seen, done
            seen += 1
            if seen == number + 1:
                done = True
                action()

        self.world.on_request = on_request
        return lambda: done

    def calm(self) -> None:
        self.world.on_request = lambda _request: None
