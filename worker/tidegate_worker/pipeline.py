"""The path of a job through a worker process: received, claimed, run, concluded, acknowledged.

Each stage has threads of its own. So a long poll delays no claim, a slow claim delays no conclusion, and a request
carries many jobs when there are many. Leases and messages recover everything that is lost on the way.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.domain.errors import TidegateError
from tidegate.domain.job import Job
from tidegate.domain.workers import Totals
from tidegate.ports import UNKNOWN_TYPE, Clock, Delivery, Executor, Outcome, OutcomeKind, Signal
from tidegate.usecases.services import Services
from tidegate.usecases.work.claim import begin, claim_all
from tidegate.usecases.work.conclude import Conclusion, conclude_all, conclusion_of, hand_back_of
from tidegate.usecases.work.pass_on import pass_on, with_types
from tidegate.usecases.work.run import Run
from tidegate.usecases.work.stale_messages import stale_among
from tidegate_worker.batcher import Batcher
from tidegate_worker.faults import Faults
from tidegate_worker.logged_executor import LoggedExecutor
from tidegate_worker.look_ahead import LookAhead
from tidegate_worker.own_jobs import OwnJobs
from tidegate_worker.run_queue import RunQueue
from tidegate_worker.totals import Tally

LONGEST_WAIT_SECONDS = 1.0  # for a slot; then a claimed job is handed back to others

_LOGGER = logging.getLogger("tidegate.worker")
_WRITE_MOST = 25  # transitions in one request
_ACKNOWLEDGE_MOST = 10  # the most messages that one request acknowledges
_ACKNOWLEDGE_AFTER_SECONDS = 1.0
_RECEIVERS = 4
_WRITERS = 4
_BEHIND_SECONDS = 0.1  # a request waits this long for the previous one, to carry more
_ASK_SECONDS = 0.5
_EMPTY_PAUSE_SECONDS = 0.05  # if the queue answers at once instead of waiting
_FAILURES_ALLOWED = 10
# A second attempt is for another worker if its job runs here or no slot is free.
_SECOND_PAUSE_SECONDS = 10
_RETURNED_AT_MOST = 4  # times that a message goes back to the queue because its job can't begin soon
_MAX_BACKOFF_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A message whose job is to be claimed, and the expected duration of that job."""

    delivery: Delivery
    expected_seconds: float


@dataclass(frozen=True, slots=True)
class _Taken:
    """A claimed job, the message that brought it, and the job's expected duration."""

    job: Job
    delivery: Delivery
    expected_seconds: float


@dataclass(frozen=True, slots=True)
class _Ended:
    """The conclusion that is to be written for a job, and the message that brought the job."""

    conclusion: Conclusion
    delivery: Delivery


