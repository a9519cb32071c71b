"""Job types that workers announce: what a worker writes, and what holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from tidegate.domain import limits
from tidegate.domain.announcements import (
    AHEAD_AT_MOST_MS,
    FADES_AFTER_MS,
    OVERDUE_AFTER_MS,
    RENEWED_AFTER_MS,
    Announcement,
    DescribedType,
    announced,
    described_from,
    to_write,
    total_bytes,
)

OLD = DescribedType("text.count", "Counts", "{}")
NEW = replace(OLD, parameters_schema='{"type":"object"}')
NOW_MS = 1_800_000_000_000


def standing(
    described: DescribedType, started_at_ms: int, seen_at_ms: int = NOW_MS
) -> dict[str, Announcement]:
    """Returns one announcement by its type."""
    found = announced(described, "ecs", "w", started_at_ms, NOW_MS)
    return {described.type: replace(found, seen_at_ms=seen_at_ms)}


@pytest.mark.parametrize("field", ["description", "parameters_schema", "type"])
def test_every_text_is_part_of_the_digest(field: str) -> None:
    assert replace(OLD, **{field: "other"}).digest != OLD.digest  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["reads_upstreams", "aws_credentials", "second_attempt"])
def test_every_option_is_part_of_the_digest(option: str) -> None:
    assert replace(OLD, **{option: True}).digest != OLD.digest  # type: ignore[arg-type]


def test_equal_descriptions_have_one_digest() -> None:
    assert OLD.digest == replace(OLD).digest
    assert len(OLD.digest) == 32


@pytest.mark.parametrize(
    ("found", "new", "renewed"),
    [
        ({}, [NEW], []),
        (standing(OLD, NOW_MS - 1), [NEW], []),
        (standing(OLD, NOW_MS), [], []),
        (standing(OLD, NOW_MS + 1), [], []),
        (standing(NEW, NOW_MS - 1), [], []),
        (standing(NEW, NOW_MS + 1, NOW_MS - RENEWED_AFTER_MS + 1), [], []),
        (standing(NEW, NOW_MS + 1, NOW_MS - RENEWED_AFTER_MS), [], [NEW]),
        (standing(OLD, NOW_MS + 1, NOW_MS - RENEWED_AFTER_MS), [], []),
        (standing(OLD, NOW_MS + 1, NOW_MS - FADES_AFTER_MS + 1), [], []),
        (standing(OLD, NOW_MS + 1, NOW_MS - FADES_AFTER_MS), [NEW], []),
    ],
)
def test_a_worker_writes_only_what_changes(
    found: dict[str, Announcement], new: Sequence[DescribedType], renewed: Sequence[DescribedType]
) -> None:
    assert to_write([NEW], found, started_at_ms=NOW_MS, now_ms=NOW_MS) == (new, renewed)


@pytest.mark.parametrize(
    ("found", "is_replaced"),
    [
        (standing(OLD, NOW_MS + AHEAD_AT_MOST_MS), False),
        (standing(OLD, NOW_MS + AHEAD_AT_MOST_MS + 1), True),
        (standing(OLD, NOW_MS + 1, NOW_MS + AHEAD_AT_MOST_MS), False),
        (standing(OLD, NOW_MS + 1, NOW_MS + AHEAD_AT_MOST_MS + 1), True),
        (standing(NEW, NOW_MS + 400 * RENEWED_AFTER_MS), True),  # equal, but nobody could ever renew it
    ],
)
def test_a_description_from_a_clock_that_was_ahead_is_replaced(
    found: dict[str, Announcement], is_replaced: bool
) -> None:
    new, renewed = to_write([NEW], found, started_at_ms=NOW_MS, now_ms=NOW_MS)
    assert (new, renewed) == ([NEW] if is_replaced else [], [])


def test_a_type_is_overdue_once_every_live_worker_would_have_renewed_it() -> None:
    found = standing(OLD, NOW_MS)[OLD.type]
    assert not found.is_overdue(NOW_MS + OVERDUE_AFTER_MS)
    assert found.is_overdue(NOW_MS + OVERDUE_AFTER_MS + 1)


def test_a_rolling_deployment_ends_with_the_latest_worker_in_whatever_order_they_write() -> None:
    """Three old and two new workers look and write in every order; none writes twice for one start."""
    fleet = [(OLD, 1), (OLD, 2), (OLD, 3), (NEW, 4), (NEW, 5)]
    for order in permutations(fleet):
        held: dict[str, Announcement] = {}
        writes = 0
        for _ in range(2):  # a second look changes nothing more
            for described, started_at_ms in order:
                new, _ = to_write([described], held, started_at_ms=started_at_ms, now_ms=NOW_MS)
                for one in new:
                    held[one.type] = announced(one, "ecs", "w", started_at_ms, NOW_MS)
                    writes += 1
        assert held[OLD.type].digest == NEW.digest
        assert writes <= 2


def test_a_type_fades_two_weeks_after_it_was_last_seen() -> None:
    found = standing(OLD, NOW_MS)[OLD.type]
    assert found.fades_at_ms == NOW_MS + FADES_AFTER_MS
    assert not found.has_faded(NOW_MS + FADES_AFTER_MS - 1)
    assert found.has_faded(NOW_MS + FADES_AFTER_MS)
    assert found.type == "text.count"


@pytest.mark.parametrize(
    ("said", "options", "described"),
    [
        ({}, {}, DescribedType("a")),
        (
            {"description": "Counts", "parameters_schema": {"b": 1, "a": "é"}},
            {"reads_upstreams": True, "aws_credentials": 1, "second_attempt": True},
            DescribedType("a", "Counts", '{"a":"é","b":1}', reads_upstreams=True, second_attempt=True),
        ),
        ({"description": 5, "parameters_schema": []}, {}, DescribedType("a")),
        ({"parameters_schema": {"a": math.inf}}, {}, DescribedType("a")),
        ({"parameters_schema": {"a": "x" * limits.MAX_SCHEMA_BYTES}}, {}, DescribedType("a")),
        ({"parameters_schema": {"a": "\ud800"}}, {}, DescribedType("a")),
        ({"description": "a\x1bb"}, {}, DescribedType("a", "a?b")),
        ({"description": "x" * 501}, {}, DescribedType("a", "x" * 500)),
    ],
)
def test_what_a_process_says_of_a_type_is_cut_to_the_limits(
    said: dict[str, Any], options: dict[str, Any], described: DescribedType
) -> None:
    assert described_from("a", said, options) == described


def test_the_size_of_descriptions_counts_bytes() -> None:
    assert total_bytes([OLD, DescribedType("a", "é", "")]) == len("text.countCounts{}") + 3
