"""A stack with PublishEvents tells a rule's target what happens in it, and one with ApiWaits lets a call wait."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.harness.e2e.command_line import tidegate_json
from tidegate.bootstrap import Services, aws_services, connect_system
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.settings import read_settings, read_tables
from tidegate_devstack import StackInfo, down, up

EVENTS = Path(__file__).resolve().parents[2] / "events"
PATIENCE_SECONDS = 90
HOUR_MS = 3_600_000
WAIT_SECONDS = 20
LONGER_THAN_A_LOOK_SECONDS = 2
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
        stack = up(lambda _: None, home=home, parameters={"PublishEvents": "true", "ApiWaits": "1"})
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


def ask(stack: StackInfo, job_id: str, wait_seconds: int) -> tuple[dict[str, Any], float]:
    """Asks for a job's end as a client does; returns the job, and how many seconds the answer took."""
    url = f"{stack.api_url}/v1/jobs/{job_id}?fields=slim&wait={wait_seconds}"
    unsigned = AWSRequest(method="GET", url=url)
    key = Credentials(stack.access_key_id, stack.secret_access_key)
    SigV4Auth(key, "execute-api", stack.region).add_auth(unsigned)
    began_s = time.monotonic()
    # No proxy, because it can't reach this machine's loopback.
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(url, headers=dict(unsigned.headers.items()), timeout=PATIENCE_SECONDS)
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return job, time.monotonic() - began_s


def test_a_call_that_waits_is_answered_at_the_end_of_the_job(target: Target, home: Path) -> None:
    sleeps = {"type": "tidegate.sleep", "parameters": {"seconds": 3}}
    job, took_seconds = ask(target.stack, submit(home, sleeps)["job_id"], WAIT_SECONDS)
    assert job["state"] == "SUCCEEDED"
    assert LONGER_THAN_A_LOOK_SECONDS < took_seconds < WAIT_SECONDS, took_seconds


def test_a_call_beyond_the_bound_is_answered_at_once_and_the_next_one_waits(
    target: Target, home: Path, services: Services
) -> None:
    in_an_hour = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3_600))
    held = submit(home, {"type": "tidegate.noop", "not_before": in_an_hour})["job_id"]
    plain, _ = ask(target.stack, held, 0)
    now_ms = time.time_ns() // 1_000_000
    until_ms = now_ms + 60_000
    assert services.open_waits.begin_if_fewer("of-tests", most=1, now_ms=now_ms, until_ms=until_ms)
    try:
        job, took_seconds = ask(target.stack, held, WAIT_SECONDS)
    finally:
        services.open_waits.end("of-tests", until_ms=until_ms)
    assert job == plain
    assert took_seconds < WAIT_SECONDS / 2  # one that waited would have taken all of it
    waited, took_seconds = ask(target.stack, held, 3)
    assert waited == plain
    assert took_seconds >= 3
