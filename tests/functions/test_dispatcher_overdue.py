"""A dispatcher that events keep busy does the tick's work if the tick itself finds no free slot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.functions.test_dispatcher import Fixture
from tests.harness.determined import HandClock
from tidegate.bootstrap import DispatcherDeps
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.states import State
from tidegate.entry import dispatcher
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.dispatch.follow import DispatcherMemory
from tidegate.usecases.dispatch.react import ReactReport
from tidegate.usecases.dispatch.tick import OVERDUE_MS
from tidegate.usecases.services import Services

SCHEDULE: dict[str, Any] = {}


class Ticks:
    """Counts ticks. `fails` makes them fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fixture = Fixture()
        self.clock = HandClock(self.fixture.deps.clock.now_ms())
        self.deps: DispatcherDeps = replace(self.fixture.deps, clock=self.clock, memory=DispatcherMemory())
        self.done_ms: list[int] = []
        self.fails = False
        monkeypatch.setattr("tidegate.usecases.dispatch.follow.tick", self._tick)

    def _tick(self, _services: Services, *, now_ms: int, **_: object) -> tuple[()]:
        self.done_ms.append(now_ms)
        if self.fails:
            raise ServiceUnavailable("the table does not answer")
        return ()

    def run(self, event: dict[str, Any], after_ms: int = 0) -> None:
        self.clock.at_ms += after_ms
        dispatcher.handle(event, self.deps)


def test_a_run_for_events_does_the_schedule_s_work_when_that_is_overdue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = Ticks(monkeypatch)
    ticks.run(ticks.fixture.event)
    ticks.run(ticks.fixture.event, after_ms=OVERDUE_MS - 1)
    assert ticks.done_ms == []
    ticks.run(ticks.fixture.event, after_ms=1)
    assert ticks.done_ms == [ticks.clock.at_ms]
    ticks.run(ticks.fixture.event, after_ms=OVERDUE_MS - 1)
    assert len(ticks.done_ms) == 1


def test_a_clock_that_is_put_back_does_not_put_off_the_schedule_s_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = Ticks(monkeypatch)
    ticks.run(ticks.fixture.event)
    ticks.run(ticks.fixture.event, after_ms=-3_600_000)
    assert len(ticks.done_ms) == 1


def test_a_run_ends_in_time_though_the_clock_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    fixture, clock, stopwatch = Fixture(), HandClock(2 * 3_600_000), HandClock()
    over: list[bool] = []

    def react(_services: Services, _changed: object, *, until: Deadline, **_: object) -> ReactReport:
        clock.at_ms -= 3_600_000
        for passed_ms in (dispatcher.WORKING_MS - 1, 1):
            stopwatch.at_ms += passed_ms
            over.append(until.is_over())
        return ReactReport(0, ())

    monkeypatch.setattr("tidegate.usecases.dispatch.follow.react", react)
    dispatcher.handle(fixture.event, replace(fixture.deps, clock=clock, stopwatch=stopwatch))
    assert over == [False, True]


def test_a_schedule_that_gets_through_leaves_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = Ticks(monkeypatch)
    for _ in range(10):
        ticks.run(SCHEDULE, after_ms=60_000)
        ticks.run(ticks.fixture.event, after_ms=1)
    assert len(ticks.done_ms) == 10


def test_work_that_fails_fails_one_run_and_none_of_its_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = Ticks(monkeypatch)
    ticks.run({"Records": []})
    ticks.fails = True
    with pytest.raises(ServiceUnavailable):
        ticks.run(ticks.fixture.event, after_ms=OVERDUE_MS)
    assert ticks.fixture.world.jobs[ticks.fixture.downstream.job_id].state is State.QUEUED
    ticks.run(ticks.fixture.event)  # the batch comes again
    assert len(ticks.done_ms) == 1


def test_changes_that_can_t_be_followed_keeps_nothing_from_the_schedule_s_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = Ticks(monkeypatch)
    ticks.run({"Records": []})

    def refuse(request: str) -> None:
        raise ServiceUnavailable("the table does not answer")

    ticks.fixture.world.on_request = refuse
    with pytest.raises(ServiceUnavailable):
        ticks.run(ticks.fixture.event, after_ms=OVERDUE_MS)
    assert len(ticks.done_ms) == 1
