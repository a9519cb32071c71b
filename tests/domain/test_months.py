from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tidegate.domain.months import month_before, month_of, month_start_ms

START_OF_2026_MS = 1_767_225_600_000


@pytest.mark.parametrize(
    ("at_ms", "month"),
    [
        (0, "1970-01"),
        (START_OF_2026_MS - 1, "2025-12"),
        (START_OF_2026_MS, "2026-01"),
        (1_796_083_200_000, "2026-12"),
    ],
)
def test_a_time_belongs_to_its_month_in_utc(at_ms: int, month: str) -> None:
    assert month_of(at_ms) == month


@pytest.mark.parametrize(
    ("month", "before"),
    [("2026-12", "2026-11"), ("2026-02", "2026-01"), ("2026-01", "2025-12"), ("1000-01", "0999-12"),
     ("0999-03", "0999-02")],
)  # fmt: skip
def test_the_month_before_january_is_the_last_of_the_year_before(month: str, before: str) -> None:
    assert month_before(month) == before


def test_a_month_begins_at_its_first_instant() -> None:
    assert month_start_ms("2026-01") == START_OF_2026_MS
    assert month_of(month_start_ms("2026-07")) == "2026-07"
    assert month_of(month_start_ms("2026-07") - 1) == "2026-06"


@pytest.fixture(params=["AHEAD-12", "BEHIND+12"])
def local_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("local_time")
def test_the_time_zone_of_the_machine_changes_no_month() -> None:
    assert [month_of(START_OF_2026_MS - 1), month_of(START_OF_2026_MS)] == ["2025-12", "2026-01"]
    assert month_start_ms("2026-01") == START_OF_2026_MS
