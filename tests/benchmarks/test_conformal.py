"""Past errors correct the intervals of forecasts to come."""

from __future__ import annotations

import random

import pytest

from dev.benchmarks.conformal import PastRatios, widening


def test_past_errors_widen_until_the_nominal_part_is_held() -> None:
    chance = random.Random(3)

    def past(count: int) -> list[PastRatios]:
        """Intervals from 0.8 to 1.2 of what is forecast, and what comes with a spread of 0.4."""
        return [
            PastRatios(actual / 0.8, actual / 1.2)
            for actual in (chance.lognormvariate(0, 0.4) for _ in range(count))
        ]

    factor = widening(past(2_000))
    assert factor > 1.3
    held = sum(each.factor <= factor for each in past(2_000)) / 2_000
    assert held == pytest.approx(0.9, abs=0.02)
    assert widening([]) == 1.0
    assert widening([PastRatios(2.0, 0.5)] * 20) == 0.5, "intervals that were too wide get narrower"
    few = [PastRatios(1.0, ratio) for ratio in (1.0, 3.0, 2.0)]
    assert widening(few) == 3.0
