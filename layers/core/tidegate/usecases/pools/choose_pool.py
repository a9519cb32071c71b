"""Chooses the pool of a job that may run in several: the pool with the most free capacity.

The choice is made when the job becomes READY, not when it is submitted, because load changes while it waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tidegate.domain.job import Job
from tidegate.domain.pools import Pool, PoolRoom, freest, offering
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import Group, State
from tidegate.usecases.pools.capacity import pool_capacity
from tidegate.usecases.pools.lanes import LanesByPool, keep_shares, lanes_of_pool
from tidegate.usecases.services import Services

COUNT_AT_MOST = 1_000  # of waiting and of dispatched jobs in each pool; a pool with more counts as full


@dataclass(slots=True)
class PoolChooser:
    """Chooses pools for the jobs of one run. Each choice counts as load for the following ones.

    Reads the load of a pool once, when it is first needed. A paused pool counts as a pool without workers. `lanes` are
    the lanes of pools as the caller has just read them; those of other pools are read.
    """

    services: Services
    now_ms: int
    lanes: LanesByPool = field(default_factory=dict)
    _rooms: dict[str, PoolRoom] = field(default_factory=dict)
    _rules: DispatchRules | None = None
    _kept: set[tuple[str, str]] = field(default_factory=set)  # pools and shares already noted for dispatchers

    def for_job(self, job: Job) -> str | None:
        """Returns the pool for a job that is about to become READY, or None if the job keeps its pool.

        Also notes the job's share for that pool, so that its dispatchers look for the job.
        """
        pool = self._chosen(job)
        place = (pool or job.pool, job.share)
        if job.share and place not in self._kept:
            known = self.lanes.get(place[0])
            keep_shares(self.services, place[0], [job.share], self.now_ms, known=known)
            self._kept.add(place)
        return pool

    def _chosen(self, job: Job) -> str | None:
        if not job.pool_open:
            return None
        settings = self.services.settings
        suitable = [
            pool
            for pool in offering(settings.pools, settings.default_pool, frozenset(job.requires))
            if job.timeout_seconds <= pool.max_timeout_seconds
        ]
        return self._among(suitable) if suitable else None  # no pool offers what it requires any more

    def placed(self, job: Job) -> Job:
        """Returns a new job with its pool chosen if it is READY at once; else the job unchanged."""
        pool = self.for_job(job) if job.state is State.READY else None
        return job if pool is None else replace(job, pool=pool)

    def _among(self, pools: Sequence[Pool]) -> str:
        """Returns the name of the freest of `pools`, which must not be empty, and counts one job more for it."""
        if len(pools) == 1:
            return pools[0].name
        chosen = freest([self._room(pool) for pool in pools])
        room = self._rooms[chosen]
        self._rooms[chosen] = replace(room, committed=room.committed + 1)
        return chosen

    def _room(self, pool: Pool) -> PoolRoom:
        if pool.name not in self._rooms:
            index = self.services.index
            in_turn, _, _ = lanes_of_pool(self.services, pool.name, self.lanes.get(pool.name))
            committed = index.count(pool.name, Group.ACTIVE, at_most=COUNT_AT_MOST)
            committed += index.count(pool.name, Group.READY, at_most=COUNT_AT_MOST, lanes=in_turn)
            capacity = pool_capacity(self.services, pool, self.now_ms)
            self._rooms[pool.name] = PoolRoom(
                pool.name, capacity, committed, paused=self._rules_now().is_paused(pool.name)
            )
        return self._rooms[pool.name]

    def _rules_now(self) -> DispatchRules:
        if self._rules is None:
            self._rules = self.services.rules.load()
        return self._rules
