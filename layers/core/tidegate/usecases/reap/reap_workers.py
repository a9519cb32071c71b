"""Marks worker processes that stopped sending heartbeats as LOST, so that operators see it."""

from __future__ import annotations

from tidegate.domain.pools import PoolKind
from tidegate.domain.workers import PRESENT, Worker, kept_until_s
from tidegate.usecases.bounds.deadline import NEVER, Deadline, in_turns, while_time
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.services import Services

WORKERS_PER_POOL = 1_000
_PAGE = 100


def reap_workers(services: Services, now_ms: int, *, until: Deadline = NEVER) -> int:
    """Marks silent workers LOST; returns how many it marked.

    Looks at up to `WORKERS_PER_POOL` entries of each pool before the deadline `until`; the next run continues behind
    them. The mark is only for display: a silent worker adds no capacity even without it, and its jobs are reclaimed
    when their leases end. Raises the first error after the other workers have been looked at.
    """
    deployed = [name for name, pool in services.settings.pools.items() if pool.kind is PoolKind.PROCESS]
    pools = sorted([*deployed, *services.earlier_pools])
    marked = 0
    errors = FirstError()
    for pool, pool_until in in_turns(pools, until, services.entropy.jitter):
        with errors.isolated():
            marked += _reap_pool(services, pool, now_ms, pool_until)
    errors.raise_first()
    return marked


def _reap_pool(services: Services, pool: str, now_ms: int, until: Deadline) -> int:
    silent_since_ms = services.settings.worker_silent_since_ms(now_ms)
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
        # Stored before any worker is marked, so that one that fails does not block the others in every run.
        services.cursors.save(cursor, after)
    marked = 0
    errors = FirstError()
    for worker in while_time(silent, until):
        with errors.isolated():
            marked += services.workers.mark_lost_if_silent(
                worker, silent_since_ms=silent_since_ms, expires_at_s=kept_until_s(now_ms)
            )
    errors.raise_first()
    return marked
