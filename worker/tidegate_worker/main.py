"""Starts a worker process and passes the operating system's signals to it."""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Protocol

from tidegate import bootstrap
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, TidegateError
from tidegate.domain.seats import Seat
from tidegate.domain.workers import WorkerSpec, check_spec
from tidegate.jobs.registry import RegistrationError
from tidegate.kernel import hide_process
from tidegate_worker import worker_options
from tidegate_worker.clock_watch import ClockWatch
from tidegate_worker.init import keys_that_the_first_process_shows
from tidegate_worker.process import EXIT_GAVE_UP, Options, WorkerProcess
from tidegate_worker.protection import TaskGuard, agent_of
from tidegate_worker.registration import Registration
from tidegate_worker.worker_options import WorkerArguments

EXIT_USAGE = 2

_LOGGER = logging.getLogger("tidegate.worker")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LOOK_SECONDS = 0.2
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9._-]")


def run_worker(arguments: WorkerArguments) -> int:
    """Serves a pool until SIGTERM or SIGINT, or until it is asked to drain; returns the exit code.

    - 0 after an orderly stop.
    - 1 if it could not start, the queue stayed unreachable, or another process has taken its worker id.
    - 2 for wrong arguments.
    - 6 if it could not run the jobs that it was given.

    The first signal lets running jobs finish for a while; the second hands them back at once. Must be called in the
    main thread. Hides this process from other processes of its user.
    """
    hide_process()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    _warn_of_another_init()
    try:
        _check_bounds(arguments)
        deps = _deps(arguments)
        for fault in deps.services.registry.faults():
            _LOGGER.error("%s; jobs of its types are left to other workers", fault)
        spec = _spec(arguments, deps)
        check_spec(spec, deps.services.settings.pools)
        return _run(deps, arguments, spec)
    except KeyError as error:
        _LOGGER.error(
            "environment variable %s is missing; give this process the environment of the worker function "
            "(stack output WorkerFunctionName)",
            error,
        )
        return EXIT_USAGE
    except InvalidRequest as error:
        for violation in error.violations:
            _LOGGER.error("--%s: %s", violation.field, violation.message)
        return EXIT_USAGE
    except TidegateError as error:
        _LOGGER.error("%s", error)
        return EXIT_GAVE_UP


