"""Checks and notes the shares of submitted jobs.

A share exists because an operator made it, with its weight and its bounds. Clients only name it. An operator may also
name a share that nobody made: it exists while its jobs do. A share is noted for its pools before any of its jobs is
written, so that every dispatcher knows the share's lane.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.callers import Caller
from tidegate.domain.dispatch_plan import DEFAULT_WEIGHT
from tidegate.domain.errors import ShareFull, Violation
from tidegate.domain.lanes import share_lane, share_of
from tidegate.domain.requests import ShareRequest
from tidegate.domain.roles import Role
from tidegate.domain.states import Group
from tidegate.ports import KnownLane
from tidegate.usecases.pools.lanes import LANES_AT_MOST, LanesByPool
from tidegate.usecases.services import Services
from tidegate.usecases.submit.checked import CheckedSubmission, JobInRequest


@dataclass(frozen=True, slots=True)
class _Use:
    """The use of a share in one pool that a job of the share may run in. `field` is its path in the request."""

    pool: str
    share: ShareRequest
    field: str
    job: JobInRequest

    @property
    def lane(self) -> str:
        return share_lane(self.share.name)


def lanes_for_shares(services: Services, jobs: Sequence[JobInRequest]) -> LanesByPool:
    """Reads the lanes of each pool that a job with a share may run in, with one query a pool.

    Reads nothing if such a job fits no pool, because the submission is refused then. Raises ServiceUnavailable or
    ServiceRefused.
    """
    return {
        pool: {each.lane: each for each in services.lanes.list_lanes(pool, limit=LANES_AT_MOST)}
        for pool in sorted({use.pool for use in _uses(jobs)})
    }


def share_violations(
    services: Services, jobs: Sequence[JobInRequest], known: LanesByPool, caller: Caller
) -> Iterator[Violation]:
    """Yields a violation for each use of a share that the caller may not make.

    `known` are the lanes that `lanes_for_shares` returned for these jobs. Yields nothing if a job with a share fits no
    pool, because other checks say so. Reads the grants once if a job uses a share as only an operator may.
    """
    lanes = {pool: set(by_name) for pool, by_name in known.items()}
    uses = _uses(jobs)
    by_operators = any(use.share.weight is not None or not _is_made(known, use) for use in uses)
    may_make = by_operators and services.grants.load().role_of(caller) is Role.OPERATOR
    for use in uses:
        yield from _misuse(use, known[use.pool], may_make)
        if may_make and use.lane not in lanes[use.pool]:
            lanes[use.pool].add(use.lane)
            # Resting shares count too. Otherwise new shares could replace them, and waiting jobs could then bring back
            # any number of the old ones.
            if sum(bool(share_of(lane)) for lane in lanes[use.pool]) > limits.MAX_SHARES_PER_POOL:
                yield Violation(
                    use.field,
                    f"{use.share.name!r} would be one share too many: pool {use.pool!r} has "
                    f"{limits.MAX_SHARES_PER_POOL} already; use one of them; unused shares are removed after a day",
                )


def _is_made(known: LanesByPool, use: _Use) -> bool:
    standing = known[use.pool].get(use.lane)
    return standing is not None and standing.rule is not None


def _misuse(use: _Use, known: Mapping[str, KnownLane], may_make: bool) -> Iterator[Violation]:
    standing = known.get(use.lane)
    rule = standing.rule if standing else None
    name, weight = use.share.name, use.share.weight
    if rule is None and not may_make:
        made = sorted(share_of(each.lane) or "" for each in known.values() if each.rule)
        yield Violation(
            use.field,
            f"there is no share {name!r} in pool {use.pool!r}; shares are {', '.join(made) or 'none'}; an operator "
            f"makes one: tidegate shares set {use.pool} {name}",
        )
        return
    if weight is not None and not may_make:
        yield Violation(f"{use.field}.weight", "belongs to operators; leave it out, the share has its weight")
    elif standing and rule and weight not in (None, standing.weight):
        yield Violation(
            f"{use.field}.weight",
            f"is {weight}, but the share has {standing.weight}; leave it out, or change the share: "
            f"tidegate shares set {use.pool} {name} --weight {weight}",
        )
    if rule and rule.max_priority is not None and use.job.priority > rule.max_priority:
        yield Violation(
            use.job.path("priority"),
            f"is {use.job.priority}; jobs of share {name!r} may have {rule.max_priority} at most",
        )


def refuse_if_full(services: Services, jobs: Sequence[JobInRequest], known: LanesByPool) -> None:
    """Raises ShareFull if more jobs would be READY in a share than may wait there.

    Jobs that wait for others or for a time don't count, and neither do jobs that their concurrency key or their type
    holds back. The index may lag a little. Costs a query for each shard of each such share, of at most
    `MAX_SHARE_WAITING` entries.
    """
    new = Counter(
        (use.pool, use.lane)
        for use in _uses(jobs)
        if not use.job.request.depends_on and use.job.request.not_before_ms is None
    )
    for (pool, lane), jobs_count in sorted(new.items()):
        standing = known[pool].get(lane)
        most = standing.rule.max_waiting if standing and standing.rule else None
        if most is None:
            continue
        waiting = services.index.count(pool, Group.READY, at_most=most, lanes=[lane])
        if waiting + jobs_count > most:
            raise ShareFull(pool, share_of(lane) or "", most, waiting, jobs_count)


def note_shares(services: Services, checked: CheckedSubmission, now_ms: int) -> LanesByPool:
    """Notes the shares of these jobs in their pools, unless they are in use already; returns the lanes after that.

    A share that an operator made keeps its weight. The weight of another one counts only if it is new or rests.
    Raises ServiceUnavailable or ServiceRefused.
    """
    lanes = {pool: dict(by_name) for pool, by_name in checked.lanes.items()}
    for use in {(use.pool, use.lane): use for use in _uses(checked.jobs)}.values():
        lane = _to_note(use, checked, now_ms)
        if lane is not None:
            services.lanes.note(use.pool, use.lane, weight=lane.weight, now_ms=now_ms)
            lanes[use.pool][use.lane] = lane
    return lanes


def weights_if_noted(checked: CheckedSubmission, now_ms: int) -> Mapping[str, Mapping[str, int]]:
    """Returns the weights that `note_shares` would note, by pool and by the share's name. Notes nothing."""
    weights: dict[str, dict[str, int]] = {}
    for use in _uses(checked.jobs):
        lane = _to_note(use, checked, now_ms)
        if lane is not None:
            weights.setdefault(use.pool, {})[share_of(use.lane) or ""] = lane.weight
    return weights


def _to_note(use: _Use, checked: CheckedSubmission, now_ms: int) -> KnownLane | None:
    """Returns the lane of a share as it is to be noted, if it is new or rests."""
    standing = checked.lanes[use.pool].get(use.lane)
    if standing is not None and not standing.resting:
        return None
    rule = standing.rule if standing else None
    weight = standing.weight if standing and rule else use.share.weight or DEFAULT_WEIGHT
    return KnownLane(use.lane, weight, now_ms, rule=rule)


def _uses(jobs: Sequence[JobInRequest]) -> Sequence[_Use]:
    sharing = [(job, job.share) for job in jobs if job.share is not None]
    if any(not job.pools for job, _ in sharing):
        return ()
    return [_Use(pool.name, share, job.path("share"), job) for job, share in sharing for pool in job.pools]
