"""The life of a worker process in its pool: it joins, beats, drains and leaves, each write fenced by its session."""

from __future__ import annotations

from dataclasses import replace

from tidegate.domain.errors import WorkerFenced, WorkerIdTaken, WorkerRefused
from tidegate.domain.workers import Worker, WorkerSpec, WorkerState, begin, check_spec
from tidegate.usecases.services import Services


def join_pool(
    services: Services, spec: WorkerSpec, *, session_id: str, now_ms: int, take_over: bool = False
) -> Worker:
    """Registers a worker under a new session (a ULID); returns its entry.

    Raises InvalidRequest naming what is wrong with `spec`, or WorkerIdTaken where another process works under its id
    and was heard of lately. With `take_over` that one is fenced instead.
    """
    check_spec(spec, services.settings.pools)
    worker = begin(spec, session_id, now_ms)
    try:
        _register(services, worker)
    except WorkerIdTaken as taken:
        if not take_over:
            raise
        try:
            services.workers.take_over_if_held_by(worker, taken.holder.session_id)
        except WorkerRefused:  # somebody else took it over first
            raise taken from None
    return worker


def beat_worker(services: Services, worker: Worker) -> Worker:
    """Stores what a worker says of itself now; returns its entry, DRAINING where it drains or was asked to.

    A worker that was given up as LOST while it only stood still comes back. Raises WorkerFenced where its id belongs to
    another session, or its own has left.
    """
    workers = services.workers
    try:
        if worker.state is WorkerState.DRAINING:
            return workers.drain_if_mine(worker)
        return workers.heartbeat_if_mine(worker)
    except WorkerRefused as refused:
        standing = refused.worker
    if standing is None:  # it stood still for so long that its entry expired
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
    """Ends a worker's session: it is INACTIVE. Where the id is another's, nothing is left to end."""
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
