"""Whether and when a dependency was satisfied, by what the job and its upstream still show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.domain.job_samples import ENDED, NOW_MS, PENDING, READY, RUNNING, SAMPLES
from tidegate.domain.dependency import DependencyType
from tidegate.domain.edges import is_satisfied, satisfied_at_ms, was_released
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.states import State

MUST_SUCCEED, MUST_START = DependencyType.MUST_SUCCEED, DependencyType.MUST_START


def with_history(job: Job, *states: State) -> Job:
    return replace(job, history=tuple(HistoryEntry(NOW_MS, state, 0, "w") for state in states))


@pytest.mark.parametrize(
    ("states", "released"),
    [
        ((), False),
        ((State.PENDING,), False),
        ((State.PENDING, State.READY), True),
        ((State.PENDING, State.SCHEDULED), True),
        ((State.PENDING, State.SKIPPED), False),
        ((State.PENDING, State.CANCELLED), False),
        ((State.PENDING, State.READY, State.QUEUED, State.RUNNING, State.FAILED), True),
        ((State.PENDING, State.READY, State.CANCELLED, State.PENDING), False),
        ((State.PENDING, State.READY, State.FAILED, State.PENDING, State.SKIPPED), False),
        ((State.PENDING, State.SKIPPED, State.PENDING, State.READY), True),
    ],
)
def test_a_job_was_released_if_it_left_pending_in_its_present_life(
    states: tuple[State, ...], released: bool
) -> None:
    assert was_released(with_history(PENDING, *states)) is released


def test_a_pending_job_says_itself_which_dependencies_it_waits_for() -> None:
    upstream = SAMPLES[State.SUCCEEDED]
    assert [is_satisfied(PENDING, number, MUST_SUCCEED, upstream) for number in range(3)] == [
        False,
        True,
        False,
    ]
    assert is_satisfied(PENDING, 1, MUST_SUCCEED, None) is True


def test_every_dependency_of_a_released_job_was_satisfied_whatever_the_upstream_is_now() -> None:
    released = with_history(READY, State.PENDING, State.READY)
    assert is_satisfied(released, 0, MUST_SUCCEED, SAMPLES[State.FAILED]) is True
    assert is_satisfied(released, 0, MUST_SUCCEED, None) is True


@pytest.mark.parametrize(
    ("kind", "upstream", "expected"),
    [
        (MUST_SUCCEED, SAMPLES[State.SUCCEEDED], True),
        (MUST_SUCCEED, SAMPLES[State.FAILED], False),
        (MUST_SUCCEED, RUNNING, False),
        (MUST_START, replace(RUNNING, began_at_ms=NOW_MS), True),
        (MUST_START, READY, False),
        (DependencyType.CONDITIONAL, SAMPLES[State.SUCCEEDED], None),
        (MUST_SUCCEED, None, None),
    ],
)
def test_for_a_job_that_ended_unreleased_the_upstream_is_judged(
    kind: DependencyType, upstream: Job | None, expected: bool | None
) -> None:
    skipped = with_history(replace(PENDING, state=State.SKIPPED), State.PENDING, State.SKIPPED)
    assert is_satisfied(skipped, 0, kind, upstream) is expected


@pytest.mark.parametrize(
    ("kind", "upstream", "at_ms"),
    [
        (MUST_SUCCEED, None, None),
        (MUST_START, None, None),
        (MUST_SUCCEED, RUNNING, None),
        (MUST_SUCCEED, replace(ENDED, began_at_ms=5, finished_at_ms=9), 9),
        (MUST_START, replace(ENDED, began_at_ms=5, finished_at_ms=9), 5),
        (MUST_START, replace(ENDED, began_at_ms=None, finished_at_ms=9), 9),
        (MUST_START, replace(RUNNING, began_at_ms=5), 5),
    ],
)
def test_a_dependency_was_satisfied_when_the_upstream_began_or_ended(
    kind: DependencyType, upstream: Job | None, at_ms: int | None
) -> None:
    assert satisfied_at_ms(kind, upstream) == at_ms
