from __future__ import annotations

import pytest

from tidegate.domain.audit import day_of, subject_of


def test_a_subject_names_its_kind_and_its_thing() -> None:
    assert subject_of("job", "01JD") == "job#01JD"
    assert subject_of("worker", "ecs", "nightly-1") == "worker#ecs#nightly-1"


def test_the_end_of_a_long_subject_is_left_out_and_no_character_is_cut() -> None:
    assert subject_of("job", "x" * 900) == "job#" + "x" * 796
    assert subject_of("job", "é" * 500) == "job#" + "é" * 398
    assert subject_of("jobs", "é" * 500) == "jobs#" + "é" * 397
    assert subject_of("job", "a\ud800b") == "job#a?b"


@pytest.mark.parametrize(
    ("at_ms", "day"),
    [
        (0, "1970-01-01"),
        (1_796_083_199_999, "2026-11-30"),
        (1_796_083_200_000, "2026-12-01"),
    ],
)
def test_an_act_belongs_to_its_day_in_utc(at_ms: int, day: str) -> None:
    assert day_of(at_ms) == day
