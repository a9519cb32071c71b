"""Says what a submission would create, after all of its checks, and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tidegate.domain.callers import Caller
from tidegate.domain.dependency import Dependency
from tidegate.domain.job import Job
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.workflow_graph import graph_of
from tidegate.usecases.callers.ownership import refuse_namespace
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.usual_runs import usual_estimates, with_estimates
from tidegate.usecases.submit.checked import CheckedSubmission
from tidegate.usecases.submit.new_job import new_job
from tidegate.usecases.submit.order import orders_of
from tidegate.usecases.submit.shares import weights_if_noted
from tidegate.usecases.submit.submit import build_jobs, dependencies_of, new_submission
from tidegate.usecases.submit.validate import check_job, check_workflow


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The number of jobs that a submission would create, by their first state and by pool.

    A job that several pools fit counts for the first of them: its pool is chosen when it becomes READY.
    """

    states: Mapping[State, int]
    pools: Mapping[str, int]


def would_submit_job(services: Services, request: JobRequest, caller: Caller, now_ms: int) -> Foreseen:
    """Checks a job that is submitted alone.

    Raises InvalidRequest, ShareFull, ServiceUnavailable or ServiceRefused.
    """
    if request.namespace is not None:
        refuse_namespace(services, caller, request.namespace)
    return _foreseen(check_job(services, request, now_ms, caller), None, caller, now_ms)


def would_submit_workflow(
    services: Services, request: WorkflowRequest, caller: Caller, now_ms: int
) -> Foreseen:
    """Checks a workflow as a whole. Raises InvalidRequest, ShareFull, ServiceUnavailable or ServiceRefused."""
    if request.namespace is not None:
        refuse_namespace(services, caller, request.namespace)
    return _foreseen(check_workflow(services, request, now_ms, caller), request, caller, now_ms)


@dataclass(frozen=True, slots=True)
class IfSubmitted:
    """The jobs that a submission would create, in their order.

    `weights` are those that its new and resting shares would get, by pool and by the share's name.
    """

    jobs: tuple[Job, ...]
    weights: Mapping[str, Mapping[str, int]]


def jobs_if_submitted(
    services: Services, request: JobRequest | WorkflowRequest, caller: Caller, now_ms: int, submission_id: str
) -> IfSubmitted:
    """Checks a submission, and returns what it would create under this id.

    A job that several pools fit is in the first of them. Raises what `would_submit_job` raises.
    """
    if request.namespace is not None:
        refuse_namespace(services, caller, request.namespace)
    if isinstance(request, WorkflowRequest):
        checked = check_workflow(services, request, now_ms, caller)
        estimates = usual_estimates(services, request.jobs, now_ms)
        request = replace(request, jobs=with_estimates(request.jobs, estimates))
        record = new_submission(services, request, graph_of(request), "", caller, now_ms, estimates)
        staged, plan = build_jobs(services, request, checked, replace(record, submission_id=submission_id))
        jobs = sorted([*staged, *plan.roots], key=lambda job: int(job.job_id.rpartition(".")[2]))
        return IfSubmitted(tuple(jobs), weights_if_noted(checked, now_ms))
    (request,) = with_estimates([request], usual_estimates(services, [request], now_ms))
    checked = check_job(services, request, now_ms, caller)
    (order,) = orders_of(services.settings, [request])
    job = new_job(
        checked.jobs[0],
        submission_id,
        dependencies_of(request),
        now_ms,
        caller=caller,
        namespace=request.namespace,
        order=order,
    )
    return IfSubmitted((job,), weights_if_noted(checked, now_ms))


def _foreseen(
    checked: CheckedSubmission, workflow: WorkflowRequest | None, caller: Caller, now_ms: int
) -> Foreseen:
    states: Counter[State] = Counter()
    pools: Counter[str] = Counter()
    for asked in checked.jobs:
        depends_on = tuple(Dependency("", each.type, each.condition) for each in asked.request.depends_on)
        job = new_job(asked, "", depends_on, now_ms, caller=caller, workflow=workflow)
        states[job.state] += 1
        pools[job.pool] += 1
    return Foreseen(states, pools)
