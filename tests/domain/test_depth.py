from __future__ import annotations

import pytest

from tidegate.domain.depth import is_deeper_than
from tidegate.domain.job import Json


@pytest.mark.parametrize(
    ("value", "levels"),
    [
        (1, 0),
        ("[[[]]]", 0),
        ([], 1),
        ({}, 1),
        ([1, "a", None], 1),
        ([[1], {"a": 2}], 2),
        ({"a": {"b": []}}, 3),
        ([1, [2, [3]], 4], 3),
    ],
)
def test_values_have_a_depth(value: Json, levels: int) -> None:
    assert not is_deeper_than(value, levels)
    assert not is_deeper_than(value, levels + 1)
    if levels:
        assert is_deeper_than(value, levels - 1)


def test_any_depth_can_be_checked() -> None:
    value: Json = 0
    for _ in range(100_000):
        value = [value]
    assert is_deeper_than(value, 64)
