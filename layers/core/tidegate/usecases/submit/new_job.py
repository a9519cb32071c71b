"""Makes the job that a request asks for, as it is first written."""

from __future__ import annotations

from tidegate.domain import limits
from tidegate.domain.callers import Caller
from tidegate.domain.dependency import Dependency, DependencyType, Dependent
from tidegate.domain.job import HistoryEntry, Job, JobInput
from tidegate.domain.keys import scoped_key
from tidegate.domain.requests import WorkflowRequest
from tidegate.domain.states import State
from tidegate.usecases.submit.checked import JobInRequest
from tidegate.usecases.submit.order import BY_PRIORITY, Order


def new_job(
    asked: JobInRequest,
    job_id: str,
    depends_on: tuple[Dependency, ...],
    now_ms: int,
    *,
    caller: Caller,
    namespace: str | None = None,
    dependents: tuple[Dependent, ...] = (),
    workflow: WorkflowRequest | None = None,
    order: Order = BY_PRIORITY,
    fingerprint: str | None = None,
) -> Job:
    """Makes the job that a request asks for: PENDING with dependencies, else SCHEDULED before its time, else READY.

    `asked` has been checked, so it fits one pool at least. The job's history begins with `caller`. Its concurrency
    key is in the shared `namespace`, None for the caller's own. Fields that the
    request leaves out come from `workflow`, then from the defaults. `dependents` are the edges to jobs of the same
    submission. `order` is what the submission decided about its order. `fingerprint` identifies the request's body.
    """
    request, pools, share = asked.request, asked.pools, asked.share
    due_at_ms = request.not_before_ms if request.not_before_ms and request.not_before_ms > now_ms else None
    if depends_on:
        state = State.PENDING
    elif due_at_ms is not None:
        state = State.SCHEDULED
    else:
        state = State.READY
    longest_seconds = min(pool.max_timeout_seconds for pool in pools)
    timeout_seconds = request.timeout_seconds or min(limits.DEFAULT_TIMEOUT_SECONDS, longest_seconds)
    given = request.given()
    if request.concurrency_key is not None:
        given["concurrency_key"] = scoped_key(namespace or caller.namespace, request.concurrency_key)
    return Job(
        **given,
        job_id=job_id,
        state=state,
        pool=pools[0].name,
        pool_open=len(pools) > 1,
        share=share.name if share else "",
        priority=asked.priority,
        created_at_ms=now_ms,
        input=JobInput(request.parameters, depends_on),
        dependency_count=len(depends_on),
        tags={**(workflow.tags if workflow else {}), **request.tags},
        timeout_seconds=timeout_seconds,
        critical_path_boost_millipoints=order.boost_millipoints,
        latest_start_ms=order.latest_start_ms,
        fingerprint=fingerprint,
        may_run_twice=bool(asked.may_run_twice),
        submitted_by=caller.subject or None,
        namespace=namespace,
        waiting_on=frozenset(range(len(depends_on))),
        dependents=dependents,
        watch_start=any(dependent.type is DependencyType.MUST_START for dependent in dependents),
        due_at_ms=due_at_ms if state is State.SCHEDULED else None,
        ready_at_ms=now_ms if state is State.READY else None,
        history=(HistoryEntry(now_ms, state, 0, caller.display),),
    )
