"""The executor of the worker function: runs job code in the main thread of this process.

A second thread sends heartbeats, so CPU-bound code can't starve them, unless it holds the interpreter in one call of
C code. Job code that must stop and does not is interrupted by a signal to the main thread. At its deadline the
kernel's alarm interrupts it, which needs no interpreter. Python can interrupt only the main thread in this way.

If job code swallows its interrupts, the second thread concludes the attempt and ends the process. If job code holds
the interpreter for good, so that no thread can run, a watchdog in C ends the process a little later.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType

from tidegate.adapters.executors.attempt_folder import attempt_folder, moved_into
from tidegate.adapters.executors.attempt_lines import AttemptLines
from tidegate.adapters.executors.inline_surroundings import processes_ended, settings_kept, streams_kept
from tidegate.adapters.executors.outcomes import VERDICTS, WHY, outcome_of, unable, unable_for_want_of_type
from tidegate.domain.errors import TidegateError
from tidegate.domain.job import Progress
from tidegate.jobs.attempt import Interrupted, ReportKind, run_attempt
from tidegate.jobs.context import JobContext, StopRequest, Upstream
from tidegate.jobs.registry import JobType, Registry
from tidegate.jobs.surroundings import run_in_own_context
from tidegate.ports import Assignment, Begun, Heartbeat, Outcome, OutcomeKind, Signal, Stopwatch, unheard

_LOGGER = logging.getLogger("tidegate.worker")
DEFAULT_CANCEL_GRACE_SECONDS = 30.0
DEFAULT_GIVE_UP_SECONDS = 10.0
EXIT_GAVE_UP = 70
NEEDS_PROCESS = "needs-process"
_NEEDS_PROCESS = (
    "the job's type is a target, which runs in worker processes only; submit it to a pool of those"
)
_INTERRUPT = signal.SIGUSR1
_ALARM = signal.SIGALRM
_WATCHDOG_SECONDS = 5.0  # after the moment at which the thread should have given up
_REPEAT_MS = 1_000  # an interrupt that job code swallowed is sent again
# Alarm and thread both interrupt at the deadline. The later one must not interrupt the clean-up of job code.
_QUIET_MS = 500


GiveUp = Callable[[Assignment, Outcome], object]
"""Concludes an attempt whose code does not end; called from another thread than the stuck one."""


def _conclude_nothing(assignment: Assignment, outcome: Outcome) -> None:
    """Does nothing, for an owner of the executor that keeps no record of attempts."""


class InlineExecutor:
    """Runs one attempt at a time, in the thread that calls `execute`, which must be the main thread.

    `clock` measures durations and must not show steps of the machine's clock. Job code that was told to stop may go
    on for `cancel_grace_seconds`; then it is interrupted. If it still runs `give_up_seconds` after its first
    interrupt, `give_up` concludes the attempt and `leave` ends the process.
    """

    def __init__(
        self,
        registry: Registry,
        clock: Stopwatch,
        *,
        heartbeat_seconds: float,
        cancel_grace_seconds: float = DEFAULT_CANCEL_GRACE_SECONDS,
        give_up_seconds: float = DEFAULT_GIVE_UP_SECONDS,
        give_up: GiveUp = _conclude_nothing,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self._registry = registry
        self._give_up_ms = int(give_up_seconds * 1_000)
        self._give_up = give_up
        self._leave = leave
        self._clock = clock
        self._heartbeat_ms = int(heartbeat_seconds * 1_000)
        self._grace_ms = int(cancel_grace_seconds * 1_000)

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        """Runs one attempt to its end, in a folder of its own; returns errors of job code as an Outcome.

        Raises TidegateError outside of the main thread, because job code could not be stopped there.
        """
        if threading.current_thread() is not threading.main_thread():
            raise TidegateError(
                "InlineExecutor runs job code in the main thread only, for it stops code by a signal; "
                "call it from there, or use ProcessExecutor"
            )
        found = self._registry.find(assignment.type)
        if found is None:
            return unable_for_want_of_type()
        if found.needs_process:
            return Outcome(OutcomeKind.FAILED, code=NEEDS_PROCESS, message=_NEEDS_PROCESS, retryable=False)
        with ExitStack() as attempt:
            try:
                folder = attempt.enter_context(attempt_folder())
            except OSError as error:
                return unable("no-folder", str(error))
            try:
                watch = self._prepared(attempt, folder, assignment, heartbeat)
            except (OSError, RuntimeError) as error:
                # Earlier jobs may have used up this process's descriptors, or its threads (Python's RuntimeError).
                return unable("no-surroundings", str(error))
            outcome = self._watched(found, assignment, watch, begun)
        return watch.lines.told_by(outcome)  # only here have all lines been read

    def _prepared(
        self, attempt: ExitStack, folder: Path, assignment: Assignment, heartbeat: Heartbeat
    ) -> _Watch:
        """Protects the state of this process from job code until `attempt` ends; raises OSError or RuntimeError."""
        attempt.enter_context(settings_kept())
        attempt.enter_context(moved_into(folder))
        end_processes = attempt.enter_context(processes_ended())
        streams = attempt.enter_context(streams_kept(assignment.job_id, assignment.attempt))
        watch = _Watch(self, assignment, heartbeat, end_processes, streams.lines)
        left_ms = assignment.timeout_ms + self._give_up_ms
        attempt.callback(faulthandler.cancel_dump_traceback_later)
        faulthandler.dump_traceback_later(left_ms / 1_000 + _WATCHDOG_SECONDS, exit=True, file=streams.errors)
        return watch

    def _watched(self, found: JobType, assignment: Assignment, watch: _Watch, begun: Begun) -> Outcome:
        previous = {number: signal.signal(number, watch.interrupted) for number in (_INTERRUPT, _ALARM)}
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        begun()  # before the watch, so that the time this takes is not the job's
        watch.start()
        try:
            return self._run(found, assignment, watch)
        finally:
            watch.end()
            # An interrupt that job code blocked arrives now. It must not reach the previous handler, which may end this
            # process.
            for number in previous:
                signal.signal(number, watch.interrupted)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for number, handler in previous.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    @property
    def clock(self) -> Stopwatch:
        """The stopwatch that measures the attempt."""
        return self._clock

    @property
    def heartbeat_ms(self) -> int:
        """Milliseconds between heartbeats."""
        return self._heartbeat_ms

    @property
    def grace_ms(self) -> int:
        """Milliseconds that job code may go on after it was told to stop."""
        return self._grace_ms

    @property
    def give_up_ms(self) -> int:
        """Milliseconds that job code may go on after it was interrupted."""
        return self._give_up_ms

    def abandon(self, assignment: Assignment, outcome: Outcome) -> None:
        """Concludes an attempt whose code does not end, then ends the process."""
        _LOGGER.error(
            "job %s attempt %d ignores its interrupts and does not end: concluded as %s, and this process ends",
            *(assignment.job_id, assignment.attempt, outcome.kind),
        )
        try:
            self._give_up(assignment, outcome)
        except Exception as error:  # noqa: BLE001 - the process must end; the reaper recovers the job
            _LOGGER.error(
                "job %s attempt %d can't be concluded: %s",
                *(assignment.job_id, assignment.attempt, type(error).__name__),
            )
        self._leave(EXIT_GAVE_UP)

    def _run(self, found: JobType, assignment: Assignment, watch: _Watch) -> Outcome:
        context = JobContext(
            job_id=assignment.job_id,
            attempt=assignment.attempt,
            key=assignment.key,
            upstreams=[Upstream(one.job_id, one.key, one.state, one.result) for one in assignment.upstreams],
            remaining_seconds=lambda: (watch.deadline_ms - self._clock.now_ms()) / 1_000,
            report_progress=watch.note_progress,
            stop=watch.request,
            is_second=assignment.second,
        )
        pid = os.getpid()
        try:
            try:
                watch.armed = True
                report = run_in_own_context(partial(run_attempt, found, assignment.parameters, context))
            finally:
                watch.armed = False
                if os.getpid() != pid:
                    os._exit(0)  # a fork of job code came here too; only the original process may answer
        except Interrupted:
            # The interrupt may have come between the end of job code and the line above.
            watch.armed = False
            return watch.verdict if watch.take_end() else Outcome(OutcomeKind.LOST)
        if not watch.take_end():
            return Outcome(OutcomeKind.LOST)  # the other thread has concluded it already
        if watch.asked is Signal.LOST:
            return Outcome(OutcomeKind.LOST)
        if watch.has_interrupted and report.kind is not ReportKind.SUCCEEDED:
            return watch.verdict  # the report is a consequence of the interrupt
        return outcome_of(report, watch.asked)


class _Watch:
    """Sends heartbeats while job code runs, and interrupts it at its deadline, or when it must stop and does not."""

    def __init__(
        self,
        owner: InlineExecutor,
        assignment: Assignment,
        heartbeat: Heartbeat,
        end_processes: Callable[[], None],
        lines: AttemptLines,
    ) -> None:
        self.lines = lines
        self._end_processes = end_processes
        self._owner = owner
        self._assignment = assignment
        self._end = threading.Lock()
        self._give_up_at_ms: int | None = None
        self.request = StopRequest()
        self.asked = Signal.GO_ON
        self.armed = False
        self.has_interrupted = False
        self.verdict = Outcome(OutcomeKind.TIMED_OUT)
        self.deadline_ms = 0
        self._heartbeat = heartbeat
        self._clock = owner.clock
        self._heartbeat_ms = owner.heartbeat_ms
        self._grace_ms = owner.grace_ms
        self._interrupt_at_ms = 0
        self._quiet_until_ms = 0
        self._progress: Progress | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begins to measure the job's time: starts the heartbeats and sets the alarm for the deadline."""
        left_ms = self._assignment.whole_timeout_ms
        self.deadline_ms = self._clock.now_ms() + left_ms
        self._interrupt_at_ms = self.deadline_ms
        self._thread.start()
        signal.setitimer(signal.ITIMER_REAL, left_ms / 1_000, _REPEAT_MS / 1_000)

    def end(self) -> None:
        """Stops; after its return, no heartbeat or interrupt can come."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._ended.set()
        self._thread.join()

    def note_progress(self, progress: Progress) -> None:
        """Keeps the progress for the next heartbeat to store."""
        self._progress = progress

    def interrupted(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as signal handlers are
        """Raises Interrupted in the main thread: the signal handler."""
        now_ms = self._clock.now_ms()
        if self.armed and now_ms >= self._quiet_until_ms:
            self._quiet_until_ms = now_ms + _QUIET_MS
            self.verdict = self._verdict_at(now_ms)
            self.has_interrupted = True
            raise Interrupted

    def take_end(self) -> bool:
        """Claims the right to conclude the attempt; returns True for the first caller only.

        The main thread calls it when job code has ended, and the second thread when it gives the code up.
        """
        return self._end.acquire(blocking=False)

    def _verdict_at(self, now_ms: int) -> Outcome:
        timed_out = self.asked is Signal.GO_ON or (
            now_ms >= self.deadline_ms and self.asked is not Signal.LOST
        )
        return Outcome(OutcomeKind.TIMED_OUT if timed_out else VERDICTS[self.asked])

    def _run(self) -> None:
        beat_at_ms = self._clock.now_ms() + self._heartbeat_ms
        while True:
            wait_ms = min(beat_at_ms, self._interrupt_at_ms) - self._clock.now_ms()
            if self._ended.wait(max(0, wait_ms) / 1_000):
                return
            now_ms = self._clock.now_ms()
            if self._give_up_at_ms is not None and now_ms >= self._give_up_at_ms:
                if self.take_end():
                    self._end_processes()
                    self._owner.abandon(self._assignment, self.lines.told_by(self._verdict_at(now_ms)))
                return
            if now_ms >= self._interrupt_at_ms:
                self._interrupt(now_ms)
            elif now_ms >= beat_at_ms:
                progress, self._progress = self._progress, None
                self._heed(self._beat(progress), self._clock.now_ms())
                beat_at_ms = self._clock.now_ms() + self._heartbeat_ms

    def _beat(self, progress: Progress | None) -> Signal:
        try:
            return self._heartbeat(progress)
        except Exception as error:  # noqa: BLE001 - without this thread, nothing would stop the job at its deadline
            _LOGGER.error(
                "job %s attempt %d: a heartbeat raised %s; the lease may run out",
                *(self._assignment.job_id, self._assignment.attempt, type(error).__name__),
            )
            return Signal.GO_ON

    def _heed(self, asked: Signal, now_ms: int) -> None:
        if asked is Signal.GO_ON or asked is self.asked:
            return
        first = self.asked is Signal.GO_ON
        self.asked = asked
        self.request.ask(WHY[asked])
        if asked is Signal.LOST:
            self._interrupt_at_ms = min(now_ms, self._interrupt_at_ms)
        elif first:
            self._interrupt_at_ms = min(now_ms + self._grace_ms, self._interrupt_at_ms)

    def _interrupt(self, now_ms: int) -> None:
        if self._give_up_at_ms is None:
            self._give_up_at_ms = now_ms + self._owner.give_up_ms
        self._interrupt_at_ms = min(now_ms + _REPEAT_MS, self._give_up_at_ms)
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, _INTERRUPT)
