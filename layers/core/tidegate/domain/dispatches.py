"""Dispatches on end of a job that no worker has claimed since, as its history tells them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidegate.domain import limits
from tidegate.domain.job import HistoryEntry
from tidegate.domain.states import State

MESSAGE_GIVEN_UP = "its queue gave its message up"
"""Why a job was taken back whose message was delivered again and again."""

_WAITING = frozenset({State.READY, State.QUEUED})
_LONGEST_DOUBLING = 16


def dispatches_on_end(history: Sequence[HistoryEntry]) -> int:
    """Counts how often the job was dispatched since a worker claimed it last, or since it became READY first."""
    return sum(entry.state is State.QUEUED for entry in _since_claimed(history))


def given_up_on_end(history: Sequence[HistoryEntry]) -> int:
    """Counts how many of these dispatches its queue gave up."""
    return sum(
        entry.state is State.READY and entry.reason == MESSAGE_GIVEN_UP for entry in _since_claimed(history)
    )


def without_old_dispatches(history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Computes what a job that is being taken back keeps of its history.

    That is everything, but for dispatches on end that no worker claimed: of those the first and the latest are kept,
    `MAX_DISPATCHES_KEPT` in all. Each is kept or dropped with the line that took the job back.
    """
    first = len(history) - sum(1 for _ in _since_claimed(history))
    starts = [place for place in range(first, len(history)) if history[place].state is State.QUEUED]
    if len(starts) <= limits.MAX_DISPATCHES_KEPT:
        return tuple(history)
    latest = starts[1 - limits.MAX_DISPATCHES_KEPT]
    return (*history[: starts[1]], *history[latest:])


def doubled(first: int, dispatches: int, most: int) -> int:
    """Doubles a wait with each dispatch on end (from 1): `first` at the first one, never more than `most`.

    So the lines that such dispatches add to the history grow slowly. The history keeps enough of them for that.
    """
    return min(most, first << min(max(0, dispatches - 1), _LONGEST_DOUBLING))


def _since_claimed(history: Sequence[HistoryEntry]) -> Iterator[HistoryEntry]:
    for entry in reversed(history):
        if entry.state not in _WAITING:
            return
        yield entry
