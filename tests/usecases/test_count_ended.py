"""Ended jobs are counted once each, whoever counts, whatever dies, and however the jobs are reopened meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import SETTINGS
from tests.harness.usecases.ended import POOL, PROCESS_POOL, START_MS, People, deployment, stored
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.statistics.asked import By, StatisticsQuery, StatisticsRow
from tidegate.domain.statistics.codec import packed
from tidegate.domain.statistics.ended import SETTLES_MS
from tidegate.domain.statistics.figures import NONE
from tidegate.domain.statistics.rollup import Rollup, merged, rollup_of
from tidegate.domain.statistics.spans import (
    DAY_MS,
    HOUR_MS,
    KEPT_MS,
    WINDOW_MS,
    Reached,
    Span,
    floor_to,
)
from tidegate.domain.workers import Worker, WorkerSpec, begin
from tidegate.ports import WorkerPage
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.bounds.run_clock import STILL
from tidegate.usecases.services import Services
from tidegate.usecases.statistics import settled_ends, slot_time
from tidegate.usecases.statistics.count_ended import count_ended
from tidegate.usecases.statistics.read_statistics import read_statistics
from tidegate.usecases.statistics.recount import recount
from tidegate.usecases.statistics.slot_time import KNOWN_FOR_MS

MINUTE_MS = 60_000
PORTION = 4  # ends of a page, and pages of a run, so that slices are cut within ten minutes


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled_ends, "ENDS_PER_PAGE", PORTION)
    monkeypatch.setattr(settled_ends, "PAGES_PER_RUN", PORTION)


def told(services: Services, to_ms: int) -> Rollup:
    """Returns what callers read of the whole time, told by types alone."""
    query = StatisticsQuery(By.TYPE, START_MS, to_ms, POOL)
    found = read_statistics(services, query, now_ms=to_ms + SETTLES_MS)
    return Rollup(types={row.type or "": row.figures for row in found.rows})


@contextmanager
def dying_at(world: MemoryWorld, request: int) -> Iterator[None]:
    """Lets the counter die at its request of this number, before or after the request takes effect."""
    seen = 0

    def refuse(_name: str) -> None:
        nonlocal seen
        seen += 1
        if seen == request:
            raise ServiceUnavailable("the run died")

    world.on_request = refuse
    try:
        with suppress(ServiceUnavailable):
            yield
    finally:
        world.on_request = lambda _name: None


@pytest.mark.parametrize("seed", range(3))
def test_every_end_is_counted_once_whatever_happens(seed: int) -> None:
    services, world = deployment()
    chance = random.Random(seed)
    people = People(services, world, seed)
    last_ms = START_MS + 4 * HOUR_MS
    stale: dict[str, Reached] = {}
    open_again: list[str] = []
    now_ms = START_MS
    while now_ms < last_ms + SETTLES_MS + 2 * HOUR_MS:
        if now_ms < last_ms and chance.random() < 0.9:
            for _ in range(chance.randrange(7)):
                # An end may come into the index as late as it settles.
                people.end(
                    now_ms - chance.randrange(SETTLES_MS) if now_ms > START_MS + SETTLES_MS else now_ms
                )
            if open_again and chance.random() < 0.5:
                people.end(now_ms, open_again.pop())
        reopened = people.reopen(now_ms) if chance.random() < 0.4 else None
        open_again += [reopened] if reopened else []
        with dying_at(world, chance.randrange(1, 40)):
            count_ended(services, now_ms)
        if chance.random() < 0.2:  # another reaper, which read long ago how far the pool was counted
            behind, stale = stale, dict(world.reached)
            other = replace(services, statistics=Behind(services, behind))
            count_ended(other, now_ms)
        now_ms += MINUTE_MS * chance.choice([1, 1, 3])
    for _ in range(60):
        count_ended(services, now_ms)
    assert world.reached[POOL].counted_ms == floor_to(now_ms - SETTLES_MS, WINDOW_MS)
    assert told(services, now_ms - SETTLES_MS).types == rollup_of(people.ends).types
    midnight = START_MS + 3 * HOUR_MS
    hours = stored(world, Span.HOUR)
    assert [hour.slot_ms for hour in hours if hour.from_ms >= START_MS] == [2 * HOUR_MS] * (len(hours) - 1)
    for hour in hours:
        own = [end for end in people.ends if hour.from_ms <= end.ended_at_ms < hour.to_ms]
        assert hour.rollup == rollup_of(own)
    (day,) = stored(world, Span.DAY)
    assert day.rollup == rollup_of([end for end in people.ends if end.ended_at_ms < midnight])
    assert merged(hour.rollup for hour in hours if hour.to_ms <= midnight) == day.rollup
    check_recount(services, world, now_ms)


def check_recount(services: Services, world: MemoryWorld, now_ms: int) -> None:
    """A recount of all hours puts what the first count put, and puts right what is wrong since."""
    first = dict(world.rollups)
    hours = stored(world, Span.HOUR)
    from_ms, to_ms = hours[0].from_ms, hours[-1].to_ms
    for late in (False, True):  # so late that the slices are gone
        at_ms = now_ms + KEPT_MS[Span.SLICE] if late else now_ms
        for key in [key for key in world.rollups if late and key[1] is Span.SLICE]:
            del world.rollups[key]
        world.rollups |= {  # wrong ones
            key: (packed(Rollup()), slot_ms, expires_at_s)
            for key, (_, slot_ms, expires_at_s) in world.rollups.items()
            if key[0] == POOL and (key[1] is Span.SLICE or late)
        }
        told_hours = list(recount(services, POOL, from_ms + 1, to_ms - 1, now_ms=at_ms))
        assert [hour.from_ms for hour in told_hours] == [*range(from_ms, to_ms, HOUR_MS)]
        assert {hour.from_ms: hour.found for hour in told_hours} == {
            hour.from_ms: hour.rollup.total.ended for hour in hours
        }
        assert all(hour.before == (0 if late else hour.found) for hour in told_hours)
        for key, (data, slot_ms, _) in world.rollups.items():
            if from_ms <= key[2] < to_ms:
                assert (data, slot_ms) == first[key][:2], key


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
    hours = {hour.from_ms: hour.slot_ms for hour in stored(world, Span.HOUR, PROCESS_POOL)}
    known_ms = now_ms - KNOWN_FOR_MS
    assert set(hours.values()) == {None}  # known hours of this pool had no slots, and need no roll-up
    assert max(hours) == floor_to(known_ms - 1, HOUR_MS)
    assert [hour.slot_ms for hour in stored(world, Span.HOUR) if hour.from_ms >= known_ms][-2:] == [
        2 * HOUR_MS
    ] * 2
    monkeypatch.setattr(slot_time, "PAGES", 0)  # a pool of more workers than a run reads
    count_ended(services, now_ms + WINDOW_MS)
    assert stored(world, Span.SLICE, PROCESS_POOL)[-1].slot_ms is None


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
    assert count_ended(broken, START_MS + 2 * WINDOW_MS) == 2  # of the pool of the function too
    assert [each.slot_ms for each in stored(world, Span.SLICE, PROCESS_POOL)] == [None]
    (told_once,) = [record.getMessage() for record in caplog.records if "w-broken" in record.getMessage()]
    assert PROCESS_POOL in told_once


class Behind:
    """The store as a counter sees it that read at an earlier time how far each pool is counted."""

    def __init__(self, services: Services, reached: dict[str, Reached]) -> None:
        self._reached = reached
        self.advance = services.statistics.advance
        self.put = services.statistics.put
        self.find = services.statistics.find

    def reached(self, pools: object) -> dict[str, Reached]:
        del pools
        return self._reached


def test_a_pool_without_ends_costs_a_look_in_ten_minutes_and_a_roll_up_if_it_has_slots() -> None:
    services, world = deployment()
    for minute in range(121):
        count_ended(services, START_MS + minute * MINUTE_MS)
    assert {pool for pool, _, _, _ in world.rollups} == {POOL}  # the other has no worker
    assert len(stored(world, Span.SLICE)) == 12
    assert world.requests["put_rollup"] == len(world.rollups) == 12 + 2
    assert world.requests["page_workers"] == 12
    pools = len(SETTINGS.pools)
    looks = 13 * pools
    assert world.requests["advance"] == looks
    assert world.requests["reached"] == 121
    # The first look asks for the oldest end, and has no time to count yet.
    assert world.requests["ended"] == looks * 5 * world.shards
    assert world.requests["page_of_kept_ends"] == looks - pools
    assert world.requests["find_rollups"] == 2 * pools


def test_a_busy_pool_costs_a_fiftieth_of_a_write_unit_for_each_end_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settled_ends, "ENDS_PER_PAGE", 500)
    services, world = deployment()
    count_ended(services, START_MS + SETTLES_MS)
    people = People(services, world, 1)
    for number in range(300):  # in ten minutes, so a pool of less than one job in two seconds
        people.end(START_MS + number * 2_000)
    world.requests.clear()
    assert count_ended(services, START_MS + SETTLES_MS + WINDOW_MS) == 1
    (rolled_up,) = [len(data) for data, _, _ in world.rollups.values()]
    keys_bytes = 100
    assert -(-(rolled_up + keys_bytes) // 1_024) + world.requests["advance"] <= 300 * 0.02
    assert world.requests["ended"] == len(SETTINGS.pools) * 5 * world.shards


def test_counting_begins_with_the_oldest_ends_that_are_all_still_there() -> None:
    services, world = deployment()
    people = People(services, world, 1)
    people.end(START_MS - HOUR_MS)
    assert count_ended(services, START_MS) == 5
    assert world.reached[POOL].since_ms == START_MS - HOUR_MS
    (kept,) = {expires_at_s for _, _, expires_at_s in world.rollups.values()}
    assert kept * 1_000 == START_MS + KEPT_MS[Span.SLICE]
    services, world = deployment()
    people = People(services, world, 1)
    people.end(START_MS - services.settings.retention_seconds * 1_000 - MINUTE_MS)
    assert count_ended(services, START_MS) == 0
    assert world.reached[POOL].since_ms == START_MS - services.settings.retention_seconds * 1_000


def test_more_ends_of_a_millisecond_than_a_run_reads_do_not_stop_the_count() -> None:
    services, world = deployment()
    people = People(services, world, 1)
    for _ in range(200):
        people.end(START_MS)
    people.end(START_MS + 1)
    for _ in range(5):
        count_ended(services, START_MS + SETTLES_MS + WINDOW_MS)
    assert world.reached[POOL].counted_ms == START_MS + WINDOW_MS
    assert 0 < told(services, START_MS + WINDOW_MS).total.ended < 201


def test_the_first_day_and_hour_are_told_after_their_shorter_roll_ups_are_removed() -> None:
    services, world = deployment()
    people = People(services, world, 1)
    since_ms = START_MS + 2 * WINDOW_MS
    for number in range(30):
        people.end(since_ms + number * MINUTE_MS)
    now_ms = START_MS + 4 * HOUR_MS
    for _ in range(30):
        count_ended(services, now_ms)
    assert world.reached[POOL].since_ms == since_ms
    for span, later_ms in ((Span.SLICE, 8 * DAY_MS), (Span.HOUR, 91 * DAY_MS)):
        for place in [place for place in world.rollups if place[1] is span]:
            del world.rollups[place]
        query = StatisticsQuery(By.POOL, START_MS - DAY_MS, now_ms, POOL)
        assert read_statistics(services, query, now_ms=now_ms + later_ms).total.figures.ended == 30


def test_ten_minutes_of_which_a_slice_was_removed_do_not_count() -> None:
    """The slices are removed one by one, and neither a caller nor the count itself may trip over what is left."""
    services, world = deployment()
    people = People(services, world, 1)
    for number in range(60):  # so many that the first ten minutes take several slices
        people.end(START_MS + number * 10_000)
    people.end(START_MS + WINDOW_MS)
    for _ in range(30):
        count_ended(services, START_MS + SETTLES_MS + 2 * WINDOW_MS)
    first = min(stored(world, Span.SLICE), key=lambda each: each.from_ms)
    assert first.to_ms < START_MS + WINDOW_MS
    del world.rollups[POOL, Span.SLICE, first.from_ms, first.to_ms]
    assert told(services, START_MS + 2 * WINDOW_MS).total.ended == 1
    for _ in range(30):
        count_ended(services, START_MS + SETTLES_MS + HOUR_MS)
    (hour,) = stored(world, Span.HOUR)
    assert hour.rollup == rollup_of(people.ends[-1:])
    people.end(START_MS + 30 * MINUTE_MS)  # by a worker that was suspended before its last write
    now_ms = START_MS + SETTLES_MS + HOUR_MS
    (told_hour,) = recount(services, POOL, START_MS, START_MS + HOUR_MS, now_ms=now_ms)
    assert (told_hour.before, told_hour.after, told_hour.found) == (1, 62, 62)
    (hour,) = stored(world, Span.HOUR)
    assert (hour.rollup, hour.slot_ms) == (rollup_of(people.ends), None)
    assert told(services, START_MS + HOUR_MS).types == rollup_of(people.ends).types
    kept = dict(world.rollups)
    for job_id in sorted(world.jobs)[:5]:  # removed before their retention is over
        world.remove(job_id)
    for at_ms in (now_ms, now_ms + KEPT_MS[Span.SLICE]):
        (told_hour,) = recount(services, POOL, START_MS, START_MS + HOUR_MS, now_ms=at_ms)
        assert (told_hour.before, told_hour.after, told_hour.found) == (62, 62, 57)
        assert {key: value[0] for key, value in world.rollups.items()} == {
            key: value[0] for key, value in kept.items()
        }


def test_a_run_without_time_reads_no_shard_and_a_later_one_counts() -> None:
    services, world = deployment()
    count_ended(services, START_MS + SETTLES_MS)
    People(services, world, 1).end(START_MS)
    world.requests.clear()
    now_ms = START_MS + SETTLES_MS + WINDOW_MS
    assert count_ended(services, now_ms, until=Deadline(STILL, 0)) == 0
    assert world.requests["ended"] == 0
    assert count_ended(services, now_ms) == 1


def test_rows_tell_apart_what_is_asked_for() -> None:
    services, world = deployment()
    people = People(services, world, 3)
    for minute in range(100):
        people.end(START_MS + minute * MINUTE_MS)
    now_ms = START_MS + 3 * HOUR_MS
    for _ in range(40):
        count_ended(services, now_ms)
    whole = rollup_of(people.ends)

    def rows(by: By, **asked: object) -> dict[object, int]:
        query = replace(StatisticsQuery(by, START_MS, now_ms), **asked)  # type: ignore[arg-type]  # of a test
        found = read_statistics(services, query, now_ms=now_ms)
        names = {By.HOUR: "from_ms", By.DAY: "from_ms"}
        assert found.total.figures.ended == sum(row.figures.ended for row in found.rows)
        return {getattr(row, names.get(by, by.value)): row.figures.ended for row in found.rows}

    assert rows(By.POOL) == {POOL: 100}
    assert rows(By.TYPE) == {key: figures.ended for key, figures in whole.types.items()}
    assert rows(By.POOL, job_type="a") == {POOL: whole.types["a"].ended}
    assert rows(By.POOL, job_type="c") == {}
    assert rows(By.SHARE) == {"": 100}
    assert rows(By.WORKER) == {"w": 100}
    assert rows(By.HOUR) == {START_MS: 60, START_MS + HOUR_MS: 40, START_MS + 2 * HOUR_MS: 0}
    assert rows(By.DAY) == {START_MS: 100}
    assert rows(By.POOL, from_ms=START_MS + 10 * MINUTE_MS, to_ms=START_MS + 29 * MINUTE_MS) == {POOL: 20}
    assert told(services, now_ms).total != NONE
