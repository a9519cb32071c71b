"""Worker processes and sweep positions in memory."""

from __future__ import annotations

from tidegate.adapters.memory_world import MemoryWorld
from tidegate.ports import Worker


class MemoryWorkerRegistry:
    """See ports.WorkerRegistry."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def put(self, worker: Worker) -> None:
        """Registers a worker, or renews its entry."""
        self._world.charge("put_worker")
        self._world.workers[(worker.pool, worker.worker_id)] = worker

    def remove(self, pool: str, worker_id: str) -> None:
        """Takes a worker off; no error if it is gone."""
        self._world.charge("remove_worker")
        self._world.workers.pop((pool, worker_id), None)

    def list_live(self, pool: str, *, seen_since_ms: int) -> tuple[Worker, ...]:
        """The workers of a pool whose last heartbeat is not older than `seen_since_ms`."""
        self._world.charge("list_live_workers")
        with self._world.lock:
            return tuple(
                worker
                for _, worker in sorted(self._world.workers.items())
                if worker.pool == pool and worker.heartbeat_at_ms >= seen_since_ms
            )


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
