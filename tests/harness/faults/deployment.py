"""A deployment on emulated AWS whose parts are called by hand. Each part handles a failed call as it does on AWS.

A client asks again under its key. A batch of the stream comes again. A tick that failed comes again a minute later. A
message that was not acknowledged is delivered again, and a lease that no worker extends ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, TypeVar

from dev.simulator.memory.seeded import AnyParameters, process_pool
from tests.harness.faults.emulated import EmulatedAws
from tests.harness.faults.function import Beats, VirtualClock
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import job_from_image
from tidegate.adapters.dynamodb.stream import changes_from, job_change_from
from tidegate.bootstrap import aws_services
from tidegate.domain.changes import Changes, JobChange
from tidegate.domain.errors import ServiceUnavailable, TidegateError
from tidegate.domain.job import Job
from tidegate.domain.outside import APPROVAL_TYPE
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.states import State
from tidegate.domain.submission import Submission
from tidegate.domain.type_facts import TypeFacts
from tidegate.domain.workers import WorkerState
from tidegate.ports import Delivery, Outcome, OutcomeKind, Signal
from tidegate.settings import Settings
from tidegate.usecases.dispatch.follow import DispatcherMemory, follow, follow_tick
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.record.follow import follow_changes
from tidegate.usecases.services import Services
from tidegate.usecases.timetables.run_due import run_due_timetables
from tidegate.usecases.work.claim import begin, claim_all
from tidegate.usecases.work.conclude import Conclusion, conclude_all, conclusion_of
from tidegate.usecases.work.run import Run, go_on, run_message

T = TypeVar("T")

START_MS = 1_800_000_000_000
MINUTE_MS = 60_001  # a lease taken in the last one has ended
POOL, PROCESS_POOL = "lambda", "ecs"
DIES = Outcome(OutcomeKind.LOST)  # its worker is never heard of again
DONE = Outcome(OutcomeKind.SUCCEEDED, result=1)
_TRIES = 3
# The streams that the recorder reads, with their filters. That of jobs brings all, for the progress knows the rest.
_RECORDED: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "jobs": bool,
    "workers": lambda worker: worker.get(schema.STATE) == {"S": WorkerState.LOST},
    "submissions": lambda record: schema.SUMMARY in record or schema.JUDGEMENTS in record,
}
_VISIBILITY_SECONDS = 120
_PASSES = 30

Course = Callable[[Job], Outcome]


HANDED_TYPE = "handed.over"


class ReadsUpstreams(AnyParameters):
    """Job types whose code receives the results of its upstreams. Two of them hand their jobs over."""

    def types(self) -> Sequence[str]:
        return (*super().types(), HANDED_TYPE, APPROVAL_TYPE)

    def reads_upstreams(self, job_type: str) -> bool:
        return True

    def may_run_twice(self, job_type: str) -> bool | None:
        return job_type in super().types() if job_type in self.types() else None

    def facts(self, job_type: str) -> TypeFacts | None:
        if job_type not in self.types():
            return None
        return TypeFacts(second_attempt=job_type in super().types())

    def faults(self) -> Sequence[str]:
        return ()


class Deployment:
    """One run. `started` and `ended` are the numbers of the writes that first started or ended a job."""

    def __init__(
        self,
        aws: EmulatedAws,
        *,
        dispatch_lease_seconds: int = 0,
        lease_seconds: int = 60,
        retention_days: float = 30,
        second_attempt_percent: int = 0,
        event_bus: str = "",
    ) -> None:
        self.aws = aws
        self.tables = aws.empty(START_MS)
        queues = {name: aws.make_queue(name) for name in (POOL, PROCESS_POOL)}
        self.settings = Settings(
            pools={
                POOL: Pool(
                    POOL,
                    queues[POOL],
                    PoolKind.FUNCTION,
                    max_timeout_seconds=900,
                    capacity=2,
                    capabilities=frozenset({"cpu"}),
                    dead_letters_url=f"{queues[POOL]}-dead",
                ),
                PROCESS_POOL: replace(
                    process_pool(PROCESS_POOL),
                    queue_url=queues[PROCESS_POOL],
                    capabilities=frozenset({"cpu"}),
                ),
            },
            default_pool=POOL,
            resend_after_seconds=60,
            dispatch_lease_seconds=dispatch_lease_seconds,
            lease_seconds=lease_seconds,
            retention_days=retention_days,
            second_attempt_percent=second_attempt_percent,
            event_bus=event_bus,
        )
        self.services: Services = aws_services(self.settings, self.tables, aws.clients, ReadsUpstreams())
        self.memory = DispatcherMemory()
        self.course: Course = lambda _job: DONE
        self.served = [POOL]  # the pools that have workers
        self.tokens: dict[str, str] = {}  # of the latest attempt that was handed over
        self.started: dict[str, int] = {}
        self.began: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self._writes = 0
        self._workers = count(1)  # a new worker takes each message
        self._read = dict.fromkeys(("jobs", "workers", "control"), 0)
        self._recorded = dict.fromkeys(_RECORDED, 0)

    @property
    def now_ms(self) -> int:
        return self.aws.now_ms

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Returns every job as it is now."""
        found = [job_from_image(item) for item in self.aws.items(self.tables.jobs)]
        return {job.job_id: job for job in found}

    @property
    def submissions(self) -> Sequence[Submission]:
        """Returns the record of every workflow."""
        items = self.aws.items(self.tables.submissions)
        ids = [
            item[schema.SUBMISSION_ID]["S"] for item in items if schema.PHASE in item
        ]  # others are reminders
        return [found for each in ids if (found := self.services.submissions.get(each)) is not None]

    @property
    def states(self) -> Mapping[str, State]:
        """Returns the state of each job by its key or its name."""
        return {job.key or job.name or job.job_id: job.state for job in self.jobs.values()}

    def wait(self, ms: int) -> None:
        self.aws.now_ms += ms

    # --- a client ----------------------------------------------------------------------------------
    def ask(self, call: Callable[[], T]) -> T:
        """Returns the answer to a client that asks again until it gets one."""
        for _ in range(_TRIES - 1):
            try:
                return call()
            except ServiceUnavailable:
                self.wait(1)
        return call()

    # --- the dispatcher and the reaper ---------------------------------------------------------------
    def tick(self) -> bool:
        return self._invoke(lambda: follow_tick(self.services, self.memory, now_ms=self.now_ms))

    def reap(self) -> bool:
        return self._invoke(lambda: reap(self.services, now_ms=self.now_ms))

    def run_timetables(self) -> bool:
        """Runs the reaper's repair of timetables alone."""
        return self._invoke(lambda: run_due_timetables(self.services, self.now_ms))

    def events(self) -> bool:
        """Brings the records of the streams to the dispatcher, each batch until it is taken.

        Says whether there were any.
        """
        jobs, workers, rules = (self._take(name) for name in ("jobs", "workers", "control"))
        changed = tuple(change for change in self._changes(jobs) if change.concerns_dispatcher)
        if workers:
            self._follow(Changes(joined=frozenset({PROCESS_POOL})))
        if any("rules" in record["dynamodb"]["Keys"]["name"]["S"] for record in rules):
            self._follow(Changes(of_rules=True))
        if changed:
            self._follow(Changes(changed))
        return bool(changed or workers)

    def _follow(self, changes: Changes) -> None:
        self._until_taken(lambda: follow(self.services, changes, self.memory, now_ms=self.now_ms))

    def record(self) -> None:
        """Brings the records of the streams that are new to the recorder, as a batch of each until it is taken."""
        for name, comes in _RECORDED.items():
            records = self.aws.records(getattr(self.tables, name), self._recorded[name])
            self._recorded[name] += len(records)
            changes = changes_from([each for each in records if comes(each["dynamodb"].get("NewImage", {}))])
            assert not changes.unreadable
            self._until_taken(partial(follow_changes, self.services, changes, now_ms=self.now_ms))

    def lose_events(self) -> None:
        """Drops the records of the streams, so that the dispatcher never gets them."""
        for name in ("workers", "control"):
            self._take(name)
        list(self._changes(self._take("jobs")))

    def _until_taken(self, work: Callable[[], object]) -> None:
        for _ in range(_TRIES):
            if self._invoke(work):
                return
            self.wait(1_000)
        raise AssertionError("a batch of the stream is never taken")

    def _invoke(self, work: Callable[[], object]) -> bool:
        self.wait(1)
        try:
            work()
        except TidegateError:
            return False
        return True

    def _take(self, name: str) -> list[dict[str, Any]]:
        records = self.aws.records(getattr(self.tables, name), self._read[name])
        self._read[name] += len(records)
        return records

    def _changes(self, records: Sequence[dict[str, Any]]) -> list[JobChange]:
        changes = []
        for each in records:
            if "NewImage" in each["dynamodb"]:
                change = job_change_from(each)
                self._note(change)
                changes.append(change)
        return changes

    def _note(self, change: JobChange) -> None:
        self._writes += 1
        job = change.new
        if change.old and change.old.is_terminal and not job.is_terminal:  # reopened
            self.ended.pop(job.job_id, None)
        if job.is_terminal and not (change.old and change.old.is_terminal):
            assert self.ended.setdefault(job.job_id, self._writes) == self._writes, (
                f"{job.job_id} ended twice"
            )
        if job.state is State.RUNNING:
            self.started.setdefault(job.job_id, self._writes)
        if job.was_started:
            self.began.setdefault(job.job_id, self._writes)

    # --- the workers -------------------------------------------------------------------------------
    def work(self) -> bool:
        """Lets workers take the messages that their queues show until there are none. Says whether there were any."""
        worked = False
        for pool in self.served:
            for _ in range(_PASSES):
                deliveries = self._receive(pool)
                if not deliveries:
                    break
                self._serve(pool, deliveries)
                worked = True
        return worked

    def work_as_function(self, during: Callable[[str], object]) -> None:
        """Runs the job of one message in the pool's function. `during` is called with the job while it runs."""
        executor, clock = Beats(during), VirtualClock(self.aws)
        for delivery in self._receive(POOL, limit=1):
            run = partial(run_message, self.services, executor, clock, delivery.message, "function")
            if self._invoke(run):
                self._invoke(partial(self.services.queue.delete, POOL, [delivery.receipt]))

    def _receive(self, pool: str, limit: int = 10) -> Sequence[Delivery]:
        try:
            return self.services.queue.receive(pool, limit=limit, wait_seconds=0)
        except TidegateError:
            return ()

    def _serve(self, pool: str, deliveries: Sequence[Delivery]) -> None:
        """Claims, ends and acknowledges in batches, as the pipeline of a worker process does."""
        self.wait(1)
        outcomes = claim_all(
            self.services, [each.message for each in deliveries], f"{pool}-{next(self._workers)}", self.now_ms
        )
        done: list[str] = []
        ends: list[tuple[Conclusion, str]] = []
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            if outcome is None:
                done.append(delivery.receipt)
            elif isinstance(outcome, Job):
                conclusion = self._run(pool, delivery, outcome)
                if conclusion is not None:
                    ends.append((conclusion, delivery.receipt))
        self.wait(1)
        answers = conclude_all(self.services, [conclusion for conclusion, _ in ends])
        done += [
            receipt
            for (_, receipt), answer in zip(ends, answers, strict=True)
            if not isinstance(answer, TidegateError)
        ]
        self._invoke(lambda: self.services.queue.delete(pool, done))

    def _run(self, pool: str, delivery: Delivery, job: Job) -> Conclusion | None:
        try:
            claimed = begin(self.services, job, self.now_ms)
            run = Run(self.services, VirtualClock(self.aws), job, go_on)
            run.begins()
            signal = run.beats(None)
            self._invoke(
                lambda: self.services.queue.extend(pool, delivery.receipt, seconds=_VISIBILITY_SECONDS)
            )
            asked = signal is Signal.CANCEL
            outcome = Outcome(OutcomeKind.CANCELLED) if asked else claimed.refusal or self.course(job)
            if outcome is DIES:
                return None
            if outcome.kind is OutcomeKind.HANDED_OVER and claimed.assignment.token is not None:
                self.tokens[job.job_id] = claimed.assignment.token.text
            ran = replace(claimed, began_at_ms=run.began_at_ms)
            return conclusion_of(self.services, ran, outcome, self.now_ms)
        except TidegateError:
            return None  # the message comes again

    # --- time passes -------------------------------------------------------------------------------
    def settle(self) -> None:
        """Brings events to the dispatcher and messages to the workers, until there are neither."""
        for _ in range(_PASSES):
            if not (self.events() | self.work()):
                return
        raise AssertionError("it never comes to rest")

    def minute(self) -> None:
        """Runs one tick, and everything that follows from it."""
        self.wait(MINUTE_MS)
        self.reap()
        self.tick()
        self.settle()
