"""Waits double from the first one, up to the longest."""

from __future__ import annotations

import math

import pytest

from tidegate.domain.backoff import doubled


@pytest.mark.parametrize(
    ("number", "wait"), [(-1, 3), (0, 3), (1, 3), (2, 6), (3, 12), (4, 20), (10_000, 20)]
)
def test_a_wait_doubles_with_each_try_up_to_the_longest(number: int, wait: int) -> None:
    assert doubled(3, number, 20) == wait


@pytest.mark.parametrize(("number", "wait"), [(1, 0.1), (2, 0.2), (3, 0.4), (5, 1.6), (9, 25.6)])
def test_a_wait_may_be_a_part_of_a_second_and_have_no_bound(number: int, wait: float) -> None:
    assert doubled(0.1, number, math.inf) == wait


def test_no_number_of_tries_is_too_large() -> None:
    assert doubled(1, 10**9, 10**9) == 10**9
    assert doubled(0.05, 10**9, 2.0) == 2.0


def test_a_first_wait_above_the_longest_is_cut() -> None:
    assert doubled(30, 1, 20) == 20
    assert doubled(0, 5, 20) == 0
