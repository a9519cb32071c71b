"""Runs job code in child processes: the executor of the worker process.

The thread that calls `execute` beats while it waits for its child, so CPU-bound job code can't starve the
heartbeats; a child that has to stop and does not is killed and replaced. Children are reused between jobs.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Any

from tidegate.adapters.attempt_outcomes import VERDICTS, WHY, outcome_of, upstream_values
from tidegate.adapters.job_process import JobProcess, JobProcessError
from tidegate.domain.job import Progress
from tidegate.handlers.attempt import Report, ReportKind
from tidegate.handlers.loader import JOBS_PACKAGE
from tidegate.ports import Assignment, Clock, Heartbeat, Outcome, OutcomeKind, Signal

DEFAULT_HAND_BACK_GRACE_SECONDS = 5.0


class ProcessExecutor:
    """Runs as many attempts at once as threads call `execute`, each in a child process of its own.

    `cancel_grace_seconds` is how long job code may go on once it was told of its cancellation,
    `hand_back_grace_seconds` the same when the worker shuts down; then its process is killed.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        heartbeat_seconds: float,
        cancel_grace_seconds: float,
        hand_back_grace_seconds: float = DEFAULT_HAND_BACK_GRACE_SECONDS,
        package: str = JOBS_PACKAGE,
    ) -> None:
        self._clock = clock
        self._heartbeat_ms = int(heartbeat_seconds * 1_000)
        self._grace_ms = {
            Signal.CANCEL: int(cancel_grace_seconds * 1_000),
            Signal.HAND_BACK: int(hand_back_grace_seconds * 1_000),
        }
        self._package = package
        self._lock = threading.Lock()
        self._idle: list[JobProcess] = []
        self._busy: set[JobProcess] = set()
        self._closed = False
        self._hurry_end, self._hurry_start = Pipe(duplex=False)

    def warm(self, children: int) -> None:
        """Starts `children` processes ahead of the first jobs; does not wait for them."""
        started = [JobProcess(self._package) for _ in range(children)]
        with self._lock:
            self._idle.extend(started)

    def execute(self, assignment: Assignment, heartbeat: Heartbeat) -> Outcome:
        """Runs one attempt to its end; job code's errors and its process's death come back as an Outcome."""
        try:
            child = self._borrow()
        except OSError as error:
            return Outcome(OutcomeKind.FAILED, code="process-not-started", message=str(error))
        if child is None:
            return Outcome(OutcomeKind.HANDED_BACK)
        watch = _Watch(self, child, assignment, heartbeat)
        try:
            outcome = watch.run()
        except JobProcessError:
            return self._died(child, watch)
        except BaseException:
            self._discard(child)
            raise
        if watch.ended_by_itself:
            self._give_back(child)
        else:
            self._discard(child)
        return outcome

    def hurry(self) -> None:
        """Has every attempt, under way or later, beat at once: what its heartbeat brings is heeded now."""
        with self._lock:
            self._hurry_start.close()

    def close(self) -> None:
        """Kills every child. Attempts under way come back HANDED_BACK, and so does every later one."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for child in idle:
            child.close()
        for child in busy:
            child.kill()  # its thread closes the line

    @property
    def clock(self) -> Clock:
        """The time."""
        return self._clock

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

    def _borrow(self) -> JobProcess | None:
        with self._lock:
            if self._closed:
                return None
            child = self._idle_child() or JobProcess(self._package)
            self._busy.add(child)
            return child

    def _idle_child(self) -> JobProcess | None:
        while self._idle:
            child = self._idle.pop()
            if not child.has_ended():
                return child
            child.close()  # ended by what an earlier job had left running in it
        return None

    def _give_back(self, child: JobProcess) -> None:
        with self._lock:
            self._busy.discard(child)
            if not self._closed:
                self._idle.append(child)
                return
        child.close()

    def _discard(self, child: JobProcess) -> str:
        with self._lock:
            self._busy.discard(child)
        how = child.kill()
        child.close()
        return how

    def _died(self, child: JobProcess, watch: _Watch) -> Outcome:
        how = self._discard(child)
        # A heartbeat that hung may have kept that from being seen before the child's own alarm.
        if watch.is_overdue:
            return Outcome(OutcomeKind.TIMED_OUT)
        if watch.asked is not Signal.GO_ON:
            return Outcome(VERDICTS[watch.asked])
        if self._closed:
            return Outcome(OutcomeKind.HANDED_BACK)
        return Outcome(
            OutcomeKind.FAILED,
            code="process-died",
            message=f"the process that ran the job is gone: {how}; see the worker's log and its memory",
        )


class _Watch:
    """One attempt, from sending it to the child until it has ended or has to be killed."""

    def __init__(
        self, owner: ProcessExecutor, child: JobProcess, assignment: Assignment, heartbeat: Heartbeat
    ) -> None:
        self.ended_by_itself = False
        self._owner = owner
        self._child = child
        self._assignment = assignment
        self._heartbeat = heartbeat
        self._progress: Progress | None = None
        self.asked = Signal.GO_ON
        self._kill_at_ms = assignment.deadline_ms

    @property
    def is_overdue(self) -> bool:
        """Whether the attempt's time is over."""
        return self._owner.clock.now_ms() >= self._assignment.deadline_ms

    def run(self) -> Outcome:
        """Watches until the attempt has an outcome; raises JobProcessError."""
        clock, assignment = self._owner.clock, self._assignment
        self._send(
            "run",
            type=assignment.type,
            key=assignment.key,
            parameters=assignment.parameters,
            upstreams=upstream_values(assignment),
            remaining_seconds=(assignment.deadline_ms - clock.now_ms()) / 1_000,
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
        if (message["job_id"], message["attempt"]) != (self._assignment.job_id, self._assignment.attempt):
            return None  # of the job before this one
        if message["kind"] == "progress":
            self._progress = Progress(message["fraction"], message["message"])
            return None
        self.ended_by_itself = True
        report = Report(
            ReportKind(message["report"]),
            result=message["result"],
            code=message["code"],
            message=message["message"],
            retryable=message["retryable"],
            retry_after_seconds=message["retry_after_seconds"],
        )
        return outcome_of(report, self.asked)

    def _heed(self, asked: Signal) -> None:
        if asked is Signal.GO_ON or asked is self.asked:
            return
        if self.asked is Signal.GO_ON:
            grace_ends_ms = self._owner.clock.now_ms() + self._owner.grace_ms(asked)
            self._kill_at_ms = min(grace_ends_ms, self._assignment.deadline_ms)
        self.asked = asked
        self._send("stop", why=WHY[asked])

    def _send(self, kind: str, **fields: Any) -> None:
        self._child.send(
            {"kind": kind, "job_id": self._assignment.job_id, "attempt": self._assignment.attempt, **fields}
        )
