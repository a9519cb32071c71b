"""Clients of the simulated API."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from dev.simulator.memory.seeded import START_MS
from dev.simulator.system.simulator import API_TIMEOUT_MS, Simulator
from dev.simulator.workflows.model import Drawn
from tidegate.domain.callers import NOBODY, Caller
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
    caller: Caller = NOBODY
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
                caller=self.caller,
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
    simulator: Simulator,
    drawn: Drawn,
    *,
    patient: bool = True,
    removed: Set[str] = frozenset(),
    callers: tuple[Caller, Caller] = (NOBODY, NOBODY),
) -> None:
    """Submits the first workflow, and the second after the first was accepted, each by its caller of `callers`.

    The second one depends on jobs of the first. It is refused if one of these is among the ids of `removed` by then.
    Callers of two namespaces use the same idempotency key, so the second one would get the first workflow if these met.
    """
    first, second = callers
    key = "second" if first.namespace == second.namespace else "first"

    def submit_second(accepted: WorkflowAccepted) -> None:
        request = drawn.second(accepted.job_ids)
        if request is not None:
            client = Client(simulator, request, key, second, patient=patient, removed=removed)
            simulator.plan(simulator.now_ms - START_MS + drawn.later_ms, client.submit)
            simulator.happened["one key in two namespaces"] += first.namespace != second.namespace

    client = Client(simulator, drawn.first(), caller=first, patient=patient, then=submit_second)
    simulator.plan(0, client.submit)
