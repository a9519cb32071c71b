"""With every metric wanted, the runs of functions publish what the table of metrics says, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.determined import StandingClock
from tests.harness.domain.documents import read_document, table_rows
from tests.harness.functions.api_calls import NOW_MS, SETTINGS, Api, read_event
from tidegate.adapters.dynamodb.codec import job_from_image
from tidegate.adapters.dynamodb.stream import changes_from
from tidegate.bootstrap import DispatcherDeps, Meter, ReaperDeps, RecorderDeps, Services, Usage
from tidegate.domain.changes import JobChange
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.submission import Phase, Submission
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.entry import dispatcher, metrics, reaper, recorder, watching
from tidegate.entry.metrics import METRICS, NAMESPACE, Metric, Publisher, publish
from tidegate.usecases.read import status

STACK = "tidegate-dev"
ALL = replace(SETTINGS, pool_metrics=True, all_metrics=True, stack=STACK)
DIMENSIONS = {"Stack", "Pool", "Function"}
LAG_S = 2.5
"""The time from the changes of the sample events, which were made at `NOW_MS`, to the end of the runs."""

Line = dict[str, Any]


def published(capsys: pytest.CaptureFixture[str]) -> list[Line]:
    """Returns the metric lines on standard output. Other lines belong to the log."""
    return [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "_aws" in line]


def values(lines: list[Line]) -> dict[tuple[str, ...], float]:
    """Returns each published value by the name of its metric and the values of its dimensions but the stack."""
    found: dict[tuple[str, ...], float] = {}
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        (names,) = directive["Dimensions"]
        for each in directive["Metrics"]:
            key = (each["Name"], *(line[name] for name in names if name != "Stack"))
            assert key not in found, key
            (found[key],) = line[each["Name"]]
    return found


def job(number: int, **given: Any) -> Job:
    plain: dict[str, Any] = {
        "job_id": f"01JD000000000000000000000{number}",
        "state": State.READY,
        "type": "tidegate.noop",
        "pool": "ecs",
        "priority": 1,
        "created_at_ms": NOW_MS,
        "ready_at_ms": NOW_MS,
    }
    return Job(**plain | given)


class Fixture:
    """An ecs pool with one worker of one slot, so that a window of 2 lets two of its jobs be dispatched."""

    def __init__(self, settings: Any = ALL) -> None:
        self.services: Services
        self.services, self.world = memory_services(settings, MemoryWorld(shards=2, now_ms=NOW_MS))
        self.clock, self.meter = StandingClock(NOW_MS + round(LAG_S * 1_000)), Meter()
        worker = begin(WorkerSpec("ecs", "w", "host", 1), "session", NOW_MS)
        self.services.workers.register_if_free(worker, silent_since_ms=0)

    def put(self, *jobs: Job) -> None:
        for each in jobs:
            self.world.put_new(each)

    def reap(self) -> None:
        reaper.run_round(ReaperDeps(self.services, self.clock, self.meter))

    def dispatch(self, event: Any) -> None:
        deps = DispatcherDeps(self.services, self.clock, self.meter, changes_from)
        dispatcher.handle(event, deps)

    def record(self, event: Any) -> None:
        workflow_id = str(changes_from(event["Records"]).jobs[0].new.workflow_id)
        self.world.submissions[workflow_id] = Submission(
            submission_id=workflow_id,
            phase=Phase.COMPLETE,
            job_count=3,
            fingerprint="f",
            created_at_ms=NOW_MS,
        )
        recorder.handle(event, RecorderDeps(self.services, self.clock, self.meter, changes_from))


def stream_event(fixture: Fixture) -> dict[str, Any]:
    """Returns the dispatcher's sample of a stream, whose jobs stand in the fixture: one is READY, one succeeded."""
    event = read_event("dispatcher-stream")
    fixture.put(*(job_from_image(record["dynamodb"]["NewImage"]) for record in event["Records"]))
    return event


