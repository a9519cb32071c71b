"""Roll-ups: the figures of one pool's ended jobs by type, by share and by worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tidegate.domain.statistics.ended import EndedJob
from tidegate.domain.statistics.figures import NONE, Figures, figures_of, together

OTHER: Final = "(other)"
"""The key of everything that is beyond MAX_KEYS. No type, share or worker can have this name."""
MAIN_LANE: Final = ""
"""The key of the jobs that name no share."""
MAX_KEYS: Final = 100
"""How many types, shares and workers of a pool a stored roll-up tells apart, those with the most ends first."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """The figures of one pool over a time, by each of three keys. Jobs that no worker ran are under no worker."""

    types: Mapping[str, Figures] = field(default_factory=dict)
    shares: Mapping[str, Figures] = field(default_factory=dict)
    workers: Mapping[str, Figures] = field(default_factory=dict)

    @property
    def total(self) -> Figures:
        """Returns the figures of all jobs."""
        return together([*self.types.values()])

    @property
    def work(self) -> int:
        """Returns how much work it is to read and add up this roll-up, in buckets of histograms of about 0.5 µs each.

        The counts of a figure take as long as 25 buckets, and a roll-up without figures as long as 20.
        """
        figures = (each for kind in (self.types, self.shares, self.workers) for each in kind.values())
        return 20 + sum(
            25 + len(each.wait.buckets) + len(each.run.buckets) + len(each.overrun.buckets)
            for each in figures
        )

    def __add__(self, other: Rollup) -> Rollup:
        """Returns the roll-up of both times together, with every key of either."""
        return merged((self, other))

    def bounded(self) -> Rollup:
        """Returns the roll-up with at most MAX_KEYS keys of each kind, and the rest under OTHER."""
        return Rollup(_bounded(self.types), _bounded(self.shares), _bounded(self.workers))


def rollup_of(ends: Sequence[EndedJob]) -> Rollup:
    """Returns the roll-up of these ends, which are of one pool."""
    return Rollup(
        _by(ends, lambda end: end.type),
        _by(ends, lambda end: end.share or MAIN_LANE),
        _by(ends, lambda end: end.figures.worker if end.figures else None),
    )


def merged(rollups: Iterable[Rollup]) -> Rollup:
    """Returns all roll-ups together, with every key of each."""
    found = list(rollups)
    return Rollup(
        _merged([each.types for each in found]),
        _merged([each.shares for each in found]),
        _merged([each.workers for each in found]),
    )


def _by(ends: Iterable[EndedJob], key_of: Callable[[EndedJob], str | None]) -> dict[str, Figures]:
    grouped: dict[str, list[EndedJob]] = {}
    for end in ends:
        key = key_of(end)
        if key is not None:
            grouped.setdefault(key, []).append(end)
    return {key: figures_of(found) for key, found in grouped.items()}


def _merged(parts: Iterable[Mapping[str, Figures]]) -> dict[str, Figures]:
    grouped: dict[str, list[Figures]] = {}
    for part in parts:
        for key, figures in part.items():
            grouped.setdefault(key, []).append(figures)
    return {key: together(found) for key, found in grouped.items()}


def _bounded(by_key: Mapping[str, Figures]) -> Mapping[str, Figures]:
    own = [key for key in by_key if key != OTHER]
    if len(own) <= MAX_KEYS:
        return by_key
    ordered = sorted(own, key=lambda key: (-by_key[key].ended, key))
    rest = together([*(by_key[key] for key in ordered[MAX_KEYS:]), by_key.get(OTHER, NONE)])
    return {**{key: by_key[key] for key in ordered[:MAX_KEYS]}, OTHER: rest}
