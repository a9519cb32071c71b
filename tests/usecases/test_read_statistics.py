"""An answer about ended jobs is whole for each of its rows, and bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.contracts.responses import fits_in_answer, to_json
from tidegate.contracts.statistics import statistics_out
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.statistics.asked import (
    By,
    Statistics,
    StatisticsQuery,
    StatisticsRow,
    Step,
    StepEnds,
)
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.rollup import OTHER, Rollup
from tidegate.domain.statistics.spans import DAY_MS, HOUR_MS, WINDOW_MS, Counted, Reached, Span
from tidegate.usecases.services import Services
from tidegate.usecases.statistics import ends_by_step
from tidegate.usecases.statistics import read_statistics as reading
from tidegate.usecases.statistics.read_statistics import read_statistics

MIDNIGHT = NOW_MS // DAY_MS * DAY_MS
ONE, OTHER_POOL = sorted(SETTINGS.pools)[:2]


@pytest.fixture
def services() -> Services:
    """Makes two pools, each with one end in every hour of two days, and both counted for these days."""
    services, _ = memory_services(SETTINGS, MemoryWorld(shards=1, now_ms=NOW_MS))
    for pool in (ONE, OTHER_POOL):
        for begin_ms in range(MIDNIGHT - 2 * DAY_MS, MIDNIGHT, HOUR_MS):
            put(services, pool, Span.HOUR, begin_ms, begin_ms + HOUR_MS, 1)
            put(services, pool, Span.SLICE, begin_ms, begin_ms + WINDOW_MS, 1)
        for begin_ms in (MIDNIGHT - 2 * DAY_MS, MIDNIGHT - DAY_MS):
            put(services, pool, Span.DAY, begin_ms, begin_ms + DAY_MS, 24)
        reach(services, pool, MIDNIGHT)
    return services


def put(
    services: Services, pool: str, span: Span, from_ms: int, to_ms: int, ends: int, slot_ms: int | None = None
) -> None:
    figures = Figures(succeeded=ends)
    rollup = Rollup({"a": figures}, {"": figures}, {f"w{from_ms}": figures})
    services.statistics.put(pool, span, Counted(from_ms, to_ms, rollup, slot_ms), expires_at_s=0)


def reach(services: Services, pool: str, at_ms: int) -> None:
    """Says that a pool is counted up to this time."""
    before = services.statistics.reached([pool]).get(pool)
    after = Reached(MIDNIGHT - 2 * DAY_MS, at_ms, at_ms // HOUR_MS * HOUR_MS, at_ms // DAY_MS * DAY_MS)
    assert services.statistics.advance(pool, before, after)


def ask(
    services: Services,
    by: By,
    pool: str | None = None,
    from_ms: int = MIDNIGHT - 2 * DAY_MS,
    step: Step | None = None,
) -> Statistics:
    query = StatisticsQuery(by, from_ms, MIDNIGHT, pool, step=step)
    return read_statistics(services, query, now_ms=MIDNIGHT)


@pytest.mark.parametrize("by", By)
def test_a_pool_that_lags_does_not_falsify_the_rows_of_another(services: Services, by: By) -> None:
    """Each row counts the ends of its own time: one end of each pool in an hour."""
    until_ms = MIDNIGHT - DAY_MS - 90 * 60_000
    reach(services, OTHER_POOL, until_ms + 1)  # the slices of a busy pool end anywhere
    found = ask(services, by)
    assert found.until_ms == found.total.to_ms == until_ms
    assert found.total.figures.ended == 2 * 23  # the slice of the last hour is of its first half
    for row in found.rows:
        assert found.total.from_ms <= row.from_ms < row.to_ms <= until_ms
    assert {pool: ask(services, by, pool).total.figures.ended for pool in (ONE, OTHER_POOL)} == {
        ONE: 48,
        OTHER_POOL: 23,
    }


@pytest.mark.parametrize(
    ("by", "from_ms", "slots_since_ms", "found"),
    [
        (By.POOL, MIDNIGHT - 2 * DAY_MS, MIDNIGHT - 2 * DAY_MS, [4, 4]),
        (By.DAY, MIDNIGHT - 2 * DAY_MS, MIDNIGHT - 2 * DAY_MS, [4, 4]),
        (By.DAY, MIDNIGHT - 2 * DAY_MS, MIDNIGHT - DAY_MS, [None, 4]),
        (By.POOL, MIDNIGHT - 2 * DAY_MS, MIDNIGHT - DAY_MS, [4, None]),
        (By.POOL, MIDNIGHT - DAY_MS, MIDNIGHT - DAY_MS, [2, 2]),
        (By.POOL, MIDNIGHT - DAY_MS, None, [2, None]),
        (By.TYPE, MIDNIGHT - 2 * DAY_MS, MIDNIGHT - 2 * DAY_MS, [None]),
    ],
)
def test_slot_time_is_told_where_it_is_known_of_all_pools_of_a_row(
    services: Services, by: By, from_ms: int, slots_since_ms: int | None, found: list[int | None]
) -> None:
    """Each pool has two slots' days a day, which are counted of one pool from a later time on."""
    for pool, since_ms in ((ONE, MIDNIGHT - 2 * DAY_MS), (OTHER_POOL, slots_since_ms)):
        for begin_ms in (MIDNIGHT - 2 * DAY_MS, MIDNIGHT - DAY_MS):
            put(services, pool, Span.DAY, begin_ms, begin_ms + DAY_MS, 24, slot_ms=2 * DAY_MS)
        before = services.statistics.reached([pool])[pool]
        assert services.statistics.advance(pool, before, replace(before, slots_since_ms=since_ms))
    answer = ask(services, by, from_ms=from_ms)
    days = [None if row.slot_ms is None else row.slot_ms / DAY_MS for row in answer.rows]
    assert days == found
    is_known = slots_since_ms is not None and slots_since_ms <= from_ms
    assert answer.total.slot_ms == (4 * (MIDNIGHT - from_ms) if is_known else None)
    by_type = read_statistics(
        services, StatisticsQuery(By.POOL, from_ms, MIDNIGHT, ONE, "a"), now_ms=MIDNIGHT
    )
    assert by_type.total.slot_ms is None


