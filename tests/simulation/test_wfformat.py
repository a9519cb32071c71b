"""Recorded workflows of other people run whole and in legal order."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.simulation.checks import check_all, first_start_ms, hold_back
from tests.simulation.graphs import workflow
from tests.simulation.scenario import succeeds
from tests.simulation.simulator import Options, Simulator
from tests.simulation.support import JOB_TYPE, function_pool, make_services, make_settings
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate.domain.states import State
from tidegate.usecases.submit import submit_workflow

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "wfinstances"
FILES = sorted(SAMPLES.glob("*.json"))
WORKERS = 16


@pytest.mark.skipif(
    not FILES, reason="the WfFormat samples are not beside the repository (../shared/wfinstances)"
)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_workflow(file: Path) -> None:
    recorded = json.loads(file.read_text(encoding="utf-8"))["workflow"]
    parents = {task["id"]: task["parents"] for task in recorded["specification"]["tasks"]}
    runtimes_ms = {
        task["id"]: math.ceil(task["runtimeInSeconds"] * 1_000) for task in recorded["execution"]["tasks"]
    }
    jobs = [
        JobRequest(
            type=JOB_TYPE,
            key=task,
            timeout_seconds=3_600,
            depends_on=tuple(DependencyRequest(key=parent) for parent in upstreams),
        )
        for task, upstreams in parents.items()
    ]
    services, world = make_services(make_settings(function_pool("lambda", WORKERS)), seed=1)
    simulator = Simulator(
        services,
        world,
        lambda assignment: succeeds(runtimes_ms[assignment.key or ""]),
        Options(slots=WORKERS),
        observers=[hold_back],
    )
    simulator.plan(
        0,
        lambda: submit_workflow(
            services, workflow(jobs), idempotency_key=None, fingerprint="f", now_ms=simulator.now_ms
        ),
    )
    simulator.run()
    check_all(simulator)
    ended = {job.key: job for job in world.jobs.values()}
    assert ended.keys() == parents.keys()
    assert {job.state for job in ended.values()} == {State.SUCCEEDED}
    edges = [(ended[parent], ended[task]) for task, upstreams in parents.items() for parent in upstreams]
    assert all((up.finished_at_ms or 0) <= (first_start_ms(down) or 0) for up, down in edges)
