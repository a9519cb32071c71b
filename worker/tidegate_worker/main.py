"""Starts a worker process and carries the operating system's signals to it."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from tidegate import bootstrap
from tidegate.domain.errors import TidegateError
from tidegate.domain.pools import Pool, PoolKind
from tidegate_worker.process import EXIT_GAVE_UP, Options, WorkerProcess

EXIT_USAGE = 2

_LOGGER = logging.getLogger("tidegate.worker")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LOOK_SECONDS = 0.2


def run_worker(*, pool: str, slots: int) -> int:
    """Serves `pool` with `slots` (1 or more) jobs at once until SIGTERM or SIGINT; returns the exit code.

    0 after an orderly stop, 1 where it could not start or the queue stayed unreachable, 2 for a pool that no worker
    process can serve. The first signal lets running jobs finish for a while, the second hands them back at once.
    Must be called in the main thread.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    try:
        deps = bootstrap.process_worker()
        problem = _pool_problem(deps.services.settings.pools.get(pool), pool, slots)
        if problem is not None:
            _LOGGER.error("%s", problem)
            return EXIT_USAGE
        return _run(deps, Options(pool=pool, slots=slots))
    except KeyError as error:
        _LOGGER.error(
            "environment variable %s is missing; give this process the environment of the worker function "
            "(stack output WorkerFunctionName)",
            error,
        )
        return EXIT_USAGE
    except TidegateError as error:
        _LOGGER.error("%s", error)
        return EXIT_GAVE_UP


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m tidegate_worker`; returns the exit code of `run_worker`."""
    parser = argparse.ArgumentParser(prog="tidegate_worker", description="Run jobs of a tidegate pool.")
    parser.add_argument("--pool", required=True, help="the pool to work for")
    parser.add_argument("--slots", type=int, default=os.cpu_count() or 1, help="jobs to run at once")
    given = parser.parse_args(arguments)
    return run_worker(pool=given.pool, slots=given.slots)


def _pool_problem(pool: Pool | None, name: str, slots: int) -> str | None:
    if slots < 1:
        return f"--slots is {slots}; a worker needs at least 1"
    if pool is None:
        return f"there is no pool {name!r}; pools are configured in the stack (TIDEGATE_POOLS)"
    if pool.kind is not PoolKind.PROCESS:
        return (
            f"pool {name!r} is served by a function, not by worker processes; choose a pool of kind process"
        )
    return None


def _run(deps: bootstrap.ProcessDeps, options: Options) -> int:
    # The random part tells containers apart whose host name and process number are the same.
    worker_id = f"{socket.gethostname()}-{os.getpid()}-{deps.entropy.new_ulid(deps.clock.now_ms())[-4:]}"
    process = WorkerProcess(deps.services, deps.executor, deps.clock, options, worker_id)
    try:
        return _supervise(process)
    finally:
        usage = deps.meter.snapshot().to_json()
        _LOGGER.info("%s", json.dumps({"message": "usage", "usage": usage}))


class _Stoppable(Protocol):
    def run(self) -> int: ...

    def stop(self) -> None: ...


def _supervise(process: _Stoppable) -> int:
    """Runs the process in a thread, so that signals are heard even while that thread waits for the queue."""
    codes: list[int] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            codes.append(process.run())
        except BaseException as error:  # noqa: BLE001 - carried over to the main thread
            failures.append(error)

    thread = threading.Thread(target=run, name="receiver")
    with _counted_signals() as received:
        thread.start()
        heeded = 0
        while thread.is_alive():
            thread.join(_LOOK_SECONDS)
            while heeded < len(received):
                process.stop()
                heeded += 1
    if failures:
        raise failures[0]
    return codes[0]


@contextmanager
def _counted_signals() -> Iterator[list[int]]:
    """Collects stop signals while the block runs. The handler only notes them: it may interrupt anything."""
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    previous = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
