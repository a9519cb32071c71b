"""A pulse says whether a part that nobody calls works."""

from __future__ import annotations

import pytest

from tidegate.domain.pulses import (
    DEAD_AFTER_MS,
    PAUSES_MS,
    READERS,
    SCHEDULES,
    UNSEEN_MS,
    Part,
    life_of_reader,
    life_of_schedule,
)

NOW_MS = 1_796_112_000_000
LATEST_MS = NOW_MS - DEAD_AFTER_MS


@pytest.mark.parametrize("part", SCHEDULES)
@pytest.mark.parametrize(
    ("last_at_ms", "is_alive"), [(NOW_MS + 5, True), (LATEST_MS, True), (LATEST_MS - 1, False), (None, False)]
)
def test_a_schedule_is_alive_with_a_recent_pulse_only(
    part: Part, last_at_ms: int | None, is_alive: bool
) -> None:
    life = life_of_schedule(part, last_at_ms, now_ms=NOW_MS)
    assert (life.part, life.last_at_ms, life.is_alive, life.is_idle) == (part, last_at_ms, is_alive, False)


def test_a_schedule_that_comes_once_a_minute_stores_every_second_pulse_and_one_may_be_missing() -> None:
    for part in SCHEDULES:
        assert 60_000 + 10_000 < PAUSES_MS[part] < 120_000 - 10_000
        assert DEAD_AFTER_MS > 2 * 120_000


@pytest.mark.parametrize("part", READERS)
def test_a_reader_with_a_recent_pulse_is_alive_whatever_has_changed(part: Part) -> None:
    life = life_of_reader(part, LATEST_MS, change_at_ms=NOW_MS, now_ms=NOW_MS)
    assert (life.is_alive, life.is_idle) == (True, False)


@pytest.mark.parametrize("part", READERS)
def test_a_reader_without_a_recent_pulse_is_dead_only_where_it_missed_a_change(part: Part) -> None:
    last_at_ms = NOW_MS - 3_600_000
    read_to_ms = last_at_ms + PAUSES_MS[part] + 30_000  # a sooner one may have been read without a new pulse

    def judged(change_at_ms: int | None) -> tuple[bool, bool]:
        life = life_of_reader(part, last_at_ms, change_at_ms=change_at_ms, now_ms=NOW_MS)
        return life.is_alive, life.is_idle

    assert judged(None) == (True, True)
    assert judged(read_to_ms) == (True, True)
    assert judged(read_to_ms + 1) == (False, False)


@pytest.mark.parametrize("part", READERS)
def test_a_reader_that_never_left_a_pulse_is_judged_by_young_changes(part: Part) -> None:
    def is_alive(change_at_ms: int) -> bool:
        return life_of_reader(part, None, change_at_ms=change_at_ms, now_ms=NOW_MS).is_alive

    assert is_alive(NOW_MS - UNSEEN_MS)
    assert not is_alive(NOW_MS - UNSEEN_MS + 1)
