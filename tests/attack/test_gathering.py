"""A job that depends on many large results uses a bounded part of a worker's memory."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.services import memory_services
from tests.harness.executors import NeverRuns
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tests.harness.worker.world import CLOCK
from tests.usecases.test_upstream_results import ReadsUpstreams, _claim, _submit, _succeed
from tidegate.bootstrap import Services
from tidegate.domain import limits
from tidegate.domain.errors import TooMuchGathered
from tidegate.domain.job import Job, Json
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate.domain.states import State
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.ports import Message
from tidegate.usecases.submit.submit import submit_job
from tidegate.usecases.work.run import run_message

_QUOTES = 2
LARGEST = "x" * (limits.MAX_RESULT_BYTES - _QUOTES)
MOST = limits.MAX_GATHERED_BYTES // limits.MAX_RESULT_BYTES


class CountedLoads(MemoryJobStore):
    loads = 0

    def load_result(self, job: Job) -> Json:
        self.loads += 1
        return LARGEST


def _with_upstreams(count: int) -> tuple[Services, CountedLoads, str]:
    services, world = memory_services(SETTINGS, registry=ReadsUpstreams())
    upstreams = [_submit(services) for _ in range(count)]
    for upstream_id in upstreams:
        _succeed(services, upstream_id, None)
    jobs = CountedLoads(world)
    services = replace(services, jobs=jobs)
    edges = tuple(DependencyRequest(job_id=upstream_id) for upstream_id in upstreams)
    request = JobRequest(type="tidegate.noop", depends_on=edges)
    job = submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS)
    return services, jobs, job.job_id


def test_as_much_as_may_be_is_gathered() -> None:
    services, _, job_id = _with_upstreams(MOST)
    claimed = _claim(services, job_id)
    assert claimed.refusal is None
    assert len(claimed.assignment.upstreams) == MOST


def test_more_fails_the_job_for_good_says_a_way_out_and_is_not_even_loaded() -> None:
    services, jobs, job_id = _with_upstreams(MOST + 20)
    services.jobs.apply(DispatchIfReady(job_id, "lambda", Stamp(NOW_MS, "test")))
    run_message(services, NeverRuns(), CLOCK, Message(job_id, 0), "w")
    job = services.jobs.get(job_id, consistent=True)
    assert job is not None
    assert job.state is State.FAILED
    assert job.failure is not None
    assert job.failure.code == TooMuchGathered.code
    assert f"{limits.MAX_GATHERED_BYTES:,} bytes" in job.failure.message
    assert "gather in stages" in job.failure.message
    assert jobs.loads == MOST + 1
