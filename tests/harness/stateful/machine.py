"""The real use cases over memory, one step after the other, compared with the model after each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dev.simulator.checks.attempts import check_attempts
from dev.simulator.memory.seeded import START_MS, function_pool, make_settings
from dev.simulator.memory.services import memory_services
from dev.simulator.people.callers import caller_named
from tests.harness.stateful.model import LAST_SENT_MS, Model, shown
from tests.harness.stateful.model_jobs import Edge, Happening, ModelJob
from tests.harness.stateful.surroundings import (
    PLACES,
    PLANS,
    AlsoApprovals,
    EvenEntropy,
    HeldQueue,
    JobPlan,
    mark_of,
    request_of,
)
from tidegate.bootstrap import Services
from tidegate.domain import limits
from tidegate.domain.errors import AlreadyEnded, NotMarkable, NotRetryable, NotWaiting
from tidegate.domain.job import Job
from tidegate.domain.requests import WorkflowRequest
from tidegate.domain.states import MARKABLE, State
from tidegate.ports import Message, Outcome, OutcomeKind
from tidegate.usecases.dispatch.react import react
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.recover.cancel import cancel_downstream, cancel_job, cancel_workflow
from tidegate.usecases.recover.hold import hold_job, unhold_job
from tidegate.usecases.recover.mark import Mark, mark_job
from tidegate.usecases.recover.redrive import redrive_pool
from tidegate.usecases.recover.reopen import rerun_workflow, retry_job
from tidegate.usecases.recover.rerun import rerun_job
from tidegate.usecases.submit.submit import submit_workflow
from tidegate.usecases.work.claim import Claimed, claim
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.run import Run, go_on

POOL, CAPACITY, WINDOW = "lambda", 2, 2
ACTOR = "ann"
MOST_JOBS = 25
JUMPS_MS = st.sampled_from([1, 1_000, 16_001, 31_003, 61_007, 400_009, 5_000_011])
OUTCOMES = {
    State.SUCCEEDED: Outcome(OutcomeKind.SUCCEEDED),
    State.FAILED: Outcome(OutcomeKind.FAILED, code="broken"),
    State.TIMED_OUT: Outcome(OutcomeKind.TIMED_OUT),
    State.CANCELLED: Outcome(OutcomeKind.CANCELLED),
    State.READY: Outcome(OutcomeKind.HANDED_BACK),
}


@dataclass(frozen=True)
class Held:
    """A job that a worker has claimed, and the run of its code, which may not have begun."""

    claimed: Claimed
    run: Run

    @property
    def job(self) -> Job:
        return self.claimed.job

    @property
    def has_begun(self) -> bool:
        return self.run.began_at_ms is not None


@dataclass(frozen=True)
class MachineClock:
    """The one clock of a sequence."""

    machine: TidegateMachine

    def now_ms(self) -> int:
        return self.machine.now


class TidegateMachine(RuleBasedStateMachine):
    """A machine whose rules are the possible steps. `same_as_the_model` must hold after each."""

    happened: ClassVar[Counter[Happening]] = Counter()  # over all sequences

    def __init__(self) -> None:
        super().__init__()
        settings = make_settings(function_pool(POOL, CAPACITY), window=WINDOW)
        services, self.world = memory_services(settings, registry=AlsoApprovals())
        self.queue = HeldQueue()
        self.services: Services = replace(services, entropy=EvenEntropy(), queue=self.queue)
        self.model = Model(CAPACITY * WINDOW)
        self.now = START_MS
        self.stream: list[Job] = []
        self.running: list[Held] = []
        self.workflows: list[list[str]] = []
        self.in_step = True

    # --- submitting -----------------------------------------------------------------------------------
    @precondition(lambda self: len(self.world.jobs) < MOST_JOBS)
    @rule(plans=PLANS)
    def submit(self, plans: list[JobPlan]) -> None:
        earlier = list(self.world.jobs)
        keys = [f"k{place}" for place in range(len(plans))]
        requests = [request_of(plan, keys, place, earlier) for place, plan in enumerate(plans)]
        accepted = submit_workflow(
            self.services,
            WorkflowRequest(jobs=tuple(requests)),
            idempotency_key=None,
            fingerprint="f",
            now_ms=self.now,
        )
        ids = accepted.job_ids
        self.workflows.append([ids[key] for key in keys])
        for request in requests:
            found = request.depends_on
            ends = [ids[edge.key] if edge.key else edge.job_id or "" for edge in found]
            known = tuple(Edge(up, edge.type, edge.condition) for up, edge in zip(ends, found, strict=True))
            job = ModelJob(
                ids[request.key or ""], request.priority or 0, request.retry.max_retries, self.now, known
            )
            self.model.submit(job, self.now)
        outside: dict[str, list[tuple[str, int]]] = {}
        for job_id in self.workflows[-1]:
            for place, edge in enumerate(self.model.jobs[job_id].edges):
                if edge.upstream not in self.workflows[-1]:
                    outside.setdefault(edge.upstream, []).append((job_id, place))
        self.model.connect([pair for pairs in outside.values() for pair in pairs], self.now)

    # --- the dispatcher ---------------------------------------------------------------------------------
    @rule()
    def tick(self) -> None:
        self._tick()

    @rule()
    def tick_twice(self) -> None:
        self._tick()
        self._tick()

    def _tick(self) -> None:
        tick(self.services, now_ms=self.now)
        self.model.wake(self.now)
        self.model.dispatch(self.now)

    @precondition(lambda self: self.stream)
    @rule(place=PLACES, keep=st.booleans())
    def change_comes(self, place: int, keep: bool) -> None:
        """Changes of jobs come in any order, late, and more than once."""
        at = place % len(self.stream)
        job = self.stream[at] if keep else self.stream.pop(at)
        edges = [(edge.job_id, edge.ordinal) for edge in self.services.jobs.list_dependents(job)]
        react(self.services, [job], now_ms=self.now)
        matters = job.is_terminal or (job.was_started and job.watch_start)
        moved = self.model.hear(job.job_id, job.state, job.was_started, edges, self.now) if matters else []
        if matters and job.reopened:
            self.model.free(job.job_id, self.now)
        gained = any(self.model.jobs[job_id].state is State.READY for job_id in moved)
        if job.state is State.SCHEDULED and (job.due_at_ms or 0) <= self.now:
            self.model.wake(self.now)
        # A job that was handed over has freed its slot.
        if gained or job.is_outside or job.state not in (State.PENDING, State.QUEUED, State.RUNNING):
            self.model.dispatch(self.now)

    @precondition(lambda self: self.stream)
    @rule(place=PLACES)
    def change_is_lost(self, place: int) -> None:
        self.stream.pop(place % len(self.stream))

    # --- messages and workers -----------------------------------------------------------------------------
    @precondition(lambda self: self.queue.waiting)
    @rule(place=PLACES, doubled=st.booleans(), ahead=st.booleans())
    def deliver(self, place: int, doubled: bool, ahead: bool = False) -> None:
        """Messages come in any order, and a doubled one stays to come again.

        A job claimed `ahead` does not begin yet.
        """
        at = place % len(self.queue.waiting)
        message = self.queue.waiting[at] if doubled else self.queue.waiting.pop(at)
        if not doubled:
            self.model.messages.remove(mark_of(message))
        self._claim(message, ahead=ahead)

    def _claim(self, message: Message, *, ahead: bool = False) -> None:
        claimed = claim(self.services, message, "worker", self.now)
        assert (claimed is not None) is self.model.claim(message.job_id, message.attempt, self.now)
        if claimed is None:
            return
        held = Held(claimed, Run(self.services, MachineClock(self), claimed.job, go_on))
        self.running.append(held)
        if not ahead:
            self._begin(held)

    @precondition(lambda self: any(not held.has_begun for held in self.running))
    @rule(place=PLACES)
    def code_begins(self, place: int) -> None:
        waiting = [held for held in self.running if not held.has_begun]
        self._begin(waiting[place % len(waiting)])

    def _begin(self, held: Held) -> None:
        job = held.job
        held.run.begins()
        self.model.begin(job.job_id, job.attempt, job.watch_start and not job.was_started)

    @precondition(lambda self: self.queue.waiting)
    @rule(place=PLACES, buried=st.booleans())
    def message_is_lost(self, place: int, buried: bool) -> None:
        """The message is gone for good, or becomes a dead letter."""
        message = self.queue.waiting.pop(place % len(self.queue.waiting))
        self.model.messages.remove(mark_of(message))
        if buried:
            self.queue.dead.append(message)

    @precondition(lambda self: self.queue.waiting)
    @rule(place=PLACES)
    def queue_gives_up_again_and_again(self, place: int) -> None:
        """The queue gives up all messages of one job, in as many dispatches as it takes to end the job."""
        job_id = self.queue.waiting[place % len(self.queue.waiting)].job_id
        for _ in range(limits.MAX_DISPATCHES_GIVEN_UP):
            for message in [each for each in self.queue.waiting if each.job_id == job_id]:
                self.queue.waiting.remove(message)
                self.model.messages.remove(mark_of(message))
                self.queue.dead.append(message)
            self.reaper_runs()
            self._tick()

    @precondition(lambda self: self.running)
    @rule(place=PLACES)
    def heartbeat(self, place: int) -> None:
        held = self.running[place % len(self.running)]
        job = held.job
        signal = held.run.beats(None)
        assert signal == self.model.beat(job.job_id, job.attempt, self.now, held.has_begun)

    @precondition(lambda self: self.running)
    @rule(place=PLACES, outcome=st.sampled_from(sorted(OUTCOMES)), again=st.booleans())
    def finish(self, place: int, outcome: State, again: bool) -> None:
        """With `again`, the worker does not learn of the write, and repeats it later."""
        at = place % len(self.running)
        held = self.running[at] if again else self.running.pop(at)
        if not held.has_begun and outcome not in (State.READY, State.CANCELLED):
            self._begin(held)
        job, ran = held.job, replace(held.claimed, began_at_ms=held.run.began_at_ms)
        concluded = self._concluded(ran, OUTCOMES[outcome])
        accepted = self.model.finish(job.job_id, job.attempt, outcome, self.now, held.has_begun)
        assert (concluded is not None) is accepted

    def _concluded(self, ran: Claimed, outcome: Outcome) -> Job | None:
        return conclude(self.services, ran, outcome, self.now)

    @precondition(lambda self: self.running)
    @rule(place=PLACES)
    def worker_dies(self, place: int) -> None:
        self.running.pop(place % len(self.running))

    # --- time and the reaper --------------------------------------------------------------------------------
    @rule(jump_ms=JUMPS_MS)
    def clock_jumps(self, jump_ms: int) -> None:
        self.now += jump_ms

    @rule()
    def reaper_runs(self) -> None:
        dead = [mark_of(message) for message in self.queue.dead]
        reap(self.services, now_ms=self.now)
        self.model.reap(dead, self.now)

    # --- people -----------------------------------------------------------------------------------------------
    @precondition(lambda self: self.world.jobs)
    @rule(place=PLACES)
    def cancel(self, place: int) -> None:
        job_id = self._any_job(place)
        state = self.model.jobs[job_id].state
        self.model.cancel([job_id], self.now)
        try:
            cancel_job(self.services, job_id, caller=caller_named(ACTOR), now_ms=self.now)
        except AlreadyEnded:
            assert state in (State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.SKIPPED)

    @precondition(lambda self: self.world.jobs)
    @rule(place=PLACES)
    def cancel_downstream(self, place: int) -> None:
        job_id = self._any_job(place)
        self.model.cancel(self.model.downstream(job_id), self.now)
        cancel_downstream(self.services, job_id, caller=caller_named(ACTOR), now_ms=self.now)

    @precondition(lambda self: self.workflows)
    @rule(place=PLACES)
    def cancel_workflow(self, place: int) -> None:
        jobs = self.workflows[place % len(self.workflows)]
        self.model.cancel(jobs, self.now)
        cancel_workflow(self.services, jobs[0].partition(".")[0], caller=caller_named(ACTOR), now_ms=self.now)

    @precondition(lambda self: self.world.jobs)
    @rule(place=PLACES, reopen_skipped=st.booleans())
    def retry(self, place: int, reopen_skipped: bool) -> None:
        job_id = self._any_job(place)
        allowed = self.model.can_retry(job_id)
        try:
            retry_job(
                self.services,
                job_id,
                reopen_skipped=reopen_skipped,
                caller=caller_named(ACTOR),
                now_ms=self.now,
            )
            assert allowed
        except NotRetryable:
            assert not allowed
        if allowed:
            self.model.retry(job_id, reopen_skipped, self.now)

    @precondition(lambda self: self.workflows)
    @rule(place=PLACES)
    def rerun(self, place: int) -> None:
        jobs = self.workflows[place % len(self.workflows)]
        rerun_workflow(self.services, jobs[0].partition(".")[0], caller=caller_named(ACTOR), now_ms=self.now)
        self.model.rerun(jobs, self.now)

    @precondition(lambda self: any(job.is_terminal for job in self.world.jobs.values()))
    @rule(place=PLACES)
    def rerun_from(self, place: int) -> None:
        """Reruns an ended job, rather one that succeeded, with everything downstream.

        Its time is later than every step so far.
        """
        ended = [job for job in self.world.jobs.values() if job.is_terminal]
        succeeded = [job for job in ended if job.state is State.SUCCEEDED]
        chosen = succeeded or ended
        job_id = chosen[place % len(chosen)].job_id
        self.now += 1_000
        allowed = self.model.can_rerun(job_id)
        try:
            rerun_job(self.services, job_id, caller=caller_named(ACTOR), now_ms=self.now)
            assert allowed
        except NotRetryable:
            assert not allowed
        if allowed:
            self.model.rerun_from(job_id, self.now)

    @precondition(lambda self: self.world.jobs)
    @rule(place=PLACES, state=st.sampled_from(sorted(MARKABLE)))
    def mark(self, place: int, state: State) -> None:
        job_id = self._any_job(place)
        try:
            mark_job(self.services, job_id, Mark(state, "x"), caller=caller_named(ACTOR), now_ms=self.now)
            accepted = True
        except NotMarkable:
            accepted = False
        assert self.model.mark(job_id, state, self.now) is accepted

    @precondition(lambda self: self.world.jobs)
    @rule(place=PLACES, on_hold=st.booleans())
    def hold(self, place: int, on_hold: bool) -> None:
        """Puts a job on hold, rather one that waits for others, or takes one off hold, rather one that is on it."""
        rather = [
            job_id
            for job_id, job in self.model.jobs.items()
            if (job.state is State.PENDING if on_hold else job.on_hold)
        ]
        job_id = rather[place % len(rather)] if rather else self._any_job(place)
        if on_hold:
            self.put_on_hold(job_id)
        else:
            self.take_off_hold(job_id)

    def put_on_hold(self, job_id: str) -> None:
        try:
            hold_job(self.services, job_id, caller=caller_named(ACTOR), now_ms=self.now)
            accepted = True
        except NotWaiting:
            accepted = False
        assert self.model.hold(job_id, self.now) is accepted

    def take_off_hold(self, job_id: str) -> None:
        unhold_job(self.services, job_id, caller=caller_named(ACTOR), now_ms=self.now)
        self.model.unhold(job_id, self.now)

    @rule()
    def redrive(self) -> None:
        dead = [job for job in self.model.jobs.values() if job.state is State.FAILED and job.undeliverable]
        found = redrive_pool(
            self.services, POOL, cursor=None, limit=200, caller=caller_named(ACTOR), now_ms=self.now
        )
        assert found.redriven == len(dead)
        self.model.redrive([job.job_id for job in dead], self.now)

    def _any_job(self, place: int) -> str:
        return list(self.world.jobs)[place % len(self.world.jobs)]

    # --- invariants --------------------------------------------------------------------------------------
    @invariant()
    def same_as_the_model(self) -> None:
        self.in_step = False
        self.stream.extend(change.new for change in self.world.changes if change.concerns_dispatcher)
        self.world.changes.clear()
        real = {
            job_id: (
                job.state,
                job.attempt,
                job.tries,
                job.worker_losses,
                job.was_started,
                job.reopened,
                job.cancel_requested_at_ms,
                job.on_hold,
                job.lease_expires_at_ms if job.is_outside else None,
            )
            for job_id, job in self.world.jobs.items()
        }
        wanted = shown(self.model.jobs)
        assert real.keys() == wanted.keys()
        assert not {
            job_id: (real[job_id], wanted[job_id]) for job_id in real if real[job_id] != wanted[job_id]
        }
        waiting = {job_id: job.waiting_on for job_id, job in self.world.jobs.items()}
        assert waiting == {job_id: job.waiting for job_id, job in self.model.jobs.items()}
        assert not [job for job in self.world.jobs.values() if (job.expires_at_s is None) is job.is_terminal]
        sent = sorted(mark_of(message) for message in self.queue.waiting)
        assert sent == sorted(self.model.messages)
        self.in_step = True

    def teardown(self) -> None:
        """Checks that every job ends by ticks alone and with sound workers, whatever happened before.

        Jobs that callers have put on hold are taken off hold first.
        """
        self.stream.clear()
        self.happened.update(self.model.happened)
        if not self.in_step:
            return  # the failure is already reported
        for job_id in [job.job_id for job in self.world.jobs.values() if job.on_hold]:
            self.take_off_hold(job_id)
        # A lost message of a dispatch is made up for after `LAST_SENT_MS` at the latest.
        for _ in range(4 * len(self.world.jobs) + 10 + LAST_SENT_MS // 61_000):
            if all(job.is_terminal for job in self.world.jobs.values()):
                for job in self.world.jobs.values():
                    check_attempts(job)
                return
            self.now += 61_000
            self._tick()
            self.reaper_runs()
            for message in list(self.queue.waiting):
                self.queue.waiting.remove(message)
                self.model.messages.remove(mark_of(message))
                self._claim(message)
            while self.running:
                self.finish(0, State.SUCCEEDED, False)
            self.same_as_the_model()
        raise AssertionError([job.job_id for job in self.world.jobs.values() if not job.is_terminal])
