"""Which READY jobs of a pool to dispatch now.

The rule: of the shares that have a candidate, the one with the fewest dispatched jobs for its weight, one more
included, comes next; of equals the one whose best candidate ranks highest. Within a share the highest rank comes
first. So shares that wait divide a pool's places by their weights, to within one place, and without shares the order
is the rank's alone.

A share's part may be less than one place: with a weight of 1 beside 9, it is less than half a place of 4. So that it
does not wait for ever, a share with nothing dispatched counts a random number in place of the 1: exponentially
distributed, for then such shares come in proportion to their weights (the least of several such numbers, each divided
by its weight; Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006). Nothing has to be remembered
or written.
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

DEFAULT_WEIGHT = 1
LOOK_AT_MOST = 2_000  # candidates in one plan, held-back ones included


@dataclass(frozen=True, slots=True)
class Traits:
    """What of a job decides whether and when it may be dispatched, its rank aside.

    `share` is empty for jobs without one. At most `concurrency_limit` (1 or more) jobs with the same
    `concurrency_key` may be dispatched and not ended.
    """

    type: str = ""
    share: str = ""
    concurrency_key: str | None = None
    concurrency_limit: int = 1


NO_TRAITS = Traits()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A READY job as the index shows it in one lane: a hint, to be decided by the conditional write."""

    job_id: str
    rank: int
    traits: Traits = NO_TRAITS
    lane: str = MAIN


@dataclass(slots=True)
class Dispatched:
    """Jobs of a pool that are dispatched and not ended, counted by what bounds them. Grows as a plan is made."""

    total: int = 0
    by_share: Counter[str] = field(default_factory=Counter)
    by_key: Counter[str] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)

    @classmethod
    def count(cls, jobs: Iterable[Traits]) -> Dispatched:
        """Counts the jobs with these traits."""
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


@dataclass(frozen=True, slots=True)
class Held:
    """A candidate that can't be dispatched now, and the lane that it should wait in."""

    candidate: Candidate
    lane: str


@dataclass(frozen=True, slots=True)
class DispatchPlan:
    """The jobs to dispatch, in the order they were chosen, and those that stand in the way in their lane."""

    chosen: tuple[Candidate, ...]
    held: tuple[Held, ...]


Grant = Callable[[Candidate], str | None]


def grant_all(_candidate: Candidate) -> str | None:
    """Refuses nobody."""
    return None


Draw = Callable[[], float]  # uniform in [0, 1)


def window_places(capacity: int, window: float) -> int:
    """How many jobs may be dispatched and not finished: capacity x window, rounded down.

    `capacity` is the number of jobs that the pool can run at once, `window` (at least 1) how many times that.
    """
    return math.floor(capacity * window)


def free_places(places: int, dispatched: int) -> int:
    """How many more jobs may be dispatched, where so many of the window's places are taken; never below 0."""
    return max(0, places - dispatched)


def is_taken_up(job_type: str, dispatched: Dispatched, rules: DispatchRules) -> bool:
    """Whether no further job of this type may be dispatched now: it is paused, or at its limit."""
    rule = rules.type_rule(job_type)
    return rule.paused or (rule.max_running is not None and dispatched.by_type[job_type] >= rule.max_running)


def held_in(traits: Traits, dispatched: Dispatched, rules: DispatchRules) -> str | None:
    """The lane in which a job with these traits has to wait now; None where it may be dispatched."""
    if rules.types and is_taken_up(traits.type, dispatched, rules):
        return type_lane(traits.type)
    key = traits.concurrency_key
    if key is not None and dispatched.by_key[key] >= traits.concurrency_limit:
        return key_lane(key, traits.concurrency_limit)
    return None


def plan_dispatch(
    queues: Sequence[Iterable[Candidate]],
    places: int,
    dispatched: Dispatched,
    rules: DispatchRules,
    weights: Mapping[str, int],
    draw: Draw,
    grant: Grant = grant_all,
) -> DispatchPlan:
    """Chooses at most `places` candidates.

    Each of `queues` comes sorted best rank first and is read no further than needed. `dispatched` counts what runs
    already, and the chosen as they are chosen; `weights` (1 or more) are by share, `draw` gives the random numbers
    of the rule. `grant` has the last word on a candidate: it names the lane in which it has to wait after all, or None.
    """
    shares = _Shares()
    for queue in queues:
        shares.advance(iter(queue))
    chosen: list[Candidate] = []
    held: list[Held] = []
    for _ in range(LOOK_AT_MOST):
        if len(chosen) >= places or not shares.heads:
            break
        candidate, rest = shares.pop(dispatched, weights, draw)
        lane = held_in(candidate.traits, dispatched, rules) or grant(candidate)
        if lane is None:
            chosen.append(candidate)
            dispatched.add(candidate.traits)
        elif lane == candidate.lane:
            continue  # everything behind it in this lane waits for the same
        else:
            held.append(Held(candidate, lane))
        shares.advance(rest)
    return DispatchPlan(tuple(chosen), tuple(held))


_Head = tuple[int, int, Candidate, Iterator[Candidate]]


@dataclass(slots=True)
class _Shares:
    """By share, a heap of the best candidate of every queue whose turn is that share's."""

    heads: dict[str, list[_Head]] = field(default_factory=dict)
    _order: Iterator[int] = field(
        default_factory=itertools.count
    )  # settles ties before candidates are compared

    def advance(self, queue: Iterator[Candidate]) -> None:
        """Takes the next candidate of a queue into account."""
        candidate = next(queue, None)
        if candidate is not None:
            heads = self.heads.setdefault(candidate.traits.share, [])
            heapq.heappush(heads, (-candidate.rank, next(self._order), candidate, queue))

    def pop(
        self, dispatched: Dispatched, weights: Mapping[str, int], draw: Draw
    ) -> tuple[Candidate, Iterator[Candidate]]:
        """Takes out the candidate whose turn it is, with what is behind it in its queue."""
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
