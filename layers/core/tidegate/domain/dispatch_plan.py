"""Which READY jobs of a pool to dispatch now."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice


@dataclass(frozen=True, slots=True)
class Candidate:
    """A READY job as the index shows it: a hint, to be decided by the conditional write."""

    job_id: str
    rank: int


def window_places(capacity: int, window: float) -> int:
    """How many jobs may be dispatched and not finished: capacity x window, rounded down."""
    return math.floor(capacity * window)


def free_places(capacity: int, window: float, active: int) -> int:
    """How many more jobs may be dispatched: capacity x window - active, never below 0.

    `capacity` is the number of jobs that the pool can run at once; `window` (at least 1) is how many times that may
    be dispatched and not finished; `active` counts what is QUEUED or RUNNING.
    """
    return max(0, window_places(capacity, window) - active)


def best_ranked(shards: Sequence[Iterable[Candidate]], places: int) -> tuple[Candidate, ...]:
    """The `places` best candidates over all shards, best first; each shard comes sorted best first."""
    merged: Iterator[Candidate] = heapq.merge(*shards, key=lambda candidate: -candidate.rank)
    return tuple(islice(merged, places))
