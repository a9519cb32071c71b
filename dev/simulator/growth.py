"""Measures how requests grow with the number of jobs."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence

from dev.simulator.checks.invariants import check_all
from dev.simulator.memory.seeded import function_pool, make_services, make_settings
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Options, Simulator
from tidegate.domain.requests import WorkflowRequest
from tidegate.domain.states import State
from tidegate.usecases.submit.submit import submit_workflow


def simulator_for(
    workflows: Sequence[WorkflowRequest], *, slots: int = 50, durations_ms: tuple[int, int] = (1_000, 1_000)
) -> Simulator:
    """Makes a simulation with all workflows submitted at the start, and the duration of each job drawn from a seed."""
    services, world = make_services(make_settings(function_pool("lambda", slots)), seed=1)
    draw = random.Random(1)
    simulator = Simulator(
        services, world, lambda _assignment: succeeds(draw.randint(*durations_ms)), Options(slots=slots)
    )

    def submit() -> None:
        for request in workflows:
            submit_workflow(services, request, idempotency_key=None, fingerprint="f", now_ms=simulator.now_ms)

    simulator.plan(0, submit)
    return simulator


def run_and_check(simulator: Simulator, jobs: int) -> int:
    """Runs to the end. All `jobs` jobs must succeed in legal order. Returns the billed requests."""
    simulator.run()
    check_all(simulator)
    world = simulator.world
    assert len(world.jobs) == jobs
    assert {job.state for job in world.jobs.values()} == {State.SUCCEEDED}
    return world.requests.total()


def fitted_exponent(sizes: Sequence[int], totals: Sequence[float]) -> float:
    """Returns the slope of the line through the points on logarithmic axes: 1.0 if each job costs the same."""
    fit = statistics.linear_regression(
        [math.log(size) for size in sizes], [math.log(each) for each in totals]
    )
    return fit.slope
