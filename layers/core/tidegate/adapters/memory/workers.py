"""Worker processes and sweep positions in memory."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from tidegate.adapters.memory.world import MemoryWorld
from tidegate.domain.errors import WorkerIdTaken, WorkerRefused
from tidegate.domain.workers import PRESENT, Worker, WorkerState, sources_of
from tidegate.ports import WorkerPage


class MemoryWorkerRegistry:
    """See ports.WorkerRegistry."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def register_if_free(self, worker: Worker, *, silent_since_ms: int) -> None:
        """Begins a session, over an entry whose worker is INACTIVE, LOST, or silent since before a time (ms)."""
        self._world.charge("register_worker")
        with self._world.lock:
            standing = self._standing(worker.pool, worker.worker_id)
            if standing and standing.session_id != worker.session_id and standing.is_live(silent_since_ms):
                raise WorkerIdTaken(standing, silent_since_ms=silent_since_ms)
            self._store(worker)

    def take_over_if_held_by(self, worker: Worker, session_id: str) -> None:
        """Begins a session in the place of `session_id`, whatever that one's state."""
        self._world.charge("take_over_worker")
        with self._world.lock:
            standing = self._standing(worker.pool, worker.worker_id)
            if standing is None or standing.session_id not in (session_id, worker.session_id):
                raise WorkerRefused("taking over", worker.worker_id, standing)
            self._store(worker)

    def heartbeat_if_mine(self, worker: Worker) -> Worker:
        """Stores load and totals of a session that is ACTIVE or DRAINING; returns the entry with its state."""
        return self._tell("heartbeat", worker, PRESENT, None)

    def drain_if_mine(self, worker: Worker) -> Worker:
        """The same, and ACTIVE -> DRAINING."""
        return self._tell("draining", worker, PRESENT, WorkerState.DRAINING)

    def come_back_if_lost(self, worker: Worker) -> Worker:
        """LOST -> the worker's own state, with load and totals, where nobody took its id meanwhile."""
        return self._tell("coming back", worker, {WorkerState.LOST, worker.state}, worker.state)

    def leave_if_mine(self, worker: Worker) -> Worker:
        """Any state of this session -> INACTIVE, with its last totals."""
        sources = {*sources_of(WorkerState.INACTIVE), WorkerState.INACTIVE}
        return self._tell("leaving", worker, sources, WorkerState.INACTIVE)

    def request_drain_if_present(self, pool: str, worker_id: str, now_ms: int) -> Worker:
        """ACTIVE or DRAINING -> DRAINING, noting when that was first asked for; returns the entry."""
        self._world.charge("request_drain")
        with self._world.lock:
            standing = self._standing(pool, worker_id)
            if standing is None or standing.state not in PRESENT:
                raise WorkerRefused("drain request", worker_id, standing)
            asked_at_ms = standing.drain_requested_at_ms
            return self._store(
                replace(
                    standing,
                    state=WorkerState.DRAINING,
                    drain_requested_at_ms=now_ms if asked_at_ms is None else asked_at_ms,
                )
            )

    def mark_lost_if_silent(self, worker: Worker, *, silent_since_ms: int, expires_at_s: int) -> bool:
        """ACTIVE or DRAINING -> LOST where this session's last heartbeat is older than `silent_since_ms`."""
        self._world.charge("mark_worker_lost")
        with self._world.lock:
            standing = self._standing(worker.pool, worker.worker_id)
            if standing is None or standing.session_id != worker.session_id:
                return False
            if standing.state not in PRESENT or standing.is_live(silent_since_ms):
                return False
            self._store(replace(standing, state=WorkerState.LOST, expires_at_s=expires_at_s))
            return True

    def get(self, pool: str, worker_id: str) -> Worker | None:
        """The entry, read consistently."""
        self._world.charge("get_worker")
        return self._standing(pool, worker_id)

    def page(self, pool: str, *, limit: int, after: str | None = None) -> WorkerPage:
        """At most `limit` entries of a pool by id, whatever their state, after the id `after`."""
        self._world.charge("page_workers")
        found = [worker for worker in self._of_pool(pool) if after is None or worker.worker_id > after]
        following = found[limit - 1].worker_id if len(found) > limit else None
        return WorkerPage(tuple(found[:limit]), following)

    def list_live(self, pool: str, *, silent_since_ms: int) -> tuple[Worker, ...]:
        """The workers of a pool that are ACTIVE or DRAINING and beat not before `silent_since_ms`, by id."""
        self._world.charge("list_live_workers")
        return tuple(worker for worker in self._of_pool(pool) if worker.is_live(silent_since_ms))

    def _tell(self, action: str, worker: Worker, sources: Set[WorkerState], to: WorkerState | None) -> Worker:
        self._world.charge(action)
        with self._world.lock:
            standing = self._standing(worker.pool, worker.worker_id)
            if standing is None or standing.session_id != worker.session_id or standing.state not in sources:
                raise WorkerRefused(action, worker.worker_id, standing)
            return self._store(
                replace(
                    standing,
                    state=to or standing.state,
                    running=worker.running,
                    totals=worker.totals,
                    heartbeat_at_ms=worker.heartbeat_at_ms,
                    expires_at_s=worker.expires_at_s,
                    clock_off_ms=worker.clock_off_ms,
                    lacking=worker.lacking,
                    fault=worker.fault,
                )
            )

    def _standing(self, pool: str, worker_id: str) -> Worker | None:
        return self._world.workers.get((pool, worker_id))

    def _store(self, worker: Worker) -> Worker:
        self._world.workers[(worker.pool, worker.worker_id)] = worker
        return worker

    def _of_pool(self, pool: str) -> list[Worker]:
        with self._world.lock:
            return [worker for (name, _), worker in sorted(self._world.workers.items()) if name == pool]


class MemoryCursors:
    """See ports.Cursors."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def load(self, name: str) -> str | None:
        """The cursor's text, None at the start."""
        self._world.charge("load_cursor")
        return self._world.cursors.get(name)

    def save(self, name: str, position: str | None) -> None:
        """Stores where to go on; None starts over."""
        self._world.charge("save_cursor")
        if position is None:
            self._world.cursors.pop(name, None)
        else:
            self._world.cursors[name] = position
