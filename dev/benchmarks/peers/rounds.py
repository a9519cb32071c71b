"""Interleaved rounds, medians and ratios of the comparison."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


def interleaved(contestants: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Yields A B C A B C …, each with its round counted from 1, so that a disturbance of the machine hits all alike."""
    for number in range(1, rounds + 1):
        for contestant in contestants:
            yield number, contestant


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one contestant, with a value for each round."""

    name: str
    workload: str
    metric: str
    unit: str
    values: tuple[float, ...]

    @property
    def is_rate(self) -> bool:
        """Says whether more is better."""
        return self.unit.endswith("/s")

    @property
    def median(self) -> float:
        """Returns the middle value, or the mean of the middle two."""
        return statistics.median(self.values)

    @property
    def lowest(self) -> float:
        """Returns the smallest value."""
        return min(self.values)

    @property
    def highest(self) -> float:
        """Returns the largest value."""
        return max(self.values)


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure of one contestant in one round."""

    name: str
    workload: str
    metric: str
    unit: str
    value: float


def rows_of(samples: Iterable[Sample]) -> list[Row]:
    """Groups the samples of one figure into a row. Rows are in the order in which each figure first appears."""
    found: dict[tuple[str, str, str, str], list[float]] = {}
    for sample in samples:
        key = (sample.name, sample.workload, sample.metric, sample.unit)
        found.setdefault(key, []).append(sample.value)
    return [Row(*key, tuple(values)) for key, values in found.items()]


def percentile(values: Sequence[float], part: float) -> float:
    """Returns the smallest value that at least `part` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    needed = -(-int(part * 100) * len(ordered) // 100)
    return ordered[max(0, needed - 1)]


def ratios(rows: Sequence[Row], ours: str) -> Mapping[tuple[str, str, str], float]:
    """Divides our median by that of each other contestant, by (name, workload, metric), where both have the figure."""
    mine = {(row.workload, row.metric): row.median for row in rows if row.name == ours}
    return {
        (row.name, row.workload, row.metric): mine[row.workload, row.metric] / row.median
        for row in rows
        if row.name != ours and (row.workload, row.metric) in mine and row.median
    }
