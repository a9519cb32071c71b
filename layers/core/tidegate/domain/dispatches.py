"""Dispatches in a row: those of a job since a worker last claimed it, as its history tells them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidegate.domain import limits
from tidegate.domain.job import HistoryEntry
from tidegate.domain.states import State

MESSAGE_GIVEN_UP = "its queue gave its message up"
"""The reason for taking back a job whose message was delivered again and again."""

_WAITING = frozenset(
    {State.SCHEDULED, State.READY, State.QUEUED}
)  # an amendment may make a READY job SCHEDULED


def dispatches_on_end(history: Sequence[HistoryEntry]) -> int:
    """Counts the dispatches of the job since a worker last claimed it, or since it first became READY.

    Waits double with this count, so a job that no worker claims adds lines to its history slowly. The history keeps
    enough of these dispatches to count them for such a wait.
    """
    return sum(entry.state is State.QUEUED for entry in _since_claimed(history))


def given_up_on_end(history: Sequence[HistoryEntry]) -> int:
    """Counts the dispatches in a row whose message the queue gave up."""
    return sum(
        entry.state is State.READY and entry.reason == MESSAGE_GIVEN_UP for entry in _since_claimed(history)
    )


def without_old_dispatches(history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Returns the entries of `history` that a job keeps when it is taken back.

    The job keeps all entries except those of dispatches in a row that no worker claimed. Of these dispatches it keeps
    the first and the latest, `MAX_DISPATCHES_KEPT` in all. Each is kept or dropped together with the entry that took
    the job back.
    """
    first = len(history) - sum(1 for _ in _since_claimed(history))
    starts = [place for place in range(first, len(history)) if history[place].state is State.QUEUED]
    if len(starts) <= limits.MAX_DISPATCHES_KEPT:
        return tuple(history)
    latest = starts[1 - limits.MAX_DISPATCHES_KEPT]
    return (*history[: starts[1]], *history[latest:])


def _since_claimed(history: Sequence[HistoryEntry]) -> Iterator[HistoryEntry]:
    for entry in reversed(history):
        if entry.state not in _WAITING:
            return
        yield entry
