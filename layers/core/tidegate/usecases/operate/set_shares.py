"""Shows, sets and removes the shares of a pool. IAM lets only operators call the routes that change them.

Lists of lanes may be a little old, so a share that was just set may be missing from them for a moment. Every function
raises UnknownName for a pool that is not deployed and has nothing left, and ServiceUnavailable or ServiceRefused.
"""

from __future__ import annotations

from tidegate.domain import limits
from tidegate.domain.callers import Caller
from tidegate.domain.errors import InvalidRequest, NotFound
from tidegate.domain.lanes import share_lane, share_of
from tidegate.domain.shares import ShareRule
from tidegate.ports import KnownLane
from tidegate.usecases.pools.lanes import LANES_AT_MOST
from tidegate.usecases.read.status import check_pool, check_standing_pool
from tidegate.usecases.services import Services


def list_shares(services: Services, pool: str) -> list[KnownLane]:
    """Returns the shares that operators made in a pool, by name. Costs one query of at most 1,000 lanes."""
    check_standing_pool(services, pool)
    return [each for each in reversed(_lanes(services, pool)) if each.rule is not None]


def find_share(services: Services, pool: str, share: str) -> KnownLane:
    """Returns one share of a pool. Raises NotFound if no operator made it. Costs as much as `list_shares`."""
    for each in list_shares(services, pool):
        if each.lane == share_lane(share):
            return each
    raise NotFound("share", share)


def set_share(
    services: Services,
    pool: str,
    share: str,
    *,
    weight: int,
    max_priority: int | None,
    max_waiting: int | None,
    caller: Caller,
    now_ms: int,
) -> tuple[KnownLane | None, KnownLane]:
    """Makes a share of a pool, or gives it another weight and other bounds.

    Returns the share as it was, None if no operator had made it, and as it is. `weight` is 1-1000, the bounds are those
    of `ShareRule`. Jobs that wait already keep their places. Raises InvalidRequest if the pool has
    `MAX_SHARES_PER_POOL` others. Costs one query of at most 1,000 lanes and one write.
    """
    check_pool(services, pool)
    lane = share_lane(share)
    shares = [each for each in _lanes(services, pool) if share_of(each.lane)]
    others = [each for each in shares if each.lane != lane]
    if len(others) >= limits.MAX_SHARES_PER_POOL:
        raise InvalidRequest.of(
            "share",
            f"{share!r} would be one share too many: pool {pool!r} has {limits.MAX_SHARES_PER_POOL} already; "
            "remove one that is not used; it is gone a day later",
        )
    rule = ShareRule(max_priority, max_waiting, caller.subject or caller.display, now_ms)
    services.lanes.define(pool, lane, weight=weight, rule=rule, now_ms=now_ms)
    before = next((each for each in shares if each.lane == lane and each.rule is not None), None)
    return before, KnownLane(lane, weight, now_ms, rule=rule)


def remove_share(services: Services, pool: str, share: str, *, caller: Caller) -> KnownLane:
    """Removes a share of a pool, so that no further submission may name it; returns it as it was.

    Jobs of the share that wait are still dispatched, with its weight. Its lane is forgotten once no job used it for a
    day. Raises NotFound. Costs one query of at most 1,000 lanes and one write.
    """
    del caller  # the audit trail names it
    standing = find_share(services, pool, share)
    services.lanes.undefine(pool, standing.lane)
    return standing


def _lanes(services: Services, pool: str) -> tuple[KnownLane, ...]:
    return services.lanes.list_lanes(pool, limit=LANES_AT_MOST)
