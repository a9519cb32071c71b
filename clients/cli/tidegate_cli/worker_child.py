"""Runs worker processes for the time of one command, and ends them with it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tidegate_cli.errors import CliError
from tidegate_cli.interrupts import held_off
from tidegate_cli.worker_credentials import worker_environment
from tidegate_devstack.model import CLIENT_CONFIG, StackInfo, write_info
from tidegate_devstack.private_files import UMASK, open_private

# At the first signal a worker lets its jobs finish. At the second it hands them back. If it still runs, it is killed.
_PATIENCE_SECONDS = (8.0, 25.0)
_KILL_SECONDS = 5.0
_TAIL_CHARACTERS = 600
_REGISTRATION_SECONDS = 60.0
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class WorkerChild:
    """A worker process that this command started. `log` is the file with its output."""

    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raises CliError, with the end of the log, if the process has ended."""
        code = self.process.poll()
        if code is None:
            return
        tail = self.log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARACTERS:].strip()
        raise CliError(f"the worker process ended with code {code}; see {self.log}\n{tail}")


@contextmanager
def worker_children(
    stack: StackInfo,
    folder: Path,
    *,
    pool: str,
    processes: int,
    slots: int,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Sequence[WorkerChild]]:
    """Runs `processes` workers of `slots` slots each for `pool` on the local stack within the block.

    They work under the stack's role for worker processes. Their logs are files in `folder`. `variables` are added to
    their environment. Job code sees only those that TIDEGATE_JOB_ENVIRONMENT names.
    """
    with ExitStack() as children:
        yield [
            children.enter_context(
                _worker(stack, folder / f"worker-{pool}-{number}.log", pool, slots, variables or {})
            )
            for number in range(1, processes + 1)
        ]


@contextmanager
def _worker(
    stack: StackInfo, log: Path, pool: str, slots: int, variables: Mapping[str, str]
) -> Iterator[WorkerChild]:
    command = [sys.executable, "-m", "tidegate_cli", "worker", "--pool", pool, "--slots", str(slots)]
    log.parent.mkdir(parents=True, exist_ok=True)
    facts = log.with_suffix(".stack.json")
    write_info(facts, stack)
    environment = {**worker_environment(stack, facts, log.with_suffix(".aws")), **variables}
    with open_private(log) as sink:
        # The child gets a session of its own, so Ctrl-C reaches this command only, which then ends the child in order.
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            umask=UMASK,  # only the user can read files that jobs write, as all files of a local stack
            start_new_session=True,
        )
    try:
        yield WorkerChild(process, log)
    finally:
        _end(process)
        facts.unlink()  # it holds a key


def wait_until_registered(
    stack: StackInfo,
    pool: str,
    children: Sequence[WorkerChild],
    *,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Waits until every child is registered as an ACTIVE worker, so that the next submission finds their slots.

    Raises CliError if a child ends first, or after a minute. `monotonic` and `sleep` (seconds) are for tests.
    """
    table = stack.session().client("dynamodb", endpoint_url=stack.endpoint_url, config=CLIENT_CONFIG)
    deadline_s = monotonic() + _REGISTRATION_SECONDS
    while monotonic() < deadline_s:
        for child in children:
            child.check()
        pages = table.get_paginator("query").paginate(
            TableName=stack.outputs["WorkersTable"],
            KeyConditionExpression="#pool = :pool",
            ExpressionAttributeNames={"#pool": "pool"},  # DynamoDB reserves the word
            ExpressionAttributeValues={":pool": {"S": pool}},
        )
        # Entries of earlier workers stay for a while.
        items = [item for page in pages for item in page["Items"]]
        names = [item["worker_id"]["S"] for item in items if item["state"]["S"] == "ACTIVE"]
        if all(any(f"-{child.process.pid}-" in name for name in names) for child in children):
            return
        sleep(_LOOK_SECONDS)
    logs = ", ".join(str(child.log) for child in children)
    raise CliError(f"the worker process did not register within {_REGISTRATION_SECONDS:g} s; see {logs}")


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
