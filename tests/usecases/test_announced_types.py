"""Types that workers announce: what a worker writes, and what the API makes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tests.harness.usecases.announcing import RENDER, announced_in, announcement_of
from tidegate.adapters.executors.announced_registry import KEPT_MS, LOOKED_AGAIN_AFTER_MS, AnnouncedRegistry
from tidegate.domain import limits
from tidegate.domain.announcements import FADES_AFTER_MS, RENEWED_AFTER_MS, DescribedType
from tidegate.domain.errors import InvalidRequest, ServiceUnavailable
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.type_facts import TypeFacts
from tidegate.jobs.context import JobContext
from tidegate.jobs.registry import Parameters, Registry
from tidegate.usecases.services import Services
from tidegate.usecases.submit.submit import submit_job, submit_workflow
from tidegate.usecases.work.announce_types import Announced, announce_types


@dataclass(slots=True)
class MovedClock:
    """A clock that tests set."""

    at_ms: int = NOW_MS

    def now_ms(self) -> int:
        """Returns the time that was set."""
        return self.at_ms


@dataclass(slots=True)
class Fixture:
    """A deployment in memory with one deployed type, and the registry of its API."""

    services: Services
    world: MemoryWorld
    clock: MovedClock
    types: Registry
    announced: AnnouncedRegistry

    def announce(self, *types: DescribedType, started_at_ms: int = NOW_MS, pool: str = "ecs") -> Announced:
        """Announces types as a worker does that started then."""
        return announce_types(
            self.services,
            types,
            pool=pool,
            worker_id="w",
            started_at_ms=started_at_ms,
            now_ms=self.clock.at_ms,
        )

    def submit(self, request: JobRequest) -> str:
        """Submits a job by the API's use case."""
        return submit_job(
            self.services, request, idempotency_key=None, fingerprint="", now_ms=self.clock.at_ms
        ).job_id

    def reads(self) -> int:
        """Returns how often announcements were read."""
        return self.world.requests["load_announced_types"]

    def writes(self) -> int:
        """Returns how often announcements were written."""
        return self.world.requests["announce_type"] + self.world.requests["renew_type"]


@pytest.fixture
def fixture() -> Fixture:
    deployed = Registry()

    @deployed.job("deployed")
    def run(parameters: Parameters, context: JobContext) -> None:
        """Does nothing."""

    services, world = memory_services(SETTINGS, MemoryWorld(shards=2, now_ms=NOW_MS), deployed)
    clock = MovedClock()
    announced = announced_in(services, deployed, clock)
    types = deployed.beside(announced)
    return Fixture(replace(services, registry=types), world, clock, types, announced)


# --- what a worker writes ---------------------------------------------------------------------------------


def test_a_fleet_that_does_not_change_reads_once_a_start_and_writes_nothing(fixture: Fixture) -> None:
    assert fixture.announce(RENDER, DescribedType("other")) == Announced(("reports.render", "other"))
    assert fixture.writes() == 2
    for number in range(20):
        assert fixture.announce(RENDER, DescribedType("other"), started_at_ms=NOW_MS + number) == Announced()
    assert (fixture.reads(), fixture.writes()) == (21, 2)


def test_a_running_fleet_renews_each_type_once_a_day(fixture: Fixture) -> None:
    fixture.announce(RENDER)
    for day in range(1, 4):
        fixture.clock.at_ms = NOW_MS + day * RENEWED_AFTER_MS
        for _ in range(5):
            fixture.announce(RENDER)
    assert fixture.writes() == 1 + 3
    assert fixture.world.announced[RENDER.type].seen_at_ms == NOW_MS + 3 * RENEWED_AFTER_MS


def test_in_a_rolling_deployment_the_type_of_the_latest_worker_holds_and_does_not_flap(
    fixture: Fixture,
) -> None:
    later = replace(RENDER, description="Renders better.")
    fixture.announce(RENDER, started_at_ms=NOW_MS)
    fixture.announce(later, started_at_ms=NOW_MS + 10)
    for _ in range(10):  # old and new workers go on beside each other
        fixture.announce(RENDER, started_at_ms=NOW_MS)
        fixture.announce(later, started_at_ms=NOW_MS + 10)
    assert fixture.world.announced[RENDER.type].digest == later.digest
    assert fixture.writes() == 2
    fixture.announce(RENDER, started_at_ms=NOW_MS + 20)  # the deployment is taken back
    assert fixture.world.announced[RENDER.type].digest == RENDER.digest


def test_a_wrong_description_of_a_clock_that_was_ahead_holds_a_day_at_most(fixture: Fixture) -> None:
    wrong = replace(RENDER, parameters_schema='{"required":["columns"]}')
    fixture.announce(RENDER)
    fixture.announce(wrong, started_at_ms=NOW_MS + 30 * RENEWED_AFTER_MS)
    assert fixture.world.announced[RENDER.type].digest == wrong.digest
    fixture.clock.at_ms += RENEWED_AFTER_MS
    assert fixture.announce(RENDER).new == (RENDER.type,)  # the daily look of a worker that started first
    assert fixture.types.violations(RENDER.type, {"rows": 1}) == []
    assert fixture.announce(wrong, started_at_ms=NOW_MS - 1) == Announced()