def test_what_is_beyond_the_rows_of_an_answer_is_together(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(services, ONE, Span.HOUR, MIDNIGHT - HOUR_MS, MIDNIGHT, 30)
    from_ms = MIDNIGHT - 5 * HOUR_MS
    monkeypatch.setattr(reading, "MAX_ROWS", 3)
    found = ask(services, By.WORKER, from_ms=from_ms)
    assert [(row.pool, row.worker, row.figures.ended) for row in found.rows] == [
        (ONE, f"w{MIDNIGHT - HOUR_MS}", 30),
        (None, OTHER, 8),
        (ONE, f"w{from_ms}", 1),
    ]
    assert found.total.figures.ended == 39
    assert len(ask(services, By.SHARE, from_ms=from_ms).rows) == 2
    monkeypatch.setattr(reading, "MAX_ROWS", 1)
    (row,) = ask(services, By.SHARE, from_ms=from_ms).rows
    assert (row.pool, row.share, row.figures.ended) == (None, OTHER, 39)


@pytest.mark.parametrize(
    ("by", "step", "each_ms", "ended"),
    [(By.POOL, Step.HOUR, HOUR_MS, 1), (By.TYPE, Step.HOUR, HOUR_MS, 2), (By.SHARE, Step.DAY, DAY_MS, 24)],
)
def test_each_row_tells_its_ends_by_steps(
    services: Services, by: By, step: Step, each_ms: int, ended: int
) -> None:
    """A row and its steps tell of the same ends, and the steps of a row are those that rows by time would be."""
    found = ask(services, by, step=step)
    begins = range(MIDNIGHT - 2 * DAY_MS, MIDNIGHT, each_ms)
    for row in found.rows:
        assert row.steps == tuple(StepEnds(begin_ms, ended, ended, 0, 0) for begin_ms in begins)
    by_time = ask(services, By(step)).rows
    assert found.total.steps is not None
    assert [(each.from_ms, each.ended) for each in found.total.steps] == [
        (row.from_ms, row.figures.ended) for row in by_time
    ]
    assert {row.steps for row in ask(services, by).rows} == {None}


def test_a_step_that_is_counted_in_part_begins_with_the_count(services: Services) -> None:
    before = services.statistics.reached([ONE])[ONE]
    since_ms = MIDNIGHT - HOUR_MS + WINDOW_MS
    put(services, ONE, Span.SLICE, since_ms, since_ms + WINDOW_MS, 5)
    assert services.statistics.advance(ONE, before, replace(before, since_ms=since_ms))
    (row,) = ask(services, By.POOL, ONE, step=Step.HOUR).rows
    assert row.steps is not None
    assert row.steps[0].from_ms == row.from_ms == since_ms


def test_steps_of_rows_beyond_the_bound_are_together(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_ROWS", 3)
    found = ask(services, By.WORKER, from_ms=MIDNIGHT - 5 * HOUR_MS, step=Step.HOUR)
    (rest,) = [row for row in found.rows if row.worker == OTHER]
    assert rest.steps is not None
    assert sum(each.ended for each in rest.steps) == rest.figures.ended == 8
    assert len({each.from_ms for each in rest.steps}) == len(rest.steps)


def test_more_steps_than_an_answer_tells_are_refused(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends_by_step, "MAX_STEPS", 48)
    assert len(ask(services, By.TYPE, step=Step.HOUR).rows) == 1
    with pytest.raises(InvalidRequest, match="by day"):
        ask(services, By.POOL, step=Step.HOUR)
    assert len(ask(services, By.POOL, step=Step.DAY).rows) == 2


def test_more_than_an_answer_adds_up_are_refused(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_WORK", 48 * (20 + 3 * 25))  # a type, a share and a worker
    assert ask(services, By.HOUR, ONE).total.figures.ended == 48
    with pytest.raises(InvalidRequest, match="shorter time or about one pool"):
        ask(services, By.HOUR)
    assert ask(services, By.DAY).total.figures.ended == 96  # days take fewer


def test_a_year_of_ten_idle_pools_is_answered() -> None:
    """Their days have slots and nothing else, so they take no time to add up."""
    pools = {f"p{number}": replace(SETTINGS.pools[ONE], name=f"p{number}") for number in range(10)}
    services, _ = memory_services(replace(SETTINGS, pools=pools), MemoryWorld(shards=1, now_ms=NOW_MS))
    since_ms = MIDNIGHT - 365 * DAY_MS
    for pool in pools:
        for begin_ms in range(since_ms, MIDNIGHT, DAY_MS):
            day = Counted(begin_ms, begin_ms + DAY_MS, Rollup(), DAY_MS, 0)
            services.statistics.put(pool, Span.DAY, day, expires_at_s=0)
        reached = Reached(since_ms, MIDNIGHT, MIDNIGHT, MIDNIGHT, since_ms)
        assert services.statistics.advance(pool, None, reached)
    found = ask(services, By.DAY, from_ms=since_ms)
    assert [row.slot_ms for row in found.rows] == [10 * DAY_MS] * 365
    assert (found.total.slot_ms, found.total.oldest_ready_ms) == (3_650 * DAY_MS, 0)


def test_a_month_by_hours_need_not_begin_on_the_hour(services: Services) -> None:
    query = StatisticsQuery(By.HOUR, NOW_MS - 31 * DAY_MS + 1, NOW_MS + 1)
    assert read_statistics(services, query, now_ms=NOW_MS).total.figures.ended == 96
    with pytest.raises(InvalidRequest, match="31 days"):
        read_statistics(services, replace(query, from_ms=NOW_MS - 31 * DAY_MS - HOUR_MS), now_ms=NOW_MS)


def test_the_largest_answer_fits_in_an_answer() -> None:
    row = StatisticsRow(
        pool="p" * limits.MAX_POOL_CHARACTERS,
        worker="\U0001f600" * limits.MAX_WORKER_ID_CHARACTERS,
        from_ms=0,
        to_ms=DAY_MS,
        figures=Figures(succeeded=10**9, busy_ms=10**15, wasted_ms=10**15),
    )
    steps = (StepEnds(NOW_MS, *[10**9] * 4),) * (ends_by_step.MAX_STEPS // reading.MAX_ROWS)
    row = replace(row, steps=steps)
    total = replace(row, steps=steps[:1] * reading.MAX_HOURS)
    found = Statistics(0, DAY_MS, 0, DAY_MS, (row,) * reading.MAX_ROWS, total)
    assert fits_in_answer(to_json(statistics_out(found, By.WORKER)))
