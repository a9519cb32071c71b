"""Finds out how long the READY jobs of a pool wait that wait only to be dispatched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tidegate.domain.rank import ready_at_of
from tidegate.usecases.pools.lanes import lanes_of_pool
from tidegate.usecases.pools.rules_in_force import rules_in_force
from tidegate.usecases.services import Services

LOOKED_AT: Final = 1_000
"""How many READY jobs of each shard and lane are looked at, the next in order."""


def oldest_ready_ms(services: Services, pool: str, now_ms: int) -> int:
    """Returns for how long the oldest READY job of a pool waits in milliseconds, 0 if none waits or the pool is paused.

    Jobs that their key or their type holds do not count. In a pool with more than `LOOKED_AT` jobs an older one may
    stand behind those that are looked at. Raises ServiceUnavailable.
    """
    if rules_in_force(services, now_ms).is_paused(pool):
        return 0
    in_turn, _, _ = lanes_of_pool(services, pool)
    _, since_ms = count_ready(services, pool, in_turn, at_most=LOOKED_AT)
    return 0 if since_ms is None else max(0, now_ms - since_ms)


def count_ready(
    services: Services, pool: str, lanes: Sequence[str], *, at_most: int
) -> tuple[int, int | None]:
    """Counts the READY jobs of lanes, `at_most` of each shard. Returns since when the oldest of them is READY too.

    The index is sorted by rank and not by time. But a rank holds the time exactly, and a query that counts entries is
    billed as if it returned them. The time is in milliseconds since the epoch, None without a job.
    """
    ranks = services.index.ranks(pool, at_most=at_most, lanes=lanes)
    return len(ranks), min((ready_at_of(each) for each in ranks), default=None)