def test_no_worker_announces_more_than_the_api_reads(fixture: Fixture) -> None:
    many = [DescribedType(f"type{number:04}") for number in range(limits.MAX_ANNOUNCED_TYPES + 2)]
    done = fixture.announce(*many)
    assert (len(done.new), done.left_out) == (limits.MAX_ANNOUNCED_TYPES, ("type1000", "type1001"))
    assert fixture.announce(RENDER) == Announced(left_out=("reports.render",))
    assert fixture.announce(replace(many[0], description="new"), started_at_ms=NOW_MS + 1).new == (
        "type0000",
    )


def test_large_descriptions_are_left_out_beyond_the_bound(fixture: Fixture) -> None:
    large = "x" * (limits.MAX_ANNOUNCED_BYTES // 100)
    done = fixture.announce(*(DescribedType(f"type{number:03}", "", large) for number in range(110)))
    assert (len(done.new), len(done.left_out)) == (99, 11)


def test_an_interrupted_announcement_goes_on_where_it_was(fixture: Fixture) -> None:
    failures = iter([None, ServiceUnavailable("throttled")])

    def fail(request: str) -> None:
        if request == "announce_type" and (error := next(failures, None)) is not None:
            raise error

    fixture.world.on_request = fail
    with pytest.raises(ServiceUnavailable):
        fixture.announce(DescribedType("a"), DescribedType("b"), DescribedType("c"))
    assert set(fixture.world.announced) == {"a"}
    assert fixture.announce(DescribedType("a"), DescribedType("b"), DescribedType("c")).new == ("b", "c")
    assert fixture.announce().new == ()


# --- what the API makes of it -------------------------------------------------------------------------------


def test_a_deployed_type_costs_no_read(fixture: Fixture) -> None:
    for _ in range(10):
        fixture.submit(JobRequest(type="deployed"))
    assert fixture.reads() == 0


def test_a_submission_of_an_announced_type_reads_once_in_30_seconds(fixture: Fixture) -> None:
    fixture.announce(RENDER)
    before = fixture.reads()
    for second in range(90):
        fixture.clock.at_ms = NOW_MS + second * 1_000
        fixture.submit(JobRequest(type=RENDER.type, parameters={"rows": 1}))
    assert fixture.reads() - before == 3


def test_a_type_is_known_two_seconds_after_a_worker_announced_it(fixture: Fixture) -> None:
    request = JobRequest(type=RENDER.type, parameters={"rows": 1})
    with pytest.raises(InvalidRequest, match="unknown job type"):
        fixture.submit(request)
    fixture.announce(RENDER)
    fixture.clock.at_ms += LOOKED_AGAIN_AFTER_MS
    job = fixture.world.jobs[fixture.submit(request)]
    assert (job.pool, job.may_run_twice) == ("ecs", True)


def test_unknown_types_cost_one_read_in_two_seconds_however_many_they_are(fixture: Fixture) -> None:
    jobs = tuple(JobRequest(type=f"unknown{number}", key=str(number)) for number in range(100))
    for _ in range(10):
        with pytest.raises(InvalidRequest):
            submit_workflow(
                fixture.services,
                WorkflowRequest(name="w", jobs=jobs),
                idempotency_key=None,
                fingerprint="",
                now_ms=NOW_MS,
            )
    assert fixture.reads() == 1


def test_parameters_are_checked_by_the_schema_and_nothing_is_written(fixture: Fixture) -> None:
    fixture.announce(RENDER)
    with pytest.raises(InvalidRequest) as refused:
        fixture.submit(JobRequest(type=RENDER.type, parameters={"rows": 0, "titel": "x"}))
    assert [(each.field, each.message) for each in refused.value.violations] == [
        ("parameters.rows", "Input should be greater than or equal to 1"),
        (
            "parameters.titel",
            "is not a parameter of this job type; leave it out or correct its name; did you mean 'title'?",
        ),
    ]
    assert not fixture.world.jobs


def test_an_unknown_type_is_answered_with_the_nearest_of_all(fixture: Fixture) -> None:
    fixture.announce(RENDER)
    with pytest.raises(InvalidRequest) as refused:
        fixture.submit(JobRequest(type="reports.rendr"))
    said = refused.value.violations[0].message
    assert "types are deployed, reports.render" in said
    assert said.endswith("did you mean 'reports.render'?")


def test_a_deployed_type_is_checked_by_its_own_code_whatever_workers_say(fixture: Fixture) -> None:
    fixture.announce(DescribedType("deployed", "", '{"required":["never"]}', second_attempt=True))
    fixture.submit(JobRequest(type="deployed", parameters={}))
    assert fixture.types.facts("deployed") == TypeFacts()
    assert fixture.announced.find("deployed") is None
    assert "deployed" not in fixture.types.homes


def test_a_new_description_holds_after_30_seconds(fixture: Fixture) -> None:
    fixture.announce(RENDER)
    assert fixture.types.violations(RENDER.type, {"rows": 1}) == []
    other = replace(RENDER, parameters_schema='{"required":["columns"]}')
    fixture.announce(other, started_at_ms=NOW_MS + 1)
    assert fixture.types.violations(RENDER.type, {"rows": 1}) == []
    fixture.clock.at_ms += KEPT_MS
    assert fixture.types.violations(RENDER.type, {"rows": 1}) == [("columns", "is required")]


def test_a_type_that_nobody_renews_is_unknown_after_two_weeks_and_its_jobs_stay(fixture: Fixture) -> None:
    fixture.announce(RENDER)
    job_id = fixture.submit(JobRequest(type=RENDER.type, parameters={"rows": 1}))
    fixture.clock.at_ms = NOW_MS + FADES_AFTER_MS - 1
    assert RENDER.type in fixture.types.types()
    fixture.clock.at_ms = NOW_MS + FADES_AFTER_MS + LOOKED_AGAIN_AFTER_MS
    assert fixture.types.types() == ["deployed"]
    assert job_id in fixture.world.jobs
    with pytest.raises(InvalidRequest, match="unknown job type"):
        fixture.submit(JobRequest(type=RENDER.type, parameters={"rows": 1}))
    fixture.submit(JobRequest(type="deployed", depends_on=(DependencyRequest(job_id=job_id),)))


@pytest.mark.parametrize(
    "schema",
    ["", "no JSON", "[]", '{"type":"text"}', '{"$ref":"#/nowhere"}', "[" * 100_000, '{"required":5}'],
)
def test_one_bad_description_refuses_nothing_and_stops_no_other_type(fixture: Fixture, schema: str) -> None:
    fixture.announce(DescribedType("bad", "", schema), RENDER)
    assert fixture.types.violations("bad", {"anything": 1}) == ()
    assert fixture.types.violations(RENDER.type, {}) == [("rows", "is required")]
    assert fixture.types.types() == ["bad", "deployed", "reports.render"]


def test_a_schema_is_compiled_once(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    fixture.announce(RENDER)
    compiled: list[object] = []
    compile_schema = fixture.announced.compile_schema

    def count(schema: object) -> object:
        compiled.append(schema)
        return compile_schema(schema)

    monkeypatch.setattr(fixture.announced, "compile_schema", count)
    for second in range(100):
        fixture.clock.at_ms = NOW_MS + second * 1_000
        fixture.types.violations(RENDER.type, {"rows": 1})
    assert compiled == [json.loads(RENDER.parameters_schema)]


def test_a_job_of_an_announced_type_goes_where_workers_have_it(fixture: Fixture) -> None:
    fixture.announce(RENDER)
    job_id = fixture.submit(JobRequest(type=RENDER.type, parameters={"rows": 1}))
    assert fixture.world.jobs[job_id].pool == "ecs"
    with pytest.raises(InvalidRequest) as refused:
        fixture.submit(JobRequest(type=RENDER.type, parameters={"rows": 1}, pool="lambda"))
    (violation,) = refused.value.violations
    assert violation.field == "pool"
    assert "name a pool of worker processes: ecs, or deploy the type" in violation.message


def test_a_type_of_a_pool_that_is_gone_goes_to_another_pool_of_worker_processes(fixture: Fixture) -> None:
    fixture.announce(RENDER, pool="gone")
    job_id = fixture.submit(JobRequest(type=RENDER.type, parameters={"rows": 1}))
    assert fixture.world.jobs[job_id].pool == "ecs"


def test_the_options_of_an_announced_type_are_those_of_its_code(fixture: Fixture) -> None:
    fixture.announce(replace(RENDER, reads_upstreams=True))
    assert fixture.types.reads_upstreams(RENDER.type)
    assert not fixture.types.reads_upstreams("deployed")
    assert fixture.types.may_run_twice(RENDER.type) is True
    assert fixture.types.may_run_twice("unknown") is None
    assert list(fixture.types.faults()) == []


def test_where_announcements_cannot_be_read_deployed_types_go_on(fixture: Fixture) -> None:
    def fail(request: str) -> None:
        if request == "load_announced_types":
            raise ServiceUnavailable("throttled")

    fixture.world.on_request = fail
    fixture.submit(JobRequest(type="deployed"))
    with pytest.raises(ServiceUnavailable):
        fixture.submit(JobRequest(type=RENDER.type, parameters={"rows": 1}))


def test_what_is_left_out_is_logged(fixture: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    found = fixture.services.announcements.load()
    replaced = replace(
        found, by_type={RENDER.type: announcement_of(RENDER, NOW_MS)}, unreadable=("bad.type",)
    )

    class Store:
        def load(self) -> object:
            return replaced

    fixture.announced.announcements = Store()  # type: ignore[assignment]
    assert fixture.types.types() == ["deployed", "reports.render"]
    assert "some announced job types are left out: bad.type" in caplog.text
