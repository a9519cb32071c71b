"""The plan of one dispatch: it chooses which READY jobs of a pool to dispatch now.

The rule: among the shares that have a candidate, the next dispatch goes to the share with the smallest value of
(dispatched jobs + 1) / weight. Among equals it goes to the share whose best candidate has the highest rank. Within a
share the highest rank comes first. So waiting shares divide a pool's slots by their weights, to within one slot.
Without shares the rank alone decides.

A share's part may be less than one slot: with a weight of 1 beside 9, it is less than half a slot of 4. So that such a
share does not wait for ever, a share with nothing dispatched counts a random number in place of the 1. The number is
exponentially distributed, because then such shares come in proportion to their weights: the smallest of several such
numbers, each divided by its weight, wins (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
The rule needs no memory and no write.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.domain.lanes import MAIN, key_lane, type_lane
from tidegate.domain.rules import DispatchRules
from tidegate.domain.traits import NO_TRAITS, Traits

DEFAULT_WEIGHT = 1
LOOK_AT_MOST = 2_000  # candidates in one plan, held ones included


@dataclass(frozen=True, slots=True)
class Candidate:
    """A READY job as the index shows it in one lane. It is a hint: the conditional write decides."""

    job_id: str
    rank: int
    traits: Traits = NO_TRAITS
    lane: str = MAIN


@dataclass(slots=True)
class Dispatched:
    """Counts of a pool's jobs that are dispatched and not ended, by what bounds them. They grow as a plan is made."""

    total: int = 0
    by_share: Counter[str] = field(default_factory=Counter)
    by_key: Counter[str] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)

    @classmethod
    def count(cls, jobs: Iterable[Traits]) -> Dispatched:
        """Returns the counts of the jobs with these traits."""
        counted = cls()
        for traits in jobs:
            counted.add(traits)
        return counted

    def add(self, traits: Traits) -> None:
        """Counts one more job."""
        self.total += 1
        self.by_share[traits.share] += 1
        self.by_type[traits.type] += 1
        if traits.concurrency_key is not None:
            self.by_key[traits.concurrency_key] += 1

    def remove(self, traits: Traits) -> None:
        """Counts one job less, which was counted before."""
        self.total -= 1
        self.by_share[traits.share] -= 1
        self.by_type[traits.type] -= 1
        if traits.concurrency_key is not None:
            self.by_key[traits.concurrency_key] -= 1


@dataclass(frozen=True, slots=True)
class Held:
    """A candidate that can't be dispatched now, and the lane that it should wait in."""

    candidate: Candidate
    lane: str


@dataclass(frozen=True, slots=True)
class DispatchPlan:
    """The jobs to dispatch, in the order in which they were chosen, and the jobs to hold in another lane."""

    chosen: tuple[Candidate, ...]
    held: tuple[Held, ...]


Grant = Callable[[Candidate], str | None]


def grant_all(_candidate: Candidate) -> str | None:
    """Returns None for every candidate: none has to wait."""
    return None


Draw = Callable[[], float]  # uniform in [0, 1)


def window_slots(capacity: int, window: float) -> int:
    """Returns how many jobs may be dispatched and not ended: capacity x window, rounded down.

    `capacity` is the number of slots of the pool. `window` (at least 1) is a multiple of it.
    """
    return math.floor(capacity * window)


def free_slots(window: int, dispatched: int) -> int:
    """Returns how many more jobs may be dispatched, never below 0.

    `window` is how many may be dispatched and not ended (`window_slots`), `dispatched` how many are.
    """
    return max(0, window - dispatched)


def holds_jobs_back(job_type: str, dispatched: Dispatched, rules: DispatchRules) -> bool:
    """Tells whether the type is paused or at its limit, so that no further job of it may be dispatched now."""
    rule = rules.type_rule(job_type)
    return rule.paused or (rule.max_running is not None and dispatched.by_type[job_type] >= rule.max_running)


def held_in(traits: Traits, dispatched: Dispatched, rules: DispatchRules) -> str | None:
    """Returns the lane in which a job with these traits has to wait now; None where it may be dispatched."""
    if rules.types and holds_jobs_back(traits.type, dispatched, rules):
        return type_lane(traits.type)
    key = traits.concurrency_key
    if key is not None and dispatched.by_key[key] >= traits.concurrency_limit:
        return key_lane(key, traits.concurrency_limit)
    return None


def plan_dispatch(
    queues: Sequence[Iterable[Candidate]],
    slots: int,
    dispatched: Dispatched,
    rules: DispatchRules,
    weights: Mapping[str, int],
    draw: Draw,
    grant: Grant = grant_all,
) -> DispatchPlan:
    """Chooses at most `slots` candidates to dispatch.

    Each of `queues` is sorted by rank, highest first, and is read no further than needed. `dispatched` counts the jobs
    that are dispatched already; the plan adds the chosen ones to it. `weights` (1 or more) are by share. `draw` returns
    the random numbers of the rule, uniform in [0, 1). `grant` decides last about a candidate: it returns the lane in
    which the candidate has to wait, or None. Looks at no more than `LOOK_AT_MOST` candidates.
    """
    shares = _Shares()
    for queue in queues:
        shares.advance(iter(queue))
    chosen: list[Candidate] = []
    held: list[Held] = []
    for _ in range(LOOK_AT_MOST):
        if len(chosen) >= slots or not shares.heads:
            break
        candidate, rest = shares.pop(dispatched, weights, draw)
        lane = held_in(candidate.traits, dispatched, rules) or grant(candidate)
        if lane is None:
            chosen.append(candidate)
            dispatched.add(candidate.traits)
        elif lane == candidate.lane:
            continue  # all jobs behind it in this lane wait for the same key or type
        else:
            held.append(Held(candidate, lane))
        shares.advance(rest)
    return DispatchPlan(tuple(chosen), tuple(held))


_Head = tuple[int, int, Candidate, Iterator[Candidate]]


@dataclass(slots=True)
class _Shares:
    """By share, a heap that holds the best candidate of every queue whose next candidate belongs to that share."""

    heads: dict[str, list[_Head]] = field(default_factory=dict)
    _order: Iterator[int] = field(
        default_factory=itertools.count
    )  # decides between equal ranks, so that candidates are never compared

    def advance(self, queue: Iterator[Candidate]) -> None:
        """Adds the next candidate of a queue to its share's heap."""
        candidate = next(queue, None)
        if candidate is not None:
            heads = self.heads.setdefault(candidate.traits.share, [])
            heapq.heappush(heads, (-candidate.rank, next(self._order), candidate, queue))

    def pop(
        self, dispatched: Dispatched, weights: Mapping[str, int], draw: Draw
    ) -> tuple[Candidate, Iterator[Candidate]]:
        """Removes and returns the next candidate by the rule, with the rest of its queue."""
        share = self._next(dispatched, weights, draw)
        heads = self.heads[share]
        _, _, candidate, rest = heapq.heappop(heads)
        if not heads:
            del self.heads[share]
        return candidate, rest

    def _next(self, dispatched: Dispatched, weights: Mapping[str, int], draw: Draw) -> str:
        if len(self.heads) == 1:
            return next(iter(self.heads))

        def turn(share: str) -> tuple[float, int]:
            running = dispatched.by_share[share]
            counted = running + 1 if running else -math.log(1.0 - draw())
            return counted / weights.get(share, DEFAULT_WEIGHT), self.heads[share][0][0]

        return min(self.heads, key=turn)
