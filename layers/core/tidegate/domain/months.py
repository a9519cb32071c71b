"""Months, by which workflows are listed, as text like `2026-11`, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def month_of(at_ms: int) -> str:
    """Returns the month of a time in milliseconds since the epoch."""
    return f"{datetime.fromtimestamp(at_ms / 1_000, UTC):%Y-%m}"


def month_before(month: str) -> str:
    """Returns the month before `month`."""
    year, number = (int(part) for part in month.split("-"))
    return f"{year - 1:04d}-12" if number == 1 else f"{year:04d}-{number - 1:02d}"


def month_start_ms(month: str) -> int:
    """Returns the time at which a month begins, in milliseconds since the epoch."""
    year, number = (int(part) for part in month.split("-"))
    return int(datetime(year, number, 1, tzinfo=UTC).timestamp()) * 1_000
