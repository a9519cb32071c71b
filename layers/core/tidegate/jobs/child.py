"""The child process in which a worker process runs job code; its keeper (`adapters/executors/keeper.py`) starts it.

It exchanges JSON messages with its parent over one socket. The child begins with `ready`, which lists its types and
the modules that it could not load, or with `broken`. The parent sends `describe`, `run` and `stop`. The child answers
`describe` with `described`, which holds the description and the schema of each type of job code. It answers a run with
`lacking` if it has no code of that type, otherwise with `begun`, `progress` and one `ended`. `ended` also gives the
reason if the child must not run another job. When the parent is gone, the socket ends, and then the child ends too.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from tidegate.domain.job import Progress
from tidegate.domain.states import State
from tidegate.jobs.attempt import AttemptReport, run_attempt
from tidegate.jobs.context import JobContext, StopRequest, Upstream
from tidegate.jobs.loader import BUILT_IN, load_for_worker
from tidegate.jobs.logging_state import RECORD_FORMAT
from tidegate.jobs.process_state import ProcessState
from tidegate.jobs.registry import JobType, RegistrationError, Registry
from tidegate.jobs.surroundings import enter_folder, run_in_own_context
from tidegate.jobs.targets.support import TargetSupport

PROGRESS_INTERVAL_SECONDS = 0.2
# If the parent is gone while job code holds the interpreter in a C call, the kernel ends the child after this time.
DEAD_MAN_SECONDS = 10.0

Incoming = Mapping[str, Any]


class Child:
    """Runs one attempt after the other as the parent asks for them."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._pid = os.getpid()
        self._environment = dict(os.environ)
        self._sending = threading.Lock()
        self._runs: queue.SimpleQueue[tuple[Incoming, StopRequest]] = queue.SimpleQueue()
        self._current: tuple[str, int, StopRequest] | None = None
        self._latest: Incoming | None = None
        self._has_progress = threading.Event()
        threading.Thread(target=self._listen, name="parent", daemon=True).start()
        threading.Thread(target=self._send_progress, name="progress", daemon=True).start()

    def fail(self, error: RegistrationError) -> None:
        """Tells the parent that there is no job code to run."""
        self._send({"kind": "broken", "message": str(error)})

    def serve(self, registry: Registry) -> None:
        """Runs attempts in this thread, which must be the main thread, until the parent is gone."""
        self._send({"kind": "ready", "types": registry.asked(), "faults": registry.faults()})
        state = ProcessState()
        while True:
            message, stop = self._runs.get()
            if message["kind"] == "describe":
                self._send({"kind": "described", "types": registry.descriptions(BUILT_IN)})
                continue
            run = {"job_id": message["job_id"], "attempt": message["attempt"]}
            found = registry.find(message["type"])
            if found is None:
                self._send({"kind": "lacking", **run, "why": "; ".join(registry.faults())})
                continue
            # Sets folder and variables again, because the previous job may have changed them.
            enter_folder(message["folder"], {**self._environment, **message["keys"]})
            # Sent before any code of this job runs: without it the parent may give the attempt to another child.
            self._send({"kind": "begun", **run})
            report = run_in_own_context(partial(self._run, found, message, stop))
            if os.getpid() != self._pid:
                os._exit(0)  # a fork of job code came here too; only the original process may answer
            self._has_progress.clear()
            spoiled = state.restore(max_growth_mb=int(message["max_growth_mb"]))
            self._send({**asdict(report), **run, "kind": "ended", "report": report.kind, "spoiled": spoiled})

    def _run(self, found: JobType, message: Incoming, stop: StopRequest) -> AttemptReport:
        remaining_seconds = max(0.0, float(message["remaining_seconds"]))
        ends_at = time.monotonic() + remaining_seconds
        context = JobContext(
            job_id=message["job_id"],
            attempt=message["attempt"],
            key=message["key"],
            upstreams=[
                Upstream(one["job_id"], one["key"], State(one["state"]), one["result"])
                for one in message["upstreams"]
            ],
            remaining_seconds=lambda: ends_at - time.monotonic(),
            report_progress=lambda progress: self._note_progress(message, progress),
            stop=stop,
            is_second=message.get("second") is True,
        )
        signal.setitimer(signal.ITIMER_REAL, remaining_seconds + DEAD_MAN_SECONDS)
        try:
            return run_attempt(found, message["parameters"], context)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _listen(self) -> None:
        while True:
            try:
                message: Incoming = json.loads(self._connection.recv_bytes())
            except (EOFError, OSError):
                os._exit(0)
            if message["kind"] == "run":
                stop = StopRequest()
                self._current = (message["job_id"], message["attempt"], stop)
                self._runs.put((message, stop))
            elif message["kind"] == "describe":
                self._runs.put((message, StopRequest()))
            elif self._current is not None and self._current[:2] == (message["job_id"], message["attempt"]):
                self._current[2].ask(message["why"])

    def _note_progress(self, run: Incoming, progress: Progress) -> None:
        self._latest = {
            "kind": "progress",
            "job_id": run["job_id"],
            "attempt": run["attempt"],
            **asdict(progress),
        }
        self._has_progress.set()

    def _send_progress(self) -> None:
        while True:
            self._has_progress.wait()
            self._has_progress.clear()
            if self._latest is not None:
                self._send(self._latest)
            time.sleep(PROGRESS_INTERVAL_SECONDS)

    def _send(self, message: Incoming) -> None:
        data = json.dumps(message).encode()
        try:
            with self._sending:
                self._connection.send_bytes(data)
        except OSError:
            os._exit(0)


def main(line: int, packages: Sequence[str], support: TargetSupport) -> None:
    """Loads the job code of `packages` and serves the worker over `line`, the descriptor of a socket."""
    logging.basicConfig(level=logging.INFO, format=RECORD_FORMAT, stream=sys.stderr)
    child = Child(Connection(line))
    try:
        registry = load_for_worker(*packages, support=support)
    except RegistrationError as error:
        child.fail(error)
        sys.exit(1)
    child.serve(registry)
