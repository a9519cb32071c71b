"""Submits a job, or a workflow as a whole or not at all.

A job is one conditional write. A workflow takes several. First the jobs that wait on others of the workflow are staged.
Then the plan of the rest is stored, and one write commits the submission. Only then are the roots written, the jobs
that wait on no other job of the workflow. Until the commit none of the jobs is visible or can run. Any process that
finds a submission committed can finish it. The reaper does so, and removes submissions that were never committed.

With an idempotency key a request may be repeated: the ids follow from the key and its namespace, so the same request
writes the same jobs and gives the same answer.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from tidegate.domain.callers import NOBODY, Caller, caller_under
from tidegate.domain.dependency import Dependency, Dependent
from tidegate.domain.errors import IdempotencyConflict, InvalidRequest, ServiceUnavailable, ShareFull
from tidegate.domain.job import Job, workflow_job_id
from tidegate.domain.keys import IdempotencyKey
from tidegate.domain.requests import JobAccepted, JobRequest, WorkflowAccepted, WorkflowRequest
from tidegate.domain.submission import GIVEN_UP, ExternalEdge, Phase, Submission, SubmissionPlan
from tidegate.domain.workflow_graph import WorkflowGraph, graph_of
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.bounds.portions import not_written
from tidegate.usecases.bounds.reminders import remind
from tidegate.usecases.callers.ownership import refuse_namespace
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.usual_runs import usual_estimates, with_estimates
from tidegate.usecases.submit.checked import CheckedSubmission
from tidegate.usecases.submit.connect import connect_edges
from tidegate.usecases.submit.finish_submission import finish_submission
from tidegate.usecases.submit.new_job import new_job
from tidegate.usecases.submit.order import BY_PRIORITY, orders_of
from tidegate.usecases.submit.shares import note_shares
from tidegate.usecases.submit.validate import check_job, check_workflow

OnAccepted = Callable[[Mapping[str, int]], None]
"""Is told how many jobs of each pool a submission brought, once, right after the write that accepted it.

