"""Registers a worker process in its pool and keeps its entry: it joins, sends heartbeats, drains and leaves.

Each start of a worker is a session with an id of its own. Every write holds only for the current session, so a process
that lost its id to another can change nothing.
"""

from __future__ import annotations

from dataclasses import replace

from tidegate.domain.workers import (
    Worker,
    WorkerFenced,
    WorkerIdTaken,
    WorkerRefused,
    WorkerSpec,
    WorkerState,
    begin,
    check_spec,
)
from tidegate.usecases.services import Services


def join_pool(
    services: Services, spec: WorkerSpec, *, session_id: str, now_ms: int, take_over: bool = False
) -> Worker:
    """Registers a worker under a new session (`session_id`, a ULID); returns its entry.

    Raises InvalidRequest if `spec` is invalid, and WorkerIdTaken if another process uses the worker's id and sent a
    heartbeat lately. With `take_over` the other process is fenced instead. The new session carries on the counts of
    those before it.
    """
    check_spec(spec, services.settings.pools)
    standing = services.workers.get(spec.pool, spec.worker_id)
    worker = begin(spec, session_id, now_ms, standing=standing)
    try:
        _register(services, worker)
    except WorkerIdTaken as taken:
        if not take_over:
            raise
        worker = begin(spec, session_id, now_ms, standing=taken.holder)
        try:
            services.workers.take_over_if_held_by(worker, taken.holder.session_id)
        except WorkerRefused:  # another process took it over first
            raise taken from None
    return worker


def beat_worker(services: Services, worker: Worker) -> Worker:
    """Stores a worker's heartbeat; returns its entry, which is DRAINING if the worker drains or was asked to.

    A worker that was marked LOST, but was only suspended, becomes live again. Raises WorkerFenced if the id belongs to
    another session, or the worker's own session has left.
    """
    workers = services.workers
    try:
        if worker.state is WorkerState.DRAINING:
            return workers.drain_if_mine(worker)
        return workers.heartbeat_if_mine(worker)
    except WorkerRefused as refused:
        standing = refused.worker
    if standing is None:  # the process was suspended for so long that its entry expired
        return _register_again(services, worker)
    if standing.session_id != worker.session_id or standing.state is not WorkerState.LOST:
        raise WorkerFenced(standing)
    drains = worker.state is WorkerState.DRAINING or standing.drain_requested_at_ms is not None
    state = WorkerState.DRAINING if drains else WorkerState.ACTIVE
    try:
        return workers.come_back_if_lost(replace(worker, state=state))
    except WorkerRefused as refused:
        raise WorkerFenced(refused.worker or standing) from refused


def leave_pool(services: Services, worker: Worker) -> None:
    """Ends a worker's session: the worker is INACTIVE. Does nothing if the id belongs to another session by now."""
    try:
        services.workers.leave_if_mine(worker)
    except WorkerRefused:
        return


def _register(services: Services, worker: Worker) -> None:
    since_ms = services.settings.worker_silent_since_ms(worker.heartbeat_at_ms)
    services.workers.register_if_free(worker, silent_since_ms=since_ms)


def _register_again(services: Services, worker: Worker) -> Worker:
    try:
        _register(services, worker)
    except WorkerIdTaken as taken:
        raise WorkerFenced(taken.holder) from taken
    return worker
