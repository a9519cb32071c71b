"""Reports the status of pools and job types: their load and the operators' rules for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tidegate.domain.announcements import Announcement
from tidegate.domain.errors import UnknownName, Violation
from tidegate.domain.lanes import MAIN, key_of
from tidegate.domain.pools import Pool
from tidegate.domain.rules import DispatchRules, RuleChange, RuleKind, TypeRule
from tidegate.domain.states import Group
from tidegate.domain.suggestions import did_you_mean
from tidegate.domain.workers import Ability
from tidegate.usecases.pools.capacity import live_workers, pool_ability
from tidegate.usecases.pools.earlier_pools import earlier_pools, stands
from tidegate.usecases.pools.lanes import lanes_of_pool
from tidegate.usecases.pools.oldest_ready import count_ready
from tidegate.usecases.services import Services

MAX_COUNTED_JOBS = 1_000
_SHOWN_CHARACTERS = 64  # of an unknown name in an error message


@dataclass(frozen=True, slots=True)
class BoundedCount:
    """A number of jobs, counted up to `MAX_COUNTED_JOBS`; `more` says that there are more than `count`."""

    count: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class PoolLoad:
    """The load of a pool and its capacity.

    `capacity` is the number of jobs that can run at once, `workers` the number of live worker processes. `ready` and
    `held` jobs are both READY: the former wait only to be dispatched, the latter for their concurrency key or type.
    `active` jobs are QUEUED or RUNNING. `limited` gives the lower capacity for each job type that some workers lack.
    `fault` says why workers can begin no job at all; it is empty if none reports a fault. `ready_since_ms` is since
    when the oldest of the `ready` jobs waits, in milliseconds since the epoch. If `ready` has more, an older one may
    stand behind those that were counted. It is None where no job is ready, or where it was not asked for.
    """

    pool: str
    capacity: int
    workers: int
    ready: BoundedCount
    held: BoundedCount
    active: BoundedCount
    limited: Mapping[str, int]
    fault: str
    ready_since_ms: int | None = None

    @property
    def is_any(self) -> bool:
        """True if the pool has a READY, QUEUED or RUNNING job, or a live worker."""
        return bool(self.workers or self.ready.count or self.held.count or self.active.count)


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A pool's configuration, its load, and whether it is paused.

    `paused_change` is the last pause or resumption, None if there was none. `pool` is None for an earlier pool, which
    the deployment no longer has: nothing is dispatched there.
    """

    name: str
    pool: Pool | None
    load: PoolLoad
    paused: bool
    paused_change: RuleChange | None


@dataclass(frozen=True, slots=True)
class TypeStatus:
    """A job type, its rule, and the last changes of that rule (None if there were none).

    `registered` is False if the deployment's job code no longer has the type. `may_run_twice` says whether a straggler
    of the type may get a second attempt, None if the job code no longer has the type.
    """

    type: str
    registered: bool
    may_run_twice: bool | None
    rule: TypeRule
    paused_change: RuleChange | None
    limit_change: RuleChange | None


def check_pool(services: Services, pool: str) -> None:
    """Raises UnknownName unless the pool is deployed. Only for deployed pools may new rules be set."""
    if pool not in services.settings.pools:
        raise _unknown("pool", pool, sorted(services.settings.pools), is_earlier=stands(services, pool))


def check_type(services: Services, job_type: str) -> None:
    """Raises UnknownName unless the job type is registered. Only for registered types may new rules be set."""
    known = services.registry.types()
    if job_type not in known:
        is_earlier = _has_rule(services.rules.load(), job_type)
        raise _unknown("type", job_type, known, is_earlier=is_earlier)


def check_standing_pool(services: Services, pool: str, rules: DispatchRules | None = None) -> None:
    """Raises UnknownName unless the pool is deployed, or is an earlier pool of which something is left."""
    if not stands(services, pool, rules):
        raise _unknown("pool", pool, sorted(services.settings.pools))


def check_standing_type(services: Services, job_type: str, rules: DispatchRules | None = None) -> None:
    """Raises UnknownName unless the job type is registered, or a rule for it was once set."""
    known = services.registry.types()
    if job_type not in known and not _has_rule(rules or services.rules.load(), job_type):
        raise _unknown("type", job_type, known)


def pool_status(services: Services, pool: str, rules: DispatchRules, *, now_ms: int) -> PoolStatus:
    """Returns the status of one deployed or earlier pool under `rules`. Raises UnknownName, ServiceUnavailable."""
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
    """Returns the status of every pool, by name.

    Earlier pools are included if they are paused, have READY, QUEUED or RUNNING jobs, or have live workers. Raises
    ServiceUnavailable.
    """
    deployed = services.settings.pools.keys()
    names = {*deployed, *rules.paused_pools, *earlier_pools(services)}
    found = [_pool_status(services, pool, rules, now_ms) for pool in sorted(names)]
    return tuple(each for each in found if each.name in deployed or each.paused or each.load.is_any)


