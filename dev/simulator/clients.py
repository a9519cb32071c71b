"""Clients of the simulated API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dev.simulator.model import Drawn
from dev.simulator.simulator import (
    API_TIMEOUT_MS,
    Simulator,
)
from dev.simulator.support import START_MS
from tidegate.domain.requests import WorkflowAccepted, WorkflowRequest
from tidegate.usecases.submit.submit import submit_workflow


@dataclass
class Client:
    """Submits a workflow, and repeats it under the same key until it gets an answer."""

    simulator: Simulator
    request: WorkflowRequest
    key: str = "first"
    patient: bool = True
    then: Callable[[WorkflowAccepted], None] = lambda _accepted: None

    def submit(self) -> None:
        simulator = self.simulator

        def call() -> None:
            accepted = submit_workflow(
                simulator.services,
                self.request,
                idempotency_key=self.key,
                fingerprint="f",
                now_ms=simulator.now_of("api"),
            )
            self.then(accepted)

        if simulator.attempt(call, API_TIMEOUT_MS):
            return
        simulator.happened["client not answered" if self.patient else "client gave up"] += 1
        if self.patient:
            simulator.plan(simulator.now_ms - START_MS + 45_000, self.submit)


def submit_drawn(simulator: Simulator, drawn: Drawn, *, patient: bool = True) -> None:
    """Submits the first workflow, and the second after the first was accepted."""

    def submit_second(accepted: WorkflowAccepted) -> None:
        request = drawn.second(accepted.job_ids)
        if request is not None:
            second = Client(simulator, request, key="second", patient=patient)
            simulator.plan(simulator.now_ms - START_MS + drawn.later_ms, second.submit)

    simulator.plan(0, Client(simulator, drawn.first(), patient=patient, then=submit_second).submit)
