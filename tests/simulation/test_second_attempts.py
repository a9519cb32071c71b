"""Second attempts in whole simulated runs: they make slow jobs end sooner, and every rule holds beside faults."""

from __future__ import annotations

import pytest

from dev.simulator.checks import slow_jobs
from dev.simulator.checks.slow_jobs import measure


def test_second_attempts_shorten_the_longest_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_jobs, "JOBS", 150)
    monkeypatch.setattr(slow_jobs, "SLOTS", 10)
    alone, beside = (measure(3, percent, in_batch=False) for percent in (0, 10))
    assert (alone.offered, beside.offered) == (0, beside.won)
    assert beside.won > 0
    assert beside.longest < alone.longest
