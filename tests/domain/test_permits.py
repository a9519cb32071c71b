"""Permits of concurrency keys, whose jobs may ask for different limits."""

from __future__ import annotations

import pytest

from tidegate.domain.permits import NOBODY, Permit, asking, has_room, key_permit, least_asked, type_permit


def held_by(*limits: int) -> frozenset[str]:
    """Makes holders that asked for these limits."""
    return frozenset(asking(f"job-{place}@17", limit) for place, limit in enumerate(limits))


def test_a_holder_carries_what_it_asked_for() -> None:
    assert asking("job@17", 3) == "job@17@3"
    assert least_asked(held_by(5, 3, 100), 7) == 3
    assert least_asked(held_by(5, 100), 2) == 2
    assert least_asked(frozenset(), 9) == 9


def test_a_holder_from_before_holders_said_what_they_ask_for_asks_for_nothing() -> None:
    assert least_asked(frozenset({"job@17"}), 9) == 9


@pytest.mark.parametrize(
    ("permit", "limit", "room"),
    [
        (NOBODY, 1, True),
        (Permit(held_by(2)), 2, True),
        (Permit(held_by(2, 2)), 2, False),
        (Permit(held_by(1)), 100, False),
        (Permit(held_by(100)), 1, False),
        (Permit(held_by(100), 1), 100, False),
        (Permit(frozenset(), 1), 100, True),
        (Permit(held_by(3, 3), 3), 5, True),
        (Permit(held_by(3, 3, 3), 4), 5, False),
    ],
)
def test_there_is_room_where_no_limit_that_anybody_asked_for_is_broken(
    permit: Permit, limit: int, *, room: bool
) -> None:
    assert has_room(permit, limit) is room


def test_permits_of_keys_and_of_types_have_names_of_their_own() -> None:
    assert (key_permit("a"), type_permit("a")) == ("key:a", "type:a")
    assert Permit(frozenset(), None, 0) == NOBODY
