"""Reap submissions that were cut off: accepted ones are finished, all others removed."""

from __future__ import annotations

from tidegate.domain.job import workflow_job_id
from tidegate.domain.submission import DONE_WITH, Phase
from tidegate.usecases.finish_submission import finish_submission
from tidegate.usecases.services import Services

GRACE_MS = 120_000  # far beyond the time that an API call can take
SUBMISSIONS_PER_RUN = 20


def reap_submissions(services: Services, now_ms: int) -> tuple[int, int]:
    """Finishes or removes what is still open after the grace period; returns how many of each."""
    finished = removed = 0
    for submission_id in services.submissions.list_open(
        opened_before_ms=now_ms - GRACE_MS, limit=SUBMISSIONS_PER_RUN
    ):
        submission = services.submissions.get(submission_id)
        if submission is None or submission.phase in DONE_WITH:
            continue  # the index lagged behind
        if submission.phase is Phase.COMMITTED:
            finish_submission(services, submission_id, services.submissions.load_plan(submission_id), now_ms)
            finished += 1
            continue
        abandoned = submission.phase is Phase.ABANDONED or services.submissions.move_phase_if(
            submission_id, Phase.STAGING, Phase.ABANDONED
        )
        if abandoned:
            services.jobs.unstage(
                [workflow_job_id(submission_id, index) for index in range(submission.job_count)]
            )
            # The record stays: a slower reaper may still be removing jobs under this id.
            services.submissions.move_phase_if(submission_id, Phase.ABANDONED, Phase.REMOVED)
            removed += 1
    return finished, removed
