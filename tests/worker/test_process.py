from __future__ import annotations

import threading

import pytest

from dev.simulator.memory.world import MemoryWorld
from tests.harness.jobs.executors import JOBCODE
from tests.harness.waiting import PATIENCE_SECONDS, becomes_true
from tests.harness.worker.running import Fixture
from tests.harness.worker.world import CLOCK, POOL, job_of, queued_job, registration_of
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.states import State
from tidegate.domain.workers import Worker, WorkerState
from tidegate_worker import pipeline
from tidegate_worker.process import EXIT_DRAINED, EXIT_GAVE_UP, Options, WorkerProcess


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def _is_empty(world: MemoryWorld) -> bool:
    return POOL not in world.queues or not world.queues[POOL].held


def test_it_runs_what_the_queue_holds_and_acknowledges_it(fixture: Fixture) -> None:
    messages = [queued_job(fixture.services) for _ in range(5)]
    fixture.executor.open(5)
    with fixture.running() as worker:
        assert becomes_true(lambda: _is_empty(fixture.world))
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
    assert [job_of(fixture.services, message).state for message in messages] == [State.SUCCEEDED] * 5
    assert {job_of(fixture.services, message).worker_id for message in messages} == {"worker-1"}


def test_it_receives_only_what_its_free_slots_can_take(fixture: Fixture) -> None:
    for _ in range(6):
        queued_job(fixture.services)
    with fixture.running(slots=3):
        fixture.executor.wait_for_started(3)
        fixture.executor.open(1)
        fixture.executor.wait_for_started(4)
        assert len(fixture.executor.started) == 4
        assert fixture.executor.warmed == 3
        limits = list(fixture.queue.limits)
    assert limits[0] == 3
    assert set(limits[1:]) == {1}


def test_acknowledgements_travel_together(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_ACKNOWLEDGE_AFTER_SECONDS", PATIENCE_SECONDS)
    for _ in range(10):
        queued_job(fixture.services)
    fixture.executor.open(10)
    with fixture.running(slots=10):
        assert becomes_true(lambda: _is_empty(fixture.world))
    assert [len(receipts) for receipts in fixture.queue.deleted] == [10]


def entry(fixture: Fixture) -> Worker:
    return fixture.world.workers[(POOL, "worker-1")]


def test_running_jobs_may_finish_after_the_first_stop(fixture: Fixture) -> None:
    message = queued_job(fixture.services)
    with fixture.running() as worker:
        fixture.executor.wait_for_started(1)
        worker.process.stop()
        assert entry(fixture).state is WorkerState.DRAINING, "its slots are gone when the stop was heard"
        assert job_of(fixture.services, message).state is State.RUNNING
        fixture.executor.open(1)
        assert worker.ended() == EXIT_DRAINED
    assert job_of(fixture.services, message).state is State.SUCCEEDED
    assert entry(fixture).state is WorkerState.INACTIVE
    assert _is_empty(fixture.world)


def test_nothing_is_taken_after_a_stop(fixture: Fixture) -> None:
    with fixture.running() as worker:
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
        message = queued_job(fixture.services)
    assert job_of(fixture.services, message).state is State.QUEUED


def test_what_still_runs_when_the_drain_is_over_is_handed_back_by_its_heartbeat(fixture: Fixture) -> None:
    message = queued_job(fixture.services)
    with fixture.running(drain_seconds=0) as worker:
        fixture.executor.wait_for_started(1)
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
    job = job_of(fixture.services, message)
    assert (job.state, job.attempt) == (State.READY, 1)
    assert _is_empty(fixture.world)


def test_a_second_stop_hands_back_at_once(fixture: Fixture) -> None:
    message = queued_job(fixture.services)
    with fixture.running() as worker:
        fixture.executor.wait_for_started(1)
        worker.process.stop()
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
    assert job_of(fixture.services, message).state is State.READY


def test_a_heartbeat_keeps_the_message_invisible(fixture: Fixture) -> None:
    queued_job(fixture.services)
    with fixture.running() as worker:
        fixture.executor.wait_for_started(1)
        fixture.executor.hurry()
        assert becomes_true(lambda: len(fixture.queue.extended) == 1)
        worker.process.stop()
    assert fixture.queue.extended == [90]


def test_a_job_that_could_not_be_concluded_keeps_its_message(fixture: Fixture) -> None:
    lost = queued_job(fixture.services)
    refused = threading.Event()

    def refuse(request: str) -> None:
        if request.startswith("apply") and len(fixture.executor.started) == 1 and not refused.is_set():
            refused.set()
            raise ServiceUnavailable("the table does not answer")

    fixture.world.on_request = refuse
    fixture.executor.open(2)
    with fixture.running(slots=1) as worker:
        assert refused.wait(PATIENCE_SECONDS)
        kept = queued_job(fixture.services)
        assert becomes_true(lambda: job_of(fixture.services, kept).state is State.SUCCEEDED)
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
    assert job_of(fixture.services, lost).state is State.RUNNING
    held = [entry.message for entry in fixture.world.queues[POOL].held.values()]
    assert held == [lost]


def test_a_queue_that_stays_unreachable_ends_the_worker(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_MAX_BACKOFF_SECONDS", 0.0)

    def refuse(request: str) -> None:
        if request == "receive":
            raise ServiceUnavailable("the queue does not answer")

    fixture.world.on_request = refuse
    with fixture.running() as worker:
        assert worker.ended() == EXIT_GAVE_UP
    assert entry(fixture).state is WorkerState.INACTIVE


def test_receives_that_break_in_an_unforeseen_way_do_not_leave_the_worker_idle(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_MAX_BACKOFF_SECONDS", 0.0)
    broken = iter(range(2 * pipeline._RECEIVERS))

    def refuse(request: str) -> None:
        if request == "receive" and next(broken, None) is not None:
            raise OverflowError("a secret")

    fixture.world.on_request = refuse
    fixture.executor.open(1)
    message = queued_job(fixture.services)
    with fixture.running():
        assert becomes_true(lambda: job_of(fixture.services, message).state is State.SUCCEEDED)


def test_what_breaks_in_an_unforeseen_way_ends_the_worker_with_all_its_threads(fixture: Fixture) -> None:
    def refuse(request: str) -> None:
        if request in ("heartbeat", "draining"):
            raise LookupError("nobody thought of that")

    fixture.world.on_request = refuse
    before = set(threading.enumerate())
    registration = registration_of(fixture.services, slots=2, beat_seconds=0)
    options = Options(POOL, slots=2, poll_seconds=0, drain_seconds=0)
    with pytest.raises(LookupError):
        WorkerProcess(fixture.services, fixture.executor, CLOCK, options, registration).run()
    assert set(threading.enumerate()) <= before


def test_real_job_code_runs_and_what_never_yields_is_handed_back(fixture: Fixture) -> None:
    executor = ProcessExecutor(
        CLOCK,
        heartbeat_seconds=3_600,
        cancel_grace_seconds=0.05,
        hand_back_grace_seconds=0.05,
        packages=(JOBCODE,),
    )
    quick, endless = queued_job(fixture.services), queued_job(fixture.services, "sample.spin")
    with fixture.running(drain_seconds=0, executor=executor) as worker:
        assert becomes_true(lambda: job_of(fixture.services, quick).state is State.SUCCEEDED)
        assert becomes_true(lambda: job_of(fixture.services, endless).state is State.RUNNING)
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
    assert job_of(fixture.services, endless).state is State.READY
