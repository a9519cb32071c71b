"""The registry of worker processes in memory."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.workers import PRESENT, Worker, WorkerIdTaken, WorkerRefused, WorkerState, sources_of
from tidegate.ports import WorkerPage


class MemoryWorkerRegistry:
    """Keeps worker entries in a `MemoryWorld`; see ports.WorkerRegistry.

    A method that writes raises WorkerRefused, with the current entry if there is one, where its condition does not
    hold.
    """

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def register_if_free(self, worker: Worker, *, silent_since_ms: int) -> None:
        """Begins a session if the id is free; raises WorkerIdTaken otherwise.

        An id is free if it is unused, or its worker is INACTIVE, LOST, or silent since before `silent_since_ms`.
        """
        self._world.charge("register_worker")
        with self._world.lock:
            standing = self._standing(worker.pool, worker.worker_id)
            if standing and standing.session_id != worker.session_id and standing.is_live(silent_since_ms):
                raise WorkerIdTaken(standing, silent_since_ms=silent_since_ms)
            self._store(worker)

    def take_over_if_held_by(self, worker: Worker, session_id: str) -> None:
        """Begins a session that replaces `session_id`, whatever the state of that one."""
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
        """Stores load and totals and changes ACTIVE to DRAINING; returns the entry."""
        return self._tell("draining", worker, PRESENT, WorkerState.DRAINING)

    def come_back_if_lost(self, worker: Worker) -> Worker:
        """Changes LOST back to the worker's own state and stores load and totals, unless its id was taken meanwhile."""
        return self._tell("coming back", worker, {WorkerState.LOST, worker.state}, worker.state)

    def leave_if_mine(self, worker: Worker) -> Worker:
        """Changes any state of this session to INACTIVE and stores the last totals; returns the entry."""
        sources = {*sources_of(WorkerState.INACTIVE), WorkerState.INACTIVE}
        return self._tell("leaving", worker, sources, WorkerState.INACTIVE)

    def request_drain_if_present(self, pool: str, worker_id: str, actor: str, now_ms: int) -> Worker:
        """Changes ACTIVE or DRAINING to DRAINING, and stores `actor` and `now_ms` if this is the first request.

        Returns the entry.
        """
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
                    drain_requested_by=standing.drain_requested_by or actor,
                )
            )

    def mark_lost_if_silent(self, worker: Worker, *, silent_since_ms: int, expires_at_s: int) -> bool:
        """Changes ACTIVE or DRAINING to LOST if this session's last heartbeat is older than `silent_since_ms`.

        Returns False otherwise.
        """
        self._world.charge("mark_worker_lost")
        with self._world.lock:
            standing = self._standing(worker.pool, worker.worker_id)
            if standing is None or standing.session_id != worker.session_id:
                return False
            if standing.state not in PRESENT or standing.is_live(silent_since_ms):
                return False
            lost = replace(standing, state=WorkerState.LOST, expires_at_s=expires_at_s)
            self._store(lost)
            self._world.lost_workers.append(lost)
            return True

    def get(self, pool: str, worker_id: str) -> Worker | None:
        """Returns the entry, or None."""
        self._world.charge("get_worker")
        return self._standing(pool, worker_id)

    def page(self, pool: str, *, limit: int, after: str | None = None) -> WorkerPage:
        """Returns at most `limit` entries of a pool by id, in any state, after the id `after`."""
        self._world.charge("page_workers")
        found = [worker for worker in self._of_pool(pool) if after is None or worker.worker_id > after]
        following = found[limit - 1].worker_id if len(found) > limit else None
        return WorkerPage(tuple(found[:limit]), following)

    def list_live(self, pool: str, *, silent_since_ms: int) -> tuple[Worker, ...]:
        """Returns the workers of a pool that are ACTIVE or DRAINING and not silent, by id.

        A worker is silent if its last heartbeat is older than `silent_since_ms`.
        """
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
                    response_ms=worker.response_ms,
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
