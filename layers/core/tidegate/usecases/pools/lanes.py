"""Keeps track of the lanes of a pool: finds those that may have a candidate, and puts held jobs into lanes.

Every pool has a main lane. Each share has a lane of its own. A job whose concurrency key or type is at its limit or
paused is held: it waits in the lane of that key or type, where it hides no job that could be dispatched. The registry
lists the lanes beside the main one. A lane is noted there before the first job goes into it. A lane that no job uses
rests: dispatchers do not look into it. Later it is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

from tidegate.domain import limits
from tidegate.domain.dispatch_plan import DEFAULT_WEIGHT, Dispatched, Held, holds_jobs_back
from tidegate.domain.job import Job
from tidegate.domain.lanes import MAIN, key_lane, key_of, share_lane, share_of, type_lane, type_of
from tidegate.domain.permits import key_permit
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import Group, State
from tidegate.domain.transitions import HoldIfReady
from tidegate.ports import KnownLane
from tidegate.usecases.services import Services

T = TypeVar("T")
LanesByPool = Mapping[str, Mapping[str, KnownLane]]  # by the names of pools and of lanes

LANES_AT_MOST = 1_000  # lanes of one pool that a run reads first; it may read as many again behind them
HELD_LANES_PER_RUN = 64  # lanes of held jobs that one run looks into
# A dispatcher notes a lane and then puts jobs into it within the same run, which ends after 5 minutes. So an empty lane
# that was noted 15 minutes ago gets no job from that run any more.
_UNUSED_MS = 15 * 60_000
# A share in use is noted again after 5 minutes. So a share that was not noted for 10 minutes is not in use, and its
# lane may rest. A dispatcher that saw the lane awake within the last 5 minutes may rely on it to stay awake.
_NOTE_AGAIN_MS = 5 * 60_000
_REST_AFTER_MS = 2 * _NOTE_AGAIN_MS
_FORGET_AFTER_MS = 24 * 3_600_000
_RESTING_PER_RUN = 16  # resting lanes that one tick looks into, chosen at random
_ACTIVE_PAGE = 1_000
_ACTIVE_PAGES = 10  # of each shard


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of a pool in two groups.

    Jobs in `in_turn` (the main lane and the shares') wait only to be dispatched. Jobs in `held` wait for a concurrency
    key or a type. `changed` names the lanes that the latest changes are about.
    """

    in_turn: Sequence[KnownLane]
    held: Sequence[KnownLane]
    changed: Set[str] = frozenset()

    @property
    def weights(self) -> Mapping[str, int]:
        """The weight of each share, by the share's name ("" for jobs without a share)."""
        return {share: each.weight for each in self.in_turn if (share := share_of(each.lane)) is not None}


def known_lanes(
    services: Services, pool: str, rules: DispatchRules, changed: Sequence[Job], now_ms: int
) -> Lanes:
    """Returns the lanes of a pool that may hold a candidate: none that rest, none of paused types.

    The list of lanes may be a little old, so the lanes of `changed` jobs are added even if they are not in it. A
    share's lane among those is noted, so that dispatchers that do not see the change look into it too. If a pool has
    more than `MAX_SHARES_PER_POOL` shares awake, because jobs that waited long brought old shares back, a random part
    of them is returned. Raises ServiceUnavailable or ServiceRefused.
    """
    concerned = dict.fromkeys(_lanes_of(changed, pool, rules))
    known = {each.lane: each for each in _recalled(services, pool, now_ms)}
    for lane in concerned:
        standing = known.get(lane)
        if share_of(lane) and _may_rest(standing, now_ms):
            known[lane] = _wake(services, pool, lane, standing, now_ms)
        elif standing is None:
            known[lane] = KnownLane(lane, DEFAULT_WEIGHT, now_ms)
    awake = [each for lane, each in known.items() if share_of(lane) and not each.resting]
    shares = [
        *(each for each in awake if each.lane in concerned),
        *_some(services, [each for each in awake if each.lane not in concerned], limits.MAX_SHARES_PER_POOL),
    ]
    held = [each for lane, each in known.items() if share_of(lane) is None and _is_on(lane, rules)]
    return Lanes([KnownLane(MAIN, DEFAULT_WEIGHT, now_ms), *shares], held, concerned.keys())


def keep_shares(
    services: Services,
    pool: str,
    shares: Iterable[str],
    now_ms: int,
    *,
    known: Mapping[str, KnownLane] | None = None,
) -> None:
    """Notes the lanes of shares before one of their jobs becomes READY or is dispatched.

    `known` are the pool's lanes by name, read if they are not given. Writes at most once in five minutes for each share
    of a pool. Ignores the empty share, which stands for none. Raises ServiceUnavailable or ServiceRefused.
    """
    lanes = [share_lane(share) for share in dict.fromkeys(shares) if share]
    if known is None:
        known = {each.lane: each for each in _recalled(services, pool, now_ms)} if lanes else {}
    for lane in lanes:
        standing = known.get(lane)
        if _may_rest(standing, now_ms):
            _wake(services, pool, lane, standing, now_ms)


def _may_rest(standing: KnownLane | None, now_ms: int) -> bool:
    """True if the lane is removed, rests, or may begin to rest before a job in it is dispatched."""
    return standing is None or standing.resting or now_ms - standing.noted_at_ms > _NOTE_AGAIN_MS


