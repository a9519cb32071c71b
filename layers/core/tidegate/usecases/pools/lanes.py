"""Lanes of a pool: which of them may have a candidate now, and moving jobs to where they hide nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

from tidegate.domain import limits
from tidegate.domain.dispatch_plan import DEFAULT_WEIGHT, Dispatched, Held, is_taken_up
from tidegate.domain.job import Job
from tidegate.domain.lanes import MAIN, key_lane, key_of, share_lane, share_of, type_lane, type_of
from tidegate.domain.permits import key_permit
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import Group, State
from tidegate.domain.transitions import HoldIfReady
from tidegate.ports import KnownLane
from tidegate.usecases.services import Services

T = TypeVar("T")

LANES_AT_MOST = 1_000  # of one pool that a run knows of, and as many again of those behind them
HELD_LANES_PER_RUN = 64  # that one run looks into
_UNUSED_MS = (
    15 * 60_000
)  # who noted a lane has moved its jobs there long before: a dispatcher's run ends after 5
# A share that is used is noted again after five minutes. So one that was not noted for ten is not in use, and a
# dispatcher that saw it awake a moment ago can rely on that.
_NOTE_AGAIN_MS = 5 * 60_000
_REST_AFTER_MS = 2 * _NOTE_AGAIN_MS
_FORGET_AFTER_MS = 24 * 3_600_000
_RESTING_PER_RUN = 16  # lanes that no news came from; each minute's run looks at others
_ACTIVE_PAGE = 1_000
_ACTIVE_PAGES = 10  # of each shard


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
    """The lanes that may hold a candidate; not those of types that are paused, nor those that rest.

    What `changed` jobs tell of lanes counts although the registry, which may be read a little old, does not list them.
    A share's lane that they are in is noted: a dispatcher that does not hear of them looks into it too. Of more shares
    than a pool has room for, which jobs that waited long can bring back, a run looks into some by chance.
    """
    news = dict.fromkeys(_lanes_of(changed, pool, rules))
    known = {each.lane: each for each in _recalled(services, pool, now_ms)}
    for lane in news:
        standing = known.get(lane)
        if share_of(lane) and _may_rest(standing, now_ms):
            known[lane] = _wake(services, pool, lane, standing, now_ms)
        elif standing is None:
            known[lane] = KnownLane(lane, DEFAULT_WEIGHT, now_ms)
    awake = [each for lane, each in known.items() if share_of(lane) and not each.resting]
    shares = [
        *(each for each in awake if each.lane in news),
        *_some(services, [each for each in awake if each.lane not in news], limits.MAX_SHARES_PER_POOL),
    ]
    held = [each for lane, each in known.items() if share_of(lane) is None and _is_on(lane, rules)]
    return Lanes([KnownLane(MAIN, DEFAULT_WEIGHT, now_ms), *shares], held, news.keys())


def keep_shares(services: Services, pool: str, shares: Iterable[str], now_ms: int) -> None:
    """Sees to it that shares' lanes are known, before a job of them becomes READY or is dispatched.

    Writes at most once in five minutes for each share of a pool. Nothing for the empty share of jobs that have none.
    """
    lanes = [share_lane(share) for share in dict.fromkeys(shares) if share]
    known = {each.lane: each for each in _recalled(services, pool, now_ms)} if lanes else {}
    for lane in lanes:
        standing = known.get(lane)
        if _may_rest(standing, now_ms):
            _wake(services, pool, lane, standing, now_ms)


def _may_rest(standing: KnownLane | None, now_ms: int) -> bool:
    """True where the lane is forgotten, rests, or may do so before a job in it is dispatched."""
    return standing is None or standing.resting or now_ms - standing.noted_at_ms > _NOTE_AGAIN_MS


def tidy_shares(services: Services, pool: str, shares: Sequence[KnownLane], now_ms: int) -> None:
    """Lets shares rest that nothing uses, and forgets those that nothing used for a day.

    Looks at a bounded number of `shares`, chosen by chance where there are very many. A lane that rests although a job
    waits in it is woken: the news of that job was lost.
    """
    old = [each for each in shares if now_ms - each.noted_at_ms > _REST_AFTER_MS]
    awake = _some(services, [each for each in old if not each.resting])
    resting = _some(services, [each for each in old if each.resting], _RESTING_PER_RUN)
    looked = [*awake, *resting]
    if not looked:
        return
    # Before the READY jobs: a dispatched job that is handed back meanwhile is then among those. One that is dispatched
    # meanwhile has its share noted before.
    dispatched = _dispatched_shares(services, pool) if awake else frozenset()
    lanes = [each.lane for each in looked]
    pages = services.index.first_pages(pool, Group.READY, limit=1, lanes=lanes)
    waiting = {lane for (lane, _), page in pages.items() if page.entries}
    idle = [each for each in awake if each.lane not in waiting]
    for each in resting:
        if each.lane in waiting:
            _wake(services, pool, each.lane, each, now_ms)
        elif now_ms - each.noted_at_ms > _FORGET_AFTER_MS:
            services.lanes.forget_if_not_noted_since(pool, each.lane, noted_at_ms=each.noted_at_ms)
    for each in idle:
        if dispatched is not None and share_of(each.lane) not in dispatched:
            services.lanes.rest_if_not_noted_since(pool, each.lane, noted_at_ms=each.noted_at_ms)
    services.recall.forget(_name_of(pool))


def _dispatched_shares(services: Services, pool: str) -> Set[str] | None:
    """The shares that have a job QUEUED or RUNNING; None where there are more such jobs than one run looks at."""
    shares: set[str] = set()
    for shard in range(services.index.shards):
        after = None
        for _ in range(_ACTIVE_PAGES):
            page = services.index.page(pool, Group.ACTIVE, shard, limit=_ACTIVE_PAGE, after=after)
            shares |= {entry.traits.share for entry in page.entries}
            after = page.next
            if after is None:
                break
        else:
            return None
    return shares


def _recalled(services: Services, pool: str, now_ms: int) -> Sequence[KnownLane]:
    return services.recall.of(_name_of(pool), now_ms, lambda: _listed(services, pool))


def _listed(services: Services, pool: str) -> Sequence[KnownLane]:
    """Lists the first lanes of a pool and, where there are more, a part of the others: another one each time.

    A process remembers which part comes next. So in the end it looks into every lane there is, however many.
    """
    first = services.lanes.list_lanes(pool, limit=LANES_AT_MOST)
    if len(first) < LANES_AT_MOST:
        return first
    name, behind_first = _name_of(pool), first[-1].lane
    place = min(services.recall.places.get(name, behind_first), behind_first)
    part = services.lanes.list_lanes(pool, limit=LANES_AT_MOST, before=place)
    services.recall.places[name] = part[-1].lane if len(part) == LANES_AT_MOST else behind_first
    return [*first, *part]


def _name_of(pool: str) -> str:
    return f"lanes#{pool}"


def _wake(services: Services, pool: str, lane: str, standing: KnownLane | None, now_ms: int) -> KnownLane:
    # A share that was forgotten meanwhile comes back with the weight of one that names none.
    weight = standing.weight if standing else DEFAULT_WEIGHT
    services.lanes.note(pool, lane, weight=weight, now_ms=now_ms)
    services.recall.forget(_name_of(pool))
    return KnownLane(lane, weight, now_ms)


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


def lanes_to_tidy(services: Services, pool: str) -> tuple[Sequence[KnownLane], Sequence[KnownLane]]:
    """The lanes in which jobs are held back, some of them by chance where there are very many, and those of shares."""
    known = _listed(services, pool)
    held = _some(services, [each for each in known if share_of(each.lane) is None])
    return held, [each for each in known if share_of(each.lane)]


def lanes_of_pool(services: Services, pool: str) -> tuple[Sequence[str], Sequence[str], bool]:
    """The lanes in which jobs wait for their turn, and those in which jobs are held back; not those that rest.

    The last is True where there may be further lanes than those: of keys, and where no lane of a key is among them,
    also of shares.
    """
    listed = services.lanes.list_lanes(pool, limit=LANES_AT_MOST)
    known = [each.lane for each in listed if not each.resting]
    held = [lane for lane in known if share_of(lane) is None]
    return [MAIN, *filter(share_of, known)], held, len(listed) >= LANES_AT_MOST


def hold(services: Services, pool: str, held: Sequence[Held], now_ms: int) -> None:
    """Moves jobs to the lanes that they have to wait in; each lane is noted before.

    The limit of a job that waits for its key is noted on the key's permit: it binds others too.
    """
    if not held:
        return
    for lane in dict.fromkeys(each.lane for each in held):
        services.lanes.note(pool, lane, now_ms=now_ms)
        bounded_by_key = key_of(lane)
        if bounded_by_key is not None:
            key, limit = bounded_by_key
            services.permits.note_waiting(key_permit(key), limit, now_ms=now_ms)
    services.recall.forget(_name_of(pool))
    # What could not be moved is met again by the next run.
    services.jobs.apply_all([HoldIfReady(each.candidate.job_id, pool, each.lane) for each in held])


def forget_if_empty(services: Services, pool: str, known: KnownLane, now_ms: int) -> bool:
    """Removes a lane of held-back jobs in which nobody waits, if it was not noted lately."""
    if now_ms - known.noted_at_ms < _UNUSED_MS:
        return False
    if services.index.page(pool, Group.READY, 0, limit=1, lane=known.lane).entries:
        return False
    return services.lanes.forget_if_not_noted_since(pool, known.lane, noted_at_ms=known.noted_at_ms)


def _some(services: Services, lanes: Sequence[T], at_most: int = HELD_LANES_PER_RUN) -> Sequence[T]:
    if len(lanes) <= at_most:
        return lanes
    # By chance: a turn that follows the clock meets the schedule at the same place again and again.
    first = int(services.entropy.jitter() * len(lanes))
    return [*lanes[first:], *lanes[:first]][:at_most]


def _lanes_of(changed: Sequence[Job], pool: str, rules: DispatchRules) -> Iterator[str]:
    for job in changed:
        if job.pool != pool:
            continue
        if job.state is State.READY and job.share and not job.held_in:
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
