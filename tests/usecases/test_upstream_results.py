"""Results of upstreams when reads are old or a result has passed its retention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.determined import StandingClock
from tests.harness.executors import NeverRuns
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tests.harness.usecases.listing import list_jobs
from tidegate.bootstrap import Services
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job, JobInput, Json
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate.domain.states import State
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady, Ending, FinishIfAttemptHolds, Stamp
from tidegate.domain.type_facts import TypeFacts
from tidegate.ports import Message
from tidegate.usecases.read.query import get_job
from tidegate.usecases.reap.reap_pending import GRACE_MS, reap_pending
from tidegate.usecases.release.release import release
from tidegate.usecases.submit.submit import submit_job
from tidegate.usecases.work.claim import Claimed, claim
from tidegate.usecases.work.run import run_message

STAMP = Stamp(NOW_MS, "test")


class OldReads(MemoryJobStore):
    """A store whose eventually consistent reads show a job as it was submitted."""

    def __init__(self, world: MemoryWorld) -> None:
        super().__init__(world)
        self.old: dict[str, Job] = {}

    def get_many(self, job_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Job]:
        found = super().get_many(job_ids)
        return found if consistent else {job_id: self.old.get(job_id, job) for job_id, job in found.items()}


class ResultsGone(MemoryJobStore):
    """A store in which results are gone before their jobs."""

    def load_result(self, job: Job) -> Json:
        raise NotFound("result of job", job.job_id)


class ReadsUpstreams:
    """A registry in which every type reads its upstreams."""

    def types(self) -> Sequence[str]:
        return ("tidegate.noop",)

    def violations(self, *_: object) -> Sequence[tuple[str, str]]:
        return ()

    def reads_upstreams(self, _: str) -> bool:
        return True

    def may_run_twice(self, job_type: str) -> bool | None:
        return False if job_type in self.types() else None

    def facts(self, job_type: str) -> TypeFacts | None:
        return TypeFacts() if job_type in self.types() else None

    @property
    def homes(self) -> Mapping[str, str]:
        return {}

    def faults(self) -> Sequence[str]:
        return ()


def _submit(services: Services, *edges: DependencyRequest) -> str:
    request = JobRequest(type="tidegate.noop", depends_on=edges)
    return submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS).job_id


def _claim(services: Services, job_id: str) -> Claimed:
    services.jobs.apply(DispatchIfReady(job_id, "lambda", STAMP))
    claimed = claim(services, Message(job_id, 0), "w", NOW_MS)
    assert claimed is not None
    return claimed


def _succeed(services: Services, job_id: str, result: Json) -> None:
    services.jobs.apply(DispatchIfReady(job_id, "lambda", STAMP))
    job = services.jobs.apply(ClaimIfQueued(job_id, 0, "w", NOW_MS + 1, STAMP))
    services.jobs.apply(FinishIfAttemptHolds(job, 1, Ending(State.SUCCEEDED, result=result), STAMP))


def test_a_job_gets_the_result_that_released_it_though_reads_are_old() -> None:
    services, world = memory_services(SETTINGS, registry=ReadsUpstreams())
    jobs = OldReads(world)
    services = replace(services, jobs=jobs)
    upstream_id = _submit(services)
    jobs.old[upstream_id] = world.jobs[upstream_id]
    _succeed(services, upstream_id, {"rows": 7})
    claimed = _claim(services, _submit(services, DependencyRequest(job_id=upstream_id)))
    (upstream,) = claimed.assignment.upstreams
    assert (upstream.state, upstream.result) == (State.SUCCEEDED, {"rows": 7})


def _run(services: Services, job_id: str) -> None:
    services.jobs.apply(DispatchIfReady(job_id, "lambda", STAMP))
    run_message(services, NeverRuns(), StandingClock(NOW_MS), Message(job_id, 0), "w")


@pytest.mark.parametrize("gone", ["the result", "the upstream"])
def test_a_job_never_runs_on_a_part_of_its_upstreams(gone: str) -> None:
    services, world = memory_services(SETTINGS, registry=ReadsUpstreams())
    upstream_ids = [_submit(services) for _ in range(2)]
    for upstream_id in upstream_ids:
        _succeed(services, upstream_id, {"rows": 7})
    job_id = _submit(services, *(DependencyRequest(job_id=upstream_id) for upstream_id in upstream_ids))
    if gone == "the result":
        services = replace(services, jobs=ResultsGone(world))
    else:
        world.remove(upstream_ids[1])
    _run(services, job_id)
    job = world.jobs[job_id]
    assert (job.state, job.attempt) == (State.FAILED, 1)
    assert job.failure is not None
    assert job.failure.code == "upstream-gone"
    assert "retention" in job.failure.message


def test_a_job_whose_input_is_gone_fails_and_says_so() -> None:
    services, world = memory_services(SETTINGS, registry=ReadsUpstreams())
    job_id = submit_job(
        services,
        JobRequest(type="tidegate.noop", parameters={"text": "x" * 10_000}),
        idempotency_key=None,
        fingerprint="",
        now_ms=NOW_MS,
    ).job_id
    world.inputs.clear()
    _run(services, job_id)
    failure = world.jobs[job_id].failure
    assert failure is not None
    assert (world.jobs[job_id].state, failure.code) == (State.FAILED, "input-gone")


def test_a_job_whose_input_is_gone_is_shown_and_hides_no_other() -> None:
    services, world = memory_services(SETTINGS, registry=ReadsUpstreams())
    texts = ["x" * 10_000, "y" * 10_000, "short"]
    job_ids = [
        submit_job(
            services,
            JobRequest(type="tidegate.noop", parameters={"text": text}),
            idempotency_key=None,
            fingerprint="",
            now_ms=NOW_MS + at,
        ).job_id
        for at, text in enumerate(texts)
    ]
    del world.inputs[job_ids[0]]
    page = list_jobs(services, State.READY, pool=None, cursor=None, limit=10)
    shown = {job.job_id: job.input for job in page.jobs}
    assert shown.keys() == set(job_ids)
    assert shown[job_ids[0]] is None
    assert shown[job_ids[1]] == JobInput({"text": texts[1]})
    assert get_job(services, job_ids[0]).input is None


def test_a_condition_on_a_result_that_is_gone_skips_the_job_and_says_why() -> None:
    services, world = memory_services(SETTINGS)
    upstream_id = _submit(services)
    edge = DependencyRequest(
        job_id=upstream_id, type=DependencyType.CONDITIONAL, condition="upstream.result.rows > 0"
    )
    job_id = _submit(services, edge)
    _succeed(services, upstream_id, {"rows": 7})
    services = replace(services, jobs=ResultsGone(world))
    assert reap_pending(services, NOW_MS + GRACE_MS) == 1
    job = world.jobs[job_id]
    assert job.state is State.SKIPPED
    assert job.failure is not None
    assert job.failure.code == "upstream-gone"
    assert "retention" in job.failure.message


def test_a_large_result_is_read_once_for_all_that_look_at_it() -> None:
    services, world = memory_services(SETTINGS)
    upstream_id = _submit(services)
    edge = DependencyRequest(
        job_id=upstream_id, type=DependencyType.CONDITIONAL, condition="upstream.result.size() > 0"
    )
    waiting = [_submit(services, edge) for _ in range(50)]
    job = _claim(services, upstream_id).job
    assert services.jobs.store_result_overflow(job, "x" * 100_000)
    ending = Ending(State.SUCCEEDED, result_overflow=True)
    ended = services.jobs.apply(FinishIfAttemptHolds(job, 1, ending, STAMP))
    world.requests.clear()
    assert len(release(services, [ended], NOW_MS)) == len(waiting)
    assert world.requests["load_result"] == 1
