"""Finish an accepted submission: write what its plan still holds back."""

from __future__ import annotations

from tidegate.domain.submission import Phase, SubmissionPlan
from tidegate.usecases.bounds.deadline import (
    NEVER,
    Deadline,
)
from tidegate.usecases.bounds.portions import not_written
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.services import Services
from tidegate.usecases.submit.connect import connect_edges


def finish_submission(
    services: Services,
    submission_id: str,
    plan: SubmissionPlan,
    now_ms: int,
    *,
    is_first: bool = False,
    until: Deadline = NEVER,
) -> None:
    """Inserts the roots that do not stand yet, connects the edges, and marks the submission COMPLETE.

    The submission must be COMMITTED. Safe to repeat and to run twice at once: roots that stand, and may have moved
    on, are left alone. `is_first` says that nothing of the plan can be written yet, so that none of it is looked for.
    Conditions for which there is no time `until` then are the reaper's.
    """
    chooser = PoolChooser(services, now_ms)
    roots = plan.roots if is_first else not_written(services, plan.roots)
    services.jobs.insert_if_absent([chooser.placed(root) for root in roots])
    connect_edges(services, plan.edges, now_ms, until=until)
    services.submissions.move_phase_if(submission_id, Phase.COMMITTED, Phase.COMPLETE)