class Pipeline:
    """Serves `pool` with `slots` jobs at once, until `stop` is set and `close` is called after that.

    It waits at most `poll_seconds` (0-20) in one receive.
    """

    def __init__(
        self,
        services: Services,
        executor: Executor,
        clock: Clock,
        *,
        pool: str,
        slots: int,
        poll_seconds: float,
        worker_id: str,
        stop: threading.Event,
        faults: Faults,
    ) -> None:
        self._services = services
        self._executor = LoggedExecutor(executor)
        self._clock = clock
        self._pool = pool
        self._poll_seconds = poll_seconds
        self._worker_id = worker_id
        self._stop = stop
        self._faults = faults
        # A message is delivered again if it is not extended in time; this length survives a missed heartbeat.
        settings = services.settings
        self._visibility_seconds = settings.lease_seconds + settings.heartbeat_seconds * 2
        # A claimed job that waits sends no heartbeat, so its wait must be shorter than the heartbeat interval.
        self._longest_wait_seconds = min(LONGEST_WAIT_SECONDS, settings.heartbeat_seconds / 2)
        self._handing_back = False
        self._failures = 0
        self._gave_up = threading.Event()
        self._tally = Tally()
        self._look_ahead = LookAhead(slots)
        self._own_jobs = OwnJobs()
        self._waiting: RunQueue[_Taken] = RunQueue()
        self._claims: Batcher[_Admitted] = Batcher(
            "claim", self._claim, most=_WRITE_MOST, threads=_WRITERS, behind_seconds=_BEHIND_SECONDS
        )
        self._endings: Batcher[_Ended] = Batcher(
            "conclude", self._conclude, most=_WRITE_MOST, threads=_WRITERS, behind_seconds=_BEHIND_SECONDS
        )
        self._receipts: Batcher[str] = Batcher(
            "acknowledge",
            self._acknowledge,
            most=_ACKNOWLEDGE_MOST,
            threads=_WRITERS,
            linger_seconds=_ACKNOWLEDGE_AFTER_SECONDS,
            behind_seconds=_BEHIND_SECONDS,
        )
        self._slots = [
            threading.Thread(target=self._serve_slot, name=f"slot-{number}") for number in range(slots)
        ]
        self._receivers = [
            threading.Thread(target=self._receive, name=f"receive-{number}") for number in range(_RECEIVERS)
        ]

    @property
    def running(self) -> int:
        """The number of slots that have a job."""
        return self._look_ahead.running

    def longest_running_seconds(self) -> float:
        """Returns the seconds that the oldest running job has run; 0 if none runs."""
        return self._look_ahead.longest_running_seconds()

    @property
    def totals(self) -> Totals:
        """The number of jobs claimed since the start, and of each kind of end."""
        return self._tally.totals()

    @property
    def response_ms(self) -> int | None:
        """The mean time from a claim until the job's code began, in milliseconds; None before the first."""
        return self._tally.response_ms()

    @property
    def is_handing_back(self) -> bool:
        """True if running jobs are to be handed back."""
        return self._handing_back

    @property
    def gave_up(self) -> bool:
        """True if the queue stayed unreachable, so that no more jobs come."""
        return self._gave_up.is_set()

    def start(self) -> None:
        """Starts to take jobs."""
        for stage in (self._receipts, self._endings, self._claims):
            stage.start()
        for thread in (*self._slots, *self._receivers):
            thread.start()

    def hand_back_overdue(self) -> None:
        """Hands back jobs that have waited too long for a slot, because another job turned out to be long."""
        self._hand_back(self._waiting.take_overdue(self._longest_wait_seconds))

    def hand_back_unable(self) -> None:
        """Hands back the jobs that wait for a slot, because no job can begin here now."""
        self._hand_back(self._waiting.take_all())

    def hand_back_waiting(self) -> None:
        """Hands back the jobs that wait for a slot; no more jobs begin after this."""
        self._hand_back(self._waiting.close())

    def hand_back_running(self) -> None:
        """Makes the next heartbeat of each running job hand it back."""
        self._handing_back = True
        self._look_ahead.wake()

    def wait_until_idle(self, seconds: float, *, or_handing_back: bool) -> bool:
        """Waits at most `seconds` until no job is held; returns True if none is held.

        With `or_handing_back` it also ends once running jobs are to be handed back.
        """
        return self._look_ahead.wait_until_idle(seconds, lambda: or_handing_back and self._handing_back)

    def close(self) -> None:
        """Waits until all stages have finished their work; `stop` must be set, and the slots must come to an end."""
        for thread in self._receivers:
            thread.join()
        self._claims.close()
        self._hand_back(self._waiting.close())
        for thread in self._slots:
            thread.join()
        self._endings.close()
        self._receipts.close()

    # --- the stages ------------------------------------------------------------------------------
    def _receive(self) -> None:
        while not self._stop.is_set() and not self._gave_up.is_set():
            if self._faults.standing.fault:
                self._stop.wait(_ASK_SECONDS)
                continue
            asked = self._look_ahead.ask(_ASK_SECONDS)
            if asked == 0:
                continue
            if self._stop.is_set():
                self._look_ahead.got(asked, 0)
                return
            admitted: Sequence[_Admitted] = ()
            many = 0
            try:
                received = self._services.queue.receive(
                    self._pool, limit=asked, wait_seconds=self._poll_seconds
                )
                self._failures = 0
                many = len(received)
                own, foreign = self._sorted(received)
                admitted = self._admit(own)
                if admitted:
                    self._claims.put(admitted)
                if not many:
                    self._stop.wait(_EMPTY_PAUSE_SECONDS)
                self._pass_on(foreign)
                if foreign and not own:
                    self._stop.wait(self._faults.pause_seconds())
            except Exception as error:  # noqa: BLE001 - without receivers the worker would be idle but count as able
                self._bear(error)
            finally:
                self._look_ahead.got(asked, len(admitted), many)

    def _sorted(self, received: Sequence[Delivery]) -> tuple[list[Delivery], list[Delivery]]:
        """Splits the messages into those to claim and those of types that this worker lacks."""
        if self._look_ahead.mostly_stale:
            received = self._without_stale(received)
        received = self._without_own(received)
        if self._faults.standing.lacking:
            received = with_types(self._services, received)
        own: list[Delivery] = []
        foreign: list[Delivery] = []
        for delivery in received:
            (foreign if self._faults.lacks(delivery.message.type) else own).append(delivery)
        return own, foreign

    def _admit(self, deliveries: Sequence[Delivery]) -> list[_Admitted]:
        """Returns the messages whose jobs can begin soon.

        The others go back to the queue at once, at most 4 times each. Second attempts go back for a while, as often as
        it takes: a worker that claimed one without a free slot would hand it back, and that is its end.
        """
        expected = [
            _Admitted(
                each, self._look_ahead.expected_seconds(each.message.type, each.message.estimated_seconds)
            )
            for each in deliveries
        ]
        many = self._look_ahead.admit([each.expected_seconds for each in expected])
        late = expected[many:]
        insisting = [
            each
            for each in late
            if each.delivery.receives > _RETURNED_AT_MOST and not each.delivery.message.second
        ]
        self._look_ahead.force([each.expected_seconds for each in insisting])
        for each in late:
            if each not in insisting:
                self._extend(each.delivery, _SECOND_PAUSE_SECONDS if each.delivery.message.second else 0)
        return [*expected[:many], *insisting]

    def _without_stale(self, received: Sequence[Delivery]) -> Sequence[Delivery]:
        """Acknowledges stale messages, whose jobs no worker can claim any more; returns the others.

        They go in few requests, because an urgent job may wait behind them.
        """
        stale = stale_among(self._services, received)
        self._look_ahead.note_stale(len(stale), len(received))
        self._receipts.put([each.receipt for each in stale])
        return [each for each in received if each not in stale]

    def _without_own(self, received: Sequence[Delivery]) -> Sequence[Delivery]:
        """Leaves second attempts of jobs that run here to other workers; returns the other messages."""
        others: list[Delivery] = []
        for delivery in received:
            if delivery.message.second and delivery.message.job_id in self._own_jobs:
                self._extend(delivery, _SECOND_PAUSE_SECONDS)
            else:
                others.append(delivery)
        return others

    def _pass_on(self, foreign: Sequence[Delivery]) -> None:
        """Leaves messages of types that this worker lacks to other workers."""
        for delivery in foreign:
            job_type = delivery.message.type
            try:
                why = f"{self._worker_id} lacks its type"
                is_done = pass_on(
                    self._services, self._pool, delivery, self._worker_id, why, self._clock.now_ms()
                )
                if is_done:
                    self._receipts.put([delivery.receipt])
            except Exception as error:  # noqa: BLE001 - one bad message must not end the worker; it is delivered again
                _not_done("passed on", delivery, error)
            self._faults.note_passed_on(job_type)

    def _bear(self, error: Exception) -> None:
        """Waits before the next receive, or gives up.

        Other receivers wait too, because this one still counts as asking.
        """
        self._failures += 1
        what = error if isinstance(error, TidegateError) else type(error).__name__
        _LOGGER.warning("receiving failed (%d of %d): %s", self._failures, _FAILURES_ALLOWED, what)
        if self._failures >= _FAILURES_ALLOWED:
            self._gave_up.set()
        else:
            self._stop.wait(min(_MAX_BACKOFF_SECONDS, 2.0 ** (self._failures - 1)))

    def _claim(self, admitted: Sequence[_Admitted]) -> None:
        if self._stop.is_set() or self._faults.standing.fault:
            for each in admitted:
                self._extend(each.delivery, 0)  # other workers may receive it at once
            self._look_ahead.drop([each.expected_seconds for each in admitted])
            return
        outcomes: Sequence[Job | Exception | None]
        try:
            messages = [each.delivery.message for each in admitted]
            outcomes = claim_all(self._services, messages, self._worker_id, self._clock.now_ms())
        except Exception as error:  # noqa: BLE001 - no error may end the worker; the messages are delivered again
            outcomes = [error] * len(admitted)
        taken: list[_Taken] = []
        dropped: list[float] = []
        for each, outcome in zip(admitted, outcomes, strict=True):
            if isinstance(outcome, Job):
                taken.append(_Taken(outcome, each.delivery, each.expected_seconds))
                continue
            dropped.append(each.expected_seconds)
            if outcome is None:
                self._receipts.put([each.delivery.receipt])
            else:
                _not_done("claimed", each.delivery, outcome)
        self._look_ahead.note_stale(sum(outcome is None for outcome in outcomes), len(outcomes))
        self._look_ahead.drop(dropped)
        self._tally.claimed(len(taken))
        self._own_jobs.add([one.job.job_id for one in taken])
        if not self._waiting.put(taken):
            self._hand_back(taken)

    def _serve_slot(self) -> None:
        while (taken := self._waiting.take()) is not None:
            with self._look_ahead.slot_taken(taken.job.type, taken.expected_seconds):
                ended, is_done = self._run(taken.job, taken.delivery)
                self._own_jobs.remove([taken.job.job_id])
                if ended is not None:
                    self._endings.put([_Ended(ended, taken.delivery)])
            if is_done and ended is None:
                self._receipts.put([taken.delivery.receipt])

    def _run(self, job: Job, delivery: Delivery) -> tuple[Conclusion | None, bool]:
        """Runs a job; returns the conclusion to write, if any, and True if its message is then done with."""

        def signal() -> Signal:
            self._extend(delivery, self._visibility_seconds)
            return Signal.HAND_BACK if self._handing_back else Signal.GO_ON

        services, clock = self._services, self._clock
        if self._faults.lacks(job.type):
            # A message of an earlier version names no type. The options of a lacking type are unknown here.
            self._faults.note(job.type, Outcome(OutcomeKind.UNABLE, code=UNKNOWN_TYPE))
            return hand_back_of(job, clock.now_ms(), UNKNOWN_TYPE), True
        try:
            claimed = begin(services, job, clock.now_ms())
            ran, outcome = Run(services, clock, job, signal).execute(self._executor, claimed)
            self._faults.note(job.type, outcome)
            self._tally.began(job, ran.began_at_ms)
            return conclusion_of(services, ran, outcome, clock.now_ms()), True
        except Exception as error:  # noqa: BLE001 - one bad job must not end the worker; its message is delivered again
            _not_done("concluded", delivery, error)
            return None, False

    def _hand_back(self, taken: Sequence[_Taken]) -> None:
        if taken:
            _LOGGER.info("%d claimed jobs are handed back unbegun", len(taken))
            now_ms = self._clock.now_ms()
            self._own_jobs.remove([one.job.job_id for one in taken])
            self._endings.put([_Ended(hand_back_of(one.job, now_ms), one.delivery) for one in taken])
            self._look_ahead.drop([one.expected_seconds for one in taken])

    def _conclude(self, ended: Sequence[_Ended]) -> None:
        outcomes: Sequence[Job | Exception | None]
        try:
            outcomes = conclude_all(self._services, [one.conclusion for one in ended])
        except Exception as error:  # noqa: BLE001 - no error may end the worker; the messages are delivered again
            outcomes = [error] * len(ended)
        for one, outcome in zip(ended, outcomes, strict=True):
            if isinstance(outcome, Exception):
                _not_done("concluded", one.delivery, outcome)
            else:
                self._tally.concluded(outcome)
                self._receipts.put([one.delivery.receipt])

    def _acknowledge(self, receipts: Sequence[str]) -> None:
        try:
            self._services.queue.delete(self._pool, receipts)
        except Exception as error:  # noqa: BLE001 - no error may end the worker
            _LOGGER.warning(
                "%d messages will come a second time, and their claims fail: %s", len(receipts), error
            )

    def _extend(self, delivery: Delivery, seconds: int) -> None:
        try:
            self._services.queue.extend(self._pool, delivery.receipt, seconds=seconds)
        except TidegateError as error:
            _LOGGER.warning(
                "the message of job %s keeps its old visibility: %s", delivery.message.job_id, error
            )


def _not_done(what: str, delivery: Delivery, error: Exception) -> None:
    # Logs the class only, because an error's text may hold data of the caller.
    _LOGGER.error("job %s was not %s: %s", delivery.message.job_id, what, type(error).__name__)
