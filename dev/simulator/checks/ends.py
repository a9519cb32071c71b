"""Checks that the ends in the index and the kept ends are together every end that the jobs' histories tell."""

from __future__ import annotations

from dev.simulator.checks.attempts import lives_of
from dev.simulator.memory.index import MemoryJobIndex
from dev.simulator.memory.kept_ends import MemoryKeptEnds
from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.job import Job
from tidegate.domain.states import TERMINAL, Group, State
from tidegate.domain.statistics.ended import EndedJob

_ALL = 100_000  # more ends than a run has
_End = tuple[int, State]


def check_ends(world: MemoryWorld) -> int:
    """Compares the union of both with the histories of the jobs that exist; returns how many ends were kept.

    An end that both hold must be the same in both. A history that has dropped lives tells only some of the ends.
    """
    pools = {job.pool for job in world.jobs.values()} | {pool for pool, _ in world.kept_ends}
    kept = {_key(end): end for pool in pools for end in _kept_in(world, pool)}
    shown = {_key(end): end for pool in pools for end in _shown_in(world, pool)}
    for key in kept.keys() & shown.keys():
        assert kept[key] == shown[key], key
    counted: dict[str, set[_End]] = {}
    for job_id, ended_at_ms in kept.keys() | shown.keys():
        end = kept.get((job_id, ended_at_ms)) or shown[job_id, ended_at_ms]
        counted.setdefault(job_id, set()).add((ended_at_ms, end.state))
    for job in world.jobs.values():
        _check(job, counted.get(job.job_id, set()))
    return len(kept)


def _check(job: Job, counted: set[_End]) -> None:
    told = [(entry.at_ms, entry.state) for entry in job.history if entry.state in TERMINAL]
    assert len({at_ms for at_ms, _ in told}) == len(told), f"two ends at one time: {job}"
    if len(lives_of(job)) == job.reopened + 1:
        assert counted == set(told), job
    assert counted >= set(told), job


def _key(end: EndedJob) -> tuple[str, int]:
    return end.job_id, end.ended_at_ms


def _kept_in(world: MemoryWorld, pool: str) -> tuple[EndedJob, ...]:
    return MemoryKeptEnds(world, 0).page(pool, 0, 2**63, limit=_ALL).entries


def _shown_in(world: MemoryWorld, pool: str) -> list[EndedJob]:
    index = MemoryJobIndex(world)
    return [
        end
        for group in map(Group, sorted(TERMINAL))
        for shard in range(index.shards)
        for end in index.ended(pool, group, shard, from_ms=0, to_ms=2**63, limit=_ALL).entries
    ]
