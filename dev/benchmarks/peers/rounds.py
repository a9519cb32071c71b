"""Interleaved rounds, medians and ratios: the harness's own arithmetic."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


def interleaved(contestants: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """A B C A B C …, each with its round counted from 1: what disturbs the machine disturbs all alike."""
    for number in range(1, rounds + 1):
        for contestant in contestants:
            yield number, contestant


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one contestant: a value for each round."""

    name: str
    workload: str
    metric: str
    unit: str
    values: tuple[float, ...]

    @property
    def is_rate(self) -> bool:
        """Whether more is better."""
        return self.unit.endswith("/s")

    @property
    def median(self) -> float:
        """The middle value, or the mean of the middle two."""
        return statistics.median(self.values)

    @property
    def lowest(self) -> float:
        """The smallest value."""
        return min(self.values)

    @property
    def highest(self) -> float:
        """The largest value."""
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
    """The samples of the same figure together, in the order in which each figure was first seen."""
    found: dict[tuple[str, str, str, str], list[float]] = {}
    for sample in samples:
        key = (sample.name, sample.workload, sample.metric, sample.unit)
        found.setdefault(key, []).append(sample.value)
    return [Row(*key, tuple(values)) for key, values in found.items()]


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least `part` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    needed = -(-int(part * 100) * len(ordered) // 100)
    return ordered[max(0, needed - 1)]


def ratios(rows: Sequence[Row], ours: str) -> Mapping[tuple[str, str, str], float]:
    """Our median by each other contestant's, by (name, workload, metric); only where both have the figure."""
    mine = {(row.workload, row.metric): row.median for row in rows if row.name == ours}
    return {
        (row.name, row.workload, row.metric): mine[row.workload, row.metric] / row.median
        for row in rows
        if row.name != ours and (row.workload, row.metric) in mine and row.median
    }
