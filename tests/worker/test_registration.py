"""A worker process keeps its entry, and reads from it whether to drain."""

from __future__ import annotations

import pytest

from dev.simulator.memory.world import MemoryWorld
from tests.harness.worker.world import CLOCK, POOL, make_services, registration_of
from tidegate.domain.callers import NOBODY
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.workers import Totals, Worker, WorkerIdTaken, WorkerState
from tidegate.usecases.operate.drain import drain_worker
from tidegate.usecases.services import Services
from tidegate_worker.registration import Order, Registration

BUSY = Totals(claimed=5, succeeded=2, failed=1, handed_back=0)


class Fixture:
    """A registration whose time a test sets."""

    def __init__(self) -> None:
        self.world = MemoryWorld()
        self.services: Services = make_services(self.world)
        self.at_s = 100.0
        self.mine = self.registration("S1")

    def registration(self, session_id: str, *, take_over: bool = False) -> Registration:
        return registration_of(
            self.services, session_id=session_id, take_over=take_over, monotonic=lambda: self.at_s
        )

    def entry(self) -> Worker:
        return self.world.workers[(POOL, "worker-1")]

    def beat(self, *, after_s: float = 15.0, running: int = 0, totals: Totals = BUSY) -> Order:
        self.at_s += after_s
        return self.mine.beat_if_due(running=running, totals=totals)

    def fail(self, error: Exception | None) -> None:
        def refuse(_request: str) -> None:
            if error is not None:
                raise error

        self.world.on_request = refuse


@pytest.fixture
def fixture() -> Fixture:
    made = Fixture()
    made.mine.register()
    return made


def test_it_beats_once_an_interval_in_one_request(fixture: Fixture) -> None:
    before = sum(fixture.world.requests.values())
    assert fixture.beat(after_s=14.9, running=2) is Order.GO_ON
    assert sum(fixture.world.requests.values()) == before
    assert fixture.beat(after_s=0.1, running=3) is Order.GO_ON
    assert sum(fixture.world.requests.values()) == before + 1
    assert (fixture.entry().running, fixture.entry().totals) == (3, BUSY)
    assert fixture.beat(after_s=14.9, running=0) is Order.GO_ON
    assert sum(fixture.world.requests.values()) == before + 1


def test_a_second_session_is_refused_and_told_why(fixture: Fixture) -> None:
    with pytest.raises(WorkerIdTaken, match=r"'worker-1'.*'host-a'"):
        fixture.registration("S2").register()
    assert fixture.entry().session_id == "S1"


def test_it_drains_at_once_and_once(fixture: Fixture) -> None:
    fixture.mine.drain_begins()
    assert fixture.entry().state is WorkerState.DRAINING
    before = sum(fixture.world.requests.values())
    fixture.mine.drain_begins()
    assert sum(fixture.world.requests.values()) == before
    assert fixture.beat(running=1) is Order.DRAIN
    assert (fixture.entry().state, fixture.entry().running) == (WorkerState.DRAINING, 1)


def test_a_drain_that_could_not_be_told_is_told_with_the_next_beat(
    fixture: Fixture, caplog: pytest.LogCaptureFixture
) -> None:
    fixture.fail(ServiceUnavailable("the table does not answer"))
    fixture.mine.drain_begins()
    assert "the table does not answer" in caplog.text
    assert fixture.entry().state is WorkerState.ACTIVE
    fixture.fail(None)
    assert fixture.beat() is Order.DRAIN
    assert fixture.entry().state is WorkerState.DRAINING


def test_what_was_asked_for_is_heard_with_the_next_beat(fixture: Fixture) -> None:
    drain_worker(fixture.services, POOL, "worker-1", caller=NOBODY, now_ms=CLOCK.now_ms())
    assert fixture.beat(after_s=1.0) is Order.GO_ON
    assert fixture.beat() is Order.DRAIN
    assert fixture.beat(after_s=0.0) is Order.DRAIN


def test_a_beat_that_fails_is_made_up_for_soon(fixture: Fixture) -> None:
    fixture.fail(ServiceUnavailable("the table does not answer"))
    assert fixture.beat(running=1) is Order.GO_ON
    fixture.fail(None)
    assert fixture.beat(after_s=0.0, running=1) is Order.GO_ON
    assert fixture.entry().running == 1


def test_a_fenced_worker_stops_and_writes_nothing_more(
    fixture: Fixture, caplog: pytest.LogCaptureFixture
) -> None:
    fixture.registration("S2", take_over=True).register()
    theirs = fixture.entry()
    assert fixture.beat() is Order.STOP
    assert "must stop and hand its jobs back" in caplog.text
    before = sum(fixture.world.requests.values())
    assert fixture.beat() is Order.STOP
    fixture.mine.drain_begins()
    fixture.mine.leave(totals=BUSY)
    assert sum(fixture.world.requests.values()) == before
    assert fixture.entry() == theirs


def test_it_leaves_once_with_its_last_totals(fixture: Fixture) -> None:
    fixture.beat(running=1)
    last = Totals(claimed=6, succeeded=3, failed=1, handed_back=1)
    fixture.mine.leave(totals=last)
    left = fixture.entry()
    assert (left.state, left.running, left.totals) == (WorkerState.INACTIVE, 0, last)
    before = sum(fixture.world.requests.values())
    fixture.mine.leave()
    fixture.mine.drain_begins()
    fixture.beat()
    assert sum(fixture.world.requests.values()) == before
    assert fixture.entry() == left


def test_leaving_that_can_not_be_told_is_no_error(fixture: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    fixture.fail(ServiceUnavailable("the table does not answer"))
    fixture.mine.leave()
    assert "stays until it counts as lost" in caplog.text


def test_nothing_is_told_before_it_registered() -> None:
    fixture = Fixture()
    fixture.mine.drain_begins()
    fixture.mine.leave()
    assert fixture.beat() is Order.GO_ON
    assert not fixture.world.requests
