"""Jobs of a workflow that is not accepted yet: no call shows them, changes them or depends on them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.people.callers import caller_named
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.bootstrap import Services
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, NotFound
from tidegate.domain.job import workflow_job_id
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.submit.submit import submit_job, submit_workflow
from tidegate.usecases.submit.validate import MAX_VIOLATIONS

MANY = 1_000


class CutOff(Exception):
    """The error by which the process ends."""


def _staged() -> tuple[Services, str]:
    """Makes a deployment with a submission interrupted before its commit. Returns it and the id of a staged job."""
    services, world = memory_services(SETTINGS)

    def cut_off(request: str) -> None:
        if request == "save_plan":
            raise CutOff

    jobs = (
        JobRequest(key="root", type="tidegate.noop"),
        JobRequest(key="leaf", type="tidegate.noop", depends_on=(DependencyRequest(key="root"),)),
    )
    world.on_request = cut_off
    with pytest.raises(CutOff):
        submit_workflow(
            services, WorkflowRequest(jobs=jobs), idempotency_key="k", fingerprint="f", now_ms=NOW_MS
        )
    world.on_request = lambda _: None
    (submission_id,) = world.submissions
    job_id = workflow_job_id(submission_id, 1)
    assert world.jobs[job_id].state is State.PENDING
    return services, job_id


def test_a_staged_job_can_not_be_cancelled() -> None:
    services, job_id = _staged()
    with pytest.raises(NotFound):
        cancel_job(services, job_id, caller=caller_named("ann"), now_ms=NOW_MS)
    job = services.jobs.get(job_id)
    assert job is not None
    assert job.state is State.PENDING


def test_nothing_can_depend_on_a_staged_job() -> None:
    services, job_id = _staged()
    request = JobRequest(type="tidegate.noop", depends_on=(DependencyRequest(job_id=job_id),))
    with pytest.raises(InvalidRequest, match="there is no job"):
        submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS)


def test_a_body_full_of_unknown_upstreams_is_looked_up_no_further_than_it_is_reported() -> None:
    services, world = memory_services(SETTINGS)
    edges = tuple(DependencyRequest(job_id=f"NONE{number}") for number in range(MANY))
    request = JobRequest(type="tidegate.noop", depends_on=edges)
    with pytest.raises(InvalidRequest) as refused:
        submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS)
    assert len(refused.value.violations) == MAX_VIOLATIONS
    assert world.requests["get"] + world.requests["get_consistent"] <= MAX_VIOLATIONS + 1


def test_tries_that_run_side_by_side_write_the_same_jobs_and_plan() -> None:
    """Their pages may end up mixed, so both must write the same times."""
    written: list[object] = []
    for later_ms in (0, 5_000):
        services, world = memory_services(SETTINGS)

        def cut_off(request: str) -> None:
            if request == "set_phase_if":
                raise CutOff

        world.on_request = cut_off
        jobs = (
            JobRequest(key="early", type="tidegate.noop", not_before_ms=NOW_MS + 1_000),
            JobRequest(key="leaf", type="tidegate.noop", depends_on=(DependencyRequest(key="early"),)),
        )
        for now_ms in (NOW_MS, NOW_MS + later_ms):
            with pytest.raises(CutOff):
                submit_workflow(
                    services, WorkflowRequest(jobs=jobs), idempotency_key="k", fingerprint="f", now_ms=now_ms
                )
        written.append((dict(world.jobs), dict(world.plans)))
    assert written[0] == written[1]


def test_the_record_that_tells_accepted_jobs_from_staged_ones_outlives_them() -> None:
    retained = replace(SETTINGS, retention_days=3_650)
    services, world = memory_services(retained)
    latest_ms = NOW_MS + limits.MAX_NOT_BEFORE_AHEAD_SECONDS * 1_000
    jobs = (
        JobRequest(key="late", type="tidegate.noop", not_before_ms=latest_ms),
        JobRequest(key="leaf", type="tidegate.noop", depends_on=(DependencyRequest(key="late"),)),
    )
    submit_workflow(
        services, WorkflowRequest(jobs=jobs), idempotency_key=None, fingerprint="f", now_ms=NOW_MS
    )
    (record,) = world.submissions.values()
    assert record.expires_at_s is not None
    assert record.expires_at_s > retained.expires_at_s(latest_ms)
