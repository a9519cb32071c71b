"""Reads the highest priorities that operators allow to the jobs of shares."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tidegate.domain.lanes import share_lane
from tidegate.usecases.pools.lanes import LANES_AT_MOST
from tidegate.usecases.services import Services


def highest_priorities(
    services: Services, uses: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], int]:
    """Returns the highest priority by pool and share, for those uses of a share that have a bound.

    Costs one query for each pool. Raises ServiceUnavailable or ServiceRefused.
    """
    highest: dict[tuple[str, str], int] = {}
    for pool in sorted({pool for pool, _ in uses}):
        rules = {each.lane: each.rule for each in services.lanes.list_lanes(pool, limit=LANES_AT_MOST)}
        for share in {share for where, share in uses if where == pool}:
            rule = rules.get(share_lane(share))
            if rule is not None and rule.max_priority is not None:
                highest[pool, share] = rule.max_priority
    return highest
