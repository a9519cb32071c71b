from __future__ import annotations

from collections.abc import Iterator

from tests.harness.determined import HandClock
from tidegate.usecases.bounds.deadline import NEVER, Deadline, in_turns, while_time


def test_a_deadline_is_over_at_its_moment() -> None:
    clock = HandClock(1_000)
    until = Deadline(clock, 1_100)
    assert not until.is_over()
    clock.at_ms = 1_100
    assert until.is_over()
    assert not NEVER.is_over()


def test_a_part_is_of_the_time_that_is_left() -> None:
    clock = HandClock(1_000)
    until = Deadline(clock, 2_000)
    assert until.part(4).at_ms == 1_250
    assert until.at_most(300).at_ms == 1_300
    assert until.at_most(3_000).at_ms == 2_000
    clock.at_ms = 2_500
    assert until.part(4).is_over()


def test_what_one_leaves_of_its_part_the_others_get() -> None:
    clock = HandClock(1_000)
    given = []
    for name, until in in_turns(["a", "b", "c", "d"], Deadline(clock, 1_400), lambda: 0.6):
        given.append((name, until.at_ms))
        clock.at_ms += 10
    assert given == [("c", 1_100), ("d", 1_140), ("a", 1_210), ("b", 1_400)]


def test_one_has_its_turn_however_little_time_there_is() -> None:
    clock = HandClock(1_000)
    assert [name for name, _ in in_turns(["a", "b"], Deadline(clock, 0), lambda: 0.5)] == ["b"]
    assert list(while_time(iter("abc"), Deadline(clock, 0))) == ["a"]
    assert list(while_time("", NEVER)) == []
    assert list(in_turns([], NEVER, lambda: 0.9)) == []


def test_what_is_not_asked_for_is_not_made() -> None:
    clock = HandClock(1_000)
    made: list[int] = []

    def make() -> Iterator[int]:
        for number in range(9):
            made.append(number)
            clock.at_ms += 10
            yield number

    assert list(while_time(make(), Deadline(clock, 1_025))) == [0, 1, 2]
    assert made == [0, 1, 2]
