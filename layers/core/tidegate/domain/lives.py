"""The lives of a job, as its history tells them. A life is the time between two reopenings.

A caller may reopen a job a bounded number of times, because each life adds lines to the history, and the history is one
attribute of one item. A life in which no code ran is not counted. So a caller who cancels and retries a job that never
runs does not use up the reopenings of other callers.

A life consists of rounds. A round begins with a claim and goes on until the next claim. Failures and lost workers end a
bounded number of rounds. Interruptions are not bounded: of the rounds that a worker handed back, the history keeps the
first and the latest.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tidegate.domain import limits
from tidegate.domain.job import HistoryEntry
from tidegate.domain.states import State

UNBEGUN = "unbegun"
"""The first word of the reason of a hand-back where no code of the attempt had begun."""

_Life = tuple[HistoryEntry, ...]
_Round = tuple[HistoryEntry, ...]


def may_be_reopened(history: Sequence[HistoryEntry]) -> bool:
    """Tells whether a job that has ended may be reopened: code ran in at most `MAX_REOPENINGS` of its lives."""
    return sum(_ran(life) for life in _lives(history)) <= limits.MAX_REOPENINGS


def kept_history(history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Returns the entries of `history` that a job keeps when it is reopened.

    The job keeps every life in which code ran, and its first life. Of the other lives it keeps the latest,
    `MAX_REOPENINGS` of them.
    """
    lives = _lives(history)
    idle = [place for place, life in enumerate(lives) if place > 0 and not _ran(life)]
    dropped = set(idle[: max(0, len(idle) - limits.MAX_REOPENINGS)])
    return tuple(entry for place, life in enumerate(lives) if place not in dropped for entry in life)


def without_old_interruptions(history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Returns the entries of `history` that a job keeps when it is handed back.

    The job keeps all entries except those of interrupted rounds in its present life. Of these rounds it keeps the first
    and the latest, `MAX_INTERRUPTIONS_KEPT` in all. A round is kept or dropped whole.
    """
    *earlier, present = _lives(history)
    before, *rounds = _rounds(present)
    interrupted = [place for place, one in enumerate(rounds) if _was_handed_back(one)]
    dropped = set(interrupted[1 : max(1, len(interrupted) - limits.MAX_INTERRUPTIONS_KEPT + 1)])
    kept = [one for place, one in enumerate(rounds) if place not in dropped]
    return tuple(entry for piece in (*earlier, before, *kept) for entry in piece)


def _rounds(life: _Life) -> list[_Round]:
    """Cuts the life into pieces: the entries before its first claim, then one piece for each claim."""
    claims = [place for place, entry in enumerate(life) if entry.state is State.RUNNING]
    cuts = [0, *claims, len(life)]
    return [life[start:end] for start, end in pairwise(cuts)]


def _was_handed_back(one: _Round) -> bool:
    """Tells whether the worker that claimed the job handed it back. A lost worker's job is taken by another actor."""
    return len(one) > 1 and one[1].state is State.READY and one[1].actor == one[0].actor


def _lives(history: Sequence[HistoryEntry]) -> list[_Life]:
    """Cuts the history into lives. Each begins with the submission or with a reopening."""
    starts = [place for place, entry in enumerate(history) if place == 0 or entry.state is State.PENDING]
    ends = [*starts[1:], len(history)]
    return [tuple(history[start:end]) for start, end in zip(starts, ends, strict=False)]


def _ran(life: _Life) -> bool:
    return any(not (_was_handed_back(one) and one[1].reason.startswith(UNBEGUN)) for one in _rounds(life)[1:])
