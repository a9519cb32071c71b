from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidegate.domain import limits
from tidegate.domain.lanes import MAIN, is_sharded, key_lane, key_of, share_lane, share_of, type_lane, type_of

KEYS = st.text(min_size=1, max_size=limits.MAX_CONCURRENCY_KEY_CHARACTERS)


@example("a:2:b", 3)
@given(KEYS, st.integers(1, limits.MAX_CONCURRENCY_LIMIT))
def test_the_lane_of_a_key_tells_key_and_limit(key: str, limit: int) -> None:
    lane = key_lane(key, limit)
    assert key_of(lane) == (key, limit)
    assert type_of(lane) is None
    assert share_of(lane) is None


@pytest.mark.parametrize("name", ["a", "tidegate.sleep", "key:1:x"])
def test_the_lane_of_a_type_tells_the_type(name: str) -> None:
    assert type_of(type_lane(name)) == name
    assert key_of(type_lane(name)) is None


@pytest.mark.parametrize("name", ["a", "data-team", "type.x"])
def test_the_lane_of_a_share_tells_the_share(name: str) -> None:
    assert share_of(share_lane(name)) == name
    assert (key_of(share_lane(name)), type_of(share_lane(name))) == (None, None)


def test_no_share_is_the_main_lane() -> None:
    assert share_lane("") == MAIN
    assert (key_of(MAIN), type_of(MAIN), share_of(MAIN)) == (None, None, "")


def test_lanes_of_many_jobs_are_sharded_those_of_few_are_not() -> None:
    lanes = (MAIN, share_lane("a"), key_lane("k", 1), type_lane("t"))
    assert [is_sharded(lane) for lane in lanes] == [True, True, False, False]
