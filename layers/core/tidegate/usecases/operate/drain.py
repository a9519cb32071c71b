"""Drains workers for operators."""

from __future__ import annotations

from tidegate.domain.callers import Caller
from tidegate.domain.errors import NotFound
from tidegate.domain.workers import Worker, WorkerGone, WorkerRefused
from tidegate.usecases.services import Services


def drain_worker(services: Services, pool: str, worker_id: str, *, caller: Caller, now_ms: int) -> Worker:
    """Asks a worker to drain; returns its entry, DRAINING. It adds no capacity from now on. Safe to repeat.

    The entry names the caller that asked first.
    Raises NotFound, and WorkerGone if the worker is INACTIVE or LOST.
    """
    try:
        return services.workers.request_drain_if_present(pool, worker_id, caller.display, now_ms)
    except WorkerRefused as refused:
        if refused.worker is None:
            raise NotFound("worker", worker_id) from refused
        raise WorkerGone(refused.worker) from refused
