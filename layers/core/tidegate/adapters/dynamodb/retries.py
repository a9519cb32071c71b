"""Finds out whether a write whose answer was lost has been carried out on a job.

A write that went out more than once may be refused by its own effect. Other actors may have changed the job between
that effect and the read that follows the refusal. So the search covers all lines of the history that may be the
write's own, not only the last one.
"""

from __future__ import annotations

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.statements import Update
from tidegate.adapters.dynamodb.values import Item, encode
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    AmendIfWaiting,
    ClaimAgainIfLeaseExpired,
    ClaimIfQueued,
    ClaimSecondIfOffered,
    DispatchIfReady,
    HandOverIfAttemptHolds,
    KeepIfEnded,
    NoteJudgementIfOpen,
    OfferSecondIfFirst,
    OfKnownJob,
    PassOverIfReady,
    ReopenIfEnded,
    RerunUnlessDispatched,
    ResendIfStillQueued,
    Transition,
)


def was_carried_out(transition: Transition, update: Update, item: Item, job: Job) -> bool:
    """Returns True if `item`, which holds `job`, shows this very write, and the caller may act on it.

    Some writes add no line to the history: a release, a hold, a heartbeat, a request to cancel and a note of
    dependents. They leave no trace, and need none: carrying them out twice does no harm, so only another actor's
    transition refuses them. A claim counts only while it still holds: a caller may not begin a job that was taken
    from it since.
    """
    match transition:
        case ClaimIfQueued() | ClaimAgainIfLeaseExpired():
            holds = job.state is State.RUNNING and job.attempt == transition.attempt + 1
            return holds and _is_in(update, _lines(item)[-1:])
        case OfferSecondIfFirst() | ClaimSecondIfOffered() | HandOverIfAttemptHolds():
            return _is_noted(transition, job)
        case DispatchIfReady():
            # A dispatcher uses one time for several dispatches, so only a line after the job's last READY can be its.
            as_shown = transition.ready_at_ms in (None, job.ready_at_ms)
            return as_shown and _is_in(update, _lines(item)[_last_ready(job) + 1 :])
        case ResendIfStillQueued():
            return job.state is State.QUEUED and job.sent_at_ms == transition.stamp.now_ms
        case PassOverIfReady():
            return job.state is State.READY and job.ready_at_ms == transition.ready_at_ms
        case KeepIfEnded():
            return job.is_terminal and job.expires_at_s == transition.until_s
        case NoteJudgementIfOpen():
            return not job.is_terminal and transition.judgement in job.judgements
        case AmendIfWaiting():
            return job.amended > transition.job.amended and not transition.would_change(job)
        case ReopenIfEnded() | RerunUnlessDispatched():
            # The reopening may have shortened the history, so positions in it mean nothing.
            return job.reopened > transition.job.reopened and _is_in(update, _lines(item))
        case OfKnownJob() if job.reopened != transition.job.reopened:
            return _is_in(update, _lines(item))  # the reopening may have shortened the history
        case OfKnownJob():
            read = transition.job.history
            is_whole = job.history[: len(read)] == read  # a hand-back may have shortened the history since
            return _is_in(update, _lines(item)[len(read) if is_whole else 0 :])
    return False


def _is_noted(
    transition: OfferSecondIfFirst | ClaimSecondIfOffered | HandOverIfAttemptHolds, job: Job
) -> bool:
    """Returns True if the job shows a write that stands beside its history."""
    if isinstance(transition, HandOverIfAttemptHolds):
        return job.is_outside and job.outside is not None and job.outside.digest == transition.outside.digest
    second = job.live_second
    if second is None:
        return False
    if isinstance(transition, OfferSecondIfFirst):
        return second.offered_at_ms == transition.stamp.now_ms
    claimed = (transition.worker_id, transition.stamp.now_ms)
    return (second.worker_id, second.claimed_at_ms) == claimed


def _lines(item: Item) -> list[Item]:
    lines: list[Item] = item[schema.HISTORY]["L"]
    return lines


def _is_in(update: Update, lines: list[Item]) -> bool:
    written = update.values.get(schema.HISTORY)  # set where the whole history was written
    last = written[-1] if isinstance(written, list) else update.append
    return last is not None and encode(last) in lines


def _last_ready(job: Job) -> int:
    """Returns the position of the last READY line in the history, or -1 without one."""
    return max((place for place, entry in enumerate(job.history) if entry.state is State.READY), default=-1)
