"""Finishes an accepted workflow: writes the roots and edges of its stored plan.

A root is a job that waits on no other job of the workflow. Roots are written last, so that no job runs before the
workflow is accepted as a whole.
"""

from __future__ import annotations

from tidegate.domain.submission import Phase, SubmissionPlan
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.bounds.portions import not_written
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.pools.lanes import LanesByPool
from tidegate.usecases.services import Services
from tidegate.usecases.submit.connect import connect_edges


def finish_submission(
    services: Services,
    submission_id: str,
    plan: SubmissionPlan,
    now_ms: int,
    *,
    lanes: LanesByPool | None = None,
    is_first: bool = False,
    until: Deadline = NEVER,
) -> None:
    """Inserts the roots that are missing, connects the edges, and marks the submission COMPLETE.

    The submission must be COMMITTED. Safe to repeat and to run twice at once: roots that exist already are left alone,
    whatever state they are in. `lanes` are the lanes of pools as the caller knows them; those of other
    pools are read. `is_first` says that nothing of the plan has been written yet, which saves the reads that look for
    it. Conditions that are not evaluated before the deadline `until` are left to the reaper.
    Raises ServiceUnavailable or ServiceRefused.
    """
    chooser = PoolChooser(services, now_ms, lanes or {})
    roots = plan.roots if is_first else not_written(services, plan.roots)
    services.jobs.insert_if_absent([chooser.placed(root) for root in roots])
    connect_edges(services, plan.edges, now_ms, until=until)
    services.submissions.set_phase_if(submission_id, Phase.COMMITTED, Phase.COMPLETE)
