"""Worker processes that a command starts for its own time, and ends with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tidegate_cli.errors import CliError
from tidegate_cli.interrupts import held_off
from tidegate_cli.local_stack.model import StackInfo

# A worker lets its jobs finish for a while; told again, it hands them back; then it is ended hard.
_PATIENCE_SECONDS = (8.0, 25.0)
_KILL_SECONDS = 5.0
_TAIL_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class WorkerChild:
    """A worker process of this command's own; `log` holds what it writes."""

    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raises CliError with the end of its log if the process has ended."""
        code = self.process.poll()
        if code is None:
            return
        tail = self.log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARACTERS:].strip()
        raise CliError(f"the worker process ended with code {code}; see {self.log}\n{tail}")


@contextmanager
def worker_children(
    stack: StackInfo, folder: Path, *, pool: str, processes: int, slots: int
) -> Iterator[Sequence[WorkerChild]]:
    """Runs `processes` workers of `slots` slots each on the local stack while the block runs."""
    with ExitStack() as children:
        yield [
            children.enter_context(_worker(stack, folder / f"worker-{pool}-{number}.log", pool, slots))
            for number in range(1, processes + 1)
        ]


@contextmanager
def _worker(stack: StackInfo, log: Path, pool: str, slots: int) -> Iterator[WorkerChild]:
    command = [sys.executable, "-m", "tidegate_cli", "worker", "--pool", pool, "--slots", str(slots)]
    environment = local_environment(stack)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        # A session of its own: Ctrl-C in the terminal reaches this command, which ends the child in order.
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield WorkerChild(process, log)
    finally:
        _end(process)


def local_environment(stack: StackInfo) -> dict[str, str]:
    """This process's environment for work on the local stack, the user's own AWS settings taken out."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**own, **stack.process_environment()}


def _end(process: subprocess.Popen[bytes]) -> None:
    with held_off():
        for patience_seconds in _PATIENCE_SECONDS:
            process.terminate()
            try:
                process.wait(patience_seconds)
            except subprocess.TimeoutExpired:
                continue
            return
        process.kill()
        process.wait(_KILL_SECONDS)
