"""Pools as the deployment configures them, and the choice of pools that a job may run in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tidegate.domain.errors import InvalidRequest
from tidegate.domain.suggestions import did_you_mean


class PoolKind(StrEnum):
    """The kind of a pool's workers.

    FUNCTION is a function whose concurrency is the capacity. PROCESS is processes that register their slots.
    """

    FUNCTION = "function"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Pool:
    """A set of workers behind one queue.

    `capacity` counts for FUNCTION pools only; a PROCESS pool has the slots of its live workers. A job can require
    `capabilities`. `tags` are names and values for people and decide nothing.
    """

    name: str
    queue_url: str
    kind: PoolKind
    max_timeout_seconds: int
    capacity: int = 0
    dead_letters_url: str = ""
    capabilities: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PoolRoom:
    """The free capacity of a pool: `capacity` jobs can run at once, `committed` are dispatched or wait for dispatch.

    None of the waiting jobs is dispatched while the pool is `paused`.
    """

    pool: str
    capacity: int
    committed: int
    paused: bool = False

    @property
    def free(self) -> int:
        """Returns the capacity that no job is committed to, below 0 where jobs wait."""
        return self.capacity - self.committed


def suitable_pools(
    pools: Mapping[str, Pool],
    default: str,
    named: str | None,
    requires: frozenset[str],
    timeout_seconds: int | None,
    path: Callable[[str], str],
) -> tuple[Pool, ...]:
    """Returns the pools that a job may run in, the best guess first.

    It is one pool where the job names it or requires nothing. `timeout_seconds` is None where the job leaves its
    timeout to the pool. `path` gives the path of one of the job's fields in the request. Raises InvalidRequest where no
    pool fits.
    """
    candidates: tuple[Pool, ...]
    if named is not None:
        candidates = (_named_pool(pools, named, requires, path),)
    elif requires:
        candidates = tuple(offering(pools, default, requires))
        if not candidates:
            raise InvalidRequest.of(
                path("requires"),
                f"no pool offers {', '.join(sorted(requires))}{' together' if len(requires) > 1 else ''}; "
                + "; ".join(f"{name} offers {_offer(pools[name])}" for name in sorted(pools)),
            )
    else:
        candidates = (pools[default],)
    able = tuple(pool for pool in candidates if (timeout_seconds or 0) <= pool.max_timeout_seconds)
    if not able:
        longest = max(candidates, key=lambda pool: pool.max_timeout_seconds)
        longer = [
            pool.name
            for pool in offering(pools, default, requires)
            if pool.max_timeout_seconds >= (timeout_seconds or 0)
        ]
        raise InvalidRequest.of(
            path("timeout_seconds"),
            f"is {timeout_seconds}; pool {longest.name!r} can run a job for at most "
            f"{longest.max_timeout_seconds} seconds"
            + (f"; pools that can run it for so long: {', '.join(longer)}" if longer else ""),
        )
    return able


def process_pools(
    pools: Mapping[str, Pool],
    default: str,
    named: str | None,
    home: str | None,
    job_type: str,
    path: Callable[[str], str],
) -> tuple[Mapping[str, Pool], str]:
    """Returns the pools of worker processes, for a type that needs one, and the default among them.

    `home` is the pool whose workers announced the type, the default where it is still there; None for a target. Raises
    InvalidRequest where the job names a pool of a function, and where the deployment has no other.
    """
    able = {name: pool for name, pool in pools.items() if pool.kind is PoolKind.PROCESS}
    reason = "is a target" if home is None else "is a type that only workers announced"
    if not able:
        raise InvalidRequest.of(
            path("type"),
            f"{job_type!r} {reason}, so it needs a pool of worker processes; this deployment has none",
        )
    if named in pools and named not in able:
        lack = (
            "can't run a target" if home is None else f"lacks {job_type!r}: only workers announced this type"
        )
        raise InvalidRequest.of(
            path("pool"),
            f"pool {named!r} is served by a function, whose code {lack}; name a pool of worker processes: "
            f"{', '.join(sorted(able))}{'' if home is None else ', or deploy the type'}",
        )
    return able, next((name for name in (home, default) if name in able and name is not None), min(able))


def offering(pools: Mapping[str, Pool], default: str, requires: frozenset[str]) -> Sequence[Pool]:
    """Returns the pools that offer every required capability: the default pool first, then by name."""
    names = (default, *(name for name in sorted(pools) if name != default))
    return [pools[name] for name in names if requires <= pools[name].capabilities]


def freest(rooms: Sequence[PoolRoom]) -> str:
    """Returns the name of the pool with the most free capacity, the first one of equals.

    A paused pool comes last, and a pool without capacity just before it.
    """
    return max(rooms, key=lambda room: (not room.paused, room.capacity > 0, room.free)).pool


def _named_pool(
    pools: Mapping[str, Pool], named: str, requires: frozenset[str], path: Callable[[str], str]
) -> Pool:
    pool = pools.get(named)
    if pool is None:
        raise InvalidRequest.of(
            path("pool"),
            f"unknown pool {named!r}; pools are {', '.join(sorted(pools))}{did_you_mean(named, pools)}",
        )
    missing = requires - pool.capabilities
    if missing:
        raise InvalidRequest.of(
            path("requires"),
            f"pool {named!r} does not offer {', '.join(sorted(missing))}; it offers {_offer(pool)}",
        )
    return pool


def _offer(pool: Pool) -> str:
    return ", ".join(sorted(pool.capabilities)) or "nothing special"
