from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain import limits
from tidegate.domain.rank import (
    RankPolicy,
    critical_path_boosts,
    effective_priority,
    first_rank_of,
    place_of,
    rank,
    ready_at_of,
)

Waiting = tuple[int, int, int, int]  # priority, ready_at_ms, retries, boost_millipoints

START_MS = 1_700_000_000_000
MINUTE_MS = 60_000
# The longest path that one submission can have, at the greatest weight.
LONGEST_PATH_SECONDS = limits.MAX_JOBS_PER_WORKFLOW * limits.MAX_ESTIMATED_DURATION_SECONDS
# Its gain without a cap. Jobs of earlier versions, which had no cap, may still be stored.
MOST_POINTS = 1_000  # the most points that the template lets a path gain
GREATEST_BOOST = limits.MAX_CRITICAL_PATH_WEIGHT * LONGEST_PATH_SECONDS * 1_000
POLICIES = st.builds(RankPolicy, st.integers(0, 10_000_000), st.integers(0, 10_000_000))
WAITING = st.tuples(
    st.integers(1, 1_000),
    # Close together and far apart: near ties show rounding, years show overflow.
    st.one_of(st.integers(START_MS, START_MS + 50), st.integers(0, 9_999_999_999_999)),
    st.integers(0, 26),
    st.one_of(st.just(0), st.integers(0, 10_000), st.integers(0, GREATEST_BOOST)),
)


def exact_points(policy: RankPolicy, job: Waiting, now_ms: int) -> Fraction:
    """Computes the design's formula without rounding: priority + boost + aging*(now - ready_at) - penalty*retries."""
    priority, ready_at_ms, retries, boost = job
    aged = Fraction(policy.aging_millipoints_per_minute, 1_000) * Fraction(now_ms - ready_at_ms, MINUTE_MS)
    raised = priority + Fraction(boost, 1_000)
    return raised + aged - Fraction(policy.retry_penalty_millipoints, 1_000) * retries


@given(POLICIES, st.lists(WAITING, min_size=2, max_size=20), st.integers(0, 10**10))
def test_stored_order_is_the_order_of_effective_priority_at_every_instant(
    policy: RankPolicy, jobs: list[Waiting], later_ms: int
) -> None:
    now_ms = max(ready_at_ms for _, ready_at_ms, _, _ in jobs) + later_ms
    by_rank = sorted(jobs, key=lambda job: rank(policy, *job), reverse=True)
    by_points = sorted(jobs, key=lambda job: (exact_points(policy, job, now_ms), -job[1]), reverse=True)
    assert [(exact_points(policy, job, now_ms), job[1]) for job in by_rank] == [
        (exact_points(policy, job, now_ms), job[1]) for job in by_points
    ]


@given(POLICIES, WAITING, WAITING)
def test_equal_ranks_mean_equal_urgency_and_equal_ready_times(
    policy: RankPolicy, one: Waiting, other: Waiting
) -> None:
    same = exact_points(policy, one, 0) == exact_points(policy, other, 0) and one[1] == other[1]
    assert (rank(policy, *one) == rank(policy, *other)) is same


@given(POLICIES, WAITING, st.integers(0, 10**10))
def test_effective_priority_is_the_formula(policy: RankPolicy, job: Waiting, later_ms: int) -> None:
    now_ms = job[1] + later_ms
    priority, ready_at_ms, retries, boost = job
    shown = effective_priority(policy, priority, ready_at_ms, retries, now_ms, boost)
    assert shown == pytest.approx(float(exact_points(policy, job, now_ms)), abs=1e-9, rel=1e-12)


HEAD_STARTS = st.builds(
    RankPolicy, st.integers(0, 10_000_000), st.just(10_000), st.sampled_from([60_000, 86_400_000])
)
TIMED = st.tuples(WAITING, st.one_of(st.none(), st.integers(START_MS - 10**8, START_MS + 10**8)))


def head_start_ms(policy: RankPolicy, ready_at_ms: int, latest_start_ms: int | None) -> int:
    """Returns the head start as the documents say it: the longest, less the time that is left."""
    if latest_start_ms is None:
        return 0
    left_ms = latest_start_ms - ready_at_ms
    if left_ms > policy.head_start_ms or left_ms < -policy.head_start_ms:
        return 0
    return policy.head_start_ms - left_ms if left_ms > 0 else policy.head_start_ms