def type_status(services: Services, job_type: str, rules: DispatchRules) -> TypeStatus:
    """Returns the status of one job type under `rules`. Raises UnknownName if it has neither job code nor a rule."""
    check_standing_type(services, job_type, rules)
    return TypeStatus(
        type=job_type,
        registered=job_type in services.registry.types(),
        may_run_twice=services.registry.may_run_twice(job_type),
        rule=rules.type_rule(job_type),
        paused_change=rules.last_change(RuleKind.TYPE_PAUSED, job_type),
        limit_change=rules.last_change(RuleKind.TYPE_LIMIT, job_type),
    )


def type_statuses(services: Services, rules: DispatchRules) -> tuple[TypeStatus, ...]:
    """Returns the status of every job type that is registered or has a rule, by name."""
    names = {*services.registry.types(), *rules.types}
    return tuple(type_status(services, job_type, rules) for job_type in sorted(names))


def workers_with_types(
    services: Services, announcements: Iterable[Announcement], *, now_ms: int
) -> Mapping[str, int]:
    """Returns for each announced type how many live workers of its pool can have it.

    A worker's entry names no types but those that it was given and lacks. So the number counts the live workers that
    report neither the type as lacking nor a fault, and some of them may lack it too. The live workers of each pool are
    read once. A pool that is not deployed has none. Raises ServiceUnavailable.
    """
    found = list(announcements)
    pools = {each.pool for each in found} & services.settings.pools.keys()
    live = {pool: live_workers(services, pool, now_ms) for pool in sorted(pools)}
    return {
        each.type: sum(not one.fault and each.type not in one.lacking for one in live.get(each.pool, ()))
        for each in found
    }


def pool_load(services: Services, pool_name: str, *, now_ms: int, is_dated: bool = False) -> PoolLoad:
    """Returns the load of a pool. The index may lag a little. The capacity of an earlier pool is 0.

    `is_dated` finds out `ready_since_ms` too. That costs no read unit, but answers of up to 60 KB for each shard, and
    the time to read them. Raises ServiceUnavailable.
    """
    pool = services.settings.pools.get(pool_name)
    workers = live_workers(services, pool_name, now_ms)
    in_turn, held, is_part = lanes_of_pool(services, pool_name)
    ready_since_ms = None
    if is_dated:
        ready_jobs, ready_since_ms = _dated(services, pool_name, in_turn)
    else:
        ready_jobs = _count(services, pool_name, Group.READY, in_turn)
    held_jobs = _count(services, pool_name, Group.READY, held)
    # Lanes of keys are listed behind those of shares. If one was listed, all shares were.
    is_part_of_ready = is_part and not any(key_of(lane) for lane in held)
    ability = Ability(0) if pool is None else pool_ability(services, pool, now_ms, workers)
    return PoolLoad(
        pool=pool_name,
        capacity=ability.slots,
        limited=ability.limited,
        fault=ability.fault,
        workers=len(workers),
        ready=replace(ready_jobs, more=ready_jobs.more or is_part_of_ready),
        held=replace(held_jobs, more=held_jobs.more or is_part),
        active=_count(services, pool_name, Group.ACTIVE),
        ready_since_ms=ready_since_ms,
    )


def _count(services: Services, pool: str, group: Group, lanes: Sequence[str] = (MAIN,)) -> BoundedCount:
    return _bounded(services.index.count(pool, group, at_most=MAX_COUNTED_JOBS + 1, lanes=lanes))


def _dated(services: Services, pool: str, lanes: Sequence[str]) -> tuple[BoundedCount, int | None]:
    counted, since_ms = count_ready(services, pool, lanes, at_most=MAX_COUNTED_JOBS + 1)
    return _bounded(counted), since_ms


def _bounded(counted: int) -> BoundedCount:
    return BoundedCount(min(counted, MAX_COUNTED_JOBS), more=counted > MAX_COUNTED_JOBS)


def _has_rule(rules: DispatchRules, job_type: str) -> bool:
    kinds = (RuleKind.TYPE_PAUSED, RuleKind.TYPE_LIMIT)
    return any(rules.last_change(kind, job_type) is not None for kind in kinds)


def _unknown(field: str, name: str, known: Sequence[str], *, is_earlier: bool = False) -> UnknownName:
    shown = repr(name[:_SHOWN_CHARACTERS])
    why = (
        f"{field} {shown} is not deployed any more: its rules can be read and removed, but no new ones set"
        if is_earlier
        else f"unknown {field} {shown}"
    )
    meant = "" if is_earlier else did_you_mean(name, known)
    return UnknownName([Violation(field, f"{why}; {field}s are {', '.join(known)}{meant}")])
