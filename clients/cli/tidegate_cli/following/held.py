"""Explains why jobs wait although their dependencies are satisfied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from tidegate.domain.lanes import key_of, type_of
from tidegate.domain.states import State
from tidegate_cli.client import Client
from tidegate_cli.errors import CliError
from tidegate_cli.views import JobView, printable

_WAITING = frozenset({State.READY, State.QUEUED})
_MAX_REASONS = 6

PoolReader = Callable[[str], Mapping[str, Any]]


def reasons(jobs: Sequence[JobView], pool_of: PoolReader) -> tuple[str, ...]:
    """Returns the reasons why READY and QUEUED jobs wait, a line each. The reason of the most jobs comes first.

    `pool_of` reads a pool as the API shows it. It is called once for each pool in which a job type holds jobs back,
    or in which some of `jobs` wait and none runs. If nothing holds jobs back and none runs, the line says what the jobs
    wait for: a slot, a time, or an upstream. A pool that can't be read (CliError) gives no line.
    """

    @cache
    def read(name: str) -> Mapping[str, Any] | None:
        try:
            return pool_of(name)
        except CliError:
            return None

    held = Counter((job.held_in, job.pool) for job in jobs if job.state is State.READY and job.held_in)
    told: Counter[str] = Counter()
    for (lane, name), number in held.items():
        told[_lacking_reason(lane, name, read) or _lane_reason(lane)] += number
    busy = {job.pool for job in jobs if job.state is State.RUNNING}
    names = {job.pool for job in jobs if job.state in _WAITING and not job.held_in} - busy
    pools: dict[str, Mapping[str, Any]] = {}
    for name in sorted(names):
        pool = read(name)
        if pool is None:
            continue
        pools[name] = pool
        in_pool = [job for job in jobs if job.pool == name and not job.held_in]
        ready = sum(job.state is State.READY for job in in_pool)
        if pool.get("paused") and ready:
            told[f"in pool {name}, which is paused (`tidegate pools resume {name}`)"] = ready
        elif pool.get("capacity") == 0 and pool.get("fault"):
            waiting = sum(job.state in _WAITING for job in in_pool)
            told[f"in pool {name}, whose workers can start no job: {pool['fault']}"] = waiting
        elif pool.get("capacity") == 0:
            waiting = sum(job.state in _WAITING for job in in_pool)
            told[f"in pool {name}, which has no live worker (`tidegate worker --pool {name}`)"] = waiting
    if not told and not busy:
        told = _next_steps(jobs, pools)
    return tuple(
        f"{number} {'job waits' if number == 1 else 'jobs wait'} {printable(reason)}"
        for reason, number in told.most_common(_MAX_REASONS)
    )


def explain_with(client: Client) -> Callable[[Sequence[JobView]], tuple[str, ...]]:
    """Returns a function that gives the `reasons` why jobs wait. It reads pools with `client`."""
    return lambda jobs: reasons(jobs, client.get_pool)


def _next_steps(jobs: Sequence[JobView], pools: Mapping[str, Mapping[str, Any]]) -> Counter[str]:
    """Counts what jobs wait for that nothing holds back, while no job runs: a slot, else a time, else an upstream."""
    turns = Counter((job.pool, job.state) for job in jobs if job.state in _WAITING and job.pool in pools)
    if turns:
        return Counter({_turn(name, state, pools[name]): number for (name, state), number in turns.items()})
    due = sorted(job.due_at for job in jobs if job.state is State.SCHEDULED and job.due_at)
    if due:
        return Counter(
            {f"until {due[0]}" if len(due) == 1 else f"for a time, the first until {due[0]}": len(due)}
        )
    pending = [job for job in jobs if job.state is State.PENDING]
    if pending:
        return Counter({f"for upstreams (`tidegate jobs get {pending[0].job_id}` names them)": len(pending)})
    return Counter()


def _turn(name: str, state: State, pool: Mapping[str, Any]) -> str:
    active, ready = (_count(pool.get(group)) for group in ("active", "ready"))
    if state is State.QUEUED:
        return f"for a worker of pool {name} ({pool.get('capacity')} slots, {active} dispatched)"
    return (
        f"for a free slot in pool {name} ({pool.get('capacity')} slots, {active} dispatched, {ready} READY)"
    )


def _count(found: Any) -> str:
    if not isinstance(found, Mapping):
        return "?"
    return f"{found.get('count')}{'+' if found.get('more') else ''}"


def _lacking_reason(lane: str, pool_name: str, read: Callable[[str], Mapping[str, Any] | None]) -> str | None:
    """Returns the reason that too few slots of the pool have the job type of a lane; None if that is not the reason."""
    job_type = type_of(lane)
    if job_type is None:
        return None
    pool = read(pool_name) or {}
    slots = (pool.get("limited") or {}).get(job_type)
    if slots is None:
        return None
    have = "no worker has" if slots == 0 else f"{slots} {'slot has' if slots == 1 else 'slots have'}"
    return f"for type {job_type}, which {have} in pool {pool_name} (deploy the job code to its workers)"


def _lane_reason(lane: str) -> str:
    bounded_by_key, job_type = key_of(lane), type_of(lane)
    if bounded_by_key is not None:
        key, limit = bounded_by_key
        return f"for concurrency key {key!r}, of which {limit} may be dispatched at once"
    if job_type is not None:
        return f"for type {job_type}, which is paused or at its limit (`tidegate types get {job_type}`)"
    return f"in {lane}"  # a kind of lane that only a newer API has
