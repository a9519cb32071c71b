"""Parameters, results and what job code raises reach no log, no refusal and no entry of the audit trail.

A value that stands nowhere else goes through everything that can happen to a job, and is then looked for.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.harness.determined import StandingClock
from tests.harness.functions.api_calls import NOW_MS, UNKNOWN_ID, Answer, Api
from tidegate.adapters.dynamodb.stream import changes_from
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.adapters.system import SystemStopwatch
from tidegate.bootstrap import DispatcherDeps, Meter, ReaperDeps, WorkerDeps
from tidegate.domain.states import State
from tidegate.entry import dispatcher, reaper
from tidegate.entry.worker import run_records
from tidegate.jobs.loader import load_registry
from tidegate.ports import Message
from tidegate.usecases.release.release import release

CANARY = "c4n4ry-7f3e91"
JOB_CODE = "tests.harness.jobs.canarycode"


class Deployment(Api):
    """A deployment in memory with all four functions. It keeps the text of every refusal."""

    def __init__(self) -> None:
        super().__init__()
        registry = load_registry(JOB_CODE)
        self.services = replace(self.services, registry=registry)
        self.deps = replace(self.deps, services=self.services)
        self.refusals: list[str] = []
        self.lists: list[str] = []
        self._executor = InlineExecutor(registry, SystemStopwatch(), heartbeat_seconds=15)

    def send(self, event: dict[str, Any]) -> Answer:
        answer = super().send(event)
        if answer.status >= 400:
            self.refusals.append(json.dumps(answer.body))
        if event["path"] == "/v1/audit":
            self.lists.append(json.dumps(answer.body))
        return answer

    def later(self, seconds: int) -> None:
        """Puts all clocks on."""
        now_ms = self.deps.clock.now_ms() + seconds * 1_000
        self.world.now_ms = now_ms
        self.deps = replace(self.deps, clock=StandingClock(now_ms))

    def take(self, job_type: str, **changes: object) -> str:
        return self.submit(type=job_type, parameters={"text": CANARY}, **changes)

    def work(self) -> None:
        """Dispatches what is READY, runs it, tells what waits for it, and repairs."""
        clock = self.deps.clock
        dispatcher.handle({}, DispatcherDeps(self.services, clock, Meter(), changes_from))
        deps = WorkerDeps(self.services, self._executor, clock, Meter())
        for job in [job for job in self.world.jobs.values() if job.state is State.QUEUED]:
            message = Message(job.job_id, job.attempt, type=job.type)
            body = json.dumps({"job_id": message.job_id, "attempt": message.attempt, "type": message.type})
            record = {"messageId": "1", "body": body, "eventSource": "aws:sqs"}
            run_records({"Records": [record]}, deps, "lambda-1")
            release(self.services, [self.job(job.job_id)], clock.now_ms())
        reaper.run_round(ReaperDeps(self.services, clock, Meter()))


@pytest.fixture
def deployment(caplog: pytest.LogCaptureFixture) -> Iterator[Deployment]:
    with caplog.at_level(logging.DEBUG):
        yield Deployment()


def live(deployment: Deployment) -> None:
    """Has everything happen to jobs that hold the value."""
    api = deployment
    condition = {"type": "CONDITIONAL", "condition": "upstream.result.text.nothing == 1"}
    echo = api.take("canary.echo", name="plain", tags={"team": "data"})
    api.take("canary.echo", depends_on=[{"job_id": echo, **condition}])
    crash, refuse = api.take("canary.crash", max_retries=1), api.take("canary.refuse")
    for seconds in (0, 30, 900, 900):
        api.later(seconds)
        api.work()
    assert api.job(echo).state is State.SUCCEEDED
    assert api.job(crash).state is api.job(refuse).state is State.FAILED
    for job_id in (echo, crash, refuse, UNKNOWN_ID):
        for act in ("retry", "cancel", "cancel"):
            api.later(1)
            api.call("POST", f"/v1/jobs/{job_id}/{act}")
    jobs = [
        {"key": "a", "type": "canary.crash", "parameters": {"text": CANARY}, "max_retries": 0},
        {"key": "b", "type": "canary.echo", "parameters": {"text": CANARY}, "depends_on": [{"key": "a"}]},
    ]
    workflow_id = api.call("POST", "/v1/workflows", {"name": "flow", "jobs": jobs}).body["workflow_id"]
    api.work()
    for act in ("rerun", "cancel", "rerun"):
        api.later(1)
        api.call("POST", f"/v1/workflows/{workflow_id}/{act}")
    api.run(api.take("canary.echo"))  # its worker is lost
    api.later(100_000)
    api.work()
    for subject in (f"job#{echo}", f"job#{crash}", f"workflow#{workflow_id}"):
        assert api.call("GET", "/v1/audit", query={"subject": subject}).body["acts"]
    assert api.call("GET", "/v1/audit").body["acts"]


def be_refused(deployment: Deployment) -> None:
    """Sends the value where it is refused."""
    api = deployment
    echo = {"type": "canary.echo"}
    for body in (
        {**echo, "parameters": {"text": [CANARY]}},
        {**echo, "parameters": {"text": {"inner": CANARY}}},
        {**echo, "parameters": {"other": CANARY}},
        {**echo, "parameters": CANARY},
        {**echo, "parameters": {"text": CANARY}, "priority": 0},
        {"type": "tidegate.sleep", "parameters": {"seconds": CANARY}},
        f'{{"type": "canary.echo", "parameters": {{"text": "{CANARY}"',
        f'{{"type": "canary.echo", "parameters": {{"text": "{CANARY}", "text": "{CANARY}"}}}}',
    ):
        assert api.call("POST", "/v1/jobs", body).status in (400, 422), body
    first = api.call("POST", "/v1/jobs", {**echo, "parameters": {"text": CANARY}}, key="k")
    again = api.call("POST", "/v1/jobs", {**echo, "parameters": {"text": CANARY + "2"}}, key="k")
    assert (first.status, again.status) == (201, 409)


def test_the_value_is_found_where_it_belongs(deployment: Deployment) -> None:
    """Otherwise the search below would prove nothing."""
    live(deployment)
    echoed = next(job for job in deployment.world.jobs.values() if job.name == "plain")
    shown = deployment.call("GET", f"/v1/jobs/{echoed.job_id}").body
    assert (shown["parameters"], shown["result"]) == ({"text": CANARY}, {"text": CANARY})
    failures = [job.failure.message for job in deployment.world.jobs.values() if job.failure]
    assert any(CANARY in message for message in failures)


def test_no_log_no_refusal_and_no_act_holds_the_value(
    deployment: Deployment, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    live(deployment)
    be_refused(deployment)
    assert len(deployment.refusals) > 10
    assert len(deployment.world.acts) > 10
    lines = [f"{record.getMessage()} {vars(record)} {record.exc_text}" for record in caplog.records]
    messages = {record.getMessage() for record in caplog.records}
    assert {"usage", "job taken", "dispatched"} <= messages
    printed = "".join(capfd.readouterr())
    for place, texts in (
        ("a log", [*lines, printed]),
        ("a refusal", deployment.refusals),
        ("the audit trail", [*deployment.lists, *map(repr, deployment.world.acts.values())]),
    ):
        assert [text for text in texts if CANARY in text] == [], place


def test_the_clock_of_the_deployment_starts_where_the_test_says() -> None:
    assert Deployment().deps.clock.now_ms() == NOW_MS
