"""The sample events of the project: each is what its function really gets, and the function accepts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.determined import StandingClock
from tests.harness.domain.event_samples import EVENTS_OUT
from tests.harness.functions.api_calls import EVENT_STATUS, EVENTS, NOW_MS, SETTINGS, Api, read_event
from tests.harness.tables import resources, routes
from tidegate.adapters.aws.queue import message_body
from tidegate.adapters.dynamodb.codec import JobCodec, job_from_image
from tidegate.adapters.dynamodb.workers import worker_from, worker_item
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.bootstrap import Meter, WorkerDeps
from tidegate.domain.changes import JobChange
from tidegate.domain.job import Job, JobInput
from tidegate.domain.rank import RankPolicy
from tidegate.domain.states import TERMINAL, State
from tidegate.domain.workers import WorkerState
from tidegate.entry import worker
from tidegate.jobs.loader import load_registry
from tidegate.ports import Message

ROOT = EVENTS.parent
STREAM_SHARDS = 4
FUNCTIONS = ("api", "console", "dispatcher", "reaper", "recorder", "webhooks", "worker")
API_EVENTS = sorted(path.stem for path in EVENTS.glob("api-*.json"))


def test_there_is_an_event_for_each_trigger_of_the_template() -> None:
    called = {(event["httpMethod"], event["resource"]) for event in map(read_event, API_EVENTS)}
    assert called == routes() - {("GET", "/v1/health")}
    others = {path.stem for path in EVENTS.glob("*.json")} - set(API_EVENTS)
    assert others == {
        "console-page",
        "dispatcher-rules",
        "dispatcher-schedule",
        "dispatcher-stream",
        "dispatcher-workers",
        *EVENTS_OUT,
        "reaper-schedule",
        "recorder-stream",
        "recorder-submissions",
        "recorder-workers",
        "webhooks-sqs",
        "worker-sqs",
    }


@pytest.mark.parametrize("name", API_EVENTS)
def test_the_api_answers(name: str) -> None:
    answer = Api().send(read_event(name))
    assert answer.status == EVENT_STATUS[name], answer.body


def test_a_cancellation_is_recorded_under_its_callers_name() -> None:
    api, event = Api(), read_event("api-cancel-job")
    ann = event["requestContext"]["identity"]["userArn"]
    job_id = api.call("POST", "/v1/jobs", {"type": "tidegate.noop"}, arn=ann).body["job_id"]
    event["path"] = f"/v1/jobs/{job_id}/cancel"
    assert event["requestContext"]["identity"]["userArn"].endswith(":user/ann")
    assert api.send(event).status == 200
    assert api.job(job_id).history[-1].actor == "ann"


def test_a_caller_without_a_name_is_a_client() -> None:
    api, event = Api(), read_event("api-cancel-job")
    job_id = api.call("POST", "/v1/jobs", {"type": "tidegate.noop"}, arn="").body["job_id"]
    event["path"] = f"/v1/jobs/{job_id}/cancel"
    event["requestContext"]["identity"]["userArn"] = None
    assert api.send(event).status == 200
    assert api.job(job_id).history[-1].actor == "client"


def test_the_stream_brings_items_as_the_store_writes_them() -> None:
    codec = JobCodec(shards=STREAM_SHARDS, rank_policy=RankPolicy())
    images = [
        record["dynamodb"][image]
        for record in read_event("dispatcher-stream")["Records"]
        for image in ("OldImage", "NewImage")
        if image in record["dynamodb"]
    ]
    assert len(images) == 3
    for image in images:
        assert codec.whole_item(job_from_image(image)) == image


def test_the_workers_stream_brings_items_as_the_registry_writes_them() -> None:
    for record in read_event("dispatcher-workers")["Records"]:
        for image in ("OldImage", "NewImage"):
            item = record["dynamodb"].get(image)
            assert item is None or worker_item(worker_from(item)) == item


def _matches(pattern: Any, value: Any) -> bool:
    """Says whether an event source's filter matches, for fields and lists of wanted values."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            _matches(wanted, value.get(k)) for k, wanted in pattern.items()
        )
    return value in pattern