# --- the table ----------------------------------------------------------------------------------------
def test_each_metric_has_one_line_and_only_known_dimensions() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    declared = {value for value in vars(metrics).values() if isinstance(value, Metric)}
    assert declared == set(METRICS)
    for metric in METRICS:
        assert metric.dimensions[0] == "Stack"
        assert set(metric.dimensions) <= DIMENSIONS, "each value of a dimension is billed by the month"


def test_the_page_has_the_same_table() -> None:
    expected = [
        [
            f"`{metric.name}`",
            metric.unit.value,
            ", ".join(metric.dimensions),
            ", ".join(metric.publishers),
            "`PoolMetrics`, `WorkerImage` or `Alarms`" if metric.is_load else "`Alarms`",
        ]
        for metric in METRICS
    ]
    rows = table_rows(read_document("reference/metrics.md"), "metric")
    assert [row[:5] for row in rows] == expected
    assert all(row[5] for row in rows)


def test_metrics_of_different_dimensions_can_t_share_a_line() -> None:
    with pytest.raises(ValueError, match="too many values"):
        publish({metrics.LAG: 1, metrics.WORKERS_LOST: 1}, STACK)
    with pytest.raises(ValueError, match="zip"):
        publish({metrics.LAG: 1}, STACK)


def runs() -> Iterator[tuple[Publisher, Fixture, Any]]:
    """Yields each function's run with the most to tell."""
    fixture = Fixture()
    fixture.put(job(1))
    yield Publisher.REAPER, fixture, fixture.reap
    fixture = Fixture()
    event = stream_event(fixture)
    yield Publisher.DISPATCHER, fixture, lambda: fixture.dispatch(event)
    recorded = Fixture()
    yield Publisher.RECORDER, recorded, lambda: recorded.record(read_event("recorder-stream"))
    yield Publisher.API, fixture, lambda: post(Api(), "/v1/jobs", JOB, "once")


def test_every_line_is_as_the_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    table = {metric.name: metric for metric in METRICS}
    met: set[str] = set()
    for publisher, _, run in runs():
        run()
        for line in published(capsys):
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            (dimensions,) = directive["Dimensions"]
            assert (directive["Namespace"], line["Stack"]) == (NAMESPACE, STACK)
            for each in directive["Metrics"]:
                metric = table[each["Name"]]
                assert (each["Unit"], tuple(dimensions)) == (metric.unit.value, metric.dimensions)
                assert publisher in metric.publishers
                met.add(metric.name)
    assert table.keys() - met == {"WorkersLost", "DeadLetters"}, "these are published when there are any"


def test_without_the_setting_only_the_loads_are_published(capsys: pytest.CaptureFixture[str]) -> None:
    plain = Fixture(replace(SETTINGS, pool_metrics=True, stack=STACK))
    plain.reap()
    loads = {metric.name for metric in METRICS if metric.is_load}
    assert {name for name, *_ in values(published(capsys))} == loads
    plain.dispatch(stream_event(plain))
    plain.record(read_event("recorder-stream"))
    assert published(capsys) == []


# --- the wait of READY jobs -----------------------------------------------------------------------------
def oldest(capsys: pytest.CaptureFixture[str], pool: str = "ecs") -> float:
    return values(published(capsys))["OldestReadySeconds", pool]


def test_the_longest_wait_is_found_wherever_the_job_stands_in_the_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fixture = Fixture()
    fixture.put(
        job(1, priority=1_000),
        job(2, priority=1, ready_at_ms=NOW_MS - 90_000),
        job(3, priority=500, ready_at_ms=NOW_MS - 5_000),
    )
    fixture.reap()
    assert oldest(capsys) == 90 + LAG_S


def test_nobody_waits_in_an_empty_pool_or_by_the_operators_wish(capsys: pytest.CaptureFixture[str]) -> None:
    fixture = Fixture()
    fixture.put(job(1, ready_at_ms=NOW_MS - 60_000))
    fixture.services.rules.set_pool_paused("ecs", True, actor="ann", now_ms=NOW_MS)
    fixture.reap()
    found = values(published(capsys))
    assert (found["OldestReadySeconds", "ecs"], found["OldestReadySeconds", "lambda"]) == (0, 0)