def tidy_shares(services: Services, pool: str, shares: Sequence[KnownLane], now_ms: int) -> None:
    """Lets the lanes of unused shares rest, and removes the lanes of shares that were unused for a day.

    A share that an operator made is kept. Looks at a bounded number of `shares`, a random part if there are very many.
    A resting lane in which a job waits is woken: the event of that job was lost. Raises ServiceUnavailable or
    ServiceRefused.
    """
    old = [each for each in shares if now_ms - each.noted_at_ms > _REST_AFTER_MS]
    awake = _some(services, [each for each in old if not each.resting])
    resting = _some(services, [each for each in old if each.resting], _RESTING_PER_RUN)
    looked = [*awake, *resting]
    if not looked:
        return
    # Dispatched jobs are read before READY ones, so that a job which is handed back meanwhile is seen among the READY
    # ones. A job that is dispatched meanwhile is missed by both, but its share is noted before.
    dispatched = _dispatched_shares(services, pool) if awake else frozenset()
    lanes = [each.lane for each in looked]
    pages = services.index.first_pages(pool, Group.READY, limit=1, lanes=lanes)
    waiting = {lane for (lane, _), page in pages.items() if page.entries}
    idle = [each for each in awake if each.lane not in waiting]
    for each in resting:
        if each.lane in waiting:
            _wake(services, pool, each.lane, each, now_ms)
        elif each.rule is None and now_ms - each.noted_at_ms > _FORGET_AFTER_MS:
            services.lanes.forget_if_not_noted_since(pool, each.lane, noted_at_ms=each.noted_at_ms)
    for each in idle:
        if dispatched is not None and share_of(each.lane) not in dispatched:
            services.lanes.rest_if_not_noted_since(pool, each.lane, noted_at_ms=each.noted_at_ms)
    services.recall.forget(_name_of(pool))


def _dispatched_shares(services: Services, pool: str) -> Set[str] | None:
    """Returns the shares that have a QUEUED or RUNNING job; None if there are more such jobs than one run reads."""
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
    """Lists the first lanes of a pool and, if there are more, one further part of them: the next part each time.

    The process remembers which part comes next, so that successive calls go through all lanes.
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
    # The lane of a share that was removed meanwhile returns with the default weight.
    weight = standing.weight if standing else DEFAULT_WEIGHT
    services.lanes.note(pool, lane, weight=weight, now_ms=now_ms)
    services.recall.forget(_name_of(pool))
    return KnownLane(lane, weight, now_ms)


def open_lanes(
    services: Services, lanes: Lanes, dispatched: Dispatched, rules: DispatchRules
) -> Sequence[str]:
    """Returns the lanes of held jobs whose key or type is below its limit, at most `HELD_LANES_PER_RUN`.

    Lanes that the latest changes are about come first, then a random part of the others.
    """
    free = [each.lane for each in lanes.held if _may_go(each.lane, dispatched, rules)]
    likely = [lane for lane in free if lane in lanes.changed]
    others = [lane for lane in free if lane not in lanes.changed]
    return [*_some(services, likely), *_some(services, others)][:HELD_LANES_PER_RUN]


def lanes_to_tidy(services: Services, pool: str) -> tuple[Sequence[KnownLane], Sequence[KnownLane]]:
    """Returns the lanes of held jobs (a random part if there are very many), and the lanes of shares."""
    known = _listed(services, pool)
    held = _some(services, [each for each in known if share_of(each.lane) is None])
    return held, [each for each in known if share_of(each.lane)]


def lanes_of_pool(
    services: Services, pool: str, known: Mapping[str, KnownLane] | None = None
) -> tuple[Sequence[str], Sequence[str], bool]:
    """Returns the main lane and the lanes of shares, the lanes of held jobs, and whether there may be more lanes.

    `known` are the pool's lanes by name, read if they are not given. Resting lanes are left out. If there may be more,
    those are lanes of keys. They are also lanes of shares only if no lane of a key was returned, because shares are
    listed before keys.
    """
    listed = services.lanes.list_lanes(pool, limit=LANES_AT_MOST) if known is None else tuple(known.values())
    awake = [each.lane for each in listed if not each.resting]
    held = [lane for lane in awake if share_of(lane) is None]
    return [MAIN, *filter(share_of, awake)], held, len(listed) >= LANES_AT_MOST


def hold(services: Services, pool: str, held: Sequence[Held], now_ms: int) -> None:
    """Puts jobs into the lanes that they have to wait in; notes each lane before.

    The limit of a job that waits for its key is noted on the key's permit, because the lowest limit binds all jobs of
    the key. Raises ServiceUnavailable or ServiceRefused.
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
    # Outcomes are ignored: the next run finds a job that could not be written, and tries again.
    services.jobs.apply_all([HoldIfReady(each.candidate.job_id, pool, each.lane) for each in held])


def forget_if_empty(services: Services, pool: str, known: KnownLane, now_ms: int) -> bool:
    """Removes a lane of held jobs if it is empty and was not noted lately; returns whether it was removed."""
    if now_ms - known.noted_at_ms < _UNUSED_MS:
        return False
    if services.index.page(pool, Group.READY, 0, limit=1, lane=known.lane).entries:
        return False
    return services.lanes.forget_if_not_noted_since(pool, known.lane, noted_at_ms=known.noted_at_ms)


def _some(services: Services, lanes: Sequence[T], at_most: int = HELD_LANES_PER_RUN) -> Sequence[T]:
    if len(lanes) <= at_most:
        return lanes
    # The start is random: one that followed the clock would be the same at every tick.
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
    return not holds_jobs_back(type_of(lane) or "", dispatched, rules)


def _is_on(lane: str, rules: DispatchRules) -> bool:
    job_type = type_of(lane)
    return job_type is None or not rules.type_rule(job_type).paused
