"""Submit: a job, or a workflow all or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from tidegate.domain import limits
from tidegate.domain.dependency import Dependency, Dependent
from tidegate.domain.errors import DependencyUnavailable, IdempotencyConflict, Violation
from tidegate.domain.ids import derived_submission_id
from tidegate.domain.job import Job, workflow_job_id
from tidegate.domain.requests import JobAccepted, JobRequest, WorkflowAccepted, WorkflowRequest
from tidegate.domain.submission import ExternalEdge, Phase, Submission, SubmissionPlan
from tidegate.usecases.connect import connect_edges
from tidegate.usecases.finish_submission import finish_submission
from tidegate.usecases.new_job import new_job
from tidegate.usecases.services import Services
from tidegate.usecases.validate import (
    JobContext,
    alone_violations,
    job_violations,
    pool_for,
    refuse_if_any,
    upstream_violations,
    workflow_violations,
)

_SUBMISSION_KEPT_SECONDS = 400 * 86_400  # longer than any job of it can wait and be kept


def submit_job(
    services: Services, request: JobRequest, *, idempotency_key: str | None, fingerprint: str, now_ms: int
) -> JobAccepted:
    """Accepts one job. With an idempotency key, the same request again gives the same answer.

    `fingerprint` identifies the request's body. Raises InvalidRequest (nothing was written), or IdempotencyConflict
    where the key came with another body before.
    """
    context = JobContext("")
    refuse_if_any(
        chain(
            job_violations(services, request, context, now_ms),
            alone_violations(request),
            upstream_violations(services, [("", request)]),
        )
    )
    if idempotency_key is None:
        job_id = services.entropy.new_ulid(now_ms)
    else:
        job_id = derived_submission_id("job", idempotency_key)
    depends_on = tuple(
        Dependency(dependency.job_id or "", dependency.type, dependency.condition)
        for dependency in request.depends_on
    )
    pool = pool_for(services, request, context)
    job = new_job(
        request, job_id, pool, depends_on, now_ms, fingerprint=fingerprint if idempotency_key else None
    )
    created = not services.jobs.insert_if_absent([job])
    if not created:
        earlier = services.jobs.get(job_id, consistent=True)
        if earlier is None or earlier.fingerprint != fingerprint:
            raise IdempotencyConflict
    # Also for a repeated request: the first one may have been cut off before its edges were written.
    connect_edges(services, list(_external_edges(job, depends_on)), now_ms)
    return JobAccepted(job_id=job_id, created=created)


def submit_workflow(
    services: Services,
    request: WorkflowRequest,
    *,
    idempotency_key: str | None,
    fingerprint: str,
    now_ms: int,
) -> WorkflowAccepted:
    """Accepts a workflow: all of its jobs become visible at once, or none ever does.

    First the jobs that wait on others of the workflow are staged, then the plan of what remains is stored, then the
    submission is committed, and only then are the roots written. Whoever finds it committed can finish it.

    Raises InvalidRequest (nothing was written), IdempotencyConflict, or DependencyUnavailable where an earlier try
    under the same key is just being removed.
    """
    refuse_if_any(_all_workflow_violations(services, request, now_ms))
    if idempotency_key is None:
        workflow_id = services.entropy.new_ulid(now_ms)
    else:
        workflow_id = derived_submission_id("workflow", idempotency_key)
    submission = Submission(
        submission_id=workflow_id,
        phase=Phase.STAGING,
        job_count=len(request.jobs),
        fingerprint=fingerprint,
        created_at_ms=now_ms,
        name=request.name,
        expires_at_s=now_ms // 1_000 + _SUBMISSION_KEPT_SECONDS,
    )
    earlier = services.submissions.begin_if_absent(submission)
    if earlier is not None and earlier.fingerprint != fingerprint:
        raise IdempotencyConflict
    phase = earlier.phase if earlier else Phase.STAGING
    if phase is Phase.STAGING:
        staged, plan = _build(services, request, workflow_id, now_ms)
        services.jobs.stage(staged)
        services.submissions.save_plan(workflow_id, plan)
        if services.submissions.move_phase_if(workflow_id, Phase.STAGING, Phase.COMMITTED):
            finish_submission(services, workflow_id, plan, now_ms)
            phase = Phase.COMPLETE
        else:
            current = services.submissions.get(workflow_id)
            phase = current.phase if current else Phase.ABANDONED
    if phase is Phase.ABANDONED:
        raise DependencyUnavailable(
            "an earlier, interrupted try under this idempotency key is being removed; try again in a minute"
        )
    if phase is Phase.COMMITTED:
        finish_submission(services, workflow_id, services.submissions.load_plan(workflow_id), now_ms)
    job_ids = {job.key or "": workflow_job_id(workflow_id, index) for index, job in enumerate(request.jobs)}
    return WorkflowAccepted(workflow_id=workflow_id, job_ids=job_ids, created=earlier is None)


def _all_workflow_violations(
    services: Services, request: WorkflowRequest, now_ms: int
) -> Iterator[Violation]:
    if not 1 <= len(request.jobs) <= limits.MAX_JOBS_PER_WORKFLOW:
        yield Violation(
            "jobs", f"has {len(request.jobs)} jobs; 1 to {limits.MAX_JOBS_PER_WORKFLOW:,} are allowed"
        )
        return
    yield from workflow_violations(request)
    fields = [(f"jobs[{index}]", job) for index, job in enumerate(request.jobs)]
    for field, job in fields:
        yield from job_violations(services, job, JobContext(field, request.pool), now_ms)
    yield from upstream_violations(services, fields)


def _build(
    services: Services, request: WorkflowRequest, workflow_id: str, now_ms: int
) -> tuple[list[Job], SubmissionPlan]:
    """The jobs to stage, and the plan: roots (jobs that wait on none of the workflow) and edges to earlier jobs."""
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
    staged: list[Job] = []
    roots: list[Job] = []
    edges: list[ExternalEdge] = []
    for index, (job_request, depends_on) in enumerate(zip(request.jobs, dependencies, strict=True)):
        job_id = workflow_job_id(workflow_id, index)
        job = new_job(
            job_request,
            job_id,
            pool_for(services, job_request, JobContext(f"jobs[{index}]", request.pool)),
            depends_on,
            now_ms,
            dependents=tuple(dependents[job_id]),
            workflow=request,
        )
        is_root = not any(dependency.upstream_id in dependents for dependency in depends_on)
        (roots if is_root else staged).append(job)
        edges.extend(edge for edge in _external_edges(job, depends_on) if edge.upstream_id not in dependents)
    return staged, SubmissionPlan(tuple(roots), tuple(edges))


def _external_edges(job: Job, depends_on: Sequence[Dependency]) -> Iterator[ExternalEdge]:
    for ordinal, dependency in enumerate(depends_on):
        yield ExternalEdge(dependency.upstream_id, job.job_id, ordinal, dependency.type)
