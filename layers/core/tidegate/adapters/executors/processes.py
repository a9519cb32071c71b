"""Runs job code in child processes: the executor of the worker process.

The thread that calls `execute` beats while it waits for its child, so CPU-bound job code can't starve the
heartbeats; a child that has to stop and does not is killed and replaced. Children are reused between jobs.

Job code is not trusted with what is the worker's: it gets the stated environment and a folder of its own, AWS
credentials only where its type asked for them, and this process never imports it. docs/isolation.md says what that
keeps apart and what it does not.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tidegate.adapters.executors.described_types import DescribedTypes
from tidegate.adapters.executors.environment import (
    JobEnvironment,
    job_environment,
)
from tidegate.adapters.executors.job_process import (
    JobProcess,
    JobProcessError,
)
from tidegate.adapters.executors.job_processes import JobProcesses
from tidegate.adapters.executors.outcomes import (
    VERDICTS,
    WHY,
    outcome_of,
    unable,
    unable_for_want_of_type,
    upstream_values,
)
from tidegate.adapters.executors.scratch import WorkerScratch
from tidegate.domain import limits
from tidegate.domain.errors import TidegateError
from tidegate.domain.job import Progress
from tidegate.domain.texts import plain_message
from tidegate.jobs.attempt import report_from
from tidegate.jobs.context import progress_from
from tidegate.jobs.loader import JOB_PACKAGES
from tidegate.jobs.registry import RegistrationError
from tidegate.ports import Assignment, Begun, Heartbeat, Outcome, OutcomeKind, Signal, Stopwatch, unheard

_LOGGER = logging.getLogger("tidegate.worker")
DEFAULT_HAND_BACK_GRACE_SECONDS = 5.0
_DESCRIBE_SECONDS = 120.0  # to import all job code once
_SLOW = f"job code was not loaded within {_DESCRIBE_SECONDS:g} s; its modules must only define things"
# A child may end between two jobs, by what an earlier one left in it, or be chosen when memory runs out. A second new
# one that ends before it began anything shows that the machine or the job code's modules are at fault.
_CHILDREN_TRIED = 3
NOT_STARTED = "process-not-started"


class ProcessExecutor:
    """Runs as many attempts at once as threads call `execute`, each in a child process of its own.

    `clock` measures: no step of the machine's clock may show in it.
    `cancel_grace_seconds` is how long job code may go on once it was told of its cancellation,
    `hand_back_grace_seconds` the same when the worker shuts down; then its process is killed. `environment` is what job
    code sees of this process's own (the stated list unless given), `scratch` where attempts' folders are made. A child
    runs `jobs_per_process` attempts, one after the other (1 without `reuse_processes`), and fewer where one of them
    leaves behind what can't be undone, or more than `process_growth_mb` MiB of memory.
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
        self._heartbeat_ms = int(heartbeat_seconds * 1_000)
        self._grace_ms = {
            Signal.CANCEL: int(cancel_grace_seconds * 1_000),
            Signal.HAND_BACK: int(hand_back_grace_seconds * 1_000),
        }
        self._environment = environment or job_environment(os.environ, ())
        self._scratch = WorkerScratch(scratch)
        self._process_growth_mb = process_growth_mb
        self._children = JobProcesses(
            packages, self._environment, attempts=jobs_per_process if reuse_processes else 1
        )
        self._describing = threading.Lock()
        self._types: DescribedTypes | None = None
        self._hurrying = threading.Lock()
        self._hurry_end, self._hurry_start = Pipe(duplex=False)

    def warm(self, children: int) -> None:
        """Starts `children` processes ahead of the first jobs; does not wait for them."""
        self._children.warm(children)

    def job_types(self) -> DescribedTypes:
        """The job types as a child that loaded them describes them; none once this is closed.

        Raises RegistrationError where job code can't be loaded, OSError where no process can be started.
        """
        with self._describing:
            if self._types is None:
                self._types = self._described()
            return self._types

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        """Runs one attempt to its end; job code's errors and its process's death come back as an Outcome.

        A process that is gone before it began the attempt costs the attempt nothing: another process gets it. Where
        none begins it, or this worker lacks the type, the outcome is UNABLE.
        """
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
                        return self._run(child, watch)
                    except _LacksTypeError as lacking:
                        # An earlier job's leftovers in a process could say so too: only a new process is believed.
                        if tried > 0:
                            return unable_for_want_of_type(str(lacking))
                    except JobProcessError:
                        how = self._children.discard(child)
                        outcome = self._outcome_of_death(watch, how)
                        if outcome is not None:
                            return outcome
            except (OSError, RegistrationError) as error:
                if self._children.is_closed:  # the folder goes with the worker
                    return Outcome(OutcomeKind.HANDED_BACK)
                return unable(NOT_STARTED, str(error))
            return unable(
                NOT_STARTED,
                f"{_CHILDREN_TRIED} processes, one after the other, were gone before they began the job: {how}; "
                "see the worker's log and its memory",
            )

    def probe(self) -> str:
        """Says why no attempt can begin here now, after a new process was tried; empty where one can."""
        try:
            with self._scratch.attempt_folder():
                self._described(apart=True)
        except (OSError, RegistrationError) as error:
            return "" if self._children.is_closed else str(error)
        return ""

    def types_now(self) -> Sequence[str]:
        """The job types that a new process has; raises OSError or RegistrationError where none can load job code."""
        return self._described(apart=True).types()

    def _run(self, child: JobProcess, watch: _Watch) -> Outcome:
        """Runs the attempt in `child`; raises JobProcessError where the child is gone, for the caller to discard."""
        child.attempts += 1
        child.output.begin(f"job {watch.name}")
        try:
            outcome = watch.run(self._environment.keys if child.has_keys else {})
        except JobProcessError:
            raise
        except BaseException:
            self._children.discard(child)
            raise
        if watch.ended_by_itself and self._is_clean(child, watch):
            self._children.give_back(child)
        else:
            self._children.discard(child)
        return outcome

    def _is_clean(self, child: JobProcess, watch: _Watch) -> bool:
        """Ends what the attempt left running; says whether its process may run another."""
        why = watch.spoiled
        try:
            if not child.end_leftovers():
                why = "processes that job code left running; they were ended"
        except JobProcessError as error:
            why = str(error)
        child.output.finish()
        if why:
            _LOGGER.info("job %s: its process runs no other job, for it has %s", watch.name, why)
        return not why

    def hurry(self) -> None:
        """Has every attempt, under way or later, beat at once: what its heartbeat brings is heeded now."""
        with self._hurrying:
            self._hurry_start.close()

    def close(self) -> None:
        """Kills every child. Attempts under way come back HANDED_BACK, and so does every later one."""
        self._children.close()
        self._scratch.close()

    @property
    def clock(self) -> Stopwatch:
        """Measures time."""
        return self._clock

    @property
    def process_growth_mb(self) -> int:
        """How much memory a child may gain over its life and still run another attempt, in MiB."""
        return self._process_growth_mb

    @property
    def heartbeat_ms(self) -> int:
        """Milliseconds between heartbeats."""
        return self._heartbeat_ms

    def grace_ms(self, asked: Signal) -> int:
        """How long job code may go on after CANCEL or HAND_BACK, in milliseconds."""
        return self._grace_ms[asked]

    def wait_for(self, child: JobProcess, timeout_ms: int, *, or_hurry: bool) -> tuple[bool, bool]:
        """Waits for a message of `child`, or for `hurry`; returns which of the two is there."""
        objects = [child.connection, self._hurry_end] if or_hurry else [child.connection]
        ready = wait(objects, max(0, timeout_ms) / 1_000)
        return child.connection in ready, self._hurry_end in ready

    def _described(self, *, apart: bool = False) -> DescribedTypes:
        """Asks a process what it has of job code; with `apart` a new one is asked, which runs no attempt."""
        how = ""
        for tried in range(_CHILDREN_TRIED):
            child = self._children.borrow(with_keys=False, new=apart or tried > 0)
            if child is None:
                return DescribedTypes()
            try:
                described = self._described_by(child)
            except JobProcessError:
                how = self._children.discard(child)
                continue
            if apart:
                self._children.discard(child)
            else:
                self._children.give_back(child)
            return described
        raise RegistrationError(f"the process that loads job code is gone: {how}")

    def _described_by(self, child: JobProcess) -> DescribedTypes:
        """What the first message of a new child says of its job code.

        Raises RegistrationError, and JobProcessError where the child is gone, for the caller to discard.
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

    def _outcome_of_death(self, watch: _Watch, how: str) -> Outcome | None:
        """What came of an attempt whose child is gone; None where another child may begin it."""
        # A heartbeat that hung may have kept that from being seen before the child's own alarm.
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
    """The child has no code for the attempt, and began none."""


class _Watch:
    """One attempt, from sending it to the child until it has ended or has to be killed."""

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
        self.spoiled = ""  # why the process must not run another attempt
        self.name = f"{assignment.job_id} attempt {assignment.attempt}"
        self._folder = folder
        self._owner = owner
        self._child = child
        self._assignment = assignment
        self._heartbeat = heartbeat
        self._begun = begun
        self._progress: Progress | None = None
        self.asked = Signal.GO_ON
        # Of its beginning first, of its end once it began: a process that starts slowly costs the job no time.
        self._deadline_ms = owner.clock.now_ms() + int(_DESCRIBE_SECONDS * 1_000)
        self._kill_at_ms = self._deadline_ms

    @property
    def is_overdue(self) -> bool:
        """Whether the time of an attempt that began is over."""
        return self.has_begun and self._owner.clock.now_ms() >= self._deadline_ms

    def run(self, keys: Mapping[str, str]) -> Outcome:
        """Watches until the attempt has an outcome; job code gets `keys`. Raises JobProcessError."""
        clock, assignment = self._owner.clock, self._assignment
        self._send(
            "run",
            type=assignment.type,
            key=assignment.key,
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
        """What a message brings. Job code can write any message, so what it holds is checked once more.

        Raises JobProcessError, RegistrationError where the child has no job code to run, and _LacksTypeError.
        """
        if message.get("kind") == "broken" and not self.has_begun:
            raise RegistrationError(str(message.get("message")))
        if message.get("kind") == "lacking" and not self.has_begun:
            raise _LacksTypeError(str(message.get("why", "")))
        if (message.get("job_id"), message.get("attempt")) != (
            self._assignment.job_id,
            self._assignment.attempt,
        ):
            return None  # of the job before this one, or of the child's start
        if not self.has_begun:  # job code alone could write anything else
            self.has_begun = True
            deadline_ms = self._owner.clock.now_ms() + self._assignment.timeout_ms
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
            self.spoiled = plain_message(str(message.get("spoiled", "its own answer")))[
                : limits.MAX_ERROR_CHARACTERS
            ]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise JobProcessError("what came over the line to job code is no message") from error
        self.ended_by_itself = True
        return outcome_of(report, self.asked)

    def _heed(self, asked: Signal) -> None:
        if asked is Signal.GO_ON or asked is self.asked:
            return
        if self.asked is Signal.GO_ON:
            grace_ends_ms = self._owner.clock.now_ms() + self._owner.grace_ms(asked)
            self._kill_at_ms = min(grace_ends_ms, self._deadline_ms)
        self.asked = asked
        # A child that is gone may have answered before: what it sent is read first, then the end of the line.
        with suppress(JobProcessError):
            self._send("stop", why=WHY[asked])

    def _send(self, kind: str, **fields: Any) -> None:
        self._child.send(
            {"kind": kind, "job_id": self._assignment.job_id, "attempt": self._assignment.attempt, **fields}
        )
