"""The recorder, and the reaper in its place, keep the progress of a workflow, which is then read."""

from __future__ import annotations

from dev.simulator.workflows.graphs import job, workflow
from tests.harness.faults.deployment import MINUTE_MS, Deployment
from tests.harness.faults.steps import submit_all
from tidegate.usecases.read.progress import get_critical_path, get_graph, get_states
from tidegate.usecases.read.workflows import WorkflowFilter, list_workflows
from tidegate.usecases.record.record import record


def repaired_by_the_reaper(d: Deployment) -> None:
    """A workflow that the recorder hears of as it begins, and that the reaper finds ended."""
    ids = submit_all(d, workflow([job("a"), job("b", "a")]))
    workflow_id = ids["a"].partition(".")[0]
    begun = d.ask(lambda: d.services.jobs.get_many([ids["a"]]))
    d.ask(lambda: record(d.services, list(begun.values())))
    d.settle()
    d.wait(6 * MINUTE_MS)
    d.reap()
    d.ask(lambda: get_states(d.services, workflow_id))
    d.ask(lambda: get_graph(d.services, workflow_id))
    d.ask(lambda: get_critical_path(d.services, workflow_id))
    d.ask(lambda: list_workflows(d.services, WorkflowFilter(), cursor=None, limit=10, now_ms=d.now_ms))
