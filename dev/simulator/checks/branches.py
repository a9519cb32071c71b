"""Checks why jobs were skipped, from the jobs as they ended."""

from __future__ import annotations

from dev.simulator.system.simulator import Simulator
from tidegate.domain.dependency import (
    CONDITION_ERROR,
    NOT_TAKEN,
    UNSATISFIABLE,
    Dependency,
    DependencyType,
    skip_code,
)
from tidegate.domain.errors import ConditionError
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.usecases.release.conditions import condition_view

COME_BY = tuple(f"skipped: {code}" for code in (NOT_TAKEN, CONDITION_ERROR, UNSATISFIABLE))


def check_branches(simulator: Simulator) -> None:
    """Checks that each skipped job names a job, and a code that one of its dependencies on that job accounts for.

    For runs without reopenings, in which each job ends once.
    """
    for job in simulator.jobs.values():
        if job.state is not State.SKIPPED:
            continue
        assert job.failure is not None, job
        upstream = simulator.jobs[job.failure.upstream_id or ""]
        edges = [
            edge
            for edge in simulator.services.jobs.load_input(job).depends_on
            if edge.upstream_id == upstream.job_id
        ]
        codes = {_code(simulator, edge, upstream) for edge in edges}
        assert job.failure.code in codes, (job, codes)
        simulator.happened[f"skipped: {job.failure.code}"] += 1


def _code(simulator: Simulator, edge: Dependency, upstream: Job) -> str:
    if edge.type is DependencyType.CONDITIONAL:
        view = condition_view(simulator.services, upstream)
        try:
            holds = simulator.services.conditions.evaluate(edge.condition or "", view)
        except ConditionError:
            return CONDITION_ERROR
        return "" if holds else NOT_TAKEN
    return skip_code(edge.type, upstream.failure.code if upstream.failure else "")
