"""Frees skipped jobs: reopens a SKIPPED job once the upstream it was skipped for has been retried and satisfies it.

The call that reopens a job also reopens the jobs that were skipped because of it. It may be interrupted, or miss a job
that is being skipped at that moment. This module finds those jobs later, when the reopened upstream begins or ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidegate.domain.dependency import Dependent, Verdict, judge
from tidegate.domain.errors import ConditionTooDear
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions import ReopenIfEnded, Stamp
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.bounds.portions import apply_lean, portions, read_lean
from tidegate.usecases.isolation import FirstError, raise_first_failure
from tidegate.usecases.release.conditions import CHEAP_STEPS, ConditionAnswers
from tidegate.usecases.release.decisions import ACTOR
from tidegate.usecases.release.judge_waiting import judge_by_known
from tidegate.usecases.services import Services

REASON = "its upstream was retried"


def free_skipped(services: Services, changed: Iterable[Job], now_ms: int, *, until: Deadline = NEVER) -> int:
    """Reopens jobs that were SKIPPED because of an upstream that was reopened and satisfies them now.

    `changed` are jobs whose code began, or that ended. Jobs that were never reopened cost nothing. If a condition can't
    be evaluated before the deadline `until`, its job is reopened to wait, and the reaper evaluates the condition.
    Returns how many jobs were reopened. Safe to repeat and to run twice at once.
    Raises ServiceUnavailable or ServiceRefused for a job that could not be written, after the others have been.
    """
    reopened_ids = list(dict.fromkeys(job.job_id for job in changed if job.reopened))
    if not reopened_ids:
        return 0
    # Read again, because an event may come late and the job may have been reopened once more since.
    found = services.jobs.get_many(reopened_ids, consistent=True).values()
    upstreams = [upstream for upstream in found if not upstream.leaves_skipped]
    leaving = zip(upstreams, services.jobs.list_dependents_of(upstreams), strict=True)
    by_downstream: dict[str, list[tuple[Job, Dependent]]] = {}
    for upstream, leave in leaving:
        for edge in leave:
            by_downstream.setdefault(edge.job_id, []).append((upstream, edge))
    # Portions of whole downstream jobs, because all edges to one job decide together.
    freed = 0
    errors = FirstError()
    for groups in portions(list(by_downstream.values())):
        with errors.isolated():
            freed += _free(services, [pair for group in groups for pair in group], now_ms, until)
    errors.raise_first()
    return freed


def is_just_freed(job: Job) -> bool:
    """Says whether `free_skipped` made the latest transition of a job."""
    last = job.history[-1] if job.history else None
    return last is not None and (last.state, last.actor, last.reason) == (State.PENDING, ACTOR, REASON)


def _free(services: Services, edges: Sequence[tuple[Job, Dependent]], now_ms: int, until: Deadline) -> int:
    downstreams = read_lean(services, list(dict.fromkeys(edge.job_id for _, edge in edges)))
    conditions = ConditionAnswers(services)
    satisfied: dict[str, bool] = {}  # by job id: True while every edge from its upstream is satisfied
    for upstream, edge in edges:
        job = downstreams.get(edge.job_id)
        if job is not None and _was_skipped_for(job, upstream) and satisfied.get(job.job_id, True):
            satisfied[job.job_id] = _satisfies(services, conditions, upstream, edge, job, until)
    freed = [downstreams[job_id] for job_id, follows in satisfied.items() if follows]
    stamp = Stamp(now_ms, ACTOR, REASON)
    outcomes = apply_lean(services, [ReopenIfEnded(job, stamp) for job in freed])
    moved = [outcome for outcome in outcomes if isinstance(outcome, Job)]
    # Jobs that wait on an upstream that no longer exists are left to the reaper.
    judge_by_known(services, moved, now_ms, until=until, costly=0)
    raise_first_failure(outcomes)
    return len(moved)


def _was_skipped_for(job: Job, upstream: Job) -> bool:
    return (
        job.state is State.SKIPPED and job.failure is not None and job.failure.upstream_id == upstream.job_id
    )


def _satisfies(
    services: Services,
    conditions: ConditionAnswers,
    upstream: Job,
    edge: Dependent,
    downstream: Job,
    until: Deadline,
) -> bool:
    verdict = judge(edge.type, upstream.state, upstream.was_started)
    if verdict is Verdict.EVALUATE:
        if until.is_over():
            return True  # unknown; the reopened job waits until there is time for its condition
        place = (downstream.job_id, edge.ordinal)
        given = services.jobs.load_dependencies([(downstream, edge.ordinal)])[place]
        try:
            return conditions.failure(upstream, edge, given, max_steps=CHEAP_STEPS) is None
        except ConditionTooDear:
            return True  # unknown, as above
    return verdict is Verdict.SATISFIED
