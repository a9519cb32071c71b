"""The rules of second attempts, checked at every write of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from dev.simulator.memory.world import MemoryWorld
from dev.simulator.system.simulator import Simulator
from tidegate.domain.changes import JobChange
from tidegate.domain.job import Job
from tidegate.domain.second_attempts import most_second_attempts
from tidegate.domain.states import State


@dataclass(slots=True)
class SecondAttempts:
    """An observer: each life has one second attempt at most, a pool has no more than its part, and one attempt wins.

    `offers` counts the offers by job and life. `strict` says that the window holds exactly, because one dispatcher
    works at a time and sees the index as it is.
    """

    strict: bool
    offers: dict[tuple[str, int], int] = field(default_factory=dict)

    def __call__(self, simulator: Simulator, changes: list[JobChange]) -> None:
        """Replays the changes one by one, then checks the pools."""
        for change in changes:
            self._replay(simulator, change)
        if self.strict and any(change.new.second is not None for change in changes):
            for pool in simulator.services.settings.pools.values():
                _check_pool(simulator, pool.name, pool.capacity)

    def _replay(self, simulator: Simulator, change: JobChange) -> None:
        before, job = None if change.old is None else change.old.second, change.new
        second = job.second
        if second is None or second == before:
            return
        if before is None or before.offered_at_ms != second.offered_at_ms or before.life != second.life:
            place = (job.job_id, second.life)
            self.offers[place] = self.offers.get(place, 0) + 1
            assert self.offers[place] == 1, f"a second offer in one life: {job}"
            assert job.state is State.RUNNING, job
            simulator.happened["second attempt offered"] += 1
            return
        if second.end is not before.end:
            simulator.happened[f"second attempt {second.end}"] += 1
        if before.worker_id is None and second.worker_id is not None:
            assert second.worker_id != job.worker_id, f"one worker has both attempts: {job}"
            simulator.happened["second attempt claimed"] += 1


def check_winners(simulator: Simulator) -> None:
    """Checks that a job which its second attempt ended tells its worker, and counts it as no failed attempt."""
    for job in simulator.world.jobs.values():
        if not job.won_by_second or job.second is None or not _ended_by_second(job):
            continue
        assert job.state is State.SUCCEEDED, job
        assert job.worker_id == job.second.worker_id == job.history[-1].actor, job
        assert job.runs == job.tries + 1, job


def _ended_by_second(job: Job) -> bool:
    return bool(job.history) and job.history[-1].reason.startswith("second attempt")


def _check_pool(simulator: Simulator, pool: str, capacity: int) -> None:
    settings = simulator.services.settings
    world: MemoryWorld = simulator.world
    in_pool = [job for job in world.jobs.values() if job.pool == pool]
    beside = sum(job.live_second is not None for job in in_pool)
    active = sum(job.state in (State.QUEUED, State.RUNNING) for job in in_pool)
    assert beside <= most_second_attempts(capacity, settings.second_attempt_percent), beside
    assert active + beside <= math.floor(capacity * settings.window), (active, beside)
