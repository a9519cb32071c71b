"""The executor of the worker process: runs job code in child processes.

The thread that calls `execute` sends heartbeats while it waits for its child, so CPU-bound job code can't starve
them. A child that must stop and does not is killed and replaced. Children are reused between jobs.

Job code is not trusted with the worker's resources. It gets the listed environment variables and a folder of its own.
It gets AWS credentials only if its type asked for them, and this process never imports it.
docs/explanation/isolation.md says what this protects and what it does not.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tidegate.adapters.executors.attempt_lines import AttemptLines, NoSink
from tidegate.adapters.executors.environment import JobEnvironment, job_environment
from tidegate.adapters.executors.job_process import JobProcess, JobProcessError
from tidegate.adapters.executors.outcomes import (
    VERDICTS,
    WHY,
    outcome_of,
    unable,
    unable_for_want_of_type,
    upstream_values,
)
from tidegate.adapters.executors.process_lender import ProcessLender
from tidegate.adapters.executors.scratch import WorkerScratch
from tidegate.domain import limits
from tidegate.domain.announcements import described_from
from tidegate.domain.described_types import DescribedTypes
from tidegate.domain.errors import TidegateError
from tidegate.domain.job import Progress
from tidegate.domain.texts import plain_message
from tidegate.jobs.attempt import report_from
from tidegate.jobs.context import progress_from
from tidegate.jobs.loader import JOB_PACKAGES
from tidegate.jobs.registry import RegistrationError
from tidegate.ports import (
    Assignment,
    Begun,
    Heartbeat,
    LogSink,
    Outcome,
    OutcomeKind,
    Signal,
    Stopwatch,
    unheard,
)

_LOGGER = logging.getLogger("tidegate.worker")
DEFAULT_HAND_BACK_GRACE_SECONDS = 5.0
_DESCRIBE_SECONDS = 120.0  # the longest time to import all job code once
_SLOW = f"job code was not loaded within {_DESCRIBE_SECONDS:g} s; its modules must only define things"
# A child may end between two jobs because of an earlier job's leftovers, or because the system ran out of memory. If a
# second new child ends before it has begun anything, the machine or the modules of job code are at fault.
_CHILDREN_TRIED = 3
NOT_STARTED = "process-not-started"


class ProcessExecutor:
    """Runs an attempt for each thread that calls `execute`, each in a child process of its own.

    - `clock` measures durations and must not show steps of the machine's clock.
    - `cancel_grace_seconds`: job code may go on for this long after it was told of its cancellation; then its process
      is killed. `hand_back_grace_seconds` is the same for a worker that shuts down.
    - `environment`: the environment variables that job code gets; the default is the documented list.
    - `scratch`: the folder in which attempts' folders are made.
    - `jobs_per_process`: the attempts that a child runs one after the other (1 without `reuse_processes`). It runs
      fewer if an attempt leaves something behind that can't be undone, or more than `process_growth_mb` MiB of memory.
    """

    def __init__(
        self,
        clock: Stopwatch,
        *,
        heartbeat_seconds: float,
        cancel_grace_seconds: float,
        hand_back_grace_seconds: float = DEFAULT_HAND_BACK_GRACE_SECONDS,
        packages: Sequence[str] = JOB_PACKAGES,
        environment: JobEnvironment | None = None,
        scratch: Path | None = None,
        reuse_processes: bool = True,
        jobs_per_process: int = limits.DEFAULT_JOBS_PER_PROCESS,
        process_growth_mb: int = limits.DEFAULT_PROCESS_GROWTH_MB,
    ) -> None:
        self._clock = clock
        self._sink: LogSink = NoSink()
        self._heartbeat_ms = int(heartbeat_seconds * 1_000)
        self._grace_ms = {
            Signal.CANCEL: int(cancel_grace_seconds * 1_000),
            Signal.HAND_BACK: int(hand_back_grace_seconds * 1_000),
        }
        self._environment = environment or job_environment(os.environ, ())
        self._scratch = WorkerScratch(scratch)
        self._process_growth_mb = process_growth_mb
        self._children = ProcessLender(
            packages, self._environment, attempts=jobs_per_process if reuse_processes else 1
        )
        self._describing = threading.Lock()
        self._types: DescribedTypes | None = None
        self._hurrying = threading.Lock()
        self._hurry_end, self._hurry_start = Pipe(duplex=False)

    def print_to(self, sink: LogSink) -> None:
        """Passes every line that an attempt prints to `sink` from now on."""
        self._sink = sink

    def warm(self, children: int) -> None:
        """Starts `children` processes before the first jobs come; does not wait for them."""
        self._children.warm(children)

    def job_types(self) -> DescribedTypes:
        """Returns the job types as a child that loaded them describes them; no types after `close`.

        Raises RegistrationError where job code can't be loaded, and OSError where no process can be started.
        """
        with self._describing:
            if self._types is None:
                self._types = self._described()
            return self._types

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        """Runs one attempt to its end; returns errors of job code and the death of its process as an Outcome.

        If a process is gone before it has begun the attempt, another process gets it, at no cost to the attempt. If
        none begins it, or this worker lacks the type, the outcome is UNABLE.
        """
        lines = AttemptLines(assignment.job_id, assignment.attempt, self._sink)
        return lines.told_by(self._execute(assignment, heartbeat, begun, lines))

    def _execute(
        self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun, lines: AttemptLines
    ) -> Outcome:
        with ExitStack() as attempt:
            try:
                folder = attempt.enter_context(self._scratch.attempt_folder())
                with_keys = self.job_types().wants_keys(assignment.type)
                how = ""
                for tried in range(_CHILDREN_TRIED):
                    child = self._children.borrow(with_keys=with_keys, new=tried > 0)
                    if child is None:
                        return Outcome(OutcomeKind.HANDED_BACK)
                    watch = _Watch(self, child, assignment, heartbeat, begun, folder)
                    try:
                        return self._run(child, watch, lines)
                    except _LacksTypeError as lacking:
                        # An earlier job's leftovers could cause this too, so only a new process is believed.
                        if tried > 0:
                            return unable_for_want_of_type(str(lacking))
                    except JobProcessError:
                        how = self._children.discard(child)
                        outcome = self._outcome_of_death(watch, how)
                        if outcome is not None:
                            return outcome
            except (OSError, RegistrationError) as error:
                if self._children.is_closed:  # `close` has removed the folder
                    return Outcome(OutcomeKind.HANDED_BACK)
                return unable(NOT_STARTED, str(error))
            return unable(
                NOT_STARTED,
                f"{_CHILDREN_TRIED} processes, one after the other, were gone before they began the job: {how}; "
                "see the worker's log and its memory",
            )

    def probe(self) -> str:
        """Tries a new process; returns the reason why no attempt can begin here now, or an empty text if one can."""
        try:
            with self._scratch.attempt_folder():
                self._described(in_new_process=True)
        except (OSError, RegistrationError) as error:
            return "" if self._children.is_closed else str(error)
        return ""

    def types_now(self) -> Sequence[str]:
        """Returns the job types that a new process has.

        Raises OSError or RegistrationError where none can load job code.
        """
        return self._described(in_new_process=True).types()

    def _run(self, child: JobProcess, watch: _Watch, lines: AttemptLines) -> Outcome:
        """Runs the attempt in `child`; raises JobProcessError if the child is gone, and then the caller discards it."""
        child.attempts += 1
        child.output.begin(f"job {watch.name}", lines)
        try:
            outcome = watch.run(self._environment.keys if child.has_keys else {})
        except JobProcessError:
            raise
        except BaseException:
            self._children.discard(child)
            raise
        if watch.ended_by_itself and self._is_clean(child, watch):
            self._children.take_back(child)
        else:
            self._children.discard(child)
        return outcome

    def _is_clean(self, child: JobProcess, watch: _Watch) -> bool:
        """Ends the processes that the attempt left; returns True if the child may run another attempt."""
        why = watch.spoiled
        try:
            if not child.end_leftovers():
                why = "job code left processes running; they were ended"
        except JobProcessError as error:
            why = str(error)
        child.output.finish()
        if why:
            _LOGGER.info("job %s: its process is not used again: %s", watch.name, why)
        return not why

    def hurry(self) -> None:
        """Makes every attempt, current or later, send a heartbeat at once, so that it heeds the answer now."""
        with self._hurrying:
            self._hurry_start.close()

    def close(self) -> None:
        """Kills every child. Current attempts return HANDED_BACK, and so does every later one."""
        self._children.close()
        self._scratch.close()

    @property
    def clock(self) -> Stopwatch:
        """The stopwatch that measures attempts."""
        return self._clock

    @property
    def process_growth_mb(self) -> int:
        """MiB of memory that a child may gain over its life and still run another attempt."""
        return self._process_growth_mb

    @property
    def heartbeat_ms(self) -> int:
        """Milliseconds between heartbeats."""
        return self._heartbeat_ms

    def grace_ms(self, asked: Signal) -> int:
        """Returns the milliseconds that job code may go on after CANCEL or HAND_BACK."""
        return self._grace_ms[asked]

    def wait_for(self, child: JobProcess, timeout_ms: int, *, or_hurry: bool) -> tuple[bool, bool]:
        """Waits at most `timeout_ms` for a message of `child`, or for `hurry`.

        Returns two values: True if a message came, and True if `hurry` was called.
        """
        objects = [child.connection, self._hurry_end] if or_hurry else [child.connection]
        ready = wait(objects, max(0, timeout_ms) / 1_000)
        return child.connection in ready, self._hurry_end in ready

    def _described(self, *, in_new_process: bool = False) -> DescribedTypes:
        """Asks a process for its job types; with `in_new_process` it asks a new one, which runs no attempt."""
        how = ""
        for tried in range(_CHILDREN_TRIED):
            child = self._children.borrow(with_keys=False, new=in_new_process or tried > 0)
            if child is None:
                return DescribedTypes()
            try:
                described = self._described_by(child)
            except JobProcessError:
                how = self._children.discard(child)
                continue
            if in_new_process:
                self._children.discard(child)
                return described
            return self._with_schemas(child, described)
        raise RegistrationError(f"the process that loads job code is gone: {how}")

    def _described_by(self, child: JobProcess) -> DescribedTypes:
        """Returns the job types from the first message of a new child.

        Raises RegistrationError, or JobProcessError if the child is gone, and then the caller discards it.
        """
        try:
            if not child.connection.poll(_DESCRIBE_SECONDS):
                raise RegistrationError(_SLOW)
            first = child.receive()
        except JobProcessError:
            raise
        except BaseException:
            self._children.discard(child)
            raise
        if first.get("kind") != "ready":
            self._children.discard(child)
            raise RegistrationError(str(first.get("message")))
        unloaded = tuple(plain_message(str(fault)) for fault in first.get("faults", ()))
        return DescribedTypes(first["types"], unloaded)

    def _with_schemas(self, child: JobProcess, types: DescribedTypes) -> DescribedTypes:
        """Asks a new child for the schemas of its types, and takes it back.

        A child that can't tell them is discarded: then its types are not announced, and their jobs run all the same.
        """
        try:
            child.send({"kind": "describe"})
            if not child.connection.poll(_DESCRIBE_SECONDS):
                raise JobProcessError(f"it did not answer within {_DESCRIBE_SECONDS:g} s")
            said = child.receive().get("types")
        except JobProcessError as error:
            self._children.discard(child)
            _LOGGER.warning(
                "the job types of this worker can't be described, so they are not announced: %s", error
            )
            return types
        self._children.take_back(child)
        if not isinstance(said, dict):
            return types
        described = tuple(
            described_from(name, one, types.asked[name])
            for name, one in sorted(said.items())
            if name in types.asked and isinstance(one, dict)
        )
        return replace(types, described=described)

    def _outcome_of_death(self, watch: _Watch, how: str) -> Outcome | None:
        """Returns the outcome of an attempt whose child is gone; None if another child may begin it."""
        # The child's own alarm may have ended it first, while a heartbeat that hung delayed this thread.
        if watch.is_overdue:
            return Outcome(OutcomeKind.TIMED_OUT)
        if watch.asked is not Signal.GO_ON:
            return Outcome(VERDICTS[watch.asked])
        if self._children.is_closed:
            return Outcome(OutcomeKind.HANDED_BACK)
        if not watch.has_begun:
            return None
        return Outcome(
            OutcomeKind.FAILED,
            code="process-died",
            message=f"the process that ran the job is gone: {how}; see the worker's log and its memory",
        )


class _LacksTypeError(TidegateError):
    """The error for a child that has no code for the attempt, and so has not begun it."""


class _Watch:
    """One attempt, from sending it to the child until it has ended or must be killed."""

    def __init__(
        self,
        owner: ProcessExecutor,
        child: JobProcess,
        assignment: Assignment,
        heartbeat: Heartbeat,
        begun: Begun,
        folder: Path,
    ) -> None:
        self.has_begun = False
        self.ended_by_itself = False
        self.spoiled = ""  # the reason why the process must not run another attempt
        self.name = f"{assignment.job_id} attempt {assignment.attempt}"
        self._folder = folder
        self._owner = owner
        self._child = child
        self._assignment = assignment
        self._heartbeat = heartbeat
        self._begun = begun
        self._progress: Progress | None = None
        self.asked = Signal.GO_ON
        # The deadline for the attempt to begin, and later for its end: a slow start of a process costs the job no time.
        self._deadline_ms = owner.clock.now_ms() + int(_DESCRIBE_SECONDS * 1_000)
        self._kill_at_ms = self._deadline_ms

    @property
    def is_overdue(self) -> bool:
        """True if the attempt has begun and its time is over."""
        return self.has_begun and self._owner.clock.now_ms() >= self._deadline_ms

    def run(self, keys: Mapping[str, str]) -> Outcome:
        """Watches until the attempt has an outcome; job code gets `keys`.

        Raises JobProcessError if the child is gone.
        """
        clock, assignment = self._owner.clock, self._assignment
        self._send(
            "run",
            type=assignment.type,
            key=assignment.key,
            second=assignment.second,
            token="" if assignment.token is None else assignment.token.text,
            parameters=assignment.parameters,
            upstreams=upstream_values(assignment),
            folder=str(self._folder),
            keys=keys,
            remaining_seconds=assignment.timeout_ms / 1_000,
            max_growth_mb=self._owner.process_growth_mb,
        )
        beat_at_ms = clock.now_ms() + self._owner.heartbeat_ms
        hurried = False
        while True:
            wait_ms = min(beat_at_ms, self._kill_at_ms) - clock.now_ms()
            has_message, hurry = self._owner.wait_for(self._child, wait_ms, or_hurry=not hurried)
            if has_message:
                outcome = self._take(self._child.receive())
                if outcome is not None:
                    return outcome
            if clock.now_ms() >= self._kill_at_ms:
                if self.asked is Signal.GO_ON and not self.has_begun:
                    raise RegistrationError(_SLOW)
                timed_out = self.is_overdue or self.asked is Signal.GO_ON
                return Outcome(OutcomeKind.TIMED_OUT if timed_out else VERDICTS[self.asked])
            if hurry or clock.now_ms() >= beat_at_ms:
                if self._child.has_ended() and not self._child.connection.poll():
                    raise JobProcessError
                hurried = hurried or hurry
                progress, self._progress = self._progress, None
                asked = self._heartbeat(progress)
                if asked is Signal.LOST:
                    return Outcome(OutcomeKind.LOST)
                self._heed(asked)
                beat_at_ms = clock.now_ms() + self._owner.heartbeat_ms

    def _take(self, message: Mapping[str, Any]) -> Outcome | None:
        """Handles a message; returns the outcome if it brings one.

        Job code can write any message, so its fields are checked. Raises JobProcessError, RegistrationError if the
        child has no job code to run, and _LacksTypeError.
        """
        if message.get("kind") == "broken" and not self.has_begun:
            raise RegistrationError(str(message.get("message")))
        if message.get("kind") == "lacking" and not self.has_begun:
            raise _LacksTypeError(str(message.get("why", "")))
        if (message.get("job_id"), message.get("attempt")) != (
            self._assignment.job_id,
            self._assignment.attempt,
        ):
            return None  # it belongs to the previous job, or to the child's start
        if not self.has_begun:  # any first message means that job code has begun
            self.has_begun = True
            deadline_ms = self._owner.clock.now_ms() + self._assignment.whole_timeout_ms
            going_on = self.asked is Signal.GO_ON
            self._deadline_ms = deadline_ms
            self._kill_at_ms = deadline_ms if going_on else min(self._kill_at_ms, deadline_ms)
            self._begun()
        try:
            if message["kind"] == "begun":
                return None
            if message["kind"] == "progress":
                self._progress = progress_from(float(message["fraction"]), str(message["message"]))
                return None
            report = report_from(message)
            self.spoiled = plain_message(str(message.get("spoiled", "its answer is incomplete")))[
                : limits.MAX_ERROR_CHARACTERS
            ]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise JobProcessError("job code's process sent something that is no message") from error
        self.ended_by_itself = True
        return outcome_of(report, self.asked)

    def _heed(self, asked: Signal) -> None:
        if asked is Signal.GO_ON or asked is self.asked:
            return
        if self.asked is Signal.GO_ON:
            grace_ends_ms = self._owner.clock.now_ms() + self._owner.grace_ms(asked)
            self._kill_at_ms = min(grace_ends_ms, self._deadline_ms)
        self.asked = asked
        # A child that is gone may have sent an answer before; that is read first, then the end of the connection.
        with suppress(JobProcessError):
            self._send("stop", why=WHY[asked])

    def _send(self, kind: str, **fields: Any) -> None:
        self._child.send(
            {"kind": kind, "job_id": self._assignment.job_id, "attempt": self._assignment.attempt, **fields}
        )
