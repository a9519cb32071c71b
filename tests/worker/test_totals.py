"""The counts of a worker process, and how soon the code of its jobs begins."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.domain.job_samples import SAMPLES
from tidegate.domain.states import State
from tidegate_worker.totals import RESPONSES, Tally

RUNNING = replace(SAMPLES[State.RUNNING], started_at_ms=1_000)


def test_the_response_time_is_the_mean_from_claim_to_begin() -> None:
    tally = Tally()
    assert tally.response_ms() is None
    tally.began(RUNNING, None)  # its code never began
    assert tally.response_ms() is None
    for began_at_ms in (1_010, 1_030):
        tally.began(RUNNING, began_at_ms)
    assert tally.response_ms() == 20


def test_the_response_time_is_that_of_the_latest_attempts() -> None:
    tally = Tally()
    tally.began(RUNNING, 901_000)
    for _ in range(RESPONSES):
        tally.began(RUNNING, 1_004)
    assert tally.response_ms() == 4


def test_a_clock_that_is_set_back_meanwhile_makes_no_time_negative() -> None:
    tally = Tally()
    tally.began(RUNNING, 400)
    assert tally.response_ms() == 0
