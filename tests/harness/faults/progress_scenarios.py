"""The reaper keeps the progress of a workflow in place of the recorder, and a caller asks for its critical path."""

from __future__ import annotations

from dev.simulator.workflows.graphs import job, workflow
from tests.harness.faults.deployment import MINUTE_MS, Deployment
from tests.harness.faults.steps import submit_all
from tidegate.usecases.read.progress import get_critical_path


def recorded_by_the_reaper(d: Deployment) -> None:
    """A workflow of which the recorder hears nothing, and which the reaper finds ended."""
    ids = submit_all(d, workflow([job("a"), job("b", "a")]))
    d.settle()
    d.wait(6 * MINUTE_MS)
    d.reap()
    d.ask(lambda: get_critical_path(d.services, ids["a"].partition(".")[0]))
