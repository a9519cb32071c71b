"""Lives of a job: the times between its reopenings, as its history tells them.

A job may be tried again by hand a bounded number of times, for each attempt adds lines to its history, which is one
attribute of one item. A life in which no attempt ran costs nothing and is not counted. So nobody uses up another's
reopenings by cancelling and retrying a job that does not come to run.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain import limits
from tidegate.domain.job import HistoryEntry
from tidegate.domain.states import State

_Life = tuple[HistoryEntry, ...]


def may_be_reopened(history: Sequence[HistoryEntry]) -> bool:
    """True where a job that has ended may be tried again: not too many of its lives saw an attempt run."""
    return sum(_ran(life) for life in _lives(history)) <= limits.MAX_REOPENINGS


def kept_history(history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Computes what a job that is being reopened keeps of its history.

    That is everything, but for lives in which no attempt ran: of those the first life and the latest ones are kept, as
    many as reopenings are allowed.
    """
    lives = _lives(history)
    idle = [place for place, life in enumerate(lives) if place > 0 and not _ran(life)]
    dropped = set(idle[: max(0, len(idle) - limits.MAX_REOPENINGS)])
    return tuple(entry for place, life in enumerate(lives) if place not in dropped for entry in life)


def _lives(history: Sequence[HistoryEntry]) -> list[_Life]:
    """The history in pieces, each of which begins with a submission or a reopening."""
    starts = [place for place, entry in enumerate(history) if place == 0 or entry.state is State.PENDING]
    ends = [*starts[1:], len(history)]
    return [tuple(history[start:end]) for start, end in zip(starts, ends, strict=False)]


def _ran(life: _Life) -> bool:
    return any(entry.state is State.RUNNING for entry in life)
