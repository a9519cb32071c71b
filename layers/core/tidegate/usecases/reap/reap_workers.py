"""Reap workers: processes that fell silent are marked LOST, so that people see it."""

from __future__ import annotations

from tidegate.domain.pools import PoolKind
from tidegate.domain.workers import PRESENT, Worker, kept_until_s
from tidegate.usecases.bounds.deadline import (
    NEVER,
    Deadline,
    in_turns,
    while_time,
)
from tidegate.usecases.isolation import for_each
from tidegate.usecases.services import Services

WORKERS_PER_POOL = 1_000
_PAGE = 100


def reap_workers(services: Services, now_ms: int, *, until: Deadline = NEVER) -> int:
    """Marks silent workers LOST, looking at a bounded number of entries `until` then; returns how many it marked.

    Nothing leans on this: a silent worker brings no capacity whether marked or not, and its jobs are reclaimed when
    their leases end. Raises the first error of a worker once the others had their turn.
    """
    deployed = [name for name, pool in services.settings.pools.items() if pool.kind is PoolKind.PROCESS]
    pools = sorted([*deployed, *services.earlier_pools])
    turns = in_turns(pools, until, services.entropy.jitter)
    return sum(for_each(turns, lambda turn: _reap_pool(services, turn[0], now_ms, turn[1])))


def _reap_pool(services: Services, pool: str, now_ms: int, until: Deadline) -> int:
    silent_since_ms = services.settings.worker_silent_since_ms(now_ms)

    def mark(worker: Worker) -> bool:
        return services.workers.mark_lost_if_silent(
            worker, silent_since_ms=silent_since_ms, expires_at_s=kept_until_s(now_ms)
        )

    silent: list[Worker] = []
    cursor = f"workers#{pool}"
    stored = after = services.cursors.load(cursor)
    for _ in while_time(range(WORKERS_PER_POOL // _PAGE), until):
        page = services.workers.page(pool, limit=_PAGE, after=after)
        silent += [
            worker
            for worker in page.workers
            if worker.state in PRESENT and not worker.is_live(silent_since_ms)
        ]
        after = page.next
        if after is None:
            break
    if after != stored:
        # Before any is marked: one that fails must not be in the way of others for ever.
        services.cursors.save(cursor, after)
    return sum(for_each(while_time(silent, until), mark))
