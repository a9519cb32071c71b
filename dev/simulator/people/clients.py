"""Clients of the simulated API."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from dev.simulator.memory.seeded import START_MS
from dev.simulator.system.simulator import API_TIMEOUT_MS, Simulator
from dev.simulator.workflows.model import Drawn
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.requests import WorkflowAccepted, WorkflowRequest
from tidegate.usecases.submit.submit import submit_workflow


@dataclass
class Client:
    """Submits a workflow, and repeats it under the same key until it gets an answer.

    It is refused where it names a job of `removed`, the ids of jobs that have passed their retention.
    """

    simulator: Simulator
    request: WorkflowRequest
    key: str = "first"
    patient: bool = True
    then: Callable[[WorkflowAccepted], None] = lambda _accepted: None
    removed: Set[str] = frozenset()

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

        try:
            if simulator.attempt(call, API_TIMEOUT_MS):
                return
        except InvalidRequest:
            named = {each.job_id for job in self.request.jobs for each in job.depends_on}
            if named.isdisjoint(self.removed):
                raise
            simulator.happened["refused because a named job was removed"] += 1
            return
        simulator.happened["client not answered" if self.patient else "client gave up"] += 1
        if self.patient:
            simulator.plan(simulator.now_ms - START_MS + 45_000, self.submit)


def submit_drawn(
    simulator: Simulator, drawn: Drawn, *, patient: bool = True, removed: Set[str] = frozenset()
) -> None:
    """Submits the first workflow, and the second after the first was accepted.

    The second one depends on jobs of the first. It is refused if one of these is among the ids of `removed` by then.
    """

    def submit_second(accepted: WorkflowAccepted) -> None:
        request = drawn.second(accepted.job_ids)
        if request is not None:
            second = Client(simulator, request, key="second", patient=patient, removed=removed)
            simulator.plan(simulator.now_ms - START_MS + drawn.later_ms, second.submit)

    simulator.plan(0, Client(simulator, drawn.first(), patient=patient, then=submit_second).submit)