@given(HEAD_STARTS, st.lists(TIMED, min_size=2, max_size=20), st.integers(0, 10**10))
def test_the_stored_order_is_the_order_at_every_instant_with_head_starts_too(
    policy: RankPolicy, jobs: list[tuple[Waiting, int | None]], later_ms: int
) -> None:
    now_ms = max(job[1] for job, _ in jobs) + later_ms

    def points(job: Waiting, latest_ms: int | None) -> Fraction:
        priority, ready_at_ms, retries, boost = job
        since_ms = ready_at_ms - head_start_ms(policy, ready_at_ms, latest_ms)
        exact = exact_points(policy, (priority, since_ms, retries, boost), now_ms)
        shown = effective_priority(policy, priority, ready_at_ms, retries, now_ms, boost, latest_ms)
        assert shown == pytest.approx(float(exact), abs=1e-9, rel=1e-12)
        return exact

    by_rank = sorted(jobs, key=lambda each: rank(policy, *each[0], latest_start_ms=each[1]), reverse=True)
    urgency = [(points(*each), -each[0][1]) for each in by_rank]
    assert urgency == sorted(urgency, reverse=True)


def test_jobs_of_equal_priority_go_by_their_latest_starts_whenever_they_became_ready() -> None:
    policy = RankPolicy(head_start_ms=60 * MINUTE_MS)

    def sort(ready_minute: int, latest_minute: int | None) -> int:
        latest_ms = None if latest_minute is None else START_MS + latest_minute * MINUTE_MS
        return rank(policy, 100, START_MS + ready_minute * MINUTE_MS, 0, latest_start_ms=latest_ms)

    waiting = [(0, 50), (5, 45), (30, 40), (8, 47), (39, 41)]
    assert sorted(waiting, key=lambda each: sort(*each), reverse=True) == sorted(
        waiting, key=lambda each: each[1]
    )
    # One that has 50 minutes left goes as if it had waited for 10 of the 60.
    assert sort(-11, None) > sort(0, 50) > sort(-9, None)
    # A time that is further away changes nothing, and one that has passed gives no more than the longest head start.
    assert sort(0, 60) == sort(0, None)
    assert sort(0, 0) == sort(0, -60) < sort(-61, None)
    # A job that is later than that has none, as when it is run again days after its time.
    assert sort(0, -61) == sort(0, None)


def test_the_penalty_and_the_priority_count_beside_a_head_start() -> None:
    policy = RankPolicy(head_start_ms=60 * MINUTE_MS)
    late = rank(policy, 100, START_MS, 0, latest_start_ms=START_MS)
    assert rank(policy, 161, START_MS, 0) > late > rank(policy, 159, START_MS, 0)
    assert rank(policy, 100, START_MS, 1, latest_start_ms=START_MS) < late
    assert rank(RankPolicy(), 100, START_MS, 0, latest_start_ms=START_MS) == rank(
        RankPolicy(), 100, START_MS, 0
    )


@given(HEAD_STARTS, TIMED, st.integers(1, 9))
def test_passing_over_keeps_a_head_start(
    policy: RankPolicy, timed: tuple[Waiting, int | None], passes: int
) -> None:
    (priority, ready_at_ms, retries, boost), latest_ms = timed
    given_rank = rank(policy, priority, ready_at_ms, retries, boost, latest_start_ms=latest_ms)
    passed = rank(
        policy, priority, ready_at_ms + passes, retries, boost, passes=passes, latest_start_ms=latest_ms
    )
    assert passed == given_rank - passes


def test_of_equal_priorities_the_one_ready_first_wins() -> None:
    without_aging = RankPolicy(aging_millipoints_per_minute=0)
    assert rank(without_aging, 100, START_MS, 0) > rank(without_aging, 100, START_MS + 1, 0)
    assert rank(without_aging, 101, START_MS + 10**9, 0) > rank(without_aging, 100, START_MS, 0)


def test_waiting_earns_one_point_a_minute_by_default() -> None:
    policy = RankPolicy()
    waited_ten = rank(policy, 100, START_MS, 0)
    assert waited_ten > rank(policy, 109, START_MS + 10 * MINUTE_MS, 0)
    # Equal points: the first READY job goes first.
    assert waited_ten > rank(policy, 110, START_MS + 10 * MINUTE_MS, 0)
    assert waited_ten < rank(policy, 111, START_MS + 10 * MINUTE_MS, 0)


def test_a_retry_costs_ten_points_by_default() -> None:
    policy = RankPolicy()
    assert rank(policy, 110, START_MS, 1) == rank(policy, 100, START_MS, 0)


