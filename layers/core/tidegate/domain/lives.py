"""Lives of a job: the times between its reopenings, as its history tells them.

A job may be tried again by hand a bounded number of times, for each attempt adds lines to its history, which is one
attribute of one item. A life in which no code ran costs nothing and is not counted. So nobody uses up another's
reopenings by cancelling and retrying a job that does not come to run.

A life is made of rounds. Each begins with a claim and goes on until the next one. Failures and lost workers end a
bounded number of rounds. Interruptions are not bounded: of the rounds that a worker handed back, the history keeps
the first and the latest.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tidegate.domain import limits
from tidegate.domain.job import HistoryEntry
from tidegate.domain.states import State

UNBEGUN = "unbegun"
"""How the reason of a hand-back begins where no code of the attempt had begun."""

_Life = tuple[HistoryEntry, ...]
_Round = tuple[HistoryEntry, ...]


def may_be_reopened(history: Sequence[HistoryEntry]) -> bool:
    """True where a job that has ended may be tried again: not too many of its lives saw code run."""
    return sum(_ran(life) for life in _lives(history)) <= limits.MAX_REOPENINGS


def kept_history(history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Computes what a job that is being reopened keeps of its history.

    That is everything, but for lives in which no code ran: of those the first life and the latest ones are kept, as
    many as reopenings are allowed.
    """
    lives = _lives(history)
    idle = [place for place, life in enumerate(lives) if place > 0 and not _ran(life)]
    dropped = set(idle[: max(0, len(idle) - limits.MAX_REOPENINGS)])
    return tuple(entry for place, life in enumerate(lives) if place not in dropped for entry in life)


def without_old_interruptions(history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Computes what a job that is being handed back keeps of its history.

    That is everything, but for interrupted rounds of its present life: of those the first and the latest are kept,
    `MAX_INTERRUPTIONS_KEPT` in all. A round is kept or dropped whole.
    """
    *earlier, present = _lives(history)
    before, *rounds = _rounds(present)
    interrupted = [place for place, one in enumerate(rounds) if _was_handed_back(one)]
    dropped = set(interrupted[1 : max(1, len(interrupted) - limits.MAX_INTERRUPTIONS_KEPT + 1)])
    kept = [one for place, one in enumerate(rounds) if place not in dropped]
    return tuple(entry for piece in (*earlier, before, *kept) for entry in piece)


def _rounds(life: _Life) -> list[_Round]:
    """Cuts the life in pieces: all before its first claim, then a piece for each claim."""
    claims = [place for place, entry in enumerate(life) if entry.state is State.RUNNING]
    cuts = [0, *claims, len(life)]
    return [life[start:end] for start, end in pairwise(cuts)]


def _was_handed_back(one: _Round) -> bool:
    """Tells whether the worker that had claimed the job gave it back. From a lost worker somebody else takes it."""
    return len(one) > 1 and one[1].state is State.READY and one[1].actor == one[0].actor


def _lives(history: Sequence[HistoryEntry]) -> list[_Life]:
    """The history in pieces, each of which begins with a submission or a reopening."""
    starts = [place for place, entry in enumerate(history) if place == 0 or entry.state is State.PENDING]
    ends = [*starts[1:], len(history)]
    return [tuple(history[start:end]) for start, end in zip(starts, ends, strict=False)]


def _ran(life: _Life) -> bool:
    return any(not (_was_handed_back(one) and one[1].reason.startswith(UNBEGUN)) for one in _rounds(life)[1:])
