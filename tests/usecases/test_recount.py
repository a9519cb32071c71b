"""A recount refuses a time that it can't count, and leaves the slot time of an hour as it was."""

from __future__ import annotations

import pytest

from tests.harness.usecases.ended import POOL, PROCESS_POOL, START_MS, People, deployment, stored
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.statistics.spans import DAY_MS, HOUR_MS, KEPT_MS, WINDOW_MS, Reached, Span
from tidegate.usecases.statistics.recount import recount


@pytest.mark.parametrize(
    ("pool", "from_ms", "to_ms", "days", "field"),
    [
        ("none", START_MS, START_MS + HOUR_MS, 0, "pool"),
        (PROCESS_POOL, START_MS, START_MS + HOUR_MS, 0, "pool"),
        (POOL, START_MS, START_MS, 0, "from"),
        (POOL, START_MS + 2, START_MS + 1, 0, "from"),
        (POOL, START_MS - HOUR_MS, START_MS + HOUR_MS, 0, "from"),
        (POOL, START_MS, START_MS + HOUR_MS, 30, "from"),
        (POOL, START_MS, START_MS + HOUR_MS + 1, 0, "to"),
    ],
)
def test_a_time_that_is_not_counted_or_not_kept_is_not_counted_anew(
    pool: str, from_ms: int, to_ms: int, days: int, field: str
) -> None:
    services, world = deployment()
    reached = Reached(START_MS, START_MS + HOUR_MS + WINDOW_MS, START_MS + HOUR_MS, START_MS - 21 * HOUR_MS)
    world.reached[POOL] = reached
    with pytest.raises(InvalidRequest) as refused:
        recount(services, pool, from_ms, to_ms, now_ms=START_MS + 2 * HOUR_MS + days * DAY_MS)
    assert [each.field for each in refused.value.violations] == [field]
    assert not world.rollups


def test_an_hour_without_slots_still_has_none_once_its_slices_are_gone() -> None:
    services, world = deployment()
    until_ms = START_MS + HOUR_MS
    world.reached[POOL] = Reached(START_MS, until_ms, until_ms, START_MS - 21 * HOUR_MS, START_MS)
    People(services, world, 1).end(START_MS)  # by a worker that was suspended before its last write
    (told_hour,) = recount(services, POOL, START_MS, until_ms, now_ms=until_ms + KEPT_MS[Span.SLICE])
    assert (told_hour.before, told_hour.after, told_hour.found) == (0, 1, 1)
    (hour,) = stored(world, Span.HOUR)
    assert hour.slot_ms == 0