An error of it is logged and ends nothing, because the submission is accepted.
"""
_LOGGER = logging.getLogger(__name__)
_GENERATIONS = 20
_USED_FOR = "Idempotency-Key was used before for {} ({}); use a new key for a new submission"
# A submission is kept longer than its jobs: without it the reaper would take them for the jobs of an abandoned one. A
# job may wait 366 days for its `not_before`, and then for its dispatch.
_OPEN_SECONDS = 800 * 86_400


def _tell(on_accepted: OnAccepted | None, jobs_by_pool: Mapping[str, int]) -> None:
    try:
        if on_accepted:
            on_accepted(jobs_by_pool)
    except Exception:
        _LOGGER.exception("accepted jobs could not be counted")


def submit_job(
    services: Services,
    request: JobRequest,
    *,
    idempotency_key: str | None,
    fingerprint: str,
    caller: Caller = NOBODY,
    now_ms: int,
    until: Deadline = NEVER,
    on_accepted: OnAccepted | None = None,
) -> JobAccepted:
    """Accepts one job. With an idempotency key, the same request again gives the same answer.

    `fingerprint` identifies the request's body. The job records the caller. Upstreams that have ended are judged at
    once; those not judged before the deadline `until` are left to the reaper. `on_accepted` is told of a new job.
    Returns the job's id, and whether this call created it. Raises InvalidRequest, with nothing written, also for a
    shared namespace that the caller was not granted; ShareFull; IdempotencyConflict if the key was used before with
    another body or for a workflow; ServiceUnavailable or ServiceRefused: the same request may be sent again.
    """
    if request.namespace is not None:
        refuse_namespace(services, caller, request.namespace)
    key = None if idempotency_key is None else _scoped(caller, request.namespace, idempotency_key)
    job_id = key.submission_id("job") if key else services.entropy.new_ulid(now_ms)
    if key is not None:
        _refuse_key_of_workflow(services, key)
    if estimates := usual_estimates(services, [request], now_ms, until):
        (request,) = with_estimates([request], estimates)
    try:
        checked = check_job(services, request, now_ms, caller)
    except (InvalidRequest, ShareFull):
        # A job that the body names may have expired since the first request, whose answer still holds.
        if key is None or not _is_accepted_job(services, job_id, fingerprint):
            raise
        return JobAccepted(job_id=job_id, created=False)
    depends_on = dependencies_of(request)
    lanes = note_shares(services, checked, now_ms) if checked.lanes else {}
    has_order = services.settings.critical_path_weight or request.finish_by_ms is not None
    job = new_job(
        checked.jobs[0],
        job_id,
        depends_on,
        now_ms,
        caller=caller,
        namespace=request.namespace,
        order=orders_of(services.settings, [request])[0] if has_order else BY_PRIORITY,
        fingerprint=fingerprint if key else None,
    )
    if job.pool_open or job.share:  # otherwise the chooser leaves the job as it is
        job = PoolChooser(services, now_ms, lanes).placed(job)
    if job.finish_by_ms is not None:
        remind(services, job_id, [job.finish_by_ms], now_ms)
    created = not services.jobs.insert_if_absent([job])
    if created and on_accepted:
        _tell(on_accepted, {job.pool: 1})
    if not created and not _is_accepted_job(services, job_id, fingerprint):
        raise IdempotencyConflict
    # Also for a repeated request, because the first one may have been interrupted before its edges were written.
    connect_edges(services, list(_external_edges(job, depends_on)), now_ms, until=until)
    return JobAccepted(job_id=job_id, created=created)


def dependencies_of(request: JobRequest) -> tuple[Dependency, ...]:
    """Returns the dependencies of a job that is submitted alone, and so depends on earlier jobs only."""
    return tuple(Dependency(each.job_id or "", each.type, each.condition) for each in request.depends_on)


def _scoped(caller: Caller, namespace: str | None, text: str) -> IdempotencyKey:
    return IdempotencyKey(namespace or caller.namespace, text)


def _refuse_key_of_workflow(services: Services, key: IdempotencyKey) -> None:
    """Raises IdempotencyConflict if a workflow used the key. Jobs and workflows share one space of keys."""
    for submission_id in _ids_under(key):
        earlier = services.submissions.get(submission_id)
        if earlier is None:
            return
        if earlier.phase not in GIVEN_UP:
            raise IdempotencyConflict(_USED_FOR.format("a workflow", submission_id))


def _refuse_key_of_job(services: Services, key: IdempotencyKey) -> None:
    """Raises IdempotencyConflict if a job used the key."""
    job_id = key.submission_id("job")
    if services.jobs.get(job_id, consistent=True) is not None:
        raise IdempotencyConflict(_USED_FOR.format("a job", job_id))


def find_under(services: Services, key: IdempotencyKey) -> JobAccepted | WorkflowAccepted | None:
    """Returns the job or the workflow that was accepted under an idempotency key, None without one.

    A workflow comes without the ids of its jobs. Costs at least two reads.
    """
    job_id = key.submission_id("job")
    if services.jobs.get(job_id, consistent=True) is not None:
        return JobAccepted(job_id=job_id, created=False)
    for submission_id in _ids_under(key):
        earlier = services.submissions.get(submission_id)
        if earlier is None:
            return None
        if earlier.phase not in GIVEN_UP:
            is_accepted = earlier.phase is not Phase.STAGING
            return (
                WorkflowAccepted(workflow_id=submission_id, job_ids={}, created=False)
                if is_accepted
                else None
            )
    return None


def _is_accepted_job(services: Services, job_id: str, fingerprint: str) -> bool:
    earlier = services.jobs.get(job_id, consistent=True)
    return earlier is not None and earlier.fingerprint == fingerprint


def submit_workflow(
    services: Services,
    request: WorkflowRequest,
    *,
    idempotency_key: str | None,
    fingerprint: str,
    caller: Caller = NOBODY,
    now_ms: int,
    until: Deadline = NEVER,
    on_accepted: OnAccepted | None = None,
) -> WorkflowAccepted:
    """Accepts a workflow: all of its jobs become visible at once, or none ever does.

    `fingerprint`, `caller` and `until` are as in `submit_job`; the call that commits tells `on_accepted`. Returns the
    workflow's id, its jobs' ids by key, and whether this call created it. Raises InvalidRequest or ShareFull, with
    nothing written; IdempotencyConflict if the key was used before with another body or for a job; ServiceUnavailable
    if the submission under this key is being removed, or, as ServiceRefused, from a service: send it again then.
    """
    if request.namespace is not None:
        refuse_namespace(services, caller, request.namespace)
    key = None if idempotency_key is None else _scoped(caller, request.namespace, idempotency_key)
    if key is not None:
        _refuse_key_of_job(services, key)
    try:
        checked = check_workflow(services, request, now_ms, caller)
    except (InvalidRequest, ShareFull):
        # As for a job: the answer of the first request still holds.
        earlier = _accepted_workflow(services, key, fingerprint)
        if earlier is None:
            raise
        return _accepted(request, earlier.submission_id, created=False)
    estimates = usual_estimates(services, request.jobs, now_ms, until)
    estimated = _estimated(request, estimates)
    graph = graph_of(estimated)
    new = new_submission(services, request, graph, fingerprint, caller, now_ms, estimates)
    submission, created = _begin(services, new, key)
    workflow_id, phase = submission.submission_id, submission.phase
    if phase is Phase.STAGING:
        # By the stored record: repeated requests in parallel then write equal jobs and an equal plan.
        if submission.usual_estimates != estimates:
            estimated = _estimated(request, submission.usual_estimates)
            graph = graph_of(estimated)
        staged, plan = build_jobs(services, estimated, checked, submission)
        lanes = note_shares(services, checked, now_ms)
        remind(services, workflow_id, _times_to_finish_by(request), now_ms)
        services.jobs.stage(staged if created else not_written(services, staged))
        services.submissions.save_plan(workflow_id, plan)
        services.progress.save_graph(workflow_id, graph, submission.expires_at_s)
        if services.submissions.set_phase_if(workflow_id, Phase.STAGING, Phase.COMMITTED):
            _tell(on_accepted, Counter(job.pool for job in (*staged, *plan.roots)))
            finish_submission(services, workflow_id, plan, now_ms, lanes=lanes, is_first=True, until=until)
            phase = Phase.COMPLETE
        else:
            phase = _phase_of(services, workflow_id)
    if phase in GIVEN_UP:
        raise ServiceUnavailable("the workflow took too long to write and was given up; send it again")
    if phase is Phase.COMMITTED:
        plan = services.submissions.load_plan(workflow_id)
        finish_submission(services, workflow_id, plan, now_ms, until=until)
    return _accepted(request, workflow_id, created)


def _times_to_finish_by(request: WorkflowRequest) -> list[int | None]:
    return [request.finish_by_ms, *(job.finish_by_ms for job in request.jobs)]


def new_submission(
    services: Services,
    request: WorkflowRequest,
    graph: WorkflowGraph,
    fingerprint: str,
    caller: Caller,
    now_ms: int,
    estimates: Mapping[str, float],
) -> Submission:
    """Makes the record of a workflow that is about to be submitted. It has no id yet.

    `estimates` are those of `usual_estimates` for the workflow's jobs.
    """
    return Submission(
        submission_id="",
        phase=Phase.STAGING,
        job_count=len(request.jobs),
        fingerprint=fingerprint,
        created_at_ms=now_ms,
        name=request.name,
        submitted_by=caller.subject or None,
        namespace=request.namespace,
        tags=dict(request.tags),
        critical_path_seconds=graph.critical_path_seconds,
        usual_estimates=estimates,
        finish_by_ms=request.finish_by_ms,
        # Later than its jobs: without the submission the reaper would take them for the jobs of an abandoned one.
        expires_at_s=services.settings.expires_at_s(now_ms) + _OPEN_SECONDS,
    )


def _estimated(request: WorkflowRequest, estimates: Mapping[str, float]) -> WorkflowRequest:
    return replace(request, jobs=with_estimates(request.jobs, estimates)) if estimates else request


def _phase_of(services: Services, workflow_id: str) -> Phase:
    current = services.submissions.get(workflow_id)
    return current.phase if current else Phase.REMOVED


def _accepted(request: WorkflowRequest, workflow_id: str, created: bool) -> WorkflowAccepted:
    job_ids = {job.key or "": workflow_job_id(workflow_id, index) for index, job in enumerate(request.jobs)}
    return WorkflowAccepted(workflow_id=workflow_id, job_ids=job_ids, created=created)


def _ids_under(key: IdempotencyKey) -> Iterator[str]:
    """Yields the ids that submissions under one key may have, in order of use."""
    yield key.submission_id("workflow")
    for generation in range(1, _GENERATIONS):
        yield key.submission_id(f"workflow.{generation}")


def _accepted_workflow(services: Services, key: IdempotencyKey | None, fingerprint: str) -> Submission | None:
    for submission_id in _ids_under(key) if key is not None else ():
        earlier = services.submissions.get(submission_id)
        if earlier is None:
            return None
        if earlier.phase not in GIVEN_UP:
            is_ours = earlier.fingerprint == fingerprint and earlier.phase is not Phase.STAGING
            return earlier if is_ours else None
    return None


def _begin(services: Services, new: Submission, key: IdempotencyKey | None) -> tuple[Submission, bool]:
    """Returns the submission to continue under this key, and whether this call began it.

    Submissions that were given up are passed over. The next one gets another id, because the reaper may still be
    removing the staged jobs of the one before. Raises IdempotencyConflict.
    """
    if key is None:
        new = replace(new, submission_id=services.entropy.new_ulid(new.created_at_ms))
        services.submissions.begin_if_absent(new)
        return new, True
    for submission_id in _ids_under(key):
        new = replace(new, submission_id=submission_id)
        standing = services.submissions.begin_if_absent(new)
        if standing is None:
            return new, True
        if standing.phase in GIVEN_UP:
            continue
        if standing.fingerprint != new.fingerprint:
            raise IdempotencyConflict
        return standing, False
    raise IdempotencyConflict(
        f"{_GENERATIONS} submissions under this idempotency key were interrupted; use another key"
    )


def build_jobs(
    services: Services,
    request: WorkflowRequest,
    checked: CheckedSubmission,
    submission: Submission,
) -> tuple[list[Job], SubmissionPlan]:
    """Makes the jobs to stage, and the plan of the rest. They have the time and the caller of the first request.

    `request` is the one that was checked, with the estimates of the submission's record.
    The plan holds the roots, which wait on no job of the workflow, and the edges to jobs of earlier submissions.
    """
    workflow_id, caller = submission.submission_id, caller_under(submission.submitted_by)
    ids = {job.key: workflow_job_id(workflow_id, index) for index, job in enumerate(request.jobs)}
    dependencies = [
        tuple(
            Dependency(
                ids[dependency.key] if dependency.key is not None else dependency.job_id or "",
                dependency.type,
                dependency.condition,
            )
            for dependency in job.depends_on
        )
        for job in request.jobs
    ]
    dependents: dict[str, list[Dependent]] = {job_id: [] for job_id in ids.values()}
    for index, depends_on in enumerate(dependencies):
        for ordinal, dependency in enumerate(depends_on):
            if dependency.upstream_id in dependents:
                edge = Dependent(workflow_job_id(workflow_id, index), ordinal, dependency.type)
                dependents[dependency.upstream_id].append(edge)
    orders = orders_of(
        services.settings,
        request.jobs,
        critical_path_weight=request.critical_path_weight,
        finish_by_ms=request.finish_by_ms,
    )
    staged: list[Job] = []
    roots: list[Job] = []
    edges: list[ExternalEdge] = []
    for index, (asked, own, depends_on) in enumerate(
        zip(checked.jobs, request.jobs, dependencies, strict=True)
    ):
        job_id = workflow_job_id(workflow_id, index)
        job = new_job(
            replace(asked, request=own),
            job_id,
            depends_on,
            submission.created_at_ms,
            caller=caller,
            namespace=submission.namespace,
            dependents=tuple(dependents[job_id]),
            workflow=request,
            order=orders[index],
        )
        is_root = not any(dependency.upstream_id in dependents for dependency in depends_on)
        (roots if is_root else staged).append(job)
        edges.extend(edge for edge in _external_edges(job, depends_on) if edge.upstream_id not in dependents)
    return staged, SubmissionPlan(tuple(roots), tuple(edges))


def _external_edges(job: Job, depends_on: Sequence[Dependency]) -> Iterator[ExternalEdge]:
    for ordinal, dependency in enumerate(depends_on):
        yield ExternalEdge(dependency.upstream_id, job.job_id, ordinal, dependency.type)
