"""Sets the operators' rules: pauses, resumes and limits dispatch for a pool or a job type, and mutes failures.

A pause or a limit affects dispatch only; jobs that are dispatched already continue to run. A mute affects listings
only. Every function is safe to repeat. It takes the caller and the time as `now_ms`, both of which the rule records. It
returns all rules as they are afterwards. It raises UnknownName for a pool or type that is not deployed, and
ServiceUnavailable if the rules can't be read or written. Rules of earlier pools and types may still be removed.
"""

from __future__ import annotations

from tidegate.domain import limits
from tidegate.domain.callers import Caller
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.rules import DispatchRules
from tidegate.usecases.read.status import check_pool, check_standing_pool, check_standing_type, check_type
from tidegate.usecases.services import Services


def pause_pool(services: Services, pool: str, *, caller: Caller, now_ms: int) -> DispatchRules:
    """Pauses a pool: no more jobs are dispatched in it."""
    check_pool(services, pool)
    return services.rules.set_pool_paused(pool, True, actor=caller.display, now_ms=now_ms)


def resume_pool(services: Services, pool: str, *, caller: Caller, now_ms: int) -> DispatchRules:
    """Resumes a pool: jobs are dispatched in it again."""
    check_standing_pool(services, pool)
    return services.rules.set_pool_paused(pool, False, actor=caller.display, now_ms=now_ms)


def pause_type(services: Services, job_type: str, *, caller: Caller, now_ms: int) -> DispatchRules:
    """Pauses a job type: no more jobs of it are dispatched, in any pool."""
    check_type(services, job_type)
    return services.rules.set_type_paused(job_type, True, actor=caller.display, now_ms=now_ms)


def resume_type(services: Services, job_type: str, *, caller: Caller, now_ms: int) -> DispatchRules:
    """Resumes a job type: jobs of it are dispatched again."""
    check_standing_type(services, job_type)
    return services.rules.set_type_paused(job_type, False, actor=caller.display, now_ms=now_ms)


def limit_type(
    services: Services, job_type: str, max_running: int | None, *, caller: Caller, now_ms: int
) -> DispatchRules:
    """Limits a job type to `max_running` (1-100) jobs at once over all pools; None removes the limit.

    Raises InvalidRequest if `max_running` is out of range.
    """
    (check_standing_type if max_running is None else check_type)(services, job_type)
    if max_running is not None and not 1 <= max_running <= limits.MAX_TYPE_LIMIT:
        raise InvalidRequest.of(
            "max_running",
            f"is {max_running}; it must be from 1 to {limits.MAX_TYPE_LIMIT}, or null for no limit",
        )
    return services.rules.set_type_limit(job_type, max_running, actor=caller.display, now_ms=now_ms)


def mute_failures(services: Services, fingerprint: str, *, caller: Caller, now_ms: int) -> DispatchRules:
    """Mutes the failures with a fingerprint: lists leave their group out. The jobs stay as they are.

    Raises InvalidRequest where as many others are muted as allowed.
    """
    return services.rules.set_failure_muted(fingerprint, True, actor=caller.display, now_ms=now_ms)


def unmute_failures(services: Services, fingerprint: str, *, caller: Caller, now_ms: int) -> DispatchRules:
    """Unmutes the failures with a fingerprint: lists show their group again."""
    return services.rules.set_failure_muted(fingerprint, False, actor=caller.display, now_ms=now_ms)
