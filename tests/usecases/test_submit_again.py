"""A repeated request gets its first answer, even if pools or types that it names are gone meanwhile."""

from __future__ import annotations

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tidegate.bootstrap import Services
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.settings import Settings
from tidegate.usecases.submit.submit import submit_job, submit_workflow

NOW_MS = 1_800_000_000_000
SETTINGS = Settings(pools={"p": Pool("p", "", PoolKind.FUNCTION, 840, capacity=4)}, default_pool="p")


@pytest.fixture
def deployment() -> tuple[Services, MemoryWorld, str]:
    """Makes a deployment, its memory, and a job that others may depend on."""
    services, world = memory_services(SETTINGS)
    request = JobRequest(type="tidegate.noop")
    job_id = submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS).job_id
    return services, world, job_id


def test_a_job_whose_upstream_has_gone(deployment: tuple[Services, MemoryWorld, str]) -> None:
    services, world, upstream = deployment
    request = JobRequest(type="tidegate.noop", depends_on=(DependencyRequest(job_id=upstream),))
    first = submit_job(services, request, idempotency_key="k", fingerprint="f", now_ms=NOW_MS)
    world.remove(upstream)
    again = submit_job(services, request, idempotency_key="k", fingerprint="f", now_ms=NOW_MS + 1)
    assert (again.job_id, again.created) == (first.job_id, False)
    for key, fingerprint in (("k", "another body"), ("new", "f"), (None, "f")):
        with pytest.raises(InvalidRequest):
            submit_job(services, request, idempotency_key=key, fingerprint=fingerprint, now_ms=NOW_MS + 1)


def test_a_workflow_whose_upstream_has_gone(deployment: tuple[Services, MemoryWorld, str]) -> None:
    services, world, upstream = deployment
    job = JobRequest(key="a", type="tidegate.noop", depends_on=(DependencyRequest(job_id=upstream),))
    request = WorkflowRequest(jobs=(job,))
    first = submit_workflow(services, request, idempotency_key="k", fingerprint="f", now_ms=NOW_MS)
    world.remove(upstream)
    again = submit_workflow(services, request, idempotency_key="k", fingerprint="f", now_ms=NOW_MS + 1)
    assert (again.workflow_id, again.job_ids, again.created) == (first.workflow_id, first.job_ids, False)
    for key, fingerprint in (("k", "another body"), ("new", "f"), (None, "f")):
        with pytest.raises(InvalidRequest):
            submit_workflow(
                services, request, idempotency_key=key, fingerprint=fingerprint, now_ms=NOW_MS + 1
            )
