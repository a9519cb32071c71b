"""The processes that a kill test started, and nobody else's: its worker processes, and its emulator's functions."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.e2e.worker_processes import PATIENCE_SECONDS, RunningWorker
from tidegate_cli.local_stack import StackInfo, processes

_LOOK_SECONDS = 0.05
_REGISTERED = re.compile(rb"worker \S+ serves pool")


def wait_for(what: str, holds: Callable[[], bool]) -> None:
    """Waits until `holds`, as long as patience allows; the test fails with `what` after that."""
    deadline_s = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline_s, f"it did not come to this: {what}"
        time.sleep(_LOOK_SECONDS)


def children(pid: int) -> dict[int, str]:
    """The processes that `pid` itself started and that run still, with their command lines."""
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # Field 2, the name, may hold anything; what follows its last parenthesis is regular.
            state, parent = (
                (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:2]
            )
            if int(parent) == pid and state not in "ZX":
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = line.decode("utf-8", "replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def function_processes(stack: StackInfo, output: str) -> dict[int, str]:
    """The processes of this stack's function that `output` names, with what tells each from a later one of its pid."""
    place = f"/ministack-lambda-{stack.outputs[output]}-"
    found = (pid for pid, command in children(stack.pid).items() if place in command)
    return {pid: mark for pid in found if (mark := processes.start_mark(pid)) is not None}


def kill_functions(stack: StackInfo, output: str, among: Container[int], most: int) -> set[int]:
    """Kills at most `most` processes of a function of this stack that are `among` the given ones; returns which."""
    killed: set[int] = set()
    for pid, mark in function_processes(stack, output).items():
        if pid in among and len(killed) < most and processes.runs(pid, mark):
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    return killed


class Crew:
    """Worker processes of pool ecs, each of `slots` slots; a place whose worker was killed gets another one."""

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
        """Ends a worker process the hard way."""
        running = self._at[place]
        assert running.process.poll() is None, running.log.read_text(encoding="utf-8")
        running.tell(signal.SIGKILL)
        assert running.ended() == -signal.SIGKILL

    def job_pids(self, place: int) -> set[int]:
        """The processes in which a worker runs job code."""
        return set(children(self._at[place].process.pid))

    def freeze(self, place: int) -> set[int]:
        """Stops a worker process and those of its jobs where they are; returns the latter."""
        self._at[place].tell(signal.SIGSTOP)
        pids = self.job_pids(place)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        return pids

    def thaw_jobs(self, place: int) -> None:
        """Lets the jobs of a frozen worker process go on."""
        for pid in self.job_pids(place):
            os.kill(pid, signal.SIGCONT)

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
    """Runs a crew while the block runs."""
    folder.mkdir()
    running = Crew(home, folder, variables, slots)
    try:
        for place in range(workers):
            running.fill(place)
        yield running
    finally:
        running.end()
