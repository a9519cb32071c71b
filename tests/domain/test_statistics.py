"""Figures and roll-ups of ended jobs: they merge by addition, and quantiles keep their stated error."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.states import TERMINAL, State
from tidegate.domain.statistics.codec import packed, unpacked
from tidegate.domain.statistics.ended import EndedJob, EndFigures
from tidegate.domain.statistics.figures import NONE, figures_of
from tidegate.domain.statistics.histogram import EMPTY, RELATIVE_ERROR, Histogram, histogram_of
from tidegate.domain.statistics.rollup import MAX_KEYS, OTHER, Rollup, merged, rollup_of
from tidegate.domain.statistics.spans import (
    DAY_MS,
    HOUR_MS,
    WINDOW_MS,
    Counted,
    Piece,
    Reached,
    Span,
    chain,
    pieces,
)

VALUES = st.lists(st.integers(0, 50_000_000), max_size=60)
HOUR = 1_700_000_000_000 // DAY_MS * DAY_MS  # a midnight


def end(number: int, chance: random.Random) -> EndedJob:
    """Returns any end of a job; some have no figures, no share, no estimate and no worker."""
    ran_ms = chance.choice([None, 0, chance.randrange(100_000)])
    figures = EndFigures(
        waited_ms=chance.choice([None, chance.randrange(5_000)]),
        ran_ms=ran_ms,
        wasted_ms=chance.choice([0, 700]),
        tries=chance.randrange(3),
        hand_backs=chance.randrange(2),
        losses=chance.randrange(2),
        worker=None if ran_ms is None else chance.choice(["one", "two"]),
    )
    return EndedJob(
        job_id=f"job-{number}",
        pool="p",
        type=chance.choice(["a", "b", "c"]),
        state=chance.choice(sorted(TERMINAL)),
        ended_at_ms=HOUR + number,
        submitted_at_ms=HOUR - 1_000,
        priority=100,
        share=chance.choice([None, "s"]),
        estimated_seconds=chance.choice([None, 0.0, 30.0]),
        figures=chance.choice([None, figures]),
    )


def ends(seed: int, count: int = 40) -> list[EndedJob]:
    chance = random.Random(seed)
    return [end(number, chance) for number in range(count)]


@given(VALUES.filter(bool), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_within_the_stated_error(values: list[int], part: float) -> None:
    exact = sorted(values)[math.floor(part * (len(values) - 1))]
    found = histogram_of(values).quantile(part)
    assert found is not None
    assert abs(found - exact) <= RELATIVE_ERROR * exact * (1 + 1e-9)


@given(VALUES, VALUES, VALUES)
def test_histograms_merge_as_their_values_do(some: list[int], others: list[int], more: list[int]) -> None:
    one, two, three = histogram_of(some), histogram_of(others), histogram_of(more)
    assert one + two + three == one + (two + three) == histogram_of(some + others + more)
    assert one + two == two + one
    assert one + EMPTY == one


@given(VALUES, st.sampled_from([0.05, 0.5, 0.9]))
def test_a_smooth_quantile_is_within_a_bucket_of_the_values_around_it(values: list[int], part: float) -> None:
    found = histogram_of(values).smooth_quantile(part)
    rising = sorted(values)
    if not rising:
        assert found is None
        return
    assert found is not None
    place = math.ceil(part * len(rising) - 1e-9)  # the value that reaches the part
    near = rising[max(0, place - 1) : place + 1]
    assert near[0] * (1 - 2 * RELATIVE_ERROR) <= found * 1.001
    assert found <= near[-1] * (1 + 2.2 * RELATIVE_ERROR)


def test_a_smooth_quantile_tells_apart_what_is_in_one_bucket() -> None:
    chance = random.Random(4)
    found = histogram_of(round(1_000 * chance.lognormvariate(0, 0.5)) for _ in range(4_000))
    assert found.smooth_quantile(0.5) == pytest.approx(1_000, rel=0.02)
    assert found.smooth_quantile(0.9) == pytest.approx(1_000 * math.exp(0.5 * 1.2816), rel=0.03)


def test_nothing_has_no_quantile_and_a_negative_time_counts_as_none() -> None:
    assert EMPTY.quantile(0.5) is None
    assert histogram_of([-5, 0]) == Histogram(zeros=2)
    assert Histogram(zeros=2).quantile(1.0) == 0


def test_figures_tell_of_each_end() -> None:
    told = EndFigures(
        waited_ms=1_000, ran_ms=60_000, wasted_ms=5_000, tries=1, hand_backs=2, losses=1, worker="w"
    )
    base = ends(1)[0]
    made = [
        EndedJob(
            job_id=str(number),
            pool="p",
            type="a",
            state=state,
            ended_at_ms=base.ended_at_ms,
            submitted_at_ms=0,
            priority=1,
            estimated_seconds=estimate,
            figures=figures,
        )
        for number, (state, estimate, figures) in enumerate(
            [
                (State.SUCCEEDED, 30.0, told),
                (State.FAILED, None, told),
                (State.CANCELLED, 30.0, EndFigures()),
                (State.SKIPPED, None, None),
                (State.TIMED_OUT, 0.0, EndFigures(wasted_ms=10)),
            ]
        )
    ]
    found = figures_of(made)
    assert (found.succeeded, found.failed, found.timed_out, found.cancelled, found.skipped) == (1, 1, 1, 1, 1)
    assert (found.ended, found.measured, found.started) == (5, 4, 3)
    assert (found.tries, found.hand_backs, found.losses) == (2, 4, 2)
    assert (found.busy_ms, found.wasted_ms) == (130_010, 10_010)
    assert (found.wait.count, found.run.count) == (2, 2)
    assert found.overrun == histogram_of([2_000])


@pytest.mark.parametrize("seed", range(5))
def test_rollups_merge_as_their_ends_do(seed: int) -> None:
    one, two, three = ends(seed, 20), ends(seed + 100, 15), ends(seed + 200, 3)
    apart = [rollup_of(each) for each in (one, two, three)]
    whole = rollup_of([*one, *two, *three])
    for order in itertools.permutations(apart):
        assert merged(order) == whole
    assert (apart[0] + apart[1]) + apart[2] == apart[0] + (apart[1] + apart[2])
    assert Rollup() + whole == whole
    assert whole.total == figures_of([*one, *two, *three])
    assert sum(whole.shares.values(), NONE) == whole.total
    assert sum(each.busy_ms for each in whole.workers.values()) <= whole.total.busy_ms


def test_a_rollup_is_read_as_it_was_written_in_few_bytes() -> None:
    whole = rollup_of(ends(3, 2_000))
    assert unpacked(packed(whole)) == whole
    assert packed(whole) == packed(merged([rollup_of(ends(3, 2_000)), Rollup()]))
    assert len(packed(whole)) < 2_500
    assert unpacked(packed(Rollup())) == Rollup()


def test_a_bounded_rollup_keeps_the_largest_keys_and_every_end() -> None:
    few = figures_of(ends(1, 2))
    many = figures_of(ends(2, 3))
    types = {f"t{number:03d}": few for number in range(MAX_KEYS + 5)} | {"z": many, OTHER: few}
    whole = Rollup(types=types, shares={"": many})
    kept = whole.bounded()
    assert kept.total == whole.total
    assert kept.shares == whole.shares
    assert set(kept.types) == {"z", OTHER, *(f"t{number:03d}" for number in range(MAX_KEYS - 1))}
    assert kept.bounded() == kept


def counted(begin: int, finish: int) -> Counted:
    """Returns a slice between two minutes of an hour."""
    return Counted(HOUR + begin * 60_000, HOUR + finish * 60_000, Rollup())


def test_a_chain_leads_through_slices_that_a_dead_counter_left() -> None:
    dead = [counted(10, 15), counted(13, 17)]
    used = [counted(10, 13), counted(13, 20), counted(40, 50)]
    found = chain(sorted([*dead, *used], key=lambda each: each.from_ms), HOUR, HOUR + HOUR_MS)
    assert found == used
    assert chain([counted(0, 4)], HOUR, HOUR + 4 * 60_000) == [counted(0, 4)]
    assert chain([], HOUR, HOUR + HOUR_MS) == []


@pytest.mark.parametrize("slices", [[counted(10, 15)], [counted(12, 20)], [counted(10, 13), counted(14, 20)]])
def test_ten_minutes_whose_slices_do_not_reach_through_them_do_not_count(slices: list[Counted]) -> None:
    whole = [counted(20, 30), counted(30, 31), counted(31, 40)]
    assert chain([*slices, *whole], HOUR, HOUR + HOUR_MS) == whole


def test_a_time_is_read_in_the_longest_pieces_that_are_counted() -> None:
    since, until = HOUR - 3 * HOUR_MS, HOUR + 2 * DAY_MS + 5 * HOUR_MS + 2 * WINDOW_MS
    reached = Reached(since, until, HOUR + 2 * DAY_MS + 5 * HOUR_MS, HOUR + 2 * DAY_MS)
    assert pieces(0, until + DAY_MS, reached) == [
        Piece(Span.DAY, HOUR - DAY_MS, HOUR + 2 * DAY_MS),
        Piece(Span.HOUR, HOUR + 2 * DAY_MS, HOUR + 2 * DAY_MS + 5 * HOUR_MS),
        Piece(Span.SLICE, HOUR + 2 * DAY_MS + 5 * HOUR_MS, until),
    ]
    assert pieces(HOUR + WINDOW_MS, HOUR + DAY_MS, reached, longest=Span.HOUR) == [
        Piece(Span.SLICE, HOUR + WINDOW_MS, HOUR + HOUR_MS),
        Piece(Span.HOUR, HOUR + HOUR_MS, HOUR + DAY_MS),
    ]
    assert pieces(HOUR + WINDOW_MS, HOUR + 2 * WINDOW_MS, reached) == [
        Piece(Span.SLICE, HOUR + WINDOW_MS, HOUR + 2 * WINDOW_MS)
    ]
    assert pieces(until, until + 1, reached) == []


@pytest.mark.parametrize(
    ("hours", "days", "first"),
    [
        # Counting began at 01:20, and the hour, then the day is complete.
        (1, 0, Piece(Span.SLICE, HOUR + 8 * WINDOW_MS, HOUR + 9 * WINDOW_MS)),
        (2, 0, Piece(Span.HOUR, HOUR + HOUR_MS, HOUR + 2 * HOUR_MS)),
        (24, 1, Piece(Span.DAY, HOUR, HOUR + DAY_MS)),
    ],
)
def test_the_first_hour_and_day_are_read_whole_once_they_are_counted(
    hours: int, days: int, first: Piece
) -> None:
    until = max(first.to_ms, HOUR + hours * HOUR_MS)
    reached = Reached(HOUR + 8 * WINDOW_MS, until, HOUR + hours * HOUR_MS, HOUR + days * DAY_MS)
    assert pieces(0, until, reached) == [first]
