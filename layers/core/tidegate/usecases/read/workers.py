"""Lists workers for operators, or reads one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tidegate.domain.errors import NotFound
from tidegate.domain.pools import PoolKind
from tidegate.domain.workers import WORKER_ID, Worker, WorkerState
from tidegate.usecases.pools.earlier_pools import listed_pools
from tidegate.usecases.read import cursors
from tidegate.usecases.services import Services

_PAGE = 200
_READS = 10  # pages read for one listing


@dataclass(frozen=True, slots=True)
class WorkerListing:
    """Some workers and the cursor of the next page; None at the end."""

    workers: tuple[Worker, ...]
    cursor: str | None


def list_workers(
    services: Services, *, pool: str | None, state: WorkerState | None, cursor: str | None, limit: int
) -> WorkerListing:
    """Returns a page of at most `limit` (1-200) workers by pool and id; a page may hold fewer before the end.

    `pool` and `state` narrow the listing; None means all. Raises InvalidRequest for an unknown pool or a malformed
    cursor; ServiceUnavailable.
    """
    pools = services.settings.pools
    listed = listed_pools(services, pool)
    names = [name for name in listed if name not in pools or pools[name].kind is PoolKind.PROCESS]
    if not names and cursor is None:
        return WorkerListing((), None)
    place, after = _place_of(cursor, names)
    found: list[Worker] = []
    for _ in range(_READS):
        wanted = limit - len(found)
        # With a state given, most entries may not match, so large pages are read to need few requests.
        page = services.workers.page(names[place], limit=wanted if state is None else _PAGE, after=after)
        matching = [worker for worker in page.workers if state in (None, worker.state)]
        found += matching[:wanted]
        if len(matching) > wanted:
            return WorkerListing(tuple(found), cursors.short([names[place], found[-1].worker_id]))
        after = page.next
        if after is None:
            place += 1
        if place == len(names):
            return WorkerListing(tuple(found), None)
        if len(found) == limit:
            break
    return WorkerListing(tuple(found), cursors.short([names[place], after]))


class WorkerOrder(StrEnum):
    """An order in which workers are listed."""

    LOAD = "load"  # the fullest first: running jobs by slot
    FREE = "free"  # the most free slots first
    SEEN = "seen"  # the latest heartbeat first


@dataclass(frozen=True, slots=True)
class OrderedWorkers:
    """The first workers in an order; `is_all` says that every worker was looked at."""

    workers: tuple[Worker, ...]
    is_all: bool


def order_workers(
    services: Services,
    order: WorkerOrder,
    *,
    pool: str | None,
    state: WorkerState | None,
    limit: int,
    silent_since_ms: int,
) -> OrderedWorkers:
    """Returns the first `limit` (1-200) workers in `order`, of at most 2,000 that are looked at in at most 10 reads.

    Only a live, ACTIVE worker has free slots, and only a live one has a load, so these come first. Raises
    InvalidRequest for an unknown pool; ServiceUnavailable.
    """
    pools = services.settings.pools
    listed = listed_pools(services, pool)
    names = [name for name in listed if name not in pools or pools[name].kind is PoolKind.PROCESS]
    found: list[Worker] = []
    left = list(names)
    after: str | None = None
    for _ in range(_READS):
        if not left:
            break
        page = services.workers.page(left[0], limit=_PAGE, after=after)
        found += [worker for worker in page.workers if state in (None, worker.state)]
        after = page.next
        if after is None:
            left.pop(0)
    found.sort(key=lambda worker: _place_in(order, worker, silent_since_ms))
    return OrderedWorkers(tuple(found[:limit]), is_all=not left)


def _place_in(order: WorkerOrder, worker: Worker, silent_since_ms: int) -> tuple[bool, float, str, str]:
    is_live, slots, running = worker.is_live(silent_since_ms), worker.spec.slots, worker.running
    takes_jobs = is_live and worker.state is WorkerState.ACTIVE and not worker.fault
    behind, value = {
        WorkerOrder.LOAD: (not is_live, -running / slots),
        WorkerOrder.FREE: (not takes_jobs, float(running - slots)),
        WorkerOrder.SEEN: (False, float(-worker.heartbeat_at_ms)),
    }[order]
    return behind, value, worker.pool, worker.worker_id


def get_worker(services: Services, pool: str, worker_id: str) -> Worker:
    """Returns the worker's entry. Raises NotFound, ServiceUnavailable."""
    worker = services.workers.get(pool, worker_id)
    if worker is None:
        raise NotFound("worker", worker_id)
    return worker


def _place_of(cursor: str | None, pools: list[str]) -> tuple[int, str | None]:
    """Returns the index of the pool with which a listing continues, and the id of the last worker listed there.

    Raises InvalidRequest for a malformed cursor.
    """
    if cursor is None:
        return 0, None
    with cursors.checked():
        pool, after = cursors.read_short(cursor)
        if after is not None and not WORKER_ID.fullmatch(after):
            raise ValueError(after)
        return pools.index(pool), after