def _deps(arguments: WorkerArguments) -> bootstrap.ProcessDeps:
    try:
        return bootstrap.process_worker(arguments.jobs_per_process, arguments.process_growth_mb)
    except OSError as error:
        raise RegistrationError(
            f"the process that loads job code can't be started: {error}; see this machine's memory and disk"
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line of `python -m tidegate_worker`; returns the exit code of `run_worker`."""
    given = _parser().parse_args(arguments)
    return run_worker(
        WorkerArguments(
            pool=given.pool,
            slots=given.slots,
            worker_id=given.worker_id,
            name=given.name,
            tags=tuple(given.tag),
            capabilities=tuple(given.capability),
            drain_seconds=given.drain_seconds,
            take_over=given.take_over,
            jobs_per_process=given.jobs_per_process,
            process_growth_mb=given.process_growth_mb,
        )
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tidegate_worker", description="Run jobs of a tidegate pool.")
    parser.add_argument(worker_options.POOL.flag, required=True, help=worker_options.POOL.help)
    for text in (worker_options.WORKER_ID, worker_options.NAME):
        parser.add_argument(text.flag, help=text.help)
    for texts in (worker_options.TAG, worker_options.CAPABILITY):
        parser.add_argument(texts.flag, action="append", default=[], metavar=texts.metavar, help=texts.help)
    parser.add_argument(
        worker_options.TAKE_OVER.flag, action="store_true", help=worker_options.TAKE_OVER.help
    )
    for number, kind, default in (
        (worker_options.SLOTS, int, os.cpu_count() or 1),
        (worker_options.DRAIN_SECONDS, float, worker_options.DEFAULT_DRAIN_SECONDS),
        (worker_options.JOBS_PER_PROCESS, int, limits.DEFAULT_JOBS_PER_PROCESS),
        (worker_options.PROCESS_GROWTH_MB, int, limits.DEFAULT_PROCESS_GROWTH_MB),
    ):
        help_text = f"{number.help} (default %(default)s)"
        parser.add_argument(number.flag, type=kind, default=default, metavar="N", help=help_text)
    return parser


def _warn_of_another_init() -> None:
    shown = keys_that_the_first_process_shows(os.environ)
    if shown:
        _LOGGER.error(
            "job code of every type can read %s in process 1; start this container without another init "
            "(docker run --init, InitProcessEnabled), because the worker is its own init",
            ", ".join(shown),
        )


def _check_bounds(arguments: WorkerArguments) -> None:
    for option, value in (
        (worker_options.JOBS_PER_PROCESS, arguments.jobs_per_process),
        (worker_options.PROCESS_GROWTH_MB, arguments.process_growth_mb),
    ):
        if not option.least <= value <= option.most:
            raise InvalidRequest.of(
                option.flag.removeprefix("--"),
                f"is {value:,}; must be from {option.least} to {option.most:,}",
            )


def _spec(arguments: WorkerArguments, deps: bootstrap.ProcessDeps) -> WorkerSpec:
    if not 0 <= arguments.drain_seconds <= limits.MAX_DRAIN_SECONDS:
        raise InvalidRequest.of(
            "drain-seconds", f"is {arguments.drain_seconds:g}; must be from 0 to {limits.MAX_DRAIN_SECONDS:,}"
        )
    host = socket.gethostname()
    # The random part distinguishes containers that have the same host name and process id.
    pool = deps.services.settings.pools.get(arguments.pool)
    offered = pool.capabilities if pool is not None else frozenset()
    own_id = f"{_NOT_IN_AN_ID.sub('-', host)}-{os.getpid()}-{deps.entropy.new_ulid(deps.clock.now_ms())[-4:]}"
    return WorkerSpec(
        pool=arguments.pool,
        worker_id=own_id if arguments.worker_id is None else arguments.worker_id,
        host=host,
        slots=arguments.slots,
        name=arguments.name,
        capabilities=frozenset(arguments.capabilities) or offered,
        tags=_tags(arguments.tags),
    )


def _tags(given: Sequence[str]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for text in given:
        name, mark, value = text.partition("=")
        if not mark or not name or not value:
            raise InvalidRequest.of("tag", f"{text!r} is no tag; give NAME=VALUE")
        if name in tags:
            raise InvalidRequest.of("tag", f"{name!r} is given twice")
        tags[name] = value
    return tags


def _run(deps: bootstrap.ProcessDeps, arguments: WorkerArguments, spec: WorkerSpec) -> int:
    services = replace(deps.services, seat=Seat(spec.name or "", spec.host))
    registration = Registration(
        services,
        deps.clock,
        spec,
        deps.session_id,
        take_over=arguments.take_over,
        beat_seconds=deps.services.settings.heartbeat_seconds,
        clock_off_ms=ClockWatch(deps.clock_off_ms, deps.services.settings.lease_ms).look,
    )
    options = Options(pool=spec.pool, slots=spec.slots, drain_seconds=arguments.drain_seconds)
    agent = agent_of(os.environ)
    guard = None if agent is None else TaskGuard(agent)
    if deps.close_lines is not None and not sys.stderr.isatty():
        logging.getLogger("tidegate.output").setLevel(
            logging.WARNING
        )  # the lines of jobs have a log of their own
    process = WorkerProcess(services, deps.executor, deps.clock, options, registration, guard, deps.described)
    try:
        return _supervise(process)
    finally:
        if deps.close_lines is not None:
            deps.close_lines()
        usage = deps.meter.snapshot().to_json()
        _LOGGER.info("%s", json.dumps({"message": "usage", "usage": usage}))


class _Stoppable(Protocol):
    def run(self) -> int: ...

    def stop(self) -> None: ...


def _supervise(process: _Stoppable) -> int:
    """Runs the process in a thread, so that signals are noticed even while that thread waits for the queue."""
    codes: list[int] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            codes.append(process.run())
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
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
    """Collects stop signals while the block runs. The handler only notes them, because it may interrupt any code."""
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    previous = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
