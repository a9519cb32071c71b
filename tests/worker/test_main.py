from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from tidegate.domain.pools import Pool, PoolKind
from tidegate_worker.main import EXIT_USAGE, _pool_problem, _supervise

PATIENCE_SECONDS = 60.0


class Stoppable:
    """A worker process that ends when it was stopped as often as it wants."""

    def __init__(self, stops: int) -> None:
        self._wanted = stops
        self._enough = threading.Event()
        self.stops = 0

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT)[: self._wanted]:
            os.kill(os.getpid(), number)
        assert self._enough.wait(PATIENCE_SECONDS)
        return 0

    def stop(self) -> None:
        self.stops += 1
        if self.stops == self._wanted:
            self._enough.set()


@pytest.mark.parametrize("stops", [1, 2])
def test_every_signal_is_a_request_to_stop(stops: int) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    process = Stoppable(stops)
    assert _supervise(process) == 0
    assert process.stops == stops
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_an_error_of_the_process_is_not_swallowed() -> None:
    class Broken(Stoppable):
        def run(self) -> int:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _supervise(Broken(1))


@pytest.mark.parametrize(
    ("pool", "slots", "problem"),
    [
        (Pool("hosts", "", PoolKind.PROCESS, 60), 1, None),
        (Pool("hosts", "", PoolKind.PROCESS, 60), 0, "--slots is 0"),
        (None, 1, "no pool 'hosts'"),
        (Pool("hosts", "", PoolKind.FUNCTION, 60), 1, "served by a function"),
    ],
)
def test_pools_that_can_not_be_served_are_explained(
    pool: Pool | None, slots: int, problem: str | None
) -> None:
    found = _pool_problem(pool, "hosts", slots)
    assert found is None if problem is None else found is not None and problem in found


def test_a_missing_environment_is_one_message() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    environment["AWS_DEFAULT_REGION"] = "eu-central-1"
    ended = subprocess.run(
        [sys.executable, "-m", "tidegate_worker", "--pool", "hosts"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert ended.returncode == EXIT_USAGE
    assert "environment variable 'TIDEGATE_POOLS' is missing" in ended.stderr
    assert "Traceback" not in ended.stderr
