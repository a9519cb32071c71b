"""Remembers earlier pools: pools that the deployment no longer has, but whose jobs may still exist.

Jobs, rules and worker entries of a pool outlast its removal. Nothing is dispatched there, but its jobs can be read and
cancelled and its rules removed. The reaper notes the names of all deployed pools, so that they are known later.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.rules import DispatchRules, RuleKind
from tidegate.domain.states import Group
from tidegate.domain.suggestions import did_you_mean
from tidegate.usecases.pools.lanes import lanes_of_pool
from tidegate.usecases.services import Services

NAME = "pools"  # the cursor that holds the names, the latest last
EARLIER_AT_MOST = 20  # every listing and every repair reads each of them


def earlier_pools(services: Services) -> tuple[str, ...]:
    """Returns the names of the pools that an earlier deployment had and this one does not, sorted."""
    return tuple(sorted(set(_noted(services)) - services.settings.pools.keys()))


def note_pools(services: Services) -> tuple[str, ...]:
    """Stores the pool names of this deployment, if they changed; returns the names of the earlier pools, sorted.

    Keeps the `EARLIER_AT_MOST` latest of the earlier pools. Raises ServiceUnavailable or ServiceRefused.
    """
    noted = _noted(services)
    deployed = sorted(services.settings.pools)
    earlier = [pool for pool in noted if pool not in services.settings.pools][-EARLIER_AT_MOST:]
    if [*earlier, *deployed] != noted:
        services.cursors.save(NAME, json.dumps([*earlier, *deployed]))
    return tuple(sorted(earlier))


def all_pools(services: Services) -> list[str]:
    """Returns the names of the deployed pools and of `services.earlier_pools`, sorted."""
    return sorted({*services.settings.pools, *services.earlier_pools})


def stands(services: Services, pool: str, rules: DispatchRules | None = None) -> bool:
    """Tells whether the pool is deployed, or is an earlier pool of which a name, rule, job or worker is left.

    `rules` are read if they are not given. The index is asked last, only if the name is neither deployed nor noted nor
    in a rule.
    """
    if pool in services.settings.pools:
        return True
    if not _may_be_a_name(pool):
        return False
    rules = services.rules.load() if rules is None else rules
    if rules.last_change(RuleKind.POOL_PAUSED, pool) is not None or pool in _noted(services):
        return True
    in_turn, held, is_part = lanes_of_pool(services, pool)
    return (
        is_part
        or any(services.index.count(pool, group, at_most=1) for group in Group)
        or bool(services.index.count(pool, Group.READY, at_most=1, lanes=[*in_turn, *held]))
        or _has_worker(services, pool)
    )


def _has_worker(services: Services, pool: str) -> bool:
    page = services.workers.page(pool, limit=1)
    return bool(page.workers or page.unreadable)


def listed_pools(services: Services, pool: str | None) -> Sequence[str]:
    """Returns the names of the pools that a listing covers: `pool` alone, or all known pools if it is None.

    Raises InvalidRequest for an unknown pool.
    """
    pools = services.settings.pools
    if pool is None:
        return sorted({*pools, *earlier_pools(services)})
    if not stands(services, pool):
        raise InvalidRequest.of(
            "pool", f"unknown pool {pool!r}; pools are {', '.join(sorted(pools))}{did_you_mean(pool, pools)}"
        )
    return [pool]


def _noted(services: Services) -> list[str]:
    stored = services.cursors.load(NAME)
    return [] if stored is None else list(json.loads(stored))


def _may_be_a_name(pool: str) -> bool:
    return 0 < len(pool) <= limits.MAX_POOL_CHARACTERS and pool.isprintable() and "#" not in pool
