from __future__ import annotations

import pytest

from tidegate.domain.suggestions import did_you_mean, nearest

KNOWN = ("priority", "parameters", "Pool")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("prioritty", "priority"),
        ("PRIORITY", "priority"),
        ("pol", "Pool"),
        ("parametres", "parameters"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_most_similar_name_is_found(name: str, found: str | None) -> None:
    assert nearest(name, KNOWN) == found


def test_only_the_beginning_of_a_long_name_is_compared() -> None:
    long = "x" * 64
    assert nearest(long + "y" * 10_000, [long]) == long
    assert nearest("pool", []) is None


def test_a_message_ends_with_the_suggestion_or_without_one() -> None:
    assert did_you_mean("prioritty", KNOWN) == "; did you mean 'priority'?"
    assert did_you_mean("zzz", KNOWN) == ""