def test_a_boost_counts_like_points_of_priority() -> None:
    policy = RankPolicy()
    assert rank(policy, 100, START_MS, 0, 2_500) > rank(policy, 102, START_MS, 0)
    assert rank(policy, 100, START_MS, 0, 2_000) == rank(policy, 102, START_MS, 0)


def test_the_boost_is_the_weight_for_each_second_of_the_path() -> None:
    assert critical_path_boosts(0.5, [30.0, 4.0], 500) == (15_000, 2_000)
    assert critical_path_boosts(1_000, [0.000_001], 500) == (1,)
    assert critical_path_boosts(0, [1e9], 500) == (0,)
    assert critical_path_boosts(1, [], 500) == ()


def test_where_the_longest_path_would_gain_more_than_the_cap_all_are_scaled_down_together() -> None:
    assert critical_path_boosts(100, [5.0, 4.0], 500) == (500_000, 400_000)
    assert critical_path_boosts(1_000, [40.0, 20.0, 10.0, 0.0], 500) == (500_000, 250_000, 125_000, 0)
    assert critical_path_boosts(1_000, [40.0], 0) == (0,)


@given(
    st.floats(0, limits.MAX_CRITICAL_PATH_WEIGHT),
    st.lists(st.floats(0, LONGEST_PATH_SECONDS), max_size=20),
    st.integers(0, 1_000),
)
def test_no_boost_is_above_the_cap_and_longer_paths_never_gain_less(
    weight: float, remaining_seconds: list[float], max_points: int
) -> None:
    boosts = critical_path_boosts(weight, remaining_seconds, max_points)
    assert all(0 <= boost <= max_points * 1_000 for boost in boosts)
    by_path = sorted(zip(remaining_seconds, boosts, strict=True))
    assert [boost for _, boost in by_path] == sorted(boosts)


@given(st.integers(1, 1_000), st.integers(0, 9_999_999_999_999), st.integers(0, 26))
@pytest.mark.parametrize("boost", [0, MOST_POINTS * 1_000])
def test_ranks_of_the_default_policy_fit_a_dynamodb_number(
    boost: int, priority: int, ready_at_ms: int, retries: int
) -> None:
    greatest = rank(RankPolicy(), priority, ready_at_ms, retries, boost, place=9_999, passes=9)
    assert len(str(abs(greatest))) <= 38


@given(POLICIES, WAITING)
def test_a_rank_tells_since_when_its_job_is_ready(policy: RankPolicy, job: Waiting) -> None:
    assert ready_at_of(rank(policy, *job)) == job[1]


@given(st.integers(1, 1_000), st.integers(0, 26), st.integers(0, 9_999), st.integers(0, 9))
def test_a_job_of_the_steepest_policy_has_a_rank_that_dynamodb_keeps_whole(
    priority: int, retries: int, place: int, passes: int
) -> None:
    """Uses the greatest aging and penalty that the template accepts, until the end of this century."""
    steepest = RankPolicy(aging_millipoints_per_minute=9_999_999, retry_penalty_millipoints=9_999_999)
    boost = MOST_POINTS * 1_000
    greatest = rank(steepest, priority, 4_102_444_800_000, retries, boost, place=place, passes=passes)
    assert len(str(abs(greatest))) <= 38


@given(POLICIES, WAITING, st.integers(0, 9_998), st.integers(0, 9))
def test_place_and_passes_decide_between_equals_only_and_are_read_back_as_time(
    policy: RankPolicy, job: Waiting, place: int, passes: int
) -> None:
    priority, ready_at_ms, retries, boost = job
    passed = rank(policy, priority, ready_at_ms + passes, retries, boost, place=place, passes=passes)
    assert ready_at_of(passed) == ready_at_ms + passes
    assert rank(policy, *job) >= passed
    assert first_rank_of(passed) == rank(policy, *job, place=place)
    assert passed > rank(policy, *job, place=place + 1)
    assert passed > rank(policy, priority, ready_at_ms + 1, retries, boost)


def test_jobs_of_one_workflow_that_rank_the_same_come_in_the_order_of_submission() -> None:
    ids = [f"01JD.{index}" for index in (0, 1, 2, 9, 10, 11, 100, 9_999)]
    ranks = [rank(RankPolicy(), 100, START_MS, 0, place=place_of(job_id)) for job_id in ids]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == len(ids)
    assert place_of("01JD") == 0


def test_without_a_critical_path_nothing_is_added() -> None:
    policy = RankPolicy()
    assert effective_priority(policy, 100, START_MS, 0, START_MS) == 100.0
    assert rank(policy, 100, START_MS, 0) == rank(policy, 100, START_MS, 0, boost_millipoints=0)
