"""Status: pools and job types as they stand, with the rules that hold for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tidegate.domain.errors import UnknownName, Violation
from tidegate.domain.lanes import MAIN, key_of
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.rules import DispatchRules, RuleChange, RuleKind, TypeRule
from tidegate.domain.states import Group
from tidegate.domain.suggestions import did_you_mean
from tidegate.domain.workers import Ability
from tidegate.usecases.pools.capacity import pool_ability
from tidegate.usecases.pools.earlier_pools import (
    earlier_pools,
    stands,
)
from tidegate.usecases.pools.lanes import lanes_of_pool
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

    @property
    def is_any(self) -> bool:
        """Whether there is a job to do, or a live worker."""
        return bool(self.workers or self.ready.count or self.held.count or self.active.count)


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A pool as configured, its load, and whether it is paused. `paused_change` is None where nobody ever did.

    `pool` is None where the deployment does not have it any more: nothing is dispatched there.
    """

    name: str
    pool: Pool | None
    load: PoolLoad
    paused: bool
    paused_change: RuleChange | None


@dataclass(frozen=True, slots=True)
class TypeStatus:
    """A job type with what holds for it, and who set that; None where nobody ever did.

    `registered` is False where the deployment's job code does not have the type any more.
    """

    type: str
    registered: bool
    rule: TypeRule
    paused_change: RuleChange | None
    limit_change: RuleChange | None


def check_pool(services: Services, pool: str) -> None:
    """Raises UnknownName unless this deployment has the pool, so that a new rule may be set for it."""
    if pool not in services.settings.pools:
        raise _unknown("pool", pool, sorted(services.settings.pools), is_earlier=stands(services, pool))


def check_type(services: Services, job_type: str) -> None:
    """Raises UnknownName unless the job type is registered, so that a new rule may be set for it."""
    known = services.catalogue.types()
    if job_type not in known:
        is_earlier = _has_rule(services.rules.load(), job_type)
        raise _unknown("type", job_type, known, is_earlier=is_earlier)


def check_standing_pool(services: Services, pool: str, rules: DispatchRules | None = None) -> None:
    """Raises UnknownName unless this deployment has the pool, or something of an earlier one's still stands."""
    if not stands(services, pool, rules):
        raise _unknown("pool", pool, sorted(services.settings.pools))


def check_standing_type(services: Services, job_type: str, rules: DispatchRules | None = None) -> None:
    """Raises UnknownName unless the job type is registered, or a rule for it was set while it was."""
    known = services.catalogue.types()
    if job_type not in known and not _has_rule(rules or services.rules.load(), job_type):
        raise _unknown("type", job_type, known)


def pool_status(services: Services, pool: str, rules: DispatchRules, *, now_ms: int) -> PoolStatus:
    """One pool under `rules`, also one of which only something stands; raises UnknownName."""
    check_standing_pool(services, pool, rules)
    return _pool_status(services, pool, rules, now_ms)


def _pool_status(services: Services, pool: str, rules: DispatchRules, now_ms: int) -> PoolStatus:
    return PoolStatus(
        name=pool,
        pool=services.settings.pools.get(pool),
        load=pool_load(services, pool, now_ms=now_ms),
        paused=rules.is_paused(pool),
        paused_change=rules.last_change(RuleKind.POOL_PAUSED, pool),
    )


def pool_statuses(services: Services, rules: DispatchRules, *, now_ms: int) -> tuple[PoolStatus, ...]:
    """Every pool, by name; of earlier ones those that are paused, or still have jobs to do or live workers."""
    deployed = services.settings.pools.keys()
    names = {*deployed, *rules.paused_pools, *earlier_pools(services)}
    found = [_pool_status(services, pool, rules, now_ms) for pool in sorted(names)]
    return tuple(each for each in found if each.name in deployed or each.paused or each.load.is_any)


def type_status(services: Services, job_type: str, rules: DispatchRules) -> TypeStatus:
    """One job type under `rules`, also one of which only a rule stands; raises UnknownName."""
    check_standing_type(services, job_type, rules)
    return TypeStatus(
        type=job_type,
        registered=job_type in services.catalogue.types(),
        rule=rules.type_rule(job_type),
        paused_change=rules.last_change(RuleKind.TYPE_PAUSED, job_type),
        limit_change=rules.last_change(RuleKind.TYPE_LIMIT, job_type),
    )


def type_statuses(services: Services, rules: DispatchRules) -> tuple[TypeStatus, ...]:
    """Every registered job type, by name, and those others that a rule still holds for."""
    names = {*services.catalogue.types(), *rules.types}
    return tuple(type_status(services, job_type, rules) for job_type in sorted(names))


def pool_load(services: Services, pool_name: str, *, now_ms: int) -> PoolLoad:
    """The load of a pool; of one that is not deployed any more, without capacity. The index may lag by moments."""
    pool = services.settings.pools.get(pool_name)
    workers = (
        services.workers.list_live(
            pool_name, silent_since_ms=services.settings.worker_silent_since_ms(now_ms)
        )
        if pool is None or pool.kind is PoolKind.PROCESS
        else ()
    )
    in_turn, held, is_part = lanes_of_pool(services, pool_name)
    ready_jobs, held_jobs = (_count(services, pool_name, Group.READY, lanes) for lanes in (in_turn, held))
    # Lanes of keys are listed behind those of shares. Where there is one, all shares were listed.
    is_part_of_ready = is_part and not any(key_of(lane) for lane in held)
    ability = Ability(0) if pool is None else pool_ability(services, pool, now_ms)
    return PoolLoad(
        pool=pool_name,
        capacity=ability.slots,
        limited=ability.limited,
        fault=ability.fault,
        workers=len(workers),
        ready=replace(ready_jobs, more=ready_jobs.more or is_part_of_ready),
        held=replace(held_jobs, more=held_jobs.more or is_part),
        active=_count(services, pool_name, Group.ACTIVE),
    )


def _count(services: Services, pool: str, group: Group, lanes: Sequence[str] = (MAIN,)) -> BoundedCount:
    counted = services.index.count(pool, group, at_most=MAX_COUNTED_JOBS + 1, lanes=lanes)
    return BoundedCount(min(counted, MAX_COUNTED_JOBS), more=counted > MAX_COUNTED_JOBS)


def _has_rule(rules: DispatchRules, job_type: str) -> bool:
    kinds = (RuleKind.TYPE_PAUSED, RuleKind.TYPE_LIMIT)
    return any(rules.last_change(kind, job_type) is not None for kind in kinds)


def _unknown(field: str, name: str, known: Sequence[str], *, is_earlier: bool = False) -> UnknownName:
    shown = repr(name[:_SHOWN_CHARACTERS])
    why = (
        f"{field} {shown} is not deployed any more: what stands can be seen and taken off, nothing new can be set"
        if is_earlier
        else f"unknown {field} {shown}"
    )
    meant = "" if is_earlier else did_you_mean(name, known)
    return UnknownName([Violation(field, f"{why}; {field}s are {', '.join(known)}{meant}")])
