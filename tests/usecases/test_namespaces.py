"""Callers of different namespaces never meet under one key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.contracts.responses import job_out
from tidegate.domain.callers import NOBODY, Caller, caller_under
from tidegate.domain.errors import IdempotencyConflict, InvalidRequest, NotYours
from tidegate.domain.job import Job
from tidegate.domain.keys import plain_key, plain_lane, scope_of, scoped_key
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.roles import Role
from tidegate.domain.states import State
from tidegate.usecases.callers.set_grants import set_grant
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.recover.cancel import cancel_job, cancel_workflow
from tidegate.usecases.services import Services
from tidegate.usecases.submit.submit import submit_job, submit_workflow

ROOT = caller_under("arn:aws:iam::123456789012:root")
ANN = caller_under("arn:aws:iam::123456789012:user/ann")
BEN = caller_under("arn:aws:iam::123456789012:user/ben")
MONDAY = caller_under("arn:aws:sts::123456789012:assumed-role/Nightly/monday")
TUESDAY = caller_under("arn:aws:sts::123456789012:assumed-role/Nightly/tuesday")


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld(shards=SETTINGS.shards, now_ms=NOW_MS)


@pytest.fixture
def services(world: MemoryWorld) -> Services:
    return memory_services(SETTINGS, world)[0]


def job(services: Services, by: Caller, key: str | None = None, **fields: object) -> str:
    request = replace(JobRequest(type="tidegate.noop"), **fields)  # type: ignore[arg-type]  # of JobRequest
    return submit_job(
        services, request, idempotency_key=key, fingerprint=str(fields), caller=by, now_ms=NOW_MS
    ).job_id


def workflow(services: Services, by: Caller, key: str | None = None, namespace: str | None = None) -> str:
    one = JobRequest(key="a", type="tidegate.noop", concurrency_key="k")
    request = WorkflowRequest(jobs=(one,), namespace=namespace)
    return submit_workflow(
        services, request, idempotency_key=key, fingerprint="f", caller=by, now_ms=NOW_MS
    ).workflow_id


def grant(services: Services, to: Caller, *namespaces: str) -> None:
    set_grant(services, to.subject, Role.CLIENT, namespaces, caller=ROOT, now_ms=NOW_MS)


def read(services: Services, job_id: str) -> Job:
    found = services.jobs.get(job_id, consistent=True)
    assert found is not None
    return found


def dispatched(services: Services, *job_ids: str) -> list[bool]:
    """Runs the dispatcher, and tells which of the jobs are dispatched."""
    tick(services, now_ms=NOW_MS)
    return [read(services, job_id).state is State.QUEUED for job_id in job_ids]


def test_one_idempotency_key_is_a_key_for_each_namespace(services: Services) -> None:
    callers = (ANN, BEN, MONDAY, NOBODY)
    assert len({job(services, by, "once") for by in callers}) == len(callers)
    assert len({workflow(services, by, "flow") for by in callers}) == len(callers)


def test_the_sessions_of_a_role_find_each_others_submissions(services: Services) -> None:
    assert job(services, MONDAY, "once") == job(services, TUESDAY, "once")
    assert workflow(services, MONDAY, "flow") == workflow(services, TUESDAY, "flow")


def test_jobs_and_workflows_of_one_namespace_still_share_their_keys(services: Services) -> None:
    job(services, MONDAY, "once")
    with pytest.raises(IdempotencyConflict):
        workflow(services, TUESDAY, "once")
    workflow(services, ANN, "once")


def test_one_concurrency_key_of_two_callers_holds_nobody_back(services: Services) -> None:
    one, bens, other = dispatched(
        services, *(job(services, by, concurrency_key="k") for by in (ANN, BEN, ANN))
    )
    assert (one + other, bens) == (1, True)


def test_a_granted_namespace_is_shared(services: Services) -> None:
    grant(services, ANN, "team-a")
    grant(services, BEN, "team-a", "team-b")
    assert job(services, ANN, "once", namespace="team-a") == job(services, BEN, "once", namespace="team-a")
    asked = [(ANN, "team-a"), (BEN, "team-a"), (BEN, "team-b")]
    one, another, alone = dispatched(
        services, *(job(services, by, concurrency_key="k", namespace=shared) for by, shared in asked)
    )
    assert (one + another, alone) == (1, True)


def test_of_one_key_the_least_limit_that_was_asked_for_holds(services: Services) -> None:
    grant(services, ANN, "team-a")
    grant(services, BEN, "team-a")
    asked = [(ANN, 3, 1), (BEN, 1, 900), (ANN, 3, 1)]
    jobs = [
        job(services, by, concurrency_key="k", concurrency_limit=limit, priority=priority, namespace="team-a")
        for by, limit, priority in asked
    ]
    assert dispatched(services, *jobs) == [False, True, False]


@pytest.mark.parametrize("granted", [(), ("team-b",)])
def test_a_namespace_that_was_not_granted_is_refused(
    services: Services, world: MemoryWorld, granted: tuple[str, ...]
) -> None:
    grant(services, ANN, *granted)
    for submit in (job, workflow):
        with pytest.raises(
            InvalidRequest, match=r"namespace: 'team-a' is not granted to you; .*--namespace team-a"
        ):
            submit(services, ANN, "once", namespace="team-a")
    assert not world.jobs
    assert job(services, ROOT, namespace="team-a")


def test_a_submission_in_a_granted_namespace_is_everybodys_who_has_it(services: Services) -> None:
    grant(services, ANN, "team-a")
    grant(services, BEN, "team-a")
    assert cancel_job(services, job(services, ANN, namespace="team-a"), caller=BEN, now_ms=NOW_MS).is_terminal
    flow = workflow(services, ANN, namespace="team-a")
    with pytest.raises(NotYours):
        cancel_workflow(services, flow, caller=MONDAY, now_ms=NOW_MS)
    assert cancel_workflow(services, flow, caller=BEN, now_ms=NOW_MS).cancelled == 1


def test_a_jobs_key_is_shown_as_it_was_sent(services: Services) -> None:
    jobs = [job(services, ANN, concurrency_key="a/b") for _ in range(2)]
    held = read(services, jobs[dispatched(services, *jobs).index(False)])
    shown = job_out(held, SETTINGS.rank_policy, NOW_MS)
    assert (shown["concurrency_key"], shown["held_in"]) == ("a/b", "key:1:a/b")
    assert held.concurrency_key != "a/b"
    assert (shown["namespace"], shown["submitted_by"]) == (None, ANN.subject)


def test_the_jobs_of_a_workflow_have_its_namespace(services: Services) -> None:
    grant(services, ANN, "team-a")
    found = read(services, f"{workflow(services, ANN, namespace='team-a')}.0")
    assert (found.namespace, found.concurrency_key) == ("team-a", "team-a/k")


def test_a_job_within_a_workflow_has_no_namespace_of_its_own(services: Services) -> None:
    grant(services, ANN, "team-a")
    request = WorkflowRequest(jobs=(JobRequest(key="a", type="tidegate.noop", namespace="team-a"),))
    with pytest.raises(InvalidRequest, match=r"jobs\[0\].namespace: is for a job alone"):
        submit_workflow(services, request, idempotency_key=None, fingerprint="f", caller=ANN, now_ms=NOW_MS)


@pytest.mark.parametrize("namespace", ["team-a", ANN.namespace, "https://issuer.example/x#1", ""])
@pytest.mark.parametrize("key", ["k", "a/b", "~/", "/"])
def test_a_key_comes_back_from_its_namespace(namespace: str, key: str) -> None:
    submitted_by = namespace or None
    stored = scoped_key(namespace, key)
    assert plain_key(stored, submitted_by) == key
    assert plain_lane(f"key:7:{stored}", submitted_by) == f"key:7:{key}"
    assert plain_lane("type:x", submitted_by) == "type:x"


def test_the_scope_of_a_caller_is_no_name_of_a_shared_namespace() -> None:
    assert scope_of(ANN.namespace).startswith("~")
    assert len(scope_of(ANN.namespace)) == 17
    assert scope_of(ANN.namespace) != scope_of(BEN.namespace)
