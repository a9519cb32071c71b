"""Validates submissions completely before anything is written, and returns what it learned about them.

The checks yield violations lazily, and only the first `MAX_VIOLATIONS` are taken. So the checks of a request with very
many mistakes stop early.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice

from tidegate.domain import limits
from tidegate.domain.callers import NOBODY, Caller
from tidegate.domain.dependency import DependencyType
from tidegate.domain.depth import is_deeper_than
from tidegate.domain.errors import ConditionError, InvalidRequest, Violation
from tidegate.domain.graph import find_cycle
from tidegate.domain.job import Json
from tidegate.domain.pools import process_pools, suitable_pools
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.suggestions import did_you_mean
from tidegate.usecases.bounds.portions import portions
from tidegate.usecases.read.visible import visible_jobs
from tidegate.usecases.services import Services
from tidegate.usecases.submit.checked import CheckedSubmission, JobInRequest, path_in
from tidegate.usecases.submit.shares import lanes_for_shares, refuse_if_full, share_violations

MAX_VIOLATIONS = 50  # enough to correct a request by


def check_job(
    services: Services, request: JobRequest, now_ms: int, caller: Caller = NOBODY
) -> CheckedSubmission:
    """Checks a job that is submitted alone.

    Raises InvalidRequest, ShareFull, ServiceUnavailable or ServiceRefused.
    """
    job = _in_request(services, request, "", None)
    violations = chain(
        _job_violations(services, job, now_ms),
        _alone_violations(request),
        _upstream_violations(services, [job]),
    )
    return _checked(services, (job,), violations, caller)


def check_workflow(
    services: Services, request: WorkflowRequest, now_ms: int, caller: Caller = NOBODY
) -> CheckedSubmission:
    """Checks a workflow as a whole. Raises InvalidRequest, ShareFull, ServiceUnavailable or ServiceRefused."""
    _refuse_if_any(_size_violations(request))
    jobs = tuple(
        _in_request(services, job, f"jobs[{index}]", request) for index, job in enumerate(request.jobs)
    )
    finish_by_ms = request.finish_by_ms
    violations = chain(
        () if finish_by_ms is None else finish_by_violations(finish_by_ms, None, now_ms, "finish_by"),
        _workflow_violations(request),
        chain.from_iterable(_job_violations(services, job, now_ms) for job in jobs),
        _upstream_violations(services, jobs),
    )
    return _checked(services, jobs, violations, caller)


def _checked(
    services: Services, jobs: tuple[JobInRequest, ...], violations: Iterator[Violation], caller: Caller
) -> CheckedSubmission:
    found = list(islice(violations, MAX_VIOLATIONS))
    if len(found) == MAX_VIOLATIONS:
        raise InvalidRequest(found)
    if all(job.share is None for job in jobs):
        _refuse_if_any(iter(found))
        return CheckedSubmission(jobs, {})
    # The lanes are read even if something is wrong already, so that the answer names each share too many as well.
    lanes = lanes_for_shares(services, jobs)
    _refuse_if_any(chain(found, share_violations(services, jobs, lanes, caller)))
    refuse_if_full(services, jobs, lanes)
    return CheckedSubmission(jobs, lanes)


def _refuse_if_any(violations: Iterator[Violation]) -> None:
    found = list(islice(violations, MAX_VIOLATIONS))
    if found:
        raise InvalidRequest(found)


def _in_request(
    services: Services, request: JobRequest, field: str, workflow: WorkflowRequest | None
) -> JobInRequest:
    pools, default = services.settings.pools, services.settings.default_pool
    named = request.pool or (workflow.pool if workflow else None)
    facts = services.registry.facts(request.type)
    needs_process = facts is not None and facts.needs_process
    path = partial(path_in, field)
    twice = None if facts is None else facts.second_attempt
    share = request.share or (workflow.share if workflow else None)
    priority = request.priority or (workflow.priority if workflow else None) or limits.DEFAULT_PRIORITY
    try:
        if needs_process:
            home = services.registry.homes.get(request.type)
            pools, default = process_pools(pools, default, named, home, request.type, path)
        able = suitable_pools(
            pools, default, named, frozenset(request.requires), request.timeout_seconds, path
        )
    except InvalidRequest as error:
        return JobInRequest(request, field, share, priority, (), tuple(error.violations), twice)
    # The choice among several pools is made without the job code, which alone knows that a type needs a process.
    able = able[:1] if needs_process else able
    return JobInRequest(request, field, share, priority, able, may_run_twice=twice)


def _size_violations(request: WorkflowRequest) -> Iterator[Violation]:
    if not 1 <= len(request.jobs) <= limits.MAX_JOBS_PER_WORKFLOW:
        yield Violation(
            "jobs", f"has {len(request.jobs)} jobs; 1 to {limits.MAX_JOBS_PER_WORKFLOW:,} are allowed"
        )
    else:
        yield from _workflow_conditions_violations(request.jobs)


def _job_violations(services: Services, job: JobInRequest, now_ms: int) -> Iterator[Violation]:
    """Yields the violations of one job, except those that concern its upstreams."""
    request = job.request
    is_known = job.may_run_twice is not None
    yield from type_violations(services, request.type, request.parameters, job.path, is_known=is_known)
    yield from job.misfits
    if request.concurrency_key is None and request.concurrency_limit != 1:
        yield Violation(job.path("concurrency_limit"), "requires concurrency_key")
    if request.not_before_ms is not None:
        ahead_seconds = (request.not_before_ms - now_ms) / 1_000
        if ahead_seconds > limits.MAX_NOT_BEFORE_AHEAD_SECONDS:
            yield Violation(job.path("not_before"), "lies more than 366 days ahead")
    if request.finish_by_ms is not None:
        yield from finish_by_violations(
            request.finish_by_ms, request.not_before_ms, now_ms, job.path("finish_by")
        )
    conditions_bytes = sum(len((dependency.condition or "").encode()) for dependency in request.depends_on)
    if conditions_bytes > limits.MAX_CONDITIONS_BYTES:
        yield Violation(
            job.path("depends_on"),
            f"has conditions of {conditions_bytes:,} bytes together; "
            f"at most {limits.MAX_CONDITIONS_BYTES:,} are allowed for one job",
        )
    else:  # compiling conditions takes time, so it is done only if they are small enough
        for place, dependency in enumerate(request.depends_on):
            yield from _condition_violations(services, dependency, job.path(f"depends_on[{place}]"))
    yield from _repeated_dependencies(job)


def finish_by_violations(
    finish_by_ms: int, not_before_ms: int | None, now_ms: int, field: str
) -> Iterator[Violation]:
    """Yields a violation where nothing could end by this time, or where it lies too far ahead."""
    if finish_by_ms <= now_ms:
        yield Violation(field, "has passed; name a time that is to come")
    elif not_before_ms is not None and finish_by_ms <= not_before_ms:
        yield Violation(field, "is not after not_before")
    elif finish_by_ms - now_ms > limits.MAX_FINISH_BY_AHEAD_SECONDS * 1_000:
        yield Violation(field, "lies more than 400 days ahead")


def type_violations(
    services: Services,
    job_type: str,
    parameters: Mapping[str, Json],
    path: Callable[[str], str],
    *,
    is_known: bool = False,
) -> Iterator[Violation]:
    """Yields the violations of a job's type and of its parameters. `path` gives the path of a field of the job.

    `is_known` says that the type is surely registered.
    """
    if not is_known and job_type not in (known := services.registry.types()):
        yield Violation(path("type"), _unknown_type(services, job_type, known))
        return
    if is_deeper_than(parameters, limits.MAX_PARAMETERS_DEPTH):
        yield Violation(
            path("parameters"),
            f"are nested more than {limits.MAX_PARAMETERS_DEPTH} lists and objects deep; flatten them",
        )
        return
    size_bytes = len(json.dumps(parameters, separators=(",", ":"), ensure_ascii=False).encode())
    if size_bytes > limits.MAX_PARAMETERS_BYTES:
        yield Violation(
            path("parameters"),
            f"are {size_bytes:,} bytes; at most {limits.MAX_PARAMETERS_BYTES:,} are allowed: "
            "store large input elsewhere and pass its address",
        )
        return
    for place, message in services.registry.violations(job_type, parameters):
        yield Violation(path(f"parameters.{place}" if place else "parameters"), message)


def _unknown_type(services: Services, job_type: str, known: Sequence[str]) -> str:
    said = f"unknown job type {job_type!r}; types are {', '.join(known)}"
    faults = services.registry.faults()
    cause = (
        f"some job code could not be loaded: {'; '.join(faults)}"
        if faults
        else "a new type is known once a worker that has it starts, or once its code is deployed"
    )
    return f"{said}; {cause}{did_you_mean(job_type, known)}"


def _condition_violations(
    services: Services, dependency: DependencyRequest, field: str
) -> Iterator[Violation]:
    if dependency.type is not DependencyType.CONDITIONAL:
        if dependency.condition is not None:
            yield Violation(f"{field}.condition", f"is only for type CONDITIONAL, not for {dependency.type}")
        return
    if dependency.condition is None:
        yield Violation(
            f"{field}.condition", "is required for type CONDITIONAL, e.g. upstream.result.rows > 0"
        )
        return
    try:
        services.conditions.check(dependency.condition)
    except ConditionError as error:
        yield Violation(f"{field}.condition", str(error))


def _workflow_conditions_violations(requests: Iterable[JobRequest]) -> Iterator[Violation]:
    """Yields a violation if the workflow's conditions would take too long to compile; equal ones count once."""
    distinct = {dependency.condition or "" for request in requests for dependency in request.depends_on}
    size_bytes = sum(len(condition.encode()) for condition in distinct)
    if size_bytes > limits.MAX_WORKFLOW_CONDITIONS_BYTES:
        yield Violation(
            "jobs",
            f"have different conditions of {size_bytes:,} bytes together; "
            f"at most {limits.MAX_WORKFLOW_CONDITIONS_BYTES:,} are allowed for one workflow",
        )


