"""A history counts the times between a job's reopenings, and keeps the entries of some of those lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.harness.domain.job_samples import NOW_MS, READY
from tidegate.domain import limits
from tidegate.domain.job import HistoryEntry
from tidegate.domain.lives import UNBEGUN, kept_history, may_be_reopened, without_old_interruptions
from tidegate.domain.states import State
from tidegate.domain.transitions import CancelIfInState, Ending, ReopenIfEnded, Stamp

MOST = limits.MAX_REOPENINGS
IDLE = (State.PENDING, State.READY, State.CANCELLED)
RAN = (State.PENDING, State.READY, State.QUEUED, State.RUNNING, State.FAILED)
RAN_TWICE = (*RAN[:-1], State.SCHEDULED, State.READY, State.QUEUED, State.RUNNING, State.FAILED)


def history(*lives: Sequence[State]) -> tuple[HistoryEntry, ...]:
    """Makes a history of these lives. The time of each entry tells its life."""
    return tuple(HistoryEntry(at_ms, state, 0, "ann") for at_ms, life in enumerate(lives) for state in life)


def kept_lives(*lives: Sequence[State]) -> list[int]:
    return sorted({entry.at_ms for entry in kept_history(history(*lives))})


@pytest.mark.parametrize("life", [RAN, RAN_TWICE])
def test_a_job_may_be_reopened_until_it_ran_after_as_many_reopenings_as_are_allowed(
    life: Sequence[State],
) -> None:
    assert may_be_reopened(history(*[life] * MOST))
    assert not may_be_reopened(history(*[life] * (MOST + 1)))


def test_a_life_in_which_nothing_ran_is_not_counted() -> None:
    assert may_be_reopened(())
    assert may_be_reopened(history(*[IDLE] * 1_000))
    assert may_be_reopened(history(*[IDLE, RAN] * MOST, IDLE))
    assert not may_be_reopened(history(RAN, *[IDLE, RAN] * MOST, IDLE))


def test_a_life_may_begin_at_once_with_ready() -> None:
    assert may_be_reopened(history(RAN[1:], *[RAN] * (MOST - 1)))
    assert not may_be_reopened(history(RAN[1:], *[RAN] * MOST))


def test_of_lives_in_which_nothing_ran_the_first_and_the_latest_are_kept() -> None:
    assert kept_lives() == []
    assert kept_lives(*[IDLE] * (MOST + 1)) == list(range(MOST + 1))
    assert kept_lives(*[IDLE] * (MOST + 2)) == [0, *range(2, MOST + 2)]
    assert kept_lives(*[IDLE] * (MOST + 30)) == [0, *range(30, MOST + 30)]


def test_every_life_in_which_something_ran_is_kept_with_all_of_its_lines_in_order() -> None:
    lives = [RAN, *[IDLE] * 3, RAN_TWICE, *[IDLE] * MOST]
    kept = kept_history(history(*lives))
    assert kept == tuple(entry for entry in history(*lives) if entry.at_ms not in (1, 2, 3))
    assert kept_history(history(*[RAN] * 5)) == history(*[RAN] * 5)


def test_a_reopening_leaves_out_of_the_history_what_is_not_kept() -> None:
    job = replace(READY, history=(HistoryEntry(NOW_MS, State.READY, 0, "submit"),))
    cancelled = Ending(State.CANCELLED, expires_at_s=NOW_MS)
    for number in range(2 * limits.MAX_REOPENINGS):
        stamp = Stamp(NOW_MS + number, "eve")
        ended = CancelIfInState(job, cancelled, stamp).apply(job)
        job = ReopenIfEnded(ended, stamp).apply(ended)
        assert job.history[:-1] == kept_history(ended.history)
    assert len(job.history) < 2 * limits.MAX_REOPENINGS + 5


CLAIMER = "worker-7"
KEPT = limits.MAX_INTERRUPTIONS_KEPT


def round_of(number: int, then: State, actor: str, reason: str = "") -> tuple[HistoryEntry, ...]:
    """Makes a claim at attempt `number`, its outcome, and the next dispatch."""
    return (
        HistoryEntry(number, State.RUNNING, number, CLAIMER),
        HistoryEntry(number, then, number, actor, reason),
        HistoryEntry(number, State.QUEUED, number, "dispatcher"),
    )


def handed_back(number: int, reason: str = "") -> tuple[HistoryEntry, ...]:
    return round_of(number, State.READY, CLAIMER, reason)


def kept_rounds(*rounds: Sequence[HistoryEntry]) -> list[int]:
    """Returns the rounds of a life that remain after a give-back, by their attempts."""
    begin = history((State.PENDING, State.READY, State.QUEUED))
    kept = without_old_interruptions([*begin, *(entry for one in rounds for entry in one)])
    assert kept[:3] == begin
    claims = [entry.attempt for entry in kept if entry.state is State.RUNNING]
    whole = [entry for one in rounds for entry in one if entry.attempt in claims]
    assert list(kept[3:]) == whole
    return claims


def test_of_interrupted_rounds_the_first_and_the_latest_are_kept() -> None:
    assert kept_rounds() == []
    assert kept_rounds(*map(handed_back, range(1, KEPT + 1))) == list(range(1, KEPT + 1))
    assert kept_rounds(*map(handed_back, range(1, KEPT + 2))) == [1, *range(3, KEPT + 2)]
    assert kept_rounds(*map(handed_back, range(1, 101))) == [1, *range(102 - KEPT, 101)]


def test_rounds_that_failed_or_lost_their_worker_are_all_kept() -> None:
    failed = [round_of(number, State.SCHEDULED, CLAIMER) for number in range(1, 9)]
    lost = [round_of(number, State.READY, "reaper") for number in range(9, 17)]
    again = [(HistoryEntry(17, State.RUNNING, 17, CLAIMER),)]
    interrupted = [handed_back(number) for number in range(18, 30)]
    kept = kept_rounds(*failed, *lost, *again, *interrupted)
    assert kept == [*range(1, 19), *range(31 - KEPT, 30)]


def test_interruptions_of_earlier_lives_stay_as_they_are() -> None:
    earlier = [entry for number in range(1, KEPT + 4) for entry in handed_back(number)]
    whole = [*earlier, *history((State.CANCELLED, State.PENDING, State.READY, State.QUEUED)), *handed_back(9)]
    assert without_old_interruptions(whole) == tuple(whole)


def test_a_life_in_which_no_code_began_is_not_counted_however_often_it_was_claimed() -> None:
    begin, end = history((State.PENDING, State.READY, State.QUEUED)), history((State.CANCELLED,))
    unbegun = [*begin, *handed_back(1, UNBEGUN), *handed_back(2, f"{UNBEGUN}: unknown-type"), *end]
    assert may_be_reopened(unbegun * 1_000)
    assert not may_be_reopened([*begin, *handed_back(1, UNBEGUN), *handed_back(2), *end] * (MOST + 1))
    assert not may_be_reopened([*begin, *round_of(1, State.READY, "reaper", UNBEGUN), *end] * (MOST + 1))
    assert len(kept_history(unbegun * 1_000)) == len(unbegun) * (MOST + 1)
