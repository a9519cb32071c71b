"""The worker processes around the console while flows run, and the variables by which the flows know them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from tests.harness.e2e.kills.deployment import schedules
from tests.harness.e2e.kills.processes import wait_for
from tests.harness.e2e.worker_processes import RunningWorker, worker
from tidegate_devstack import StackInfo

REAP_SECONDS = 10
WORKERS = ("e2e-console-one", "e2e-console-other")

Surroundings = Callable[[StackInfo, Path, Path], AbstractContextManager[Mapping[str, str]]]


@contextmanager
def no_workers(stack: StackInfo, home: Path, folder: Path) -> Iterator[Mapping[str, str]]:
    """Runs nothing."""
    del stack, home, folder
    yield {}


@contextmanager
def one_worker(stack: StackInfo, home: Path, folder: Path) -> Iterator[Mapping[str, str]]:
    """Runs a worker with the usual slots."""
    del stack
    with ExitStack() as running:
        _registered(running, home, folder / "worker.log")
        yield {}


@contextmanager
def two_workers(stack: StackInfo, home: Path, folder: Path) -> Iterator[Mapping[str, str]]:
    """Runs two workers with one slot each. The reaper runs often, so that a dead one is noticed after its silence."""
    with ExitStack() as running:
        running.enter_context(schedules(stack, REAP_SECONDS))
        workers = {
            name: _registered(running, home, folder / f"{name}.log", "--slots", "1", "--worker-id", name)
            for name in WORKERS
        }
        yield {"TIDEGATE_WORKERS": json.dumps({name: each.process.pid for name, each in workers.items()})}


def _registered(
    running: ExitStack, home: Path, log: Path, *options: str, variables: Mapping[str, str] | None = None
) -> RunningWorker:
    """Starts a worker that ends with `running`, and waits until it has registered."""
    started = running.enter_context(worker(home, log, *options, variables=variables))
    wait_for("a worker registers", lambda: b"serves pool" in log.read_bytes())
    return started


SURROUNDINGS: Mapping[str, Surroundings] = {"running": one_worker, "surviving": two_workers}
"""What runs around the flows of a file, by the file's name."""
