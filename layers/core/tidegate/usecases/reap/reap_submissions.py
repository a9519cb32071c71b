"""Repairs submissions that were interrupted: finishes the accepted ones and removes the others."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.domain.job import workflow_job_id
from tidegate.domain.submission import DONE_WITH, Phase
from tidegate.ports import OpenSubmission
from tidegate.usecases.bounds.deadline import NEVER, Deadline, while_time
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.services import Services
from tidegate.usecases.submit.finish_submission import finish_submission

GRACE_MS = 120_000  # far beyond the time that an API call can take
SUBMISSIONS_PER_RUN = 20
_CURSOR = "sweep#submissions"


def reap_submissions(services: Services, now_ms: int, *, until: Deadline = NEVER) -> tuple[int, int]:
    """Finishes or removes submissions that are still open after `GRACE_MS`, at most `SUBMISSIONS_PER_RUN`.

    Stops at the deadline `until`. Returns how many were finished and how many were removed. Raises the first error
    after the other submissions have been handled.
    """
    ends: list[Phase | None] = []
    errors = FirstError()
    for submission_id in while_time(_turn(services, now_ms - GRACE_MS), until):
        with errors.isolated():
            ends.append(_close(services, submission_id, now_ms, until))
    errors.raise_first()
    return ends.count(Phase.COMPLETE), ends.count(Phase.REMOVED)


def _turn(services: Services, opened_before_ms: int) -> Iterator[str]:
    """Yields the ids of the submissions that this run looks at.

    If there are more than one run looks at, the next run continues behind them, and starts again after the last. So
    submissions that can't be closed never keep the others from being handled.
    """
    list_open = services.submissions.list_open
    oldest = list_open(opened_before_ms=opened_before_ms, limit=SUBMISSIONS_PER_RUN + 1)
    if len(oldest) <= SUBMISSIONS_PER_RUN:
        # Starts at a random one, so that slow first submissions do not keep the others waiting in every run.
        start = int(services.entropy.jitter() * len(oldest))
        yield from (each.submission_id for each in [*oldest[start:], *oldest[:start]])
        return
    after = _read(services.cursors.load(_CURSOR))
    behind = (
        list_open(opened_before_ms=opened_before_ms, limit=SUBMISSIONS_PER_RUN, after=after) if after else ()
    )
    for each in [*behind, *oldest][:SUBMISSIONS_PER_RUN]:
        # Stored before the submission is handled, so that one that fails or takes too long is not first in every run.
        services.cursors.save(_CURSOR, f"{each.opened_at_ms} {each.submission_id}")
        yield each.submission_id


def _read(stored: str | None) -> OpenSubmission | None:
    if stored is None:
        return None
    opened_at_ms, _, submission_id = stored.partition(" ")
    return OpenSubmission(int(opened_at_ms), submission_id)


def _close(services: Services, submission_id: str, now_ms: int, until: Deadline) -> Phase | None:
    submission = services.submissions.get(submission_id)
    if submission is None or submission.phase in DONE_WITH:
        return None  # the index lagged behind
    if submission.phase is Phase.COMMITTED:
        plan = services.submissions.load_plan(submission_id)
        finish_submission(services, submission_id, plan, now_ms, until=until)
        return Phase.COMPLETE
    abandoned = submission.phase is Phase.ABANDONED or services.submissions.set_phase_if(
        submission_id, Phase.STAGING, Phase.ABANDONED
    )
    if not abandoned:
        return None
    services.jobs.unstage([workflow_job_id(submission_id, index) for index in range(submission.job_count)])
    # The record stays, so that the id is never used again: a slower reaper may still be removing jobs under it.
    services.submissions.set_phase_if(submission_id, Phase.ABANDONED, Phase.REMOVED)
    return Phase.REMOVED