def test_of_more_jobs_than_are_counted_the_best_ranked_are_looked_at(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "MAX_COUNTED_JOBS", 0)
    fixture = Fixture()
    # Of each of two shards one job is looked at.
    fixture.put(*(job(number, ready_at_ms=NOW_MS - 1_000 * number) for number in range(9)))
    fixture.put(job(9, priority=1_000, ready_at_ms=NOW_MS - 500))
    fixture.reap()
    assert 0.5 <= oldest(capsys) - LAG_S <= 8, "at least as long waits the oldest"


def test_a_clock_behind_makes_no_wait_negative(capsys: pytest.CaptureFixture[str]) -> None:
    fixture = Fixture()
    fixture.put(job(1, ready_at_ms=NOW_MS + 9_000))
    fixture.reap()
    assert oldest(capsys) == 0


# --- submitted jobs ---------------------------------------------------------------------------------------
JOB = {"type": "tidegate.noop", "parameters": {}, "pool": "ecs"}
WORKFLOW = {
    "jobs": [
        {"key": "a", "type": "tidegate.noop", "parameters": {}, "pool": "ecs"},
        {"key": "b", "type": "tidegate.noop", "parameters": {}, "pool": "ecs", "depends_on": [{"key": "a"}]},
        {"key": "c", "type": "tidegate.noop", "parameters": {}, "pool": "lambda"},
    ]
}


def post(api: Api, path: str, body: Any, key: str) -> int:
    return api.call("POST", path, body, key=key, stage={"stack": STACK, "metrics": "all"}).status


