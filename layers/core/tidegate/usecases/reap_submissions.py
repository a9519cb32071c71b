"""Reap submissions that were cut off: accepted ones are finished, all others removed."""

from __future__ import annotations

from tidegate.domain.job import workflow_job_id
from tidegate.domain.submission import DONE_WITH, Phase
from tidegate.usecases.deadline import NEVER, Deadline, while_time
from tidegate.usecases.each import for_each
from tidegate.usecases.finish_submission import finish_submission
from tidegate.usecases.services import Services

GRACE_MS = 120_000  # far beyond the time that an API call can take
SUBMISSIONS_PER_RUN = 20
_LISTED = 500


def reap_submissions(services: Services, now_ms: int, *, until: Deadline = NEVER) -> tuple[int, int]:
    """Finishes or removes what is still open after the grace period, `until` then; returns how many of each.

    Raises the first error of a submission once the others have had their turn.
    """
    open_ids = services.submissions.list_open(opened_before_ms=now_ms - GRACE_MS, limit=_LISTED)
    # From anywhere among them: some that can't be closed at all must not keep the others waiting for ever.
    start = int(services.entropy.jitter() * len(open_ids))
    turn = [*open_ids[start:], *open_ids[:start]][:SUBMISSIONS_PER_RUN]
    ends = for_each(
        while_time(turn, until), lambda submission_id: _close(services, submission_id, now_ms, until)
    )
    return ends.count(Phase.COMPLETE), ends.count(Phase.REMOVED)


def _close(services: Services, submission_id: str, now_ms: int, until: Deadline) -> Phase | None:
    submission = services.submissions.get(submission_id)
    if submission is None or submission.phase in DONE_WITH:
        return None  # the index lagged behind
    if submission.phase is Phase.COMMITTED:
        plan = services.submissions.load_plan(submission_id)
        finish_submission(services, submission_id, plan, now_ms, until=until)
        return Phase.COMPLETE
    abandoned = submission.phase is Phase.ABANDONED or services.submissions.move_phase_if(
        submission_id, Phase.STAGING, Phase.ABANDONED
    )
    if not abandoned:
        return None
    services.jobs.unstage([workflow_job_id(submission_id, index) for index in range(submission.job_count)])
    # The record stays: a slower reaper may still be removing jobs under this id.
    services.submissions.move_phase_if(submission_id, Phase.ABANDONED, Phase.REMOVED)
    return Phase.REMOVED
