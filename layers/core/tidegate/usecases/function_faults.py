"""What the function of a pool can't run, noted by the function for the dispatcher.

A function has no worker entries of its own. Where its code lacks a job type or can't begin any job, it writes one entry
for its pool. For `PAUSE_MS` the dispatcher holds back what the entry names; for as long again it lets one job through
at a time, to see whether a deployment has mended the function; then the entry is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from tidegate.domain import limits
from tidegate.domain.pools import Pool
from tidegate.domain.texts import plain_message
from tidegate.domain.workers import Ability, Worker, WorkerSpec, begin
from tidegate.usecases.services import Services

PAUSE_MS = 5 * 60_000
ENTRY_ID = "function"


def note_function_fault(
    services: Services, pool: str, *, lacking: Iterable[str], fault: str, now_ms: int
) -> None:
    """Writes what the function of `pool` can't run, over what was written before."""
    standing = services.workers.get(pool, ENTRY_ID)
    known = standing.lacking if standing is not None and _is_new(standing, now_ms) else ()
    spec = WorkerSpec(pool, ENTRY_ID, ENTRY_ID, slots=services.settings.pools[pool].capacity)
    entry = replace(
        begin(spec, services.entropy.new_ulid(now_ms), now_ms),
        lacking=tuple(sorted({*known, *lacking})[: limits.MAX_LACKING_TYPES]),
        fault=plain_message(fault)[: limits.MAX_FAULT_CHARACTERS],
    )
    # Every process of the function may write it: the latest word counts.
    services.workers.register_if_free(entry, silent_since_ms=now_ms + 2 * PAUSE_MS)


def function_ability(services: Services, pool: Pool, now_ms: int) -> Ability:
    """What the function of `pool` can run at once, as far as it has said so."""
    entry = services.recall.of(f"function#{pool.name}", now_ms, _reading(services, pool.name, now_ms))
    if entry is None:
        return Ability(pool.capacity)
    tried = 1 if now_ms - entry.heartbeat_at_ms >= PAUSE_MS else 0
    slots = min(tried, pool.capacity) if entry.fault else pool.capacity
    return Ability(slots, {job_type: min(tried, slots) for job_type in entry.lacking}, entry.fault)


def _reading(services: Services, pool: str, now_ms: int) -> Callable[[], Worker | None]:
    def read() -> Worker | None:
        live = services.workers.list_live(pool, silent_since_ms=now_ms - 2 * PAUSE_MS)
        return next((worker for worker in live if worker.worker_id == ENTRY_ID), None)

    return read


def _is_new(entry: Worker, now_ms: int) -> bool:
    return now_ms - entry.heartbeat_at_ms < 2 * PAUSE_MS
