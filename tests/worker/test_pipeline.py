"""Jobs on their way through a worker process: batches, waits, and the effects of faults."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from dev.simulator.memory.world import MemoryWorld
from tests.harness.batch_store import BatchStore
from tests.harness.waiting import PATIENCE_SECONDS, becomes_true
from tests.harness.worker.running import Fixture
from tests.harness.worker.world import POOL, RecordingQueue, job_of, queued_job
from tidegate.domain.errors import ServiceRefused
from tidegate.domain.lives import UNBEGUN
from tidegate.domain.states import State
from tidegate.domain.transitions import CancelIfInState, Ending, NoteDependents, Stamp, Transition
from tidegate.domain.workers import Totals
from tidegate.ports import Delivery, Message
from tidegate_worker import look_ahead, pipeline
from tidegate_worker.process import EXIT_DRAINED

EVIDENCE = 8  # short jobs after which others may wait for a slot

AGES_SECONDS = 3_600


class BatchFixture(Fixture):
    def __init__(self) -> None:
        super().__init__()
        self.store = BatchStore(self.world)
        self.services = replace(self.services, jobs=self.store)

    def queued(self, jobs: int) -> list[Message]:
        return [queued_job(self.services) for _ in range(jobs)]

    def states(self, messages: Sequence[Message]) -> list[State]:
        return [job_of(self.services, message).state for message in messages]

    def all_are(self, state: State, messages: Sequence[Message]) -> bool:
        return set(self.states(messages)) == {state}


@pytest.fixture
def fixture(monkeypatch: pytest.MonkeyPatch) -> BatchFixture:
    """Makes a process to which every job is short, however slow the machine is."""
    monkeypatch.setattr(look_ahead, "WORKED_OFF_WITHIN_SECONDS", AGES_SECONDS)
    monkeypatch.setattr(pipeline, "LONGEST_WAIT_SECONDS", AGES_SECONDS)
    monkeypatch.setattr(pipeline, "_BEHIND_SECONDS", AGES_SECONDS)
    made = BatchFixture()
    settings = replace(made.services.settings, heartbeat_seconds=AGES_SECONDS * 2)
    made.services = replace(made.services, settings=settings)
    return made


def test_what_one_receive_brought_is_claimed_in_one_request(fixture: BatchFixture) -> None:
    messages = fixture.queued(10)
    with fixture.running(slots=10):
        fixture.executor.wait_for_started(10)
        assert fixture.store.sizes("claim") == [10]
    assert len(messages) == 10


def test_what_ends_while_a_conclusion_is_under_way_is_concluded_together(fixture: BatchFixture) -> None:
    messages = fixture.queued(10)
    all_ended = threading.Event()

    def hold(transitions: Sequence[Transition]) -> None:
        if transitions[0].name == "finish":
            assert all_ended.wait(PATIENCE_SECONDS)

    fixture.store.before = hold
    with fixture.running(slots=10) as worker:
        fixture.executor.wait_for_started(10)
        fixture.executor.open(1)
        assert becomes_true(lambda: worker.process._pipeline.running == 9)
        fixture.executor.open(9)
        assert becomes_true(lambda: worker.process._pipeline.running == 0)
        all_ended.set()
        assert becomes_true(lambda: fixture.all_are(State.SUCCEEDED, messages))
    assert fixture.store.sizes("finish") == [1, 9]


def test_a_lone_conclusion_waits_for_nothing(fixture: BatchFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_ACKNOWLEDGE_AFTER_SECONDS", PATIENCE_SECONDS)
    (lone, other) = fixture.queued(2)
    with fixture.running(slots=2):
        fixture.executor.wait_for_started(2)
        fixture.executor.open(1)
        assert becomes_true(lambda: sorted(fixture.states([lone, other])) == [State.RUNNING, State.SUCCEEDED])


class LongPoll(RecordingQueue):
    """A queue whose every receive after the first waits until it is let go."""

    def __init__(self, world: MemoryWorld) -> None:
        super().__init__(world)
        self.waits = threading.Event()
        self.let_go = threading.Event()

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        if self.limits:
            self.waits.set()
            assert self.let_go.wait(PATIENCE_SECONDS)
        return super().receive(pool, limit=limit, wait_seconds=wait_seconds)


def test_a_long_poll_holds_up_no_conclusion_and_no_acknowledgement(
    fixture: BatchFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_ACKNOWLEDGE_AFTER_SECONDS", 0.0)
    queue = LongPoll(fixture.world)
    fixture.services = replace(fixture.services, queue=queue)
    (message,) = fixture.queued(1)
    with fixture.running(slots=2):
        try:
            assert queue.waits.wait(PATIENCE_SECONDS)
            fixture.executor.open(1)
            assert becomes_true(lambda: len(queue.deleted) == 1)
            assert fixture.states([message]) == [State.SUCCEEDED]
        finally:
            queue.let_go.set()


def _with_jobs_that_wait(fixture: BatchFixture, jobs: int) -> list[Message]:
    """Queues short jobs, so that others may wait, and then as many that do not end. The first of these runs."""
    fixture.executor.open(EVIDENCE)
    short = fixture.queued(EVIDENCE)
    assert becomes_true(lambda: fixture.all_are(State.SUCCEEDED, short))
    waiting = fixture.queued(jobs)
    fixture.executor.wait_for_started(EVIDENCE + 1)
    assert becomes_true(lambda: fixture.all_are(State.RUNNING, waiting))
    return waiting


def test_after_short_jobs_some_are_claimed_ahead_and_wait(fixture: BatchFixture) -> None:
    with fixture.running(slots=1):
        waiting = _with_jobs_that_wait(fixture, 4)
        assert len(fixture.executor.started) == EVIDENCE + 1
        fixture.executor.open(4)
        assert becomes_true(lambda: fixture.all_are(State.SUCCEEDED, waiting))


def test_a_stop_hands_back_what_waits_and_lets_finish_what_runs(fixture: BatchFixture) -> None:
    with fixture.running(slots=1) as worker:
        waiting = _with_jobs_that_wait(fixture, 4)
        worker.process.stop()
        assert becomes_true(
            lambda: fixture.states(waiting) == [State.RUNNING, State.READY, State.READY, State.READY]
        )
        fixture.executor.open(1)
        assert worker.ended() == EXIT_DRAINED
    assert fixture.states(waiting) == [State.SUCCEEDED, State.READY, State.READY, State.READY]
    assert len(fixture.executor.started) == EVIDENCE + 1
    assert not fixture.world.queues[POOL].held
    assert worker.process._pipeline.totals == Totals(claimed=12, succeeded=9, failed=0, handed_back=3)


def test_a_job_that_waits_for_a_slot_has_not_started_and_one_that_others_wait_for_says_when_it_does(
    fixture: BatchFixture,
) -> None:
    with fixture.running(slots=1) as worker:
        running, waiting, unwatched = _with_jobs_that_wait(fixture, 3)
        for message in (running, waiting, unwatched):
            assert not job_of(fixture.services, message).was_started, "nobody waits for it, so nobody is told"
        for message in (waiting, unwatched):
            fixture.services.jobs.apply(NoteDependents(message.job_id, watch_start=message is waiting))
        worker.process.stop()
        assert becomes_true(lambda: fixture.states([waiting, unwatched]) == [State.READY] * 2)
        fixture.executor.open(1)
        assert worker.ended() == EXIT_DRAINED
    handed_back = [job_of(fixture.services, message) for message in (waiting, unwatched)]
    assert [(job.was_started, job.tries, job.history[-1].reason) for job in handed_back] == [
        (False, 0, UNBEGUN)
    ] * 2
    assert job_of(fixture.services, running).was_started


def test_the_start_of_a_job_that_others_wait_for_is_told_when_its_code_begins(fixture: BatchFixture) -> None:
    message = queued_job(fixture.services)
    fixture.services.jobs.apply(NoteDependents(message.job_id, watch_start=True))
    with fixture.running(slots=1):
        fixture.executor.wait_for_started(1)
        job = job_of(fixture.services, message)
        assert (job.state, job.was_started) == (State.RUNNING, True)
        fixture.executor.open(1)
        assert becomes_true(lambda: fixture.all_are(State.SUCCEEDED, [message]))


def test_what_waits_behind_a_job_that_turns_out_long_is_handed_back(
    fixture: BatchFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fixture.running(slots=1) as worker:
        waiting = _with_jobs_that_wait(fixture, 3)
        monkeypatch.setattr(worker.process._pipeline, "_longest_wait_seconds", 0.0)
        assert becomes_true(lambda: fixture.states(waiting) == [State.RUNNING, State.READY, State.READY])
        fixture.executor.open(1)
        assert becomes_true(lambda: fixture.states(waiting)[0] is State.SUCCEEDED)


def test_a_claimed_job_never_waits_for_as_long_as_a_heartbeat_takes(fixture: BatchFixture) -> None:
    # Claimed jobs that wait get no heartbeat.
    settings = replace(fixture.services.settings, heartbeat_seconds=1)
    fixture.services = replace(fixture.services, settings=settings)
    with fixture.running() as worker:
        assert worker.process._pipeline._longest_wait_seconds == 0.5


@pytest.mark.parametrize("slots", [1, 3])
def test_one_claim_without_an_answer_touches_no_other(fixture: BatchFixture, slots: int) -> None:
    messages = fixture.queued(3)
    fixture.store.unavailable = {messages[1].job_id}
    fixture.executor.open(3)
    with fixture.running(slots=slots) as worker:
        assert becomes_true(
            lambda: fixture.states(messages) == [State.SUCCEEDED, State.QUEUED, State.SUCCEEDED]
        )
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
    assert [entry.message for entry in fixture.world.queues[POOL].held.values()] == [messages[1]]


def test_one_conclusion_without_an_answer_touches_no_other(fixture: BatchFixture) -> None:
    messages = fixture.queued(3)
    with fixture.running(slots=3) as worker:
        fixture.executor.wait_for_started(3)
        fixture.store.unavailable = {messages[1].job_id}
        fixture.executor.open(3)
        assert becomes_true(
            lambda: fixture.states(messages) == [State.SUCCEEDED, State.RUNNING, State.SUCCEEDED]
        )
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
    assert [entry.message for entry in fixture.world.queues[POOL].held.values()] == [messages[1]]


@pytest.mark.parametrize("stage", ["claim", "finish"])
def test_no_error_of_a_batch_ends_the_worker(fixture: BatchFixture, stage: str) -> None:
    refused = threading.Event()

    def refuse_once(transitions: Sequence[Transition]) -> None:
        if transitions[0].name == stage and not refused.is_set():
            refused.set()
            raise ServiceRefused("the table is gone")

    fixture.store.before = refuse_once
    (lost,) = fixture.queued(1)
    fixture.executor.open(2)
    with fixture.running(slots=1) as worker:
        assert refused.wait(PATIENCE_SECONDS)
        (kept,) = fixture.queued(1)
        assert becomes_true(lambda: fixture.states([kept]) == [State.SUCCEEDED])
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
    assert fixture.states([lost]) == [State.QUEUED if stage == "claim" else State.RUNNING]
    assert [entry.message for entry in fixture.world.queues[POOL].held.values()] == [lost]


def test_a_message_of_a_job_that_is_gone_is_acknowledged(fixture: BatchFixture) -> None:
    fixture.services.queue.send(POOL, [Message("01JD0000000000000000000000", 0)])
    with fixture.running(slots=1) as worker:
        assert becomes_true(lambda: fixture.store.sizes("claim") == [1])
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
    assert not fixture.world.queues[POOL].held


def test_messages_that_arrive_after_a_stop_return_to_the_queue_unclaimed(fixture: BatchFixture) -> None:
    queue = LongPoll(fixture.world)
    fixture.services = replace(fixture.services, queue=queue)
    queue.limits.append(0)  # so that the very first receive waits
    with fixture.running(slots=2) as worker:
        assert queue.waits.wait(PATIENCE_SECONDS)
        (message,) = fixture.queued(1)
        worker.process.stop()
        queue.let_go.set()
        assert worker.ended() == EXIT_DRAINED
    assert fixture.states([message]) == [State.QUEUED]
    assert queue.extended == [0]


def test_nothing_is_claimed_behind_a_job_that_is_known_to_be_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recent jobs were short, so the worker asks for many. The estimates of the new jobs decide."""
    fixture = BatchFixture()
    monkeypatch.setattr(look_ahead, "WORKED_OFF_WITHIN_SECONDS", 5.0)
    with fixture.running(slots=1):
        fixture.executor.open(EVIDENCE)
        short = fixture.queued(EVIDENCE)
        assert becomes_true(lambda: fixture.all_are(State.SUCCEEDED, short))
        aside = replace(fixture.services, queue=RecordingQueue(MemoryWorld()))
        long, *behind = (queued_job(aside) for _ in range(6))
        fixture.queue.send(POOL, [replace(long, estimated_seconds=600.0), *behind])
        fixture.executor.wait_for_started(EVIDENCE + 1)
        assert becomes_true(lambda: bool(fixture.queue.extended)), "those behind it returned to the queue"
        assert fixture.states([long]) == [State.RUNNING]
        assert fixture.all_are(State.QUEUED, behind)
        fixture.executor.open(1 + len(behind))
        assert becomes_true(lambda: fixture.all_are(State.SUCCEEDED, [long, *behind]))
    assert {job_of(fixture.services, message).attempt for message in behind} == {1}, "none was handed back"


def test_an_urgent_job_behind_many_stale_messages_starts_soon(fixture: BatchFixture) -> None:
    """Ten claims show that messages are stale. After that the worker checks ten at a time, without a claim."""
    messages = fixture.queued(301)
    for message in messages[:-1]:
        job = job_of(fixture.services, message)
        ending = Ending(State.CANCELLED, expires_at_s=1)
        fixture.services.jobs.apply(CancelIfInState(job, ending, Stamp(job.created_at_ms, "ann")))
    with fixture.running(slots=1):
        fixture.executor.wait_for_started(1)
        assert fixture.executor.started == [messages[-1].job_id]
        assert sum(fixture.store.sizes("claim")) <= 20
        fixture.executor.open(1)
        assert becomes_true(lambda: fixture.all_are(State.SUCCEEDED, messages[-1:]))
        assert becomes_true(lambda: not fixture.queue.depth(POOL).held)