def _repeated_dependencies(job: JobInRequest) -> Iterator[Violation]:
    seen: set[DependencyRequest] = set()
    for place, dependency in enumerate(job.request.depends_on):
        if dependency in seen:
            yield Violation(job.path(f"depends_on[{place}]"), "repeats an earlier dependency; name it once")
        seen.add(dependency)


def _alone_violations(request: JobRequest) -> Iterator[Violation]:
    """Yields the violations that only a job submitted alone can have: dependencies by `key`."""
    for place, dependency in enumerate(request.depends_on):
        if dependency.key is not None:
            yield Violation(
                f"depends_on[{place}].key",
                "names a job of the same workflow; a job submitted alone depends on earlier jobs by job_id",
            )


def _upstream_violations(services: Services, jobs: Sequence[JobInRequest]) -> Iterator[Violation]:
    """Yields a violation for each dependency on an earlier job that does not exist. Raises ServiceUnavailable."""
    named = [
        (job.path(f"depends_on[{place}].job_id"), dependency.job_id)
        for job in jobs
        for place, dependency in enumerate(job.request.depends_on)
        if dependency.job_id is not None
    ]
    if not named:
        return
    wanted = list(dict.fromkeys(job_id for _, job_id in named))
    found: set[str] = set()
    visible: set[str] = set()
    for portion in portions(wanted):  # a body may name 100,000
        upstreams = services.jobs.get_many(portion)
        found |= upstreams.keys()
        visible |= {upstream.job_id for upstream in visible_jobs(services, upstreams.values())}
    # Checked one by one as the caller takes violations, because a body can name very many jobs that do not exist.
    for field, job_id in named:
        if job_id in found:
            exists = job_id in visible
        else:
            fresh = services.jobs.get(job_id, consistent=True)
            exists = fresh is not None and bool(list(visible_jobs(services, [fresh])))
        if not exists:
            yield Violation(field, f"there is no job {job_id!r}; it may have passed its retention")


