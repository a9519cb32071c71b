"""Ten thousand jobs in one submission, and the cost of a job as workflows grow."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from dev.simulator.growth import fitted_exponent, run_and_check, simulator_for
from dev.simulator.workflows.graphs import chain, fan_out_fan_in, layered
from tests.harness.own_process import measured_in_own_process, peak_bytes
from tidegate.domain.requests import WorkflowRequest

SIZES = (100, 1_000, 10_000)
LONGEST_SECONDS = 60.0  # of processor time, which other processes of a busy machine do not lengthen
MOST_BYTES = 1 << 30
STEEPEST = 1.05
SHAPES: dict[str, Callable[[int], WorkflowRequest]] = {
    "chain": chain,
    "fan-out-fan-in": fan_out_fan_in,
    "layered": lambda count: layered(count, seed=7),
}


def requests_of_run(request: WorkflowRequest) -> int:
    """Runs the workflow from submission to end within the promised time. Returns the billed requests."""
    began = time.process_time()
    requests = run_and_check(simulator_for([request]), len(request.jobs))
    assert time.process_time() - began < LONGEST_SECONDS
    return requests


def measure(shape: str) -> tuple[Sequence[int], int]:
    """Runs the workflows of a shape. Returns the requests of each, and the peak memory of this process."""
    totals = [requests_of_run(SHAPES[shape](size)) for size in SIZES]
    return totals, peak_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_ten_thousand_jobs_run_to_the_end_and_cost_no_more_each(shape: str) -> None:
    # In a process of its own, because this one's peak of memory may be another test's.
    totals, most_bytes = measured_in_own_process(measure, shape)
    assert fitted_exponent(SIZES, totals) <= STEEPEST, dict(zip(SIZES, totals, strict=True))
    assert most_bytes < MOST_BYTES


def test_the_exponent_is_that_of_the_curve() -> None:
    assert fitted_exponent(SIZES, [7 * size for size in SIZES]) == pytest.approx(1.0)
    assert fitted_exponent(SIZES, [size**2 for size in SIZES]) == pytest.approx(2.0)
