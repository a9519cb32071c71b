"""The history of a world before two actors start in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dev.simulator.interleavings.actors import LATER_MS, POOL
from dev.simulator.memory.seeded import JOB_TYPE, function_pool, make_services, make_settings
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.ports import Outcome
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.submit.submit import submit_job, submit_workflow
from tidegate.usecases.work.claim import Claimed, claim
from tidegate.usecases.work.conclude import conclude


class Scene:
    """A world with its history before the two actors begin. No event has reached the dispatcher yet.

    `second_percent` of the slots may run second attempts, which every job may have then.
    """

    def __init__(self, *, capacity: int = 1, lease_seconds: int = 0, second_percent: int = 0) -> None:
        settings = make_settings(function_pool(POOL, capacity))
        self.settings = replace(
            settings, dispatch_lease_seconds=lease_seconds, second_attempt_percent=second_percent
        )
        self.services, self.world = make_services(self.settings, seed=1, twice=second_percent > 0)

    def submit(self, number: int = 1, **fields: Any) -> list[str]:
        request = JobRequest(type=JOB_TYPE, **{"retry": RetryPolicy(3, 0, 0), **fields})
        return [
            submit_job(
                self.services, request, idempotency_key=None, fingerprint="", now_ms=self.world.now_ms
            ).job_id
            for _ in range(number)
        ]

    def submit_workflow(self, request: WorkflowRequest) -> Mapping[str, str]:
        accepted = submit_workflow(
            self.services, request, idempotency_key="key", fingerprint="f", now_ms=self.world.now_ms
        )
        return accepted.job_ids

    def cut_off(self, request: WorkflowRequest, at: str) -> None:
        """Makes a submission whose process ends at a request."""

        def on_request(name: str) -> None:
            if name == at:
                raise ServiceUnavailable("its process ended")

        self.world.on_request = on_request
        try:
            self.submit_workflow(request)
        except ServiceUnavailable:
            self.world.on_request = lambda _request: None
        else:
            raise AssertionError(f"a submission makes no request {at}")

    def dispatch(self) -> None:
        tick(self.services, now_ms=self.world.now_ms)

    def claim(self) -> Claimed:
        """Lets a worker claim the job of the next message without acknowledging it."""
        (delivery,) = self.services.queue.receive(POOL, limit=1, wait_seconds=0)
        claimed = claim(self.services, delivery.message, "first", self.world.now_ms)
        assert claimed is not None
        return claimed

    def end(self, outcome: Outcome) -> Job:
        """Ends the job of the next message with this outcome, or lets it wait for its next attempt."""
        ended = conclude(self.services, self.claim(), outcome, self.world.now_ms)
        assert ended is not None
        return ended

    def lose_messages(self) -> None:
        self.world.queues.clear()

    def double_messages(self, number: int) -> None:
        """Puts two messages each of `number` jobs into the queue."""
        for held in list(self.world.queues[POOL].held.values())[:number]:
            self.world.queues[POOL].put(held.message, self.world.now_ms)

    def wait(self) -> None:
        self.world.now_ms = LATER_MS

    def job(self, job_id: str) -> Job:
        return self.world.jobs[job_id]