def _workflow_violations(request: WorkflowRequest) -> Iterator[Violation]:
    """Yields the violations of the workflow's graph: missing or repeated keys, unknown upstreams, a cycle."""
    index_by_key: dict[str, int] = {}
    for index, job in enumerate(request.jobs):
        if job.namespace is not None:
            yield Violation(f"jobs[{index}].namespace", "is for a job alone; give it once, beside `jobs`")
        if job.key is None:
            yield Violation(f"jobs[{index}].key", "is required in a workflow")
        elif job.key in index_by_key:
            yield Violation(
                f"jobs[{index}].key",
                f"{job.key!r} is already the key of jobs[{index_by_key[job.key]}]; keys are unique",
            )
        else:
            index_by_key[job.key] = index
    upstreams: list[list[int]] = [[] for _ in request.jobs]
    broken = False
    for index, job in enumerate(request.jobs):
        for place, dependency in enumerate(job.depends_on):
            if dependency.key is None:
                continue
            field = f"jobs[{index}].depends_on[{place}].key"
            if dependency.key == job.key:
                broken = True
                yield Violation(field, f"{job.key!r} can't depend on itself")
            elif dependency.key not in index_by_key:
                broken = True
                yield Violation(field, f"there is no job with key {dependency.key!r} in this workflow")
            else:
                upstreams[index].append(index_by_key[dependency.key])
    cycle = None if broken else find_cycle(upstreams)
    if cycle is not None:
        path = " -> ".join(request.jobs[index].key or str(index) for index in cycle)
        yield Violation(f"jobs[{cycle[0]}].depends_on", f"is part of a cycle: {path}")
