"""A worker process in its pool: registered while it works, draining when told to, fenced when its id is taken."""

from __future__ import annotations

import pytest

from tests.harness.waiting import becomes_true
from tests.harness.worker.running import Fixture
from tests.harness.worker.world import CLOCK, POOL, job_of, queued_job, registration_of
from tests.worker.test_process import entry
from tidegate.domain.callers import NOBODY
from tidegate.domain.states import State
from tidegate.domain.workers import Totals, WorkerIdTaken, WorkerState
from tidegate.usecases.operate.drain import drain_worker
from tidegate_worker.process import EXIT_DRAINED, EXIT_GAVE_UP, Options, WorkerProcess


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_it_is_registered_while_it_works_and_says_how_it_went(fixture: Fixture) -> None:
    for _ in range(3):
        queued_job(fixture.services)
    fixture.executor.open(2)
    with fixture.running(slots=3) as worker:
        fixture.executor.wait_for_started(3)
        assert becomes_true(lambda: entry(fixture).running == 1 and entry(fixture).totals.succeeded == 2)
        assert (entry(fixture).spec.slots, entry(fixture).state) == (3, WorkerState.ACTIVE)
        worker.process.stop()
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
    left = entry(fixture)
    assert (left.state, left.running) == (WorkerState.INACTIVE, 0)
    assert left.totals == Totals(claimed=3, succeeded=2, failed=0, handed_back=1)


def test_it_beats_while_it_drains(fixture: Fixture) -> None:
    queued_job(fixture.services)
    with fixture.running() as worker:
        fixture.executor.wait_for_started(1)
        worker.process.stop()
        seen = fixture.world.requests["draining"]
        assert becomes_true(lambda: fixture.world.requests["draining"] > seen + 1)
        fixture.executor.open(1)
        assert worker.ended() == EXIT_DRAINED


def test_a_drain_that_was_asked_for_ends_it_in_order(fixture: Fixture) -> None:
    message = queued_job(fixture.services)
    with fixture.running() as worker:
        fixture.executor.wait_for_started(1)
        drain_worker(fixture.services, POOL, "worker-1", caller=NOBODY, now_ms=CLOCK.now_ms())
        fixture.executor.open(1)
        assert worker.ended() == EXIT_DRAINED
    assert job_of(fixture.services, message).state is State.SUCCEEDED
    assert entry(fixture).state is WorkerState.INACTIVE


def test_a_worker_whose_id_is_taken_over_hands_back_and_ends(
    fixture: Fixture, caplog: pytest.LogCaptureFixture
) -> None:
    message = queued_job(fixture.services)
    with fixture.running() as worker:
        fixture.executor.wait_for_started(1)
        registration_of(fixture.services, session_id="S2", take_over=True).register()
        assert worker.ended() == EXIT_GAVE_UP
    assert job_of(fixture.services, message).state is State.READY
    assert (entry(fixture).session_id, entry(fixture).state) == ("S2", WorkerState.ACTIVE)
    assert "worker id 'worker-1' of pool 'hosts' now belongs to a process on host" in caplog.text


def test_a_worker_whose_id_is_taken_over_while_it_drains_hands_back_too(fixture: Fixture) -> None:
    message = queued_job(fixture.services)
    with fixture.running() as worker:
        fixture.executor.wait_for_started(1)
        worker.process.stop()
        registration_of(fixture.services, session_id="S2", take_over=True).register()
        assert worker.ended() == EXIT_GAVE_UP
    assert job_of(fixture.services, message).state is State.READY


def test_a_second_process_under_the_same_id_takes_nothing(fixture: Fixture) -> None:
    registration_of(fixture.services, session_id="S0").register()
    message = queued_job(fixture.services)
    options = Options(POOL, 1, poll_seconds=0)
    registration = registration_of(fixture.services)
    with pytest.raises(WorkerIdTaken):
        WorkerProcess(fixture.services, fixture.executor, CLOCK, options, registration).run()
    assert job_of(fixture.services, message).state is State.QUEUED
    assert (entry(fixture).session_id, entry(fixture).state) == ("S0", WorkerState.ACTIVE)
