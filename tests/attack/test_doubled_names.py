"""A body that holds only doubled names takes no more time than any other body of its size."""

from __future__ import annotations

import time

import pytest

from tests.harness.own_process import measured_in_own_process
from tidegate.contracts.requests import MAX_REPORTED, read_job
from tidegate.domain.errors import InvalidRequest

CPU_SECONDS = 5.0  # of the 29 that a call may take; on a busy machine


def measure(body: str) -> tuple[float, int]:
    """Reads a body that must be refused.

    Returns the seconds of processor time and the number of reported violations.
    """
    started = time.thread_time()
    with pytest.raises(InvalidRequest) as refused:
        read_job(body)
    return time.thread_time() - started, len(refused.value.violations)


@pytest.mark.parametrize(
    "body",
    [
        '{"type": "t", "parameters": {"x": [' + ",".join(['{"a":1,"a":2}'] * 350_000) + "]}}",
        '{"type": "t", "parameters": {' + ",".join(['"a":1'] * 900_000) + "}}",
        '{"type": "t", "parameters": {' + ",".join(f'"k{n % 400_000}":1' for n in range(450_000)) + "}}",
    ],
)
def test_a_body_of_doubled_names_is_refused_soon(body: str) -> None:
    # In a process of its own: the memory of other tests makes every garbage collection of this one slower.
    seconds, violations = measured_in_own_process(measure, body)
    assert seconds < CPU_SECONDS
    assert 1 <= violations <= MAX_REPORTED
