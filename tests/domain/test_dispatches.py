"""A job's history counts the dispatches that no worker claimed, and keeps a bounded number of them."""

from __future__ import annotations

import pytest

from tidegate.domain import limits
from tidegate.domain.backoff import doubled
from tidegate.domain.dispatches import dispatches_on_end, without_old_dispatches
from tidegate.domain.job import HistoryEntry
from tidegate.domain.states import State

KEPT = limits.MAX_DISPATCHES_KEPT
SUBMITTED = HistoryEntry(0, State.READY, 0, "submit")
CLAIMED = (
    HistoryEntry(1, State.QUEUED, 0, "dispatcher"),
    HistoryEntry(2, State.RUNNING, 1, "w"),
    HistoryEntry(3, State.READY, 1, "w"),
)


def taken_back(dispatches: int) -> tuple[HistoryEntry, ...]:
    return tuple(
        HistoryEntry(10 + 2 * number + place, state, 1, "reaper")
        for number in range(dispatches)
        for place, state in enumerate((State.QUEUED, State.READY))
    )


@pytest.mark.parametrize("before", [(SUBMITTED,), (SUBMITTED, *CLAIMED)])
@pytest.mark.parametrize("dispatches", range(KEPT + 1))
def test_a_few_dispatches_on_end_stay(before: tuple[HistoryEntry, ...], dispatches: int) -> None:
    history = (*before, *taken_back(dispatches))
    assert without_old_dispatches(history) == history
    assert dispatches_on_end(history) == dispatches


@pytest.mark.parametrize("before", [(SUBMITTED,), (SUBMITTED, *CLAIMED)])
@pytest.mark.parametrize("dispatches", [KEPT + 1, KEPT + 2, 100])
def test_of_many_the_first_and_the_latest_stay(before: tuple[HistoryEntry, ...], dispatches: int) -> None:
    rounds = taken_back(dispatches)
    kept = without_old_dispatches((*before, *rounds))
    assert kept == (*before, *rounds[:2], *rounds[-2 * (KEPT - 1) :])
    assert dispatches_on_end(kept) == KEPT


def test_the_dispatches_that_are_kept_are_enough_for_the_longest_wait() -> None:
    assert doubled(1, KEPT, 1_000_000) == 2 ** (KEPT - 1)
    assert 30 * 2 ** (KEPT - 1) >= 900  # seconds, for a message that is passed on
    # Seconds, for a dispatch whose message still seems to be there.
    assert 12 * 300 * 2 ** (KEPT - 1) >= 48 * 3_600
