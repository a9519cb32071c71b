"""Histograms with a stated relative error, which merge by addition.

The buckets are those of DDSketch (Masson, Rim and Lee, "DDSketch: A fast and fully-mergeable quantile sketch with
relative-error guarantees", PVLDB 12, 2019). Bucket `i` holds the values above g^(i-1) and up to g^i, where g is
(1 + error) / (1 - error). Every value of a bucket is then within the error of the one value that stands for it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

RELATIVE_ERROR: Final = 0.05
"""A quantile is at most this part of the true value away from it."""
_GROWTH: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GROWTH: Final = math.log(_GROWTH)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often values fell into each bucket: whole numbers of 0 or more, of any unit.

    `zeros` counts the values that are 0. `buckets` holds pairs of a bucket's number and its count, by number, without
    empty buckets. A value of 12 hours in milliseconds is in bucket 176, so there are never many.
    """

    zeros: int = 0
    buckets: tuple[tuple[int, int], ...] = ()

    @property
    def count(self) -> int:
        """Returns how many values there are."""
        return self.zeros + sum(count for _, count in self.buckets)

    def __add__(self, other: Histogram) -> Histogram:
        """Returns the histogram of the values of both."""
        return summed((self, other))

    def quantile(self, part: float) -> float | None:
        """Returns the value below which `part` (0 to 1) of the values lie; None without values.

        It is within RELATIVE_ERROR of the value that has rank floor(part x (count - 1)), counted from 0.
        """
        count = self.count
        if not count:
            return None
        rank = math.floor(part * (count - 1))
        below = self.zeros
        value = 0.0
        for number, held in self.buckets:
            if rank < below:
                break
            value = 2 * _GROWTH**number / (_GROWTH + 1)
            below += held
        return value

    def smooth_quantile(self, part: float) -> float | None:
        """Returns a quantile as if the values of a bucket lay evenly on its logarithmic scale; None without values.

        Where values are spread over many buckets it errs far less than `quantile`, and nowhere by more than a bucket.
        """
        place = part * self.count - self.zeros
        if not self.count or place <= 0:
            return None if not self.count else 0.0
        for number, held in self.buckets:
            if place <= held:
                return math.exp((number - 1 + place / held) * _LOG_GROWTH)
            place -= held
        return _GROWTH ** self.buckets[-1][0] if self.buckets else 0.0


EMPTY: Final = Histogram()


def histogram_of(values: Iterable[int]) -> Histogram:
    """Returns the histogram of these whole numbers; a negative one counts as 0, as clocks may disagree a little."""
    zeros = 0
    buckets: Counter[int] = Counter()
    for value in values:
        if value > 0:
            buckets[math.ceil(math.log(value) / _LOG_GROWTH)] += 1
        else:
            zeros += 1
    return Histogram(zeros, tuple(sorted(buckets.items())))


def summed(histograms: Iterable[Histogram]) -> Histogram:
    """Returns the histogram of the values of all of them."""
    zeros = 0
    buckets: Counter[int] = Counter()
    for each in histograms:
        zeros += each.zeros
        buckets.update(dict(each.buckets))
    return Histogram(zeros, tuple(sorted(buckets.items())))
