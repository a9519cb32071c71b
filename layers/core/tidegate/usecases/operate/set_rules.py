"""Set rules: operators pause, resume and limit what is dispatched.

Each raises UnknownName for a pool or type that this deployment does not have; a rule that was set before may be taken
off all the same. Doing one twice is as good as once.
`actor` is who asks, `now_ms` when, in milliseconds since the epoch. Jobs that were dispatched before run on.
"""

from __future__ import annotations

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.rules import DispatchRules
from tidegate.usecases.read.status import (
    check_pool,
    check_standing_pool,
    check_standing_type,
    check_type,
)
from tidegate.usecases.services import Services


def pause_pool(services: Services, pool: str, *, actor: str, now_ms: int) -> DispatchRules:
    """Nothing more is dispatched in this pool."""
    check_pool(services, pool)
    return services.rules.set_pool_paused(pool, True, actor=actor, now_ms=now_ms)


def resume_pool(services: Services, pool: str, *, actor: str, now_ms: int) -> DispatchRules:
    """Jobs are dispatched in this pool again."""
    check_standing_pool(services, pool)
    return services.rules.set_pool_paused(pool, False, actor=actor, now_ms=now_ms)


def pause_type(services: Services, job_type: str, *, actor: str, now_ms: int) -> DispatchRules:
    """No more jobs of this type are dispatched, in any pool."""
    check_type(services, job_type)
    return services.rules.set_type_paused(job_type, True, actor=actor, now_ms=now_ms)


def resume_type(services: Services, job_type: str, *, actor: str, now_ms: int) -> DispatchRules:
    """Jobs of this type are dispatched again."""
    check_standing_type(services, job_type)
    return services.rules.set_type_paused(job_type, False, actor=actor, now_ms=now_ms)


def limit_type(
    services: Services, job_type: str, max_running: int | None, *, actor: str, now_ms: int
) -> DispatchRules:
    """At most `max_running` (1-100) jobs of this type run at once, over all pools; None takes the limit off."""
    (check_standing_type if max_running is None else check_type)(services, job_type)
    if max_running is not None and not 1 <= max_running <= limits.MAX_TYPE_LIMIT:
        raise InvalidRequest.of(
            "max_running",
            f"is {max_running}; it must be from 1 to {limits.MAX_TYPE_LIMIT}, or null for no limit",
        )
    return services.rules.set_type_limit(job_type, max_running, actor=actor, now_ms=now_ms)
