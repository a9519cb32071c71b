"""Status: pools and job types as they stand, with the rules that hold for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tidegate.domain.errors import UnknownName, Violation
from tidegate.domain.lanes import MAIN
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.rules import DispatchRules, RuleChange, RuleKind, TypeRule
from tidegate.domain.states import Group
from tidegate.domain.suggestions import did_you_mean
from tidegate.usecases.capacity import pool_ability
from tidegate.usecases.lanes import lanes_of_pool
from tidegate.usecases.services import Services

MAX_COUNTED_JOBS = 1_000
_SHOWN_CHARACTERS = 64  # of a name that nobody knows


@dataclass(frozen=True, slots=True)
class BoundedCount:
    """How many jobs there are, counted up to `MAX_COUNTED_JOBS`; `more` says that there are more than `count`."""

    count: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class PoolLoad:
    """What a pool has to do and to do it with. `capacity` is jobs at once, `workers` live worker processes.

    `ready` jobs wait for their turn to be dispatched, `held` ones for their concurrency key or their type, and both are
    READY; `active` ones are QUEUED or RUNNING. `limited` says of job types that some workers lack how many jobs can run
    at once, and `fault` why workers can begin no job at all; it is empty where none says so.
    """

    pool: str
    capacity: int
    workers: int
    ready: BoundedCount
    held: BoundedCount
    active: BoundedCount
    limited: Mapping[str, int]
    fault: str


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A pool as configured, its load, and whether it is paused. `paused_change` is None where nobody ever did."""

    pool: Pool
    load: PoolLoad
    paused: bool
    paused_change: RuleChange | None


@dataclass(frozen=True, slots=True)
class TypeStatus:
    """A registered job type with what holds for it, and who set that; None where nobody ever did."""

    type: str
    rule: TypeRule
    paused_change: RuleChange | None
    limit_change: RuleChange | None


def check_pool(services: Services, pool: str) -> None:
    """Raises UnknownName unless this deployment has the pool."""
    _check("pool", pool, sorted(services.settings.pools))


def check_type(services: Services, job_type: str) -> None:
    """Raises UnknownName unless the job type is registered."""
    _check("type", job_type, services.catalogue.types())


def pool_status(services: Services, pool: str, rules: DispatchRules, *, now_ms: int) -> PoolStatus:
    """One pool under `rules`; raises UnknownName."""
    check_pool(services, pool)
    return PoolStatus(
        pool=services.settings.pools[pool],
        load=pool_load(services, pool, now_ms=now_ms),
        paused=rules.is_paused(pool),
        paused_change=rules.last_change(RuleKind.POOL_PAUSED, pool),
    )


def pool_statuses(services: Services, rules: DispatchRules, *, now_ms: int) -> tuple[PoolStatus, ...]:
    """Every pool, by name."""
    return tuple(
        pool_status(services, pool, rules, now_ms=now_ms) for pool in sorted(services.settings.pools)
    )


def type_status(services: Services, job_type: str, rules: DispatchRules) -> TypeStatus:
    """One job type under `rules`; raises UnknownName."""
    check_type(services, job_type)
    return TypeStatus(
        type=job_type,
        rule=rules.type_rule(job_type),
        paused_change=rules.last_change(RuleKind.TYPE_PAUSED, job_type),
        limit_change=rules.last_change(RuleKind.TYPE_LIMIT, job_type),
    )


def type_statuses(services: Services, rules: DispatchRules) -> tuple[TypeStatus, ...]:
    """Every registered job type, by name."""
    return tuple(type_status(services, job_type, rules) for job_type in services.catalogue.types())


def pool_load(services: Services, pool_name: str, *, now_ms: int) -> PoolLoad:
    """The load of a pool of this deployment. The index may lag by moments."""
    pool = services.settings.pools[pool_name]
    workers = (
        services.workers.list_live(
            pool_name, silent_since_ms=services.settings.worker_silent_since_ms(now_ms)
        )
        if pool.kind is PoolKind.PROCESS
        else ()
    )
    in_turn, held, is_part = lanes_of_pool(services, pool_name)
    held_jobs = _count(services, pool_name, Group.READY, held)
    ability = pool_ability(services, pool, now_ms)
    return PoolLoad(
        pool=pool_name,
        capacity=ability.slots,
        limited=ability.limited,
        fault=ability.fault,
        workers=len(workers),
        ready=_count(services, pool_name, Group.READY, in_turn),
        held=replace(held_jobs, more=held_jobs.more or is_part),
        active=_count(services, pool_name, Group.ACTIVE),
    )


def _count(services: Services, pool: str, group: Group, lanes: Sequence[str] = (MAIN,)) -> BoundedCount:
    counted = services.index.count(pool, group, at_most=MAX_COUNTED_JOBS + 1, lanes=lanes)
    return BoundedCount(min(counted, MAX_COUNTED_JOBS), more=counted > MAX_COUNTED_JOBS)


def _check(field: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        message = (
            f"unknown {field} {name[:_SHOWN_CHARACTERS]!r}; {field}s are {', '.join(known)}"
            f"{did_you_mean(name, known)}"
        )
        raise UnknownName([Violation(field, message)])
