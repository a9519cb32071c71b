"""A stack with PublishEvents tells a rule's target what happens in it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.harness.e2e.command_line import tidegate_json
from tidegate.bootstrap import Services, aws_services, connect_system
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.settings import read_settings, read_tables
from tidegate_devstack import StackInfo, down, up

EVENTS = Path(__file__).resolve().parents[2] / "events"
PATIENCE_SECONDS = 90
HOUR_MS = 3_600_000
FLOW = {
    "jobs": [
        {"key": "first", "type": "tidegate.noop"},
        {"key": "second", "type": "tidegate.noop", "depends_on": [{"key": "first"}]},
    ],
    "name": "told",
}


@dataclass(frozen=True)
class Target:
    """The target of a rule for all events of the stack. `told` are those that came, by type and subject."""

    stack: StackInfo
    queue_url: str
    told: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def gets(self, event_type: str, subject: str) -> Mapping[str, Any]:
        """Returns the detail of an event. Fails if it does not come within PATIENCE_SECONDS."""
        sqs = self.stack.session().client("sqs", endpoint_url=self.stack.endpoint_url)
        deadline_s = time.monotonic() + PATIENCE_SECONDS
        while (event_type, subject) not in self.told:
            assert time.monotonic() < deadline_s, f"no {event_type} of {subject}; there are {list(self.told)}"
            answer = sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=2)
            for message in answer.get("Messages", []):
                event = json.loads(message["Body"])
                (about,) = (
                    event["detail"][name] for name in ("job", "workflow", "worker") if name in event["detail"]
                )
                self.told[event["detail-type"], about["id"]] = event["detail"]
        return self.told[event_type, subject]


@pytest.fixture(scope="module")
def home(stack_home: Path) -> Path:
    return stack_home.with_name(f"{stack_home.name}-events")


@pytest.fixture(scope="module")
def target(home: Path) -> Iterator[Target]:
    """Starts a stack of its own, because a rule of the session's stack would have no bus."""
    down(lambda _: None, home=home, wipe=True)
    try:
        stack = up(lambda _: None, home=home, parameters={"PublishEvents": "true"})
        session, bus_name = stack.session(), stack.outputs["EventBusName"]
        sqs = session.client("sqs", endpoint_url=stack.endpoint_url)
        queue_url = sqs.create_queue(QueueName="told")["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
        bus: Any = session.client("events", endpoint_url=stack.endpoint_url)
        bus.put_rule(Name="all", EventBusName=bus_name, EventPattern=json.dumps({"source": ["tidegate"]}))
        bus.put_targets(
            Rule="all", EventBusName=bus_name, Targets=[{"Id": "queue", "Arn": found["QueueArn"]}]
        )
        yield Target(stack, queue_url)
    finally:
        down(lambda _: None, home=home, wipe=True)


@pytest.fixture(scope="module")
def services(target: Target) -> Services:
    stack = target.stack
    clients = connect_system(session=stack.session(), endpoint_url=stack.endpoint_url)
    return aws_services(read_settings(stack.environment), read_tables(stack.environment), clients)


def submit(home: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = tidegate_json(home, "submit", "-", stdin=json.dumps(document))
    return answer


def reap(target: Target) -> None:
    """Runs the reaper, rather than waiting for the minute."""
    functions = target.stack.session().client("lambda", endpoint_url=target.stack.endpoint_url)
    payload = (EVENTS / "reaper-schedule.json").read_bytes()
    answer = functions.invoke(FunctionName=target.stack.outputs["ReaperFunctionName"], Payload=payload)
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_the_ends_of_a_job_alone_and_of_a_workflow_are_told(target: Target, home: Path) -> None:
    job_id = submit(home, {"type": "tidegate.noop", "tags": {"team": "data"}})["job_id"]
    workflow = submit(home, FLOW)
    told = target.gets("job.ended", job_id)
    assert (told["job"]["state"], told["job"]["tags"]) == ("SUCCEEDED", {"team": "data"})
    workflow_id = workflow["workflow_id"]
    ended = target.gets("workflow.ended", workflow_id)["workflow"]
    assert (ended["name"], ended["state"], ended["job_counts"]) == ("told", "SUCCEEDED", {"SUCCEEDED": 2})
    for number in range(2):
        assert target.gets("job.ended", f"{workflow_id}.{number}")["job"]["workflow_id"] == workflow_id


def test_a_time_that_can_not_be_met_is_told_of_jobs_and_workflows(target: Target, home: Path) -> None:
    now_s = int(time.time())
    starts, soon = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s + plus)) for plus in (3_600, 3_660))
    job = {"type": "tidegate.noop", "not_before": starts, "estimated_duration_seconds": 7_200}
    job_id = submit(home, {**job, "finish_by": soon})["job_id"]
    workflow_id = submit(home, {"jobs": [{**job, "key": "a"}], "finish_by": soon})["workflow_id"]
    reap(target)
    for subject in (job_id, workflow_id):
        assert target.gets("deadline.at-risk", subject)["deadline"]["verdict"] in ("at-risk", "impossible")


def test_a_worker_that_fell_silent_is_told(target: Target, services: Services) -> None:
    long_ago_ms = time.time_ns() // 1_000_000 - HOUR_MS
    worker = replace(begin(WorkerSpec("ecs", "silent", "host-1", slots=2), "S" * 26, long_ago_ms), running=1)
    services.workers.register_if_free(worker, silent_since_ms=long_ago_ms)
    reap(target)
    told = target.gets("worker.lost", "silent")["worker"]
    assert (told["state"], told["pool"], told["running"]) == ("LOST", "ecs", 1)
