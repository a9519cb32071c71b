from __future__ import annotations

import pytest

from tidegate.domain.limits import MAX_LAST_LINES, MAX_LAST_LINES_BYTES
from tidegate.domain.logs import last_lines


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ((), ()),
        (("one",), ("one",)),
        (("one", "", "three"), ("one", "", "three")),
        (
            tuple(str(number) for number in range(MAX_LAST_LINES + 3)),
            tuple(str(number) for number in range(3, MAX_LAST_LINES + 3)),
        ),
    ],
)
def test_the_last_lines_are_kept_in_their_order(lines: tuple[str, ...], kept: tuple[str, ...]) -> None:
    assert last_lines(lines) == kept
    assert last_lines(iter(lines)) == kept


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        # Each line takes a byte more than its text, for its end.
        ((MAX_LAST_LINES_BYTES + 1,), (MAX_LAST_LINES_BYTES,)),
        ((1, MAX_LAST_LINES_BYTES), (MAX_LAST_LINES_BYTES,)),
        ((1, MAX_LAST_LINES_BYTES - 1), (MAX_LAST_LINES_BYTES - 1,)),
        ((9, MAX_LAST_LINES_BYTES - 2), (1, MAX_LAST_LINES_BYTES - 2)),
        ((9, MAX_LAST_LINES_BYTES - 3), (2, MAX_LAST_LINES_BYTES - 3)),
        ((5, 9, 1_000, 1_000), (5, 9, 1_000, 1_000)),
        ((5, 99, 1_000, 1_000), (46, 1_000, 1_000)),
    ],
)
def test_the_last_lines_take_a_bounded_number_of_bytes(
    lengths: tuple[int, ...], kept: tuple[int, ...]
) -> None:
    assert tuple(map(len, last_lines("x" * length for length in lengths))) == kept


def test_a_line_is_cut_at_its_end_and_between_two_characters() -> None:
    assert last_lines(["ab" * MAX_LAST_LINES_BYTES]) == ("ab" * (MAX_LAST_LINES_BYTES // 2),)
    assert last_lines(["a" + "é" * MAX_LAST_LINES_BYTES]) == ("a" + "é" * (MAX_LAST_LINES_BYTES // 2 - 1),)
    # The half character that was cut off takes no room from the line before, not even with its end.
    assert last_lines(["bb", "é" * (MAX_LAST_LINES_BYTES // 2 - 1)]) == (
        "b",
        "é" * (MAX_LAST_LINES_BYTES // 2 - 1),
    )