def submitted(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    return {
        pool: value for (name, pool), value in values(published(capsys)).items() if name == "JobsSubmitted"
    }


@pytest.mark.parametrize(
    ("path", "body", "jobs"),
    [("/v1/jobs", JOB, {"ecs": 1}), ("/v1/workflows", WORKFLOW, {"ecs": 2, "lambda": 1})],
)
def test_accepted_jobs_are_counted_once_and_a_repeated_or_refused_request_counts_nothing(
    path: str, body: Any, jobs: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    api = Api()
    assert post(api, path, body, "once") == 201
    assert submitted(capsys) == jobs
    assert post(api, path, body, "once") == 200
    assert post(api, path, {**body, "tags": {"a": "b"}}, "once") == 409
    assert submitted(capsys) == {}
    assert api.call("POST", path, body).status == 201
    assert submitted(capsys) == {}, "no metric is wanted"


@pytest.mark.parametrize(("path", "body"), [("/v1/jobs", JOB), ("/v1/workflows", WORKFLOW)])
def test_a_metric_that_fails_leaves_the_submission_whole(
    path: str, body: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_told: object) -> None:
        raise ValueError("no such dimension")

    api = Api()
    monkeypatch.setattr("tidegate.entry.submitted.publish", fail)
    assert post(api, path, body, "once") == 201
    assert all(each.phase is Phase.COMPLETE for each in api.world.submissions.values())
    assert post(api, path, body, "once") == 200


def test_a_workflow_that_was_interrupted_is_counted_when_it_is_committed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    api = Api()

    def refuse(request: str) -> None:
        if request == interrupted:
            raise ServiceUnavailable("the run died")

    api.world.on_request = refuse
    for interrupted, expected in (("save_plan", {}), ("insert", {"ecs": 2, "lambda": 1}), ("", {})):
        post(api, "/v1/workflows", WORKFLOW, "once")
        assert submitted(capsys) == expected, interrupted


# --- started and ended jobs -------------------------------------------------------------------------------
def test_a_run_of_the_dispatcher_tells_what_it_did_and_how_late(capsys: pytest.CaptureFixture[str]) -> None:
    fixture = Fixture()
    fixture.dispatch(stream_event(fixture))
    found = values(published(capsys))
    assert found["JobsDispatched", "lambda"] == 1
    assert (found["JobsSucceeded", "lambda"], found["JobsFailed", "lambda"]) == (1, 0)
    assert found["LagSeconds", "dispatcher"] == LAG_S
    assert not [key for key in found if "ecs" in key]


def test_a_tick_has_no_lag_and_tells_its_dispatches(capsys: pytest.CaptureFixture[str]) -> None:
    fixture = Fixture()
    fixture.put(job(1), job(2), job(3))
    fixture.dispatch(read_event("dispatcher-schedule"))
    assert values(published(capsys)) == {
        ("JobsDispatched", "ecs"): 2,
        ("WriteUnits", "dispatcher"): 0,
        ("ReadUnits", "dispatcher"): 0,
    }


def ended(number: int, state: State, *, was: State = State.RUNNING, pool: str = "ecs") -> JobChange:
    return JobChange(job(number, state=was, pool=pool), job(number, state=state, pool=pool))


def test_ends_are_counted_by_pool_and_every_timeout_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    changes = [
        ended(1, State.SUCCEEDED),
        ended(2, State.FAILED),
        ended(3, State.TIMED_OUT),
        ended(4, State.CANCELLED, pool="lambda"),
        ended(5, State.SKIPPED, was=State.PENDING, pool="lambda"),
        ended(6, State.SCHEDULED),  # a retry waits: the job has not ended
        ended(7, State.FAILED, was=State.FAILED),  # it is only kept longer
        JobChange(None, job(8, state=State.SUCCEEDED)),
    ]
    watching.publish_ended(ALL, changes)
    assert values(published(capsys)) == {("JobsSucceeded", "ecs"): 2, ("JobsFailed", "ecs"): 2}


def test_a_batch_that_fails_counts_no_end_because_it_comes_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ServiceUnavailable("the table does not answer")

    fixture = Fixture()
    event = stream_event(fixture)
    with monkeypatch.context() as patched:
        patched.setattr(dispatcher, "tick_if_overdue", fail)
        with pytest.raises(ServiceUnavailable):
            fixture.dispatch(event)
    names = {name for name, *_ in values(published(capsys))}
    assert names == {"JobsDispatched", "WriteUnits", "ReadUnits"}
    fixture.dispatch(event)
    assert values(published(capsys))["JobsSucceeded", "lambda"] == 1


def test_a_recorder_that_fails_tells_its_units_and_no_lag(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ServiceUnavailable("the table does not answer")

    fixture = Fixture()
    fixture.record(read_event("recorder-stream"))
    assert values(published(capsys))["LagSeconds", "recorder"] == LAG_S
    monkeypatch.setattr(recorder, "follow_changes", fail)
    with pytest.raises(ServiceUnavailable):
        fixture.record(read_event("recorder-stream"))
    assert {name for name, *_ in values(published(capsys))} == {"WriteUnits", "ReadUnits"}


def test_a_batch_without_a_time_has_no_lag(capsys: pytest.CaptureFixture[str]) -> None:
    fixture = Fixture()
    event = stream_event(fixture)
    for record in event["Records"]:
        record["dynamodb"]["ApproximateCreationDateTime"] = "soon"
    fixture.dispatch(event)
    assert ("LagSeconds", "dispatcher") not in values(published(capsys))


# --- repairs and units --------------------------------------------------------------------------------------
def test_lost_workers_and_dead_letters_are_told_when_there_are_any(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fixture = Fixture()
    fixture.reap()
    quiet = values(published(capsys))
    assert not {("WorkersLost",), ("DeadLetters",)} & quiet.keys()
    fixture.clock = StandingClock(NOW_MS + 3_600_000)
    fixture.reap()
    assert values(published(capsys))["WorkersLost",] == 1
    watching.publish_repairs(ALL, workers_lost=0, dead_letters=3)
    assert values(published(capsys)) == {("DeadLetters",): 3}


def test_units_are_those_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    used = Usage({}, {("jobs", "table"): 2.0, ("jobs", "by_group_v2"): 1.5}, 4.5)
    watching.publish_run(ALL, Publisher.REAPER, used, now_ms=NOW_MS)
    assert values(published(capsys)) == {("WriteUnits", "reaper"): 3.5, ("ReadUnits", "reaper"): 4.5}
