"""Ten thousand jobs in one submission, and what a job costs as workflows grow."""

from __future__ import annotations

import math
import resource
import statistics
import sys
import time
from collections.abc import Callable

import pytest

from tests.simulation.checks import check_all
from tests.simulation.graphs import chain, fan_out_fan_in, layered
from tests.simulation.scenario import succeeds
from tests.simulation.simulator import Options, Simulator
from tests.simulation.support import function_pool, make_services, make_settings
from tidegate.domain.requests import WorkflowRequest
from tidegate.domain.states import State
from tidegate.usecases.submit import submit_workflow

SIZES = (100, 1_000, 10_000)
LONGEST_SECONDS = 60.0
MOST_BYTES = 1 << 30
STEEPEST = 1.05
SHAPES: dict[str, Callable[[int], WorkflowRequest]] = {
    "chain": chain,
    "fan-out-fan-in": fan_out_fan_in,
    "layered": lambda count: layered(count, seed=7),
}


def requests_of_run(request: WorkflowRequest) -> int:
    """Runs the workflow from submission to end within the promised time; gives the billed requests."""
    began = time.perf_counter()
    services, world = make_services(make_settings(function_pool("lambda", 50)), seed=1)
    simulator = Simulator(services, world, lambda _assignment: succeeds(1_000), Options(slots=50))
    simulator.plan(
        0,
        lambda: submit_workflow(
            services, request, idempotency_key="one", fingerprint="f", now_ms=simulator.now_ms
        ),
    )
    simulator.run()
    took_seconds = time.perf_counter() - began
    check_all(simulator)
    assert len(world.jobs) == len(request.jobs)
    assert {job.state for job in world.jobs.values()} == {State.SUCCEEDED}
    assert took_seconds < LONGEST_SECONDS
    return world.requests.total()


def fitted_exponent(sizes: tuple[int, ...], totals: list[int]) -> float:
    """The slope of the line through the points on logarithmic axes: 1.0 where each job costs the same."""
    fit = statistics.linear_regression(
        [math.log(size) for size in sizes], [math.log(each) for each in totals]
    )
    return fit.slope


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_ten_thousand_jobs_run_to_the_end_and_cost_no_more_each(shape: str) -> None:
    totals = [requests_of_run(SHAPES[shape](size)) for size in SIZES]
    assert fitted_exponent(SIZES, totals) <= STEEPEST, dict(zip(SIZES, totals, strict=True))
    unit_bytes = 1 if sys.platform == "darwin" else 1_024
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes < MOST_BYTES


def test_the_exponent_is_that_of_the_curve() -> None:
    assert fitted_exponent(SIZES, [7 * size for size in SIZES]) == pytest.approx(1.0)
    assert fitted_exponent(SIZES, [size**2 for size in SIZES]) == pytest.approx(2.0)
