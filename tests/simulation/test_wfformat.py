"""Workflows recorded by others run whole and in legal order."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.simulator.checks.invariants import check_all, first_start_ms, hold_back
from dev.simulator.memory.seeded import function_pool, make_services, make_settings
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Options, Simulator
from dev.simulator.workflows.graphs import workflow
from dev.simulator.workflows.traces import read_trace, sample_files
from tidegate.domain.states import State
from tidegate.usecases.submit.submit import submit_workflow

FILES = sample_files()
WORKERS = 16


@pytest.mark.skipif(
    not FILES, reason="the WfFormat samples are not beside the repository (../shared/wfinstances)"
)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_workflow(file: Path) -> None:
    trace = read_trace(file)
    services, world = make_services(make_settings(function_pool("lambda", WORKERS)), seed=1)
    simulator = Simulator(
        services,
        world,
        lambda assignment: succeeds(trace.runtime_ms(assignment.key)),
        Options(slots=WORKERS),
        observers=[hold_back],
    )
    simulator.plan(
        0,
        lambda: submit_workflow(
            services, workflow(trace.jobs), idempotency_key=None, fingerprint="f", now_ms=simulator.now_ms
        ),
    )
    simulator.run()
    check_all(simulator)
    ended = {job.key: job for job in world.jobs.values()}
    assert ended.keys() == trace.runtimes_seconds.keys()
    assert {job.state for job in ended.values()} == {State.SUCCEEDED}
    edges = [(ended[edge.key], ended[job.key]) for job in trace.jobs for edge in job.depends_on]
    assert all((up.finished_at_ms or 0) <= (first_start_ms(down) or 0) for up, down in edges)
