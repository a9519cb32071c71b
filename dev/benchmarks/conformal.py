"""Tells by which factor intervals ought to have been wider, so that a nominal 90 % had held 90 % of what came.

This is split-conformal prediction of quantiles (Romano, Patterson and Candès, "Conformalized quantile regression",
2019), on ratios, because the error of a forecast grows with what is left. Each past forecast gives the factor by which
its interval had to be widened to hold what came, and a quantile of these is the factor of all. It assumes nothing about
the shape of the errors. Forecasts are corrected by no such factor: it is the benchmark's measure that none is needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tidegate.domain.forecast.forecast import COVERAGE


class PastRatios(NamedTuple):
    """The actual time left, divided by the low and by the high bound of the interval that was forecast (above 0)."""

    to_low: float
    to_high: float

    @property
    def factor(self) -> float:
        """Returns the factor by which the interval had to be widened; below 1 where it could be narrower."""
        return max(1.0 / self.to_low, self.to_high)


def widening(past: Sequence[PastRatios], coverage: float = COVERAGE) -> float:
    """Returns the factor that had to widen intervals so that a part of `coverage` (0-1) of them held what came.

    Of n past factors it is the one at place (n + 1) x coverage, rounded up, in rising order. So few past forecasts give
    the largest factor, and none give 1.
    """
    if not past:
        return 1.0
    factors = sorted(each.factor for each in past)
    place = min(len(factors), math.ceil((len(factors) + 1) * coverage))
    return factors[place - 1]
