"""Lanes of a pool: which of them may have a candidate now, and moving jobs to where they hide nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

from tidegate.domain.dispatch_plan import DEFAULT_WEIGHT, Dispatched, Held, is_taken_up
from tidegate.domain.job import Job
from tidegate.domain.lanes import MAIN, key_lane, key_of, share_lane, share_of, type_lane, type_of
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import Group, State
from tidegate.domain.transitions import HoldIfReady
from tidegate.ports import KnownLane
from tidegate.usecases.services import Services

T = TypeVar("T")

LANES_AT_MOST = 1_000  # of one pool that a run knows of
HELD_LANES_PER_RUN = 64  # that one run looks into
_UNUSED_MS = (
    15 * 60_000
)  # who noted a lane has moved its jobs there long before: a dispatcher's run ends after 5


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of a pool, by what their jobs wait for: their turn, or also for a key or a type.

    `news` are those that something has just happened to.
    """

    in_turn: Sequence[KnownLane]
    held: Sequence[KnownLane]
    news: Set[str] = frozenset()

    @property
    def weights(self) -> Mapping[str, int]:
        """The weights of the shares."""
        return {share: each.weight for each in self.in_turn if (share := share_of(each.lane)) is not None}


def known_lanes(
    services: Services, pool: str, rules: DispatchRules, changed: Sequence[Job], now_ms: int
) -> Lanes:
    """The lanes that may hold a candidate; not those of types that are paused.

    What `changed` jobs tell of lanes counts although the registry, which may be read a little old, does not list them.
    """
    news = {lane: KnownLane(lane, DEFAULT_WEIGHT, now_ms) for lane in _lanes_of(changed, pool, rules)}
    listed = services.recall.of(
        f"lanes#{pool}", now_ms, lambda: services.lanes.list_lanes(pool, limit=LANES_AT_MOST)
    )
    known = news | {each.lane: each for each in listed}
    shares = [each for lane, each in known.items() if share_of(lane)]
    held = [each for lane, each in known.items() if share_of(lane) is None and _is_on(lane, rules)]
    return Lanes([KnownLane(MAIN, DEFAULT_WEIGHT, now_ms), *shares], held, news.keys())


def open_lanes(
    services: Services, lanes: Lanes, dispatched: Dispatched, rules: DispatchRules
) -> Sequence[str]:
    """Of the lanes of held-back jobs those whose key or type is free.

    Where there are very many, those that something has happened to come first, and others by chance.
    """
    free = [each.lane for each in lanes.held if _may_go(each.lane, dispatched, rules)]
    likely = [lane for lane in free if lane in lanes.news]
    others = [lane for lane in free if lane not in lanes.news]
    return [*_some(services, likely), *_some(services, others)][:HELD_LANES_PER_RUN]


def held_lanes(services: Services, pool: str) -> Sequence[KnownLane]:
    """The lanes in which jobs are held back; some of them, chosen by chance, where there are very many."""
    known = services.lanes.list_lanes(pool, limit=LANES_AT_MOST)
    return _some(services, [each for each in known if share_of(each.lane) is None])


def lanes_of_pool(services: Services, pool: str) -> tuple[Sequence[str], Sequence[str]]:
    """The lanes in which jobs wait for their turn, and those in which jobs are held back."""
    known = [each.lane for each in services.lanes.list_lanes(pool, limit=LANES_AT_MOST)]
    return [MAIN, *filter(share_of, known)], [lane for lane in known if share_of(lane) is None]


def hold(services: Services, pool: str, held: Sequence[Held], now_ms: int) -> None:
    """Moves jobs to the lanes that they have to wait in; each lane is noted before."""
    if not held:
        return
    for lane in dict.fromkeys(each.lane for each in held):
        services.lanes.note(pool, lane, now_ms=now_ms)
    services.recall.forget(f"lanes#{pool}")
    # What could not be moved is met again by the next run.
    services.jobs.apply_all([HoldIfReady(each.candidate.job_id, pool, each.lane) for each in held])


def forget_if_empty(services: Services, pool: str, known: KnownLane, now_ms: int) -> bool:
    """Removes a lane of held-back jobs in which nobody waits, if it was not noted lately."""
    if now_ms - known.noted_at_ms < _UNUSED_MS:
        return False
    if services.index.page(pool, Group.READY, 0, limit=1, lane=known.lane).entries:
        return False
    return services.lanes.forget_if_not_noted_since(pool, known.lane, noted_at_ms=known.noted_at_ms)


def _some(services: Services, lanes: Sequence[T]) -> Sequence[T]:
    if len(lanes) <= HELD_LANES_PER_RUN:
        return lanes
    # By chance: a turn that follows the clock meets the schedule at the same place again and again.
    first = int(services.entropy.jitter() * len(lanes))
    return [*lanes[first:], *lanes[:first]][:HELD_LANES_PER_RUN]


def _lanes_of(changed: Sequence[Job], pool: str, rules: DispatchRules) -> Iterator[str]:
    for job in changed:
        if job.pool != pool:
            continue
        if job.state is State.READY and job.share:
            yield share_lane(job.share)
        if job.concurrency_key is not None:
            yield key_lane(job.concurrency_key, job.concurrency_limit)
        if job.type in rules.types:
            yield type_lane(job.type)


def _may_go(lane: str, dispatched: Dispatched, rules: DispatchRules) -> bool:
    bounded_by_key = key_of(lane)
    if bounded_by_key is not None:
        key, limit = bounded_by_key
        return dispatched.by_key[key] < limit
    return not is_taken_up(type_of(lane) or "", dispatched, rules)


def _is_on(lane: str, rules: DispatchRules) -> bool:
    job_type = type_of(lane)
    return job_type is None or not rules.type_rule(job_type).paused
