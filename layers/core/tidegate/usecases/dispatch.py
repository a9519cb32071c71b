"""Dispatch: the most urgent READY jobs of a pool go into its queue, as many as its window allows."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain.dispatch_plan import Candidate, best_ranked, free_places, window_places
from tidegate.domain.job import Job
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.states import Group
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.ports import Message
from tidegate.usecases.each import raise_first_failure
from tidegate.usecases.services import Services

ACTOR = "dispatcher"
MAX_JOBS_PER_RUN = 1_000
WORKER_SILENCE_MS = 60_000  # a worker process that said nothing for this long brings no capacity


@dataclass(frozen=True, slots=True)
class DispatchReport:
    """What one dispatch of one pool did. `unsent` jobs are QUEUED without a message; the reaper sends them again."""

    pool: str
    free: int
    dispatched: int
    unsent: int


def dispatch(services: Services, pool_name: str, now_ms: int) -> DispatchReport:
    """Moves the best-ranked READY jobs of a pool to QUEUED and sends their messages.

    At most capacity x window jobs of the pool are QUEUED or RUNNING afterwards, as far as the index shows; that
    holding back is what makes priority true on a queue that knows none.
    """
    pool = services.settings.pools[pool_name]
    places = _free_places(services, pool, now_ms)
    if places == 0:
        return DispatchReport(pool_name, 0, 0, 0)
    candidates = _best_candidates(services, pool_name, places)
    stamp = Stamp(now_ms, ACTOR)
    outcomes = services.jobs.apply_all(
        [DispatchIfReady(candidate.job_id, pool_name, stamp) for candidate in candidates]
    )
    messages = [Message(job.job_id, job.attempt) for job in outcomes if isinstance(job, Job)]
    unsent = services.queue.send(pool_name, messages) if messages else ()
    raise_first_failure(outcomes)
    return DispatchReport(pool_name, places, len(messages), len(unsent))


def _free_places(services: Services, pool: Pool, now_ms: int) -> int:
    capacity = pool_capacity(services, pool, now_ms)
    bound = window_places(capacity, services.settings.window)
    if bound == 0:
        return 0
    active = services.index.count(pool.name, Group.ACTIVE, at_most=bound)
    return min(MAX_JOBS_PER_RUN, free_places(capacity, services.settings.window, active))


def pool_capacity(services: Services, pool: Pool, now_ms: int) -> int:
    """How many jobs the pool can run at once: its function's concurrency, or the slots of its live processes."""
    if pool.kind is PoolKind.FUNCTION:
        return pool.capacity
    live = services.workers.list_live(pool.name, seen_since_ms=now_ms - WORKER_SILENCE_MS)
    return sum(worker.slots for worker in live)


def _best_candidates(services: Services, pool_name: str, places: int) -> tuple[Candidate, ...]:
    shards = [
        services.index.page(pool_name, Group.READY, shard, limit=places, descending=True)
        for shard in range(services.index.shards)
    ]
    return best_ranked(
        [[Candidate(entry.job_id, entry.sort) for entry in page.entries] for page in shards], places
    )
