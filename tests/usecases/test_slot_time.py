"""Slot time is that of every session of every worker, and unknown where something of it is not known."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.harness.usecases.ended import POOL, PROCESS_POOL, START_MS, deployment, dying_at, stored
from tidegate.domain.statistics.asked import By, StatisticsQuery, StatisticsRow
from tidegate.domain.statistics.ended import SETTLES_MS
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import (
    DAY_MS,
    HOUR_MS,
    WINDOW_MS,
    Counted,
    Span,
    floor_to,
)
from tidegate.domain.workers import Worker, WorkerSpec, begin
from tidegate.ports import WorkerPage
from tidegate.usecases.services import Services
from tidegate.usecases.statistics import slot_time
from tidegate.usecases.statistics.count_ended import count_ended
from tidegate.usecases.statistics.read_statistics import read_statistics
from tidegate.usecases.statistics.slot_time import KNOWN_FOR_MS
from tidegate.usecases.statistics.told_times import told_times

MINUTE_MS = 60_000


class Fleet:
    """Starts and stops workers at random times, often under an id that was used before.

    `sessions` holds the last entry of every session that there was.
    """

    def __init__(self, services: Services, seed: int) -> None:
        self.services, self.chance = services, random.Random(seed)
        self.sessions: dict[str, Worker] = {}
        self.live: list[str] = []

    def step(self, now_ms: int) -> None:
        """Starts a worker or not, stops one or not, and lets the others send a heartbeat."""
        if self.chance.random() < 0.2:
            name = f"session-{len(self.sessions)}"
            running = {self.sessions[each].worker_id for each in self.live}
            worker_id = self.chance.choice([each for each in ("w1", "w2", "w3", name) if each not in running])
            spec = WorkerSpec(PROCESS_POOL, worker_id, "h", slots=self.chance.randrange(1, 9))
            standing = self.services.workers.get(PROCESS_POOL, worker_id)
            self.sessions[name] = begin(spec, name, now_ms, standing=standing)
            self.services.workers.register_if_free(self.sessions[name], silent_since_ms=now_ms + 1)
            self.live.append(name)
        elif self.live and self.chance.random() < 0.15:
            name = self.live.pop(self.chance.randrange(len(self.live)))
            if self.chance.random() < 0.5:
                self._tell(name, now_ms, self.services.workers.leave_if_mine)
        for name in self.live:
            self._tell(name, now_ms, self.services.workers.heartbeat_if_mine)

    def _tell(self, name: str, now_ms: int, tell: Callable[[Worker], Worker]) -> None:
        self.sessions[name] = tell(replace(self.sessions[name], heartbeat_at_ms=now_ms))

    def slot_ms(self, from_ms: int, to_ms: int) -> int:
        """Returns the slot time of all sessions, second by second."""
        return 1_000 * sum(
            session.spec.slots
            for at_ms in range(from_ms, to_ms, 1_000)
            for session in self.sessions.values()
            if session.started_at_ms <= at_ms < session.heartbeat_at_ms
        )


def test_slot_time_is_that_of_every_session_whatever_happens() -> None:
    services, world = deployment()
    chance = random.Random(7)
    fleet = Fleet(services, 7)
    now_ms = START_MS
    while now_ms < START_MS + 4 * HOUR_MS:
        fleet.step(now_ms)
        with dying_at(world, chance.randrange(1, 20)):
            count_ended(services, now_ms)
        now_ms += MINUTE_MS * chance.choice([1, 1, 3])
    for _ in range(30):
        count_ended(services, now_ms)
    told_hours = hours_of(services, PROCESS_POOL, now_ms)
    assert [row.slot_ms for row in told_hours] == [
        fleet.slot_ms(row.from_ms, row.to_ms) for row in told_hours
    ]
    assert len(told_hours) == 4
    (day,) = stored(world, Span.DAY, PROCESS_POOL)
    assert day.slot_ms == fleet.slot_ms(START_MS, START_MS + 3 * HOUR_MS)
    until_ms = floor_to(now_ms - SETTLES_MS, WINDOW_MS)
    for _ in range(10):
        from_ms, to_ms = sorted(chance.sample(range(START_MS, until_ms + 1, WINDOW_MS), 2))
        query = StatisticsQuery(By.POOL, from_ms, to_ms, PROCESS_POOL)
        total = read_statistics(services, query, now_ms=now_ms).total
        assert total.slot_ms == fleet.slot_ms(from_ms, to_ms)


def hours_of(services: Services, pool: str, now_ms: int) -> tuple[StatisticsRow, ...]:
    return read_statistics(services, StatisticsQuery(By.HOUR, START_MS, now_ms, pool), now_ms=now_ms).rows


def test_slot_time_is_unknown_of_times_of_which_worker_entries_may_be_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reaper stands still for longer than entries are kept, then counts that time without its slots."""
    services, world = deployment()
    for now_ms in (START_MS, START_MS + WINDOW_MS):
        count_ended(services, now_ms)
    now_ms = START_MS + 2 * DAY_MS
    for _ in range(3):
        count_ended(services, now_ms)
    known_ms = now_ms - KNOWN_FOR_MS
    runs = stored(world, Span.IDLE, PROCESS_POOL)
    assert {run.slot_ms for run in runs} == {
        None
    }  # known times of this pool had no slots, and need no roll-up
    assert max(run.to_ms for run in runs) == known_ms
    growing = world.reached[POOL].idle
    hours = {
        hour.from_ms: hour.slot_ms
        for hour in told_times(services, POOL, Span.HOUR, START_MS, now_ms, growing)
    }
    assert [hours[known_ms - 2 * HOUR_MS], hours[known_ms + HOUR_MS]] == [None, 2 * HOUR_MS]
    monkeypatch.setattr(slot_time, "PAGES", 0)  # a pool of more workers than a run reads
    count_ended(services, now_ms + WINDOW_MS)
    assert world.reached[PROCESS_POOL].idle == Counted(
        now_ms - SETTLES_MS, now_ms + WINDOW_MS - SETTLES_MS, Rollup()
    )


class WithUnreadable:
    """The workers of a pool of which one entry can't be decoded."""

    def __init__(self, services: Services) -> None:
        self._page = services.workers.page

    def page(self, pool: str, *, limit: int, after: str | None = None) -> WorkerPage:
        return replace(self._page(pool, limit=limit, after=after), unreadable=("w-broken",))


def test_a_worker_entry_that_can_t_be_decoded_makes_slot_time_unknown_and_stops_no_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    services, world = deployment()
    count_ended(services, START_MS)
    count_ended(services, START_MS + WINDOW_MS)
    broken = replace(services, workers=WithUnreadable(services))  # type: ignore[arg-type]  # only pages are read
    worker = begin(WorkerSpec(PROCESS_POOL, "w", "h", slots=1), "session", START_MS)
    services.workers.register_if_free(worker, silent_since_ms=0)
    count_ended(broken, START_MS + 2 * WINDOW_MS)
    idle = {pool: world.reached[pool].idle for pool in (POOL, PROCESS_POOL)}
    assert {pool: run and run.slot_ms for pool, run in idle.items()} == {
        POOL: 2 * WINDOW_MS,
        PROCESS_POOL: None,
    }
    (told_once,) = [record.getMessage() for record in caplog.records if "w-broken" in record.getMessage()]
    assert PROCESS_POOL in told_once
