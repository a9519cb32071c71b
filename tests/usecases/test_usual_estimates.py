"""A job without an estimate gets the usual run time of its type, and no submission fails for want of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from dev.simulator.memory.seeded import JOB_TYPE, OTHER_TYPE, function_pool, make_services, make_settings
from dev.simulator.memory.statistics import MemoryStatisticsStore
from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.callers import NOBODY
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job, workflow_job_id
from tidegate.domain.job_query import JobQuery
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.statistics.codec import UnknownVersion
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.histogram import histogram_of
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import DAY_MS, HOUR_MS, Counted, Span, floor_to
from tidegate.domain.submission import Phase
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.read.find_jobs import find_jobs
from tidegate.usecases.recall import KEEP_LONG_MS
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.usual_runs import (
    DAYS,
    MAX_TYPES,
    READ_AT_MOST_MS,
    known_usual_runs,
    usual_estimates,
)
from tidegate.usecases.submit.submit import submit_job, submit_workflow
from tidegate.usecases.submit.would_submit import jobs_if_submitted

MIDNIGHT = floor_to(1_800_000_000_000, DAY_MS)
NOW_MS = MIDNIGHT + 5 * HOUR_MS
POOLS = ("one", "two")


class ReadStatistics(MemoryStatisticsStore):
    """Statistics in memory that note their reads, and that fail while there is an `error`."""

    def __init__(self, world: MemoryWorld) -> None:
        super().__init__(world)
        self.error: Exception | None = None
        self.reads: list[tuple[str, Span]] = []

    def find(self, pool: str, span: Span, from_ms: int, to_ms: int) -> Sequence[Counted]:
        self.reads.append((pool, span))
        if self.error is not None:
            raise self.error
        return super().find(pool, span, from_ms, to_ms)


@dataclass(slots=True)
class Deployment:
    """Two pools in memory, with what was counted of them."""

    services: Services
    world: MemoryWorld
    statistics: ReadStatistics

    def count(self, span: Span, from_ms: int, seconds: float, runs: int = 20, pool: str = "one") -> None:
        """Says that so many jobs which ended in this time ran for `seconds`."""
        figures = Figures(succeeded=runs, run=histogram_of([round(seconds * 1_000)] * runs))
        self.put(span, from_ms, Rollup({JOB_TYPE: figures}), pool)

    def put(self, span: Span, from_ms: int, rollup: Rollup, pool: str = "one") -> None:
        to_ms = from_ms + (DAY_MS if span is Span.DAY else HOUR_MS)
        self.statistics.put(pool, span, Counted(from_ms, to_ms, rollup), expires_at_s=0)

    def usual_seconds(self, now_ms: int = NOW_MS) -> float | None:
        """Returns the usual run time by a fresh read."""
        self.services.long_recall.forget()
        usual = known_usual_runs(self.services, now_ms).get(JOB_TYPE)
        return None if usual is None else usual.median_seconds

    def submit(self, *jobs: JobRequest, key: str | None = None, now_ms: int = NOW_MS) -> list[Job]:
        request = WorkflowRequest(jobs=jobs, critical_path_weight=1.0)
        accepted = submit_workflow(
            self.services, request, idempotency_key=key, fingerprint="f", now_ms=now_ms
        )
        return [self.world.jobs[workflow_job_id(accepted.workflow_id, place)] for place in range(len(jobs))]


@pytest.fixture
def deployment() -> Deployment:
    services, world = make_services(make_settings(*(function_pool(name, 4) for name in POOLS)), seed=1)
    statistics = ReadStatistics(world)
    return Deployment(replace(services, statistics=statistics), world, statistics)


def job(key: str, seconds: float | None = None, *upstreams: str, job_type: str = JOB_TYPE) -> JobRequest:
    edges = tuple(DependencyRequest(key=upstream) for upstream in upstreams)
    return JobRequest(type=job_type, key=key, estimated_duration_seconds=seconds, depends_on=edges)


def near(seconds: float) -> object:
    return pytest.approx(seconds, rel=0.05)


def test_a_job_alone_is_estimated_by_its_type(deployment: Deployment) -> None:
    deployment.count(Span.DAY, MIDNIGHT - DAY_MS, 8.0)
    for asked in (None, 3.0):
        request = JobRequest(type=JOB_TYPE, estimated_duration_seconds=asked)
        submit_job(deployment.services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS)
    found = {each.estimate_source: each.estimated_duration_seconds for each in deployment.world.jobs.values()}
    assert found == {"statistics": near(8.0), "caller": 3.0}


def test_a_workflow_is_estimated_with_its_critical_path(deployment: Deployment) -> None:
    deployment.count(Span.DAY, MIDNIGHT - DAY_MS, 8.0)
    first, second, third = deployment.submit(
        job("a"), job("b", 2.0, "a"), job("c", None, "b", job_type=OTHER_TYPE)
    )
    assert [each.estimate_source for each in (first, second, third)] == ["statistics", "caller", None]
    assert first.critical_path_boost_millipoints == near(10_000)
    workflow_id = first.workflow_id or ""
    assert deployment.world.submissions[workflow_id].critical_path_seconds == near(10.0)
    graph = deployment.services.progress.load_graph(workflow_id)
    assert graph is not None
    assert graph.estimates == (near(8.0), 2.0, None)
    assert graph.critical_path[:2] == (0, 1)


def test_a_submission_that_is_tried_out_is_estimated_too(deployment: Deployment) -> None:
    deployment.count(Span.DAY, MIDNIGHT - DAY_MS, 8.0)
    alone, workflow = job("a"), WorkflowRequest(jobs=(job("a"),))
    for request in (replace(alone, key=None), workflow):
        (tried,) = jobs_if_submitted(deployment.services, request, NOBODY, NOW_MS, "S").jobs
        assert tried.estimate_source == "statistics"


def test_an_estimate_by_statistics_makes_a_job_overdue(deployment: Deployment) -> None:
    deployment.count(Span.DAY, MIDNIGHT - DAY_MS, 8.0)
    (estimated,) = deployment.submit(job("a"))
    running = replace(estimated, state=State.RUNNING, queued_at_ms=NOW_MS, started_at_ms=NOW_MS)
    deployment.world.write(running)
    query = JobQuery(states=(State.RUNNING,), overdue=True)
    for after_seconds, count in ((7, 0), (9, 1)):
        now_ms = NOW_MS + after_seconds * 1_000
        assert len(find_jobs(deployment.services, query, cursor=None, limit=9, now_ms=now_ms).jobs) == count


def test_whole_days_count_and_the_hours_since_but_no_hour_twice(deployment: Deployment) -> None:
    deployment.count(Span.DAY, MIDNIGHT - DAYS * DAY_MS, 1.0)
    deployment.count(Span.DAY, MIDNIGHT - (DAYS + 1) * DAY_MS, 90.0, runs=900)  # too long ago
    deployment.count(Span.HOUR, MIDNIGHT - 3 * DAY_MS, 90.0, runs=900)
    assert deployment.usual_seconds() == near(1.0)
    # Yesterday is not put yet: its hours count.
    deployment.count(Span.HOUR, MIDNIGHT - HOUR_MS, 4.0, runs=21)
    assert deployment.usual_seconds() == near(4.0)
    # From then on they count within their day.
    deployment.count(Span.DAY, MIDNIGHT - DAY_MS, 4.0, runs=1)
    assert deployment.usual_seconds() == near(1.0)
    deployment.count(Span.HOUR, MIDNIGHT, 6.0, runs=99, pool="two")
    assert deployment.usual_seconds() == near(6.0)
    deployment.count(Span.HOUR, MIDNIGHT, 2.0, runs=900, pool="three")  # not a pool of this deployment
    assert deployment.usual_seconds() == near(6.0)


def test_a_process_reads_two_queries_a_pool_and_keeps_them(deployment: Deployment) -> None:
    deployment.count(Span.DAY, MIDNIGHT - DAY_MS, 8.0)
    deployment.submit(job("a", 1.0))
    assert deployment.statistics.reads == []  # every job has an estimate
    many = [job(str(number), job_type=(JOB_TYPE, OTHER_TYPE)[number % 2]) for number in range(50)]
    deployment.submit(*many)
    deployment.submit(job("a"), now_ms=NOW_MS + KEEP_LONG_MS - 1)
    assert sorted(deployment.statistics.reads) == [(pool, span) for pool in POOLS for span in ("day", "hour")]
    deployment.submit(job("a"), now_ms=NOW_MS + KEEP_LONG_MS)
    assert len(deployment.statistics.reads) == 8


@pytest.mark.parametrize(
    "error", [ServiceUnavailable("the table is throttled"), UnknownVersion("a roll-up of version 9")], ids=str
)
def test_a_submission_goes_without_estimates_where_none_can_be_read(
    deployment: Deployment, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    deployment.count(Span.DAY, MIDNIGHT - DAY_MS, 8.0)
    deployment.statistics.error = error
    for _ in range(2):
        (submitted,) = deployment.submit(job("a"))
        assert submitted.estimated_duration_seconds is None
    assert [record.message for record in caplog.records] == [f"usual run times can't be read: {error}"]
    # A table that is down is not asked again for each submission.
    assert len(deployment.statistics.reads) == 1


def test_a_submission_goes_without_estimates_where_reading_them_takes_long(deployment: Deployment) -> None:
    deployment.count(Span.DAY, MIDNIGHT - DAY_MS, 8.0)

    class SlowReads:
        """Its time passes with each read."""

        def now_ms(self) -> int:
            return len(deployment.statistics.reads) * READ_AT_MOST_MS // 2

    until = Deadline(SlowReads(), 15_000)
    assert usual_estimates(deployment.services, [job("a")], NOW_MS, until) == {}
    assert len(deployment.statistics.reads) == 2  # those of the first of two pools


def test_a_repeated_request_writes_the_jobs_of_the_first(deployment: Deployment) -> None:
    """The pages of two plans for one submission may be mixed, so both must be equal."""
    deployment.count(Span.DAY, MIDNIGHT - DAY_MS, 8.0)
    jobs = (job("a"), job("b", None, "a"))
    (first, _) = deployment.submit(*jobs, key="k")
    workflow_id = first.workflow_id or ""
    record = deployment.world.submissions[workflow_id]
    graph = deployment.services.progress.load_graph(workflow_id)
    # The first request died while it staged, and the second one is answered by another process, later.
    deployment.world.submissions[workflow_id] = replace(record, phase=Phase.STAGING)
    deployment.world.jobs.clear()
    deployment.count(Span.HOUR, MIDNIGHT, 90.0, runs=900)
    deployment.services.long_recall.forget()
    (again, _) = deployment.submit(*jobs, key="k", now_ms=NOW_MS + 60_000)
    assert again.estimated_duration_seconds == first.estimated_duration_seconds
    assert again.critical_path_boost_millipoints == first.critical_path_boost_millipoints
    assert deployment.services.progress.load_graph(workflow_id) == graph


def test_the_record_of_a_submission_keeps_a_bounded_number_of_estimates(deployment: Deployment) -> None:
    types = [f"type-{number}" for number in range(MAX_TYPES + 20)]
    figures = Figures(succeeded=20, run=histogram_of([8_000] * 20))
    deployment.put(Span.DAY, MIDNIGHT - DAY_MS, Rollup(dict.fromkeys(types, figures)))
    asked = [job("x", job_type=job_type) for job_type in (*types, types[-1])]
    estimates = usual_estimates(deployment.services, asked, NOW_MS)
    assert len(estimates) == MAX_TYPES
    assert next(iter(estimates)) == types[-1]  # most of the jobs are of it
