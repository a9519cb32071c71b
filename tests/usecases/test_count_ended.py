"""Ended jobs are counted once each, whoever counts, whatever dies, and however the jobs are reopened meanwhile."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dev.simulator.memory.world import MemoryWorld
from tests.harness.contract.jobs import new_job
from tests.harness.functions.api_calls import SETTINGS
from tests.harness.usecases.ended import (
    POOL,
    PROCESS_POOL,
    START_MS,
    People,
    deployment,
    dying_at,
    stored,
)
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.states import State
from tidegate.domain.statistics.asked import By, StatisticsQuery
from tidegate.domain.statistics.codec import packed
from tidegate.domain.statistics.ended import SETTLES_MS
from tidegate.domain.statistics.figures import NONE, together
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
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.bounds.run_clock import STILL
from tidegate.usecases.services import Services
from tidegate.usecases.statistics import settled_ends
from tidegate.usecases.statistics.count_ended import count_ended
from tidegate.usecases.statistics.read_statistics import read_statistics
from tidegate.usecases.statistics.recount import recount

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


@pytest.mark.parametrize("seed", range(3))
def test_every_end_is_counted_once_whatever_happens(seed: int) -> None:
    services, world = deployment()
    chance = random.Random(seed)
    people = People(services, world, seed)
    last_ms = START_MS + 4 * HOUR_MS
    stale: dict[str, Reached] = {}
    open_again: list[str] = []
    waits = Waits(world)
    now_ms = START_MS
    while now_ms < last_ms + SETTLES_MS + 2 * HOUR_MS:
        is_quiet = START_MS + 95 * MINUTE_MS < now_ms < START_MS + 195 * MINUTE_MS or now_ms >= last_ms
        if is_quiet:
            for job_id in open_again:
                people.end(now_ms, job_id)
            open_again = []
        elif chance.random() < 0.9:
            for _ in range(chance.randrange(7)):
                # An end may come into the index as late as it settles.
                people.end(
                    now_ms - chance.randrange(SETTLES_MS) if now_ms > START_MS + SETTLES_MS else now_ms
                )
            if open_again and chance.random() < 0.5:
                people.end(now_ms, open_again.pop())
        reopened = people.reopen(now_ms) if not is_quiet and chance.random() < 0.4 else None
        open_again += [reopened] if reopened else []
        waits.note(now_ms)
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
    assert START_MS + 2 * HOUR_MS not in {hour.from_ms for hour in hours}, "an idle hour needs no roll-up"
    assert stored(world, Span.IDLE)
    for hour in hours:
        own = [end for end in people.ends if hour.from_ms <= end.ended_at_ms < hour.to_ms]
        assert hour.rollup == rollup_of(own)
    (day,) = stored(world, Span.DAY)
    assert day.rollup == rollup_of([end for end in people.ends if end.ended_at_ms < midnight])
    assert merged(hour.rollup for hour in hours if hour.to_ms <= midnight) == day.rollup
    check_times(services, people, waits, chance, now_ms)
    check_recount(services, world, now_ms)
    check_times(services, people, waits, chance, now_ms, unit_ms=HOUR_MS)  # slices are gone by now


class Waits:
    """How long READY jobs wait whenever a reaper may look, by ten minutes: the longest."""

    def __init__(self, world: MemoryWorld) -> None:
        self.world = world
        self.longest_ms: dict[int, int] = {}

    def note(self, now_ms: int) -> None:
        ready = [job for job in self.world.jobs.values() if job.state is State.READY]
        waits = [now_ms - (job.ready_at_ms or 0) for job in ready]
        window_ms = floor_to(now_ms, WINDOW_MS)
        self.longest_ms[window_ms] = max([*waits, self.longest_ms.get(window_ms, 0)])

    def of(self, from_ms: int, to_ms: int) -> int:
        return max(self.longest_ms.get(at_ms, 0) for at_ms in range(from_ms, to_ms, WINDOW_MS))


def check_times(
    services: Services,
    people: People,
    waits: Waits,
    chance: random.Random,
    now_ms: int,
    *,
    unit_ms: int = WINDOW_MS,
) -> None:
    """Any time is told as its ends, slots and waits are, whether it is read by days, hours, slices or idle runs."""
    by = [By.POOL, By.HOUR, By.DAY]
    until_ms = floor_to(now_ms - SETTLES_MS, unit_ms)
    for _ in range(20):
        from_ms, to_ms = sorted(chance.sample(range(START_MS, until_ms + 1, unit_ms), 2))
        query = StatisticsQuery(chance.choice(by), from_ms, to_ms, POOL)
        found = read_statistics(services, query, now_ms=now_ms)
        for row in (*found.rows, found.total):
            own = [end for end in people.ends if row.from_ms <= end.ended_at_ms < row.to_ms]
            assert row.figures == together([NONE, *rollup_of(own).types.values()])
            counted_ms = row.to_ms - max(
                row.from_ms, START_MS - WINDOW_MS
            )  # a day begins before the first count
            assert row.slot_ms == 2 * counted_ms
            if row.oldest_ready_ms is not None:  # what a run saw that died is lost
                assert row.oldest_ready_ms <= waits.of(row.from_ms, row.to_ms)


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
            key: kept._replace(data=packed(Rollup()))
            for key, kept in world.rollups.items()
            if key[0] == POOL and (key[1] is Span.SLICE or late)
        }
        told_hours = list(recount(services, POOL, from_ms + 1, to_ms - 1, now_ms=at_ms))
        assert [hour.from_ms for hour in told_hours] == [*range(from_ms, to_ms, HOUR_MS)]
        assert {hour.from_ms: hour.found for hour in told_hours if hour.found} == {
            hour.from_ms: hour.rollup.total.ended for hour in hours
        }
        assert all(hour.before == (0 if late else hour.found) for hour in told_hours)
        for key, kept in world.rollups.items():
            if from_ms <= key[2] < to_ms:
                assert kept[:-1] == first[key][:-1], key


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


def test_a_pool_without_ends_costs_a_look_in_ten_minutes_and_two_roll_ups_a_day_if_it_has_slots() -> None:
    services, world = deployment()
    for minute in range(121):
        count_ended(services, START_MS + minute * MINUTE_MS)
    assert len(world.rollups) == 1  # the first ten minutes, in which nobody looked for waiting jobs
    assert world.requests["page_workers"] == 12
    pools = len(SETTINGS.pools)
    looks = 13 * pools
    assert world.requests["advance"] == looks
    assert world.requests["reached"] == 121
    # The first look asks for the oldest end, and has no time to count yet.
    assert world.requests["ended"] == looks * 5 * world.shards
    assert world.requests["page_of_kept_ends"] == looks - pools
    # An hour is complete, and has no slice.
    assert world.requests["find_rollups"] == 2 * pools
    for number in range(2 * 144):
        count_ended(services, START_MS + 2 * HOUR_MS + number * WINDOW_MS)
    assert {pool for pool, _, _, _ in world.rollups} == {POOL}  # the other has no worker
    assert world.requests["put_rollup"] == len(world.rollups) == 1 + 2 * 2
    assert [day.slot_ms for day in stored(world, Span.DAY)][1:] == [2 * DAY_MS]


def test_a_waiting_job_is_told_of_the_ten_minutes_in_which_it_was_seen() -> None:
    """Nobody works in the pool, so no end tells of it. A recount changes nothing, and a paused pool has no wait."""
    services, world = deployment()
    for minute in range(10, 200, 10):
        now_ms = START_MS + minute * MINUTE_MS
        if minute == 30:
            world.write(new_job("0" * 26, pool=PROCESS_POOL, created_at_ms=now_ms, ready_at_ms=now_ms))
        if minute == 120:
            services.rules.set_pool_paused(PROCESS_POOL, True, actor="ann", now_ms=now_ms)
        count_ended(services, now_ms + MINUTE_MS)
    now_ms = START_MS + 200 * MINUTE_MS

    def waits(by: By, minutes: int) -> list[float | None]:
        query = StatisticsQuery(by, START_MS, START_MS + minutes * MINUTE_MS, PROCESS_POOL)
        found = read_statistics(services, query, now_ms=now_ms)
        return [
            None if row.oldest_ready_ms is None else row.oldest_ready_ms / MINUTE_MS
            for row in (*found.rows, found.total)
        ]

    assert waits(By.HOUR, 180) == [21, 81, 81]
    assert waits(By.POOL, 30) == [None]
    assert waits(By.POOL, 50) == [11, 11]
    assert waits(By.TYPE, 180) == [81]
    kept = dict(world.rollups)
    assert [*recount(services, PROCESS_POOL, START_MS, START_MS + 2 * HOUR_MS, now_ms=now_ms)]
    assert {key: each[:-1] for key, each in world.rollups.items()} == {
        key: each[:-1] for key, each in kept.items()
    }


@pytest.mark.parametrize("request_name", ["ranks", "load_rules", "list_lanes"])
def test_a_look_that_fails_does_not_keep_ends_from_being_counted(
    request_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    services, world = deployment()
    People(services, world, 1).end(START_MS)
    refused: list[str] = []

    def refuse(name: str) -> None:
        if name == request_name:
            refused.append(name)
            raise ServiceUnavailable("throttled")

    world.on_request = refuse
    count_ended(services, START_MS + SETTLES_MS)
    count_ended(services, START_MS + SETTLES_MS + WINDOW_MS)
    assert refused
    assert len(caplog.records) == len(refused)
    (counted,) = stored(world, Span.SLICE)
    assert counted.oldest_ready_ms is None
    assert world.reached[POOL].looks == ()


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
    (rolled_up,) = [len(kept.data) for (_, span, _, _), kept in world.rollups.items() if span is Span.SLICE]
    keys_bytes = 100
    assert -(-(rolled_up + keys_bytes) // 1_024) + world.requests["advance"] <= 300 * 0.02
    assert world.requests["ended"] == len(SETTINGS.pools) * 5 * world.shards


def test_counting_begins_with_the_oldest_ends_that_are_all_still_there() -> None:
    services, world = deployment()
    people = People(services, world, 1)
    people.end(START_MS - HOUR_MS)
    assert count_ended(services, START_MS) == 1  # of five slices, four are one idle run
    assert world.reached[POOL].since_ms == START_MS - HOUR_MS
    (kept_s,) = {kept.expires_at_s for (_, span, _, _), kept in world.rollups.items() if span is Span.SLICE}
    assert kept_s * 1_000 == START_MS + KEPT_MS[Span.SLICE]
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
