"""A pool as the deployment configures it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tidegate.domain.errors import InvalidRequest


class PoolKind(StrEnum):
    """Who works for a pool: a function whose concurrency is its capacity, or processes that register their slots."""

    FUNCTION = "function"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Pool:
    """A set of workers behind one queue. `capacity` counts for FUNCTION pools only; processes bring their own.

    Jobs can require `capabilities`; `tags` are names and values for people, and decide nothing.
    """

    name: str
    queue_url: str
    kind: PoolKind
    max_timeout_seconds: int
    capacity: int = 0
    dead_letters_url: str = ""
    capabilities: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)


def choose_pool(
    pools: Mapping[str, Pool],
    default: str,
    named: str | None,
    requires: frozenset[str],
    path: Callable[[str], str],
) -> Pool:
    """The pool for a job: the one named, else the default, else the first by name that offers what is required.

    `path` gives the place of one of the job's fields in the request. Raises InvalidRequest where no pool fits.
    """
    if named is not None:
        pool = pools.get(named)
        if pool is None:
            raise InvalidRequest.of(
                path("pool"), f"unknown pool {named!r}; pools are {', '.join(sorted(pools))}"
            )
        missing = requires - pool.capabilities
        if missing:
            raise InvalidRequest.of(
                path("requires"),
                f"pool {named!r} does not offer {', '.join(sorted(missing))}; it offers {_offer(pool)}",
            )
        return pool
    for name in (default, *sorted(pools)):
        if requires <= pools[name].capabilities:
            return pools[name]
    offers = "; ".join(f"{name} offers {_offer(pools[name])}" for name in sorted(pools))
    raise InvalidRequest.of(
        path("requires"), f"no pool offers {', '.join(sorted(requires))} together; {offers}"
    )


def _offer(pool: Pool) -> str:
    return ", ".join(sorted(pool.capabilities)) or "nothing special"
