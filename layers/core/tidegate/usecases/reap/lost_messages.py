"""Lost messages: a QUEUED job whose message may be lost gets another one; a job that merely waits gets none.

Not taken is not lost. A queue that holds at least as many messages as its pool has dispatched jobs has lost none of
them, as far as one can see. Where it holds fewer, a job's message is sent again, each time after twice as long, at most
`MAX_MESSAGES_PER_DISPATCH` times in all. After that, or where the queue seems to be whole for very long, the job is
taken back to be dispatched anew, for what the queue holds may be another's. That interval doubles as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tidegate.domain import limits
from tidegate.domain.dispatches import dispatches_on_end, doubled
from tidegate.domain.job import Job
from tidegate.domain.states import Group
from tidegate.domain.transitions import ResendIfStillQueued, Stamp, TakeBackIfStillQueued
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.services import Services

TAKE_BACK_AFTER = 12  # times the patience, where no message seems to be lost
LONGEST_WAIT_MS = 48 * 3_600_000
# The wait doubles from one patience on, so the last message goes out when as many patiences are over.
_LAST_AFTER = 2 ** (limits.MAX_MESSAGES_PER_DISPATCH - 2)


@dataclass
class QueueEvidence:
    """Evidence that messages of a pool are missing. Asks the queue and the index once, and only when it is asked."""

    services: Services
    pool: str

    @cached_property
    def is_missing_some(self) -> bool:
        """Whether the queue holds fewer messages than the pool has dispatched jobs."""
        held = self.services.queue.depth(self.pool)
        return self.services.index.count(self.pool, Group.ACTIVE, at_most=held + 1) > held


def repair_of_queued(
    services: Services, job: Job, evidence: QueueEvidence, actor: str, now_ms: int
) -> ResendIfStillQueued | TakeBackIfStillQueued | None:
    """Chooses what keeps a QUEUED job from waiting for ever; None where the time for it has not come."""
    base_ms = services.settings.resend_after_seconds * 1_000
    sent_at_ms, queued_at_ms = job.sent_at_ms or 0, job.queued_at_ms or 0
    tried_for_ms = max(0, sent_at_ms - queued_at_ms)
    # With jitter, so that messages which were lost together do not come again together.
    patience_ms = int(base_ms * (1 + services.entropy.jitter() / 2))
    if now_ms - sent_at_ms < max(patience_ms, tried_for_ms):
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
    """Takes a QUEUED job back whose queue is gone with its pool; None while its workers may still be there.

    `chooser` chooses another pool for a job that named none.
    """
    if now_ms - (job.sent_at_ms or 0) < services.settings.resend_after_seconds * 1_000:
        return None
    stamp = Stamp(now_ms, actor, "its queue is gone with its pool")
    return TakeBackIfStillQueued(job, job.attempt, job.reopened, stamp, chooser.for_job(job))


def _taken_back(job: Job, actor: str, now_ms: int) -> TakeBackIfStillQueued:
    return TakeBackIfStillQueued(
        job, job.attempt, job.reopened, Stamp(now_ms, actor, "no worker took it for very long")
    )
