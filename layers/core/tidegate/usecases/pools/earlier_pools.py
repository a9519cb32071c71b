"""Earlier pools: those that a deployment does not have any more, while something of theirs may still stand.

Jobs, rules and worker entries of a pool outlast its removal. Nothing is dispatched there, but whatever stands can be
seen, cancelled and lifted. The reaper notes the pools that it serves, so that their names are known afterwards.
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
EARLIER_AT_MOST = 20  # each is asked for in every listing and repair


def earlier_pools(services: Services) -> tuple[str, ...]:
    """Names the pools that an earlier deployment had and this one does not, in the order of their names."""
    return tuple(sorted(set(_noted(services)) - services.settings.pools.keys()))


def note_pools(services: Services) -> tuple[str, ...]:
    """Notes the pools of this deployment, where they are not noted yet; returns the earlier ones, by name.

    Of the earlier ones the `EARLIER_AT_MOST` latest are kept.
    """
    noted = _noted(services)
    deployed = sorted(services.settings.pools)
    earlier = [pool for pool in noted if pool not in services.settings.pools][-EARLIER_AT_MOST:]
    if [*earlier, *deployed] != noted:
        services.cursors.save(NAME, json.dumps([*earlier, *deployed]))
    return tuple(sorted(earlier))


def all_pools(services: Services) -> list[str]:
    """Names the pools of this deployment and the earlier ones that `services` has, in the order of their names."""
    return sorted({*services.settings.pools, *services.earlier_pools})


def stands(services: Services, pool: str, rules: DispatchRules | None = None) -> bool:
    """Tells whether the deployment has the pool, or anything of an earlier one's still stands.

    Asks the index only for names that are neither deployed nor noted nor in a rule.
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
        or bool(services.workers.page(pool, limit=1).workers)
    )


def listed_pools(services: Services, pool: str | None) -> Sequence[str]:
    """Names the pools that a listing covers: one, or all that are known. Raises InvalidRequest for an unknown one."""
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
