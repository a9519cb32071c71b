"""Idle runs stand for each of their ten minutes, and a chain takes them where slices lead nowhere."""

from __future__ import annotations

from dataclasses import replace

from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.histogram import histogram_of
from tidegate.domain.statistics.idle import goes_on, idle_hours, idle_windows, is_idle, longer
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import DAY_MS, HOUR_MS, WINDOW_MS, Counted, chain, longest_wait

NOON_MS = 20_000 * DAY_MS + DAY_MS // 2


def window(number: int, slot_ms: int | None = 5, oldest_ready_ms: int | None = 0) -> Counted:
    """Returns ten minutes without an end, counted from noon."""
    begin_ms = NOON_MS + number * WINDOW_MS
    return Counted(begin_ms, begin_ms + WINDOW_MS, Rollup(), slot_ms, oldest_ready_ms)


def run_of(first: int, count: int, slot_ms: int | None = 5) -> Counted:
    run = window(first, slot_ms)
    for number in range(first + 1, first + count):
        assert goes_on(run, window(number, slot_ms))
        run = longer(run, window(number, slot_ms))
    return run


def test_ten_minutes_are_idle_without_an_end_and_without_a_waiting_job() -> None:
    assert is_idle(window(0, None, None))
    assert is_idle(window(0, 5, 0))
    assert not is_idle(window(0, 5, 1))
    assert not is_idle(replace(window(0), to_ms=NOON_MS + WINDOW_MS - 1))
    assert not is_idle(replace(window(0), rollup=Rollup({"a": Figures(succeeded=1)})))


def test_a_run_goes_on_with_what_follows_on_the_same_day_and_says_the_same() -> None:
    run = run_of(0, 3)
    assert run == Counted(NOON_MS, NOON_MS + 3 * WINDOW_MS, Rollup(), 15, 0)
    for other in (window(4), window(2), window(3, 4), window(3, None), window(3, 5, None)):
        assert not goes_on(run, other), other
    assert not goes_on(run_of(70, 2), window(72)), "midnight"
    assert run_of(0, 2, None).slot_ms is None


def test_runs_tell_of_each_ten_minutes_and_each_hour_once() -> None:
    runs = [run_of(0, 8), run_of(3, 7), run_of(12, 1, None)]
    told = idle_windows(runs, NOON_MS + 2 * WINDOW_MS, NOON_MS + 20 * WINDOW_MS)
    expected = {number: window(number) for number in range(2, 10)} | {12: window(12, None)}
    assert told == {each.from_ms: each for each in expected.values()}
    hours = idle_hours(told, {NOON_MS})
    assert [(hour.from_ms - NOON_MS, hour.to_ms - hour.from_ms) for hour in hours] == [
        (HOUR_MS, HOUR_MS),
        (2 * HOUR_MS, HOUR_MS),
    ]
    assert [(hour.slot_ms, hour.oldest_ready_ms) for hour in hours] == [(4 * 5, 0), (None, 0)]
    assert len(idle_hours(told, set())) == 3


def test_a_chain_takes_idle_minutes_where_slices_lead_nowhere() -> None:
    end_ms = NOON_MS + 3 * WINDOW_MS
    slices = [replace(window(0), slot_ms=1), replace(window(1), to_ms=NOON_MS + WINDOW_MS + 7)]
    idle = {each.from_ms: each for each in (window(0), window(1))}
    assert chain(slices, NOON_MS, end_ms, idle) == [slices[0], window(1)]
    assert chain(slices, NOON_MS, end_ms) == slices[:1]


def test_the_longest_wait_is_that_of_the_parts_in_which_somebody_looked() -> None:
    assert longest_wait([]) is longest_wait([window(0, 5, None)]) is None
    assert longest_wait([window(0, 5, None), window(1, 5, 0)]) == 0
    assert longest_wait([window(0, 5, 7), window(1, 5, 3)]) == 7


def test_the_work_of_a_roll_up_grows_with_its_figures_and_their_buckets() -> None:
    figures = Figures(succeeded=2, run=histogram_of([1, 100]), wait=histogram_of([0, 1]))
    assert Rollup().work == 20
    assert Rollup({"a": figures}, {"": figures}, {"w": Figures()}).work == 20 + 3 * 25 + 2 * 3
