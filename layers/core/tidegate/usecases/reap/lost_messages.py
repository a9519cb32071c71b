"""Repairs QUEUED jobs whose message may be lost, and leaves alone those that merely wait for a worker.

A message that no worker has received yet is not lost. While the queue shows messages, and holds at least as many as its
pool has dispatched jobs, none seems to be missing. If it shows none, the job's message was lost, or was received by a
worker that was ended before its claim: no worker in order keeps a message for so long without one. Either way the
message is sent again, and so it is if the queue holds too few: each time after twice the wait, at most
`MAX_MESSAGES_PER_DISPATCH` messages for one dispatch. After the last one the job is taken back: it is READY and
dispatched again. A job is also taken back after a very long wait with no message missing, because the messages in the
queue may belong to other jobs. That wait doubles with each dispatch in a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tidegate.domain import limits
from tidegate.domain.backoff import doubled
from tidegate.domain.dispatches import dispatches_on_end
from tidegate.domain.job import Job
from tidegate.domain.states import Group
from tidegate.domain.transitions import ResendIfStillQueued, Stamp, TakeBackIfStillQueued
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.services import Services

TAKE_BACK_AFTER = 12  # times the patience, while no message seems to be lost
LONGEST_WAIT_MS = 48 * 3_600_000
# The first wait is one patience, and each further wait doubles the time since the dispatch. So the last message of a
# dispatch is sent after this many patiences.
_LAST_AFTER = 2 ** (limits.MAX_MESSAGES_PER_DISPATCH - 2)


@dataclass
class QueueEvidence:
    """Tells whether messages of a pool are missing. Asks the queue and the index once, when it is first needed."""

    services: Services
    pool: str

    @cached_property
    def is_missing_some(self) -> bool:
        """True if the queue shows no message, or holds fewer than the pool has dispatched jobs.

        Received messages hide the loss of others: those of ended jobs whose workers were lost stay on the queue until
        their visibility ends. Raises ServiceUnavailable.
        """
        depth = self.services.queue.depth(self.pool)
        if depth.visible == 0:
            return True
        return self.services.index.count(self.pool, Group.ACTIVE, at_most=depth.held + 1) > depth.held


def repair_of_queued(
    services: Services, job: Job, evidence: QueueEvidence, actor: str, now_ms: int
) -> ResendIfStillQueued | TakeBackIfStillQueued | None:
    """Chooses the repair that keeps a QUEUED job from waiting for ever; None while it is too early for one.

    `actor` is named in the job's history. Raises ServiceUnavailable if the queue or the index can't be asked.
    """
    base_ms = services.settings.resend_after_seconds * 1_000
    sent_at_ms, queued_at_ms = job.sent_at_ms or 0, job.queued_at_ms or 0
    tried_for_ms = max(0, sent_at_ms - queued_at_ms)
    # Jitter spreads the repairs of messages that were lost at the same moment.
    patience_ms = int(base_ms * (1 + services.entropy.jitter() / 2))
    # Where the reaper itself came late, the job has waited long for its message, and need not wait as long again.
    if now_ms - sent_at_ms < max(patience_ms, min(tried_for_ms, base_ms * _LAST_AFTER)):
        return None
    if evidence.is_missing_some:
        if tried_for_ms < base_ms * _LAST_AFTER:
            return ResendIfStillQueued(job, sent_at_ms, Stamp(now_ms, actor, "message may be lost"))
        return _taken_back(job, actor, now_ms)
    patient_ms = doubled(
        patience_ms * TAKE_BACK_AFTER, dispatches_on_end(job.history), max(LONGEST_WAIT_MS, patience_ms)
    )
    return _taken_back(job, actor, now_ms) if now_ms - queued_at_ms >= patient_ms else None


def repair_without_queue(
    services: Services, job: Job, chooser: PoolChooser, actor: str, now_ms: int
) -> TakeBackIfStillQueued | None:
    """Takes back a QUEUED job whose pool and queue were removed; None while its workers may still receive the message.

    `chooser` chooses another pool for a job that named none.
    """
    if now_ms - (job.sent_at_ms or 0) < services.settings.resend_after_seconds * 1_000:
        return None
    stamp = Stamp(now_ms, actor, "its pool and its queue no longer exist")
    return TakeBackIfStillQueued(job, job.attempt, job.reopened, stamp, chooser.for_job(job))


def _taken_back(job: Job, actor: str, now_ms: int) -> TakeBackIfStillQueued:
    return TakeBackIfStillQueued(
        job, job.attempt, job.reopened, Stamp(now_ms, actor, "no worker claimed it for a very long time")
    )
