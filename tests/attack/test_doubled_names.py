"""A body of nothing but doubled names costs no more time than any other of its size."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tidegate.contracts.wire import MAX_REPORTED, read_job
from tidegate.domain.errors import InvalidRequest

CPU_SECONDS = 5.0  # of the 29 that a call may take; on a busy machine


def measure(body: str) -> tuple[float, int]:
    """Reads a body that must be refused; gives the seconds of processor time, and how many violations were told."""
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
    # In a process of its own: what other tests keep in this one's memory makes every collection of garbage slower.
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as apart:
        seconds, violations = apart.submit(measure, body).result()
    assert seconds < CPU_SECONDS
    assert 1 <= violations <= MAX_REPORTED
