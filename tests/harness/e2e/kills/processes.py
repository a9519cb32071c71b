"""The processes that a kill test started itself: its worker processes, and its emulator's functions."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.harness.e2e.worker_processes import PATIENCE_SECONDS, RunningWorker
from tidegate_devstack import StackInfo

_LOOK_SECONDS = 0.05
_REGISTERED = re.compile(rb"worker \S+ serves pool")


def wait_for(what: str, holds: Callable[[], bool]) -> None:
    """Waits until `holds`, with a time limit. After that the test fails with `what`."""
    deadline_s = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline_s, f"it did not come to this: {what}"
        time.sleep(_LOOK_SECONDS)


def function_processes(stack: StackInfo, output: str) -> dict[int, psutil.Process]:
    """Returns the processes of this stack's function that `output` names, by their ids."""
    place = f"/ministack-lambda-{stack.outputs[output]}-"
    found: dict[int, psutil.Process] = {}
    for child in psutil.Process(stack.pid).children():
        try:
            if any(place in word for word in child.cmdline()):
                found[child.pid] = child
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue  # it has just ended
    return found


def kill_functions(stack: StackInfo, output: str, among: Container[int], most: int) -> set[int]:
    """Kills at most `most` processes of a function of this stack that are `among` the given ones.

    Returns the killed ones.
    """
    killed: set[int] = set()
    for pid, process in function_processes(stack, output).items():
        if pid in among and len(killed) < most and process.is_running():
            process.kill()
            killed.add(pid)
    return killed


class Crew:
    """Worker processes of pool ecs, each with `slots` slots. A killed worker is replaced."""

    def __init__(self, home: Path, folder: Path, variables: Mapping[str, str], slots: int) -> None:
        self.slots = slots
        self._home = home
        self._folder = folder
        self._variables = variables
        self._started = 0
        self._at: dict[int, RunningWorker] = {}

    def fill(self, place: int) -> None:
        """Starts a worker process, and waits until it has registered."""
        self._started += 1
        log = self._folder / f"worker-{self._started}.log"
        running = RunningWorker(
            self._home, log, "--slots", str(self.slots), "--drain-seconds", "5", variables=self._variables
        )
        self._at[place] = running
        wait_for("a worker registers", lambda: _REGISTERED.search(log.read_bytes()) is not None)

    def kill(self, place: int) -> None:
        """Kills a worker process."""
        running = self._at[place]
        assert running.process.poll() is None, running.log.read_text(encoding="utf-8")
        running.tell(signal.SIGKILL)
        assert running.ended() == -signal.SIGKILL

    def job_processes(self, place: int) -> Sequence[psutil.Process]:
        """Returns the processes in which a worker runs job code."""
        outer_keepers = psutil.Process(self._at[place].process.pid).children()
        keepers = [inner for outer in outer_keepers for inner in outer.children()]
        return [process for keeper in keepers for process in keeper.children()]

    def freeze(self, place: int) -> set[int]:
        """Stops a worker process and its job processes where they are. Returns the job processes."""
        self._at[place].tell(signal.SIGSTOP)
        running = self.job_processes(place)
        for process in running:
            process.suspend()
        return {process.pid for process in running}

    def thaw_jobs(self, place: int) -> None:
        """Lets the jobs of a frozen worker process go on."""
        for process in self.job_processes(place):
            process.resume()

    def thaw(self, place: int) -> None:
        """Lets a frozen worker process go on, with its jobs."""
        self.thaw_jobs(place)
        self._at[place].tell(signal.SIGCONT)

    def end(self) -> None:
        """Ends all of them in order."""
        for place, running in self._at.items():
            if running.process.poll() is None:
                self.thaw(place)
                running.tell(signal.SIGTERM)
        with ExitStack() as ends:
            for running in self._at.values():
                ends.callback(running.ended)


@contextmanager
def crew(
    home: Path, folder: Path, variables: Mapping[str, str], *, workers: int, slots: int
) -> Iterator[Crew]:
    """Runs a crew of workers while the block runs."""
    folder.mkdir()
    running = Crew(home, folder, variables, slots)
    try:
        for place in range(workers):
            running.fill(place)
        yield running
    finally:
        running.end()
