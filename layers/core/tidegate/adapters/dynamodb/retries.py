"""Tells from a job as it stands whether a change was carried out on it although the answer was lost.

A write that went out more than once may be refused by its own effect. Other actors may have moved the job on between
that effect and the look at it, so the whole of the history that the write may have added to is searched, not its last
line alone.
"""

from __future__ import annotations

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.statements import Change
from tidegate.adapters.dynamodb.values import (
    Item,
    encode,
)
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    ClaimAgainIfLeaseExpired,
    ClaimIfQueued,
    DispatchIfReady,
    KeepIfEnded,
    OfKnownJob,
    PassOverIfReady,
    ReopenIfEnded,
    ResendIfStillQueued,
    Transition,
)


def was_carried_out(transition: Transition, change: Change, item: Item, job: Job) -> bool:
    """Says whether `item`, which holds `job`, shows this very change, and the caller may act on it.

    Changes without a line in the history leave no trace, and need none: a release, a hold, a heartbeat, a request to
    cancel and a note of dependents may be carried out twice, so only another actor's move refuses them. A claim counts
    only while it holds: nobody may begin a job that was taken from him since.
    """
    match transition:
        case ClaimIfQueued() | ClaimAgainIfLeaseExpired():
            holds = job.state is State.RUNNING and job.attempt == transition.attempt + 1
            return holds and _is_in(change, _lines(item)[-1:])
        case DispatchIfReady():
            # A dispatcher uses one time for several turns: only a line after the job last became READY can be meant.
            as_shown = transition.ready_at_ms in (None, job.ready_at_ms)
            return as_shown and _is_in(change, _lines(item)[_last_ready(job) + 1 :])
        case ResendIfStillQueued():
            return job.state is State.QUEUED and job.sent_at_ms == transition.stamp.now_ms
        case PassOverIfReady():
            return job.state is State.READY and job.ready_at_ms == transition.ready_at_ms
        case KeepIfEnded():
            return job.is_terminal and job.expires_at_s == transition.until_s
        case ReopenIfEnded():
            # It may have shortened the history, so that places in it say nothing.
            return job.reopened > transition.job.reopened and _is_in(change, _lines(item))
        case OfKnownJob() if job.reopened != transition.job.reopened:
            return _is_in(change, _lines(item))  # whoever reopened it may have shortened the history
        case OfKnownJob():
            read = transition.job.history
            is_whole = job.history[: len(read)] == read  # a hand-back may have shortened it since
            return _is_in(change, _lines(item)[len(read) if is_whole else 0 :])
    return False


def _lines(item: Item) -> list[Item]:
    lines: list[Item] = item[schema.HISTORY]["L"]
    return lines


def _is_in(change: Change, lines: list[Item]) -> bool:
    written = change.values.get(schema.HISTORY)  # where the history was written whole
    last = written[-1] if isinstance(written, list) else change.append
    return last is not None and encode(last) in lines


def _last_ready(job: Job) -> int:
    """The place of the last line of the history that says READY, -1 where there is none."""
    return max((place for place, entry in enumerate(job.history) if entry.state is State.READY), default=-1)