def _wakes(old: WorkerState | None, new: WorkerState) -> bool:
    """Says whether the change of a worker reaches the dispatcher."""
    images = {"NewImage": {"state": {"S": new.value}}}
    if old is not None:
        images["OldImage"] = {"state": {"S": old.value}}
    record = {"eventName": "MODIFY" if old else "INSERT", "dynamodb": images}
    source = resources()["DispatcherWorkersStream"]["Properties"]
    filters = [json.loads(each["Pattern"]) for each in source["FilterCriteria"]["Filters"]]
    return any(_matches(pattern, record) for pattern in filters)


def test_the_dispatcher_wakes_for_workers_that_join_or_come_back_and_for_no_heartbeat() -> None:
    assert (
        resources()["Workers"]["Properties"]["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    )
    assert _wakes(None, WorkerState.ACTIVE)
    waking = {(old, new) for old in WorkerState for new in WorkerState if _wakes(old, new)}
    assert waking == {(old, WorkerState.ACTIVE) for old in WorkerState if old is not WorkerState.ACTIVE}


def _reaches(old: State, new: State, *, watched: bool) -> tuple[bool, bool]:
    """Says whether the change of a job reaches the dispatcher, by the template and by the memory world."""

    def image(state: State) -> dict[str, Any]:
        return {"state": {"S": state.value}, **({"watch_start": {"BOOL": True}} if watched else {})}

    images = {"NewImage": image(new), "OldImage": image(old)}
    record = {"eventName": "MODIFY", "dynamodb": images}
    source = resources()["DispatcherStream"]["Properties"]
    filters = [json.loads(each["Pattern"]) for each in source["FilterCriteria"]["Filters"]]

    def job(state: State) -> Job:
        return Job(
            job_id="S",
            state=state,
            type="t",
            pool="p",
            priority=1,
            created_at_ms=NOW_MS,
            watch_start=watched,
        )

    change = JobChange(job(old), job(new))
    return any(_matches(pattern, record) for pattern in filters), change.concerns_dispatcher


def test_the_dispatcher_hears_once_that_a_job_has_ended_in_the_memory_world_too() -> None:
    """The dispatcher hears no more of a job that has already ended, however long the job is kept."""
    for old in State:
        for new in TERMINAL:
            for watched in (False, True):
                reached = _reaches(old, new, watched=watched)
                assert reached == (old not in TERMINAL, old not in TERMINAL), (old, new, watched)


@pytest.mark.parametrize("name", ["dispatcher-schedule", "reaper-schedule"])
def test_schedules_are_named_as_the_template_names_them(name: str) -> None:
    function = name.partition("-")[0]
    schedule = resources()[f"{function.title()}Function"]["Properties"]["Events"]["EveryMinute"]
    assert schedule["Properties"]["Name"] == function
    event = read_event(name)
    assert event["source"] == "aws.scheduler"
    assert event["resources"][0].endswith(f":schedule/tidegate-Schedules-1AB2C3D4E5F6/{function}")


def test_the_worker_runs_the_job_of_its_message() -> None:
    event = read_event("worker-sqs")
    (record,) = event["Records"]
    message = Message(**json.loads(record["body"]))
    assert record["body"] == message_body(message)
    services, world = memory_services(SETTINGS, MemoryWorld(shards=2, now_ms=NOW_MS))
    clock, registry = StandingClock(NOW_MS), load_registry()
    job = Job(
        job_id=message.job_id,
        state=State.QUEUED,
        type="tidegate.noop",
        pool="lambda",
        priority=1,
        created_at_ms=NOW_MS,
        input=JobInput({}),
    )
    world.put_new(job)
    deps = WorkerDeps(services, InlineExecutor(registry, clock, heartbeat_seconds=15), clock, Meter())
    assert worker.run_records(event, deps, "lambda-1") == {"batchItemFailures": []}
    assert world.jobs[message.job_id].state is State.SUCCEEDED


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_imported_without_a_deployment_around_it(name: str, tmp_path: Path) -> None:
    paths = [ROOT / "functions" / name, ROOT / "layers" / "core", ROOT / "layers" / "jobs"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, paths))}
    code = "import app; assert callable(app.lambda_handler)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, timeout=60)
