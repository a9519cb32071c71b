"""Calls to the API function over a deployment in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from aws_lambda_powertools.utilities.typing import LambdaContext

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.determined import StandingClock
from tests.harness.tables import routes
from tidegate.api import app
from tidegate.bootstrap import ApiDeps, Meter
from tidegate.domain.callers import namespace_of
from tidegate.domain.grants import Grant, Grants
from tidegate.domain.job import Job
from tidegate.domain.logs import LogPlace
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.roles import Role
from tidegate.domain.states import State
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady, Stamp
from tidegate.jobs.loader import load_registry
from tidegate.jobs.registry import Registry
from tidegate.settings import Settings
from tidegate.usecases.bounds.deadline import NEVER, Deadline

EVENTS = Path(__file__).resolve().parents[3] / "events"
NOW_MS = 1_796_112_000_000
NOW = "2026-12-01T08:00:00.000Z"
ANN = "arn:aws:sts::123456789012:assumed-role/Schedulers/ann@example.com"
UNKNOWN_ID = "01KATDPGZ8M5B6W2Y3Q7RVXN4C"
CONTEXT = cast(LambdaContext, None)  # the API reads no field of it
SETTINGS = Settings(
    pools={
        "lambda": Pool("lambda", "", PoolKind.FUNCTION, 840, capacity=2, tags={"compute": "lambda"}),
        "ecs": Pool("ecs", "", PoolKind.PROCESS, max_timeout_seconds=43_200, capabilities=frozenset({"gpu"})),
    },
    default_pool="lambda",
    shards=2,
)

EVENT_STATUS = {
    "api-cancel-job": 404,  # ids that no deployment has
    "api-cancel-jobs": 200,
    "api-cancel-workflow": 404,
    "api-change-job": 404,
    "api-change-workflow": 404,
    "api-hold-job": 404,
    "api-mark-job": 404,
    "api-finish-job": 404,
    "api-heartbeat-job": 404,
    "api-approve-job": 404,
    "api-reject-job": 404,
    "api-hold-jobs": 200,
    "api-hold-workflow": 404,
    "api-unhold-job": 404,
    "api-unhold-jobs": 200,
    "api-unhold-workflow": 404,
    "api-drain-worker": 404,
    "api-get-chain": 404,
    "api-get-dependencies": 404,
    "api-get-dependents": 404,
    "api-get-job": 404,
    "api-get-me": 200,
    "api-get-stats": 200,
    "api-get-status": 200,
    "api-list-audit": 200,
    "api-list-failures": 200,
    "api-mute-failures": 200,
    "api-unmute-failures": 200,
    "api-get-why": 404,
    "api-get-forecast": 404,
    "api-get-cost": 404,
    "api-get-job-logs": 404,
    "api-get-worker": 404,
    "api-get-worker-jobs": 200,
    "api-get-workflow": 404,
    "api-get-workflow-graph": 404,
    "api-get-workflow-critical-path": 404,
    "api-get-workflow-forecast": 404,
    "api-get-workflow-cost": 404,
    "api-get-workflow-states": 404,
    "api-list-workflows": 200,
    "api-get-pool": 200,
    "api-get-type": 200,
    "api-get-share": 404,
    "api-limit-type": 200,
    "api-list-shares": 200,
    "api-remove-share": 404,
    "api-set-share": 200,
    "api-list-grants": 200,
    "api-list-jobs": 200,
    "api-list-pools": 200,
    "api-list-types": 200,
    "api-pause-pool": 200,
    "api-pause-type": 200,
    "api-redrive-pool": 200,
    "api-remove-grant": 404,
    "api-reprioritise-jobs": 200,
    "api-rerun-job": 404,
    "api-rerun-workflow": 404,
    "api-resume-pool": 200,
    "api-retry-job": 404,
    "api-retry-jobs": 200,
    "api-resume-type": 200,
    "api-list-workers": 200,
    "api-set-grant": 200,
    "api-submit-job": 201,
    "api-what-if": 200,
    "api-list-webhooks": 200,
    "api-create-webhook": 422,  # the deployment sends none
    "api-list-deliveries": 404,
    "api-get-webhook": 404,
    "api-change-webhook": 404,
    "api-remove-webhook": 404,
    "api-rotate-webhook": 404,
    "api-enable-webhook": 422,
    "api-disable-webhook": 404,
    "api-test-webhook": 422,
    "api-submit-workflow": 201,
    "api-make-timetable": 201,
    "api-list-timetables": 200,
    "api-get-timetable": 404,
    "api-change-timetable": 404,
    "api-remove-timetable": 404,
    "api-pause-timetable": 404,
    "api-resume-timetable": 404,
    "api-run-timetable": 404,
    "api-backfill-timetable": 404,
    "api-count-backfill": 404,
    "api-get-next-runs": 404,
    "api-list-timetable-runs": 404,
}
"""How a new deployment answers the events of events/."""


@dataclass(frozen=True)
class Answer:
    """The API's answer. `body` is already read, and `carried_bytes` is the size that the platform carries for it."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]
    carried_bytes: int

    @property
    def fields(self) -> list[str]:
        """Returns the fields that a problem names."""
        return [error["field"] for error in self.body["errors"]]

    def message(self, field: str) -> str:
        """Returns the problem's message about a field."""
        messages = [str(error["message"]) for error in self.body["errors"] if error["field"] == field]
        assert len(messages) == 1, self.body
        return messages[0]


def read_event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


def resource_of(path: str) -> str:
    """Returns the path of the template that a path fits, with its placeholders, or the path itself."""
    fitting = (each for _, each in sorted(routes()) if re.fullmatch(re.sub(r"{[^}]+}", "[^/]+", each), path))
    return next(fitting, path)


def operators(*arns: str) -> Grants:
    """Returns grants that make these callers operators."""
    namespaces = map(namespace_of, arns)
    return Grants({name: Grant(name, Role.OPERATOR, (), "root", NOW_MS) for name in namespaces}, version=1)


class _Absent:
    """Stands for a call by the API that takes signatures."""


_ABSENT = _Absent()


class Api:
    """A deployment in memory with the API function before it."""

    def __init__(
        self, *, with_operator: bool = True, registry: Registry | None = None, settings: Settings = SETTINGS
    ) -> None:
        """Makes the deployment. `with_operator` gives ANN the role of an operator.

        `registry` has the job types; None for those of this checkout.
        """
        registry = registry or load_registry()
        self.services, self.world = memory_services(settings, MemoryWorld(shards=2, now_ms=NOW_MS), registry)
        if with_operator:
            self.world.grants = operators(ANN)
        self.deps = ApiDeps(self.services, StandingClock(NOW_MS), Meter(), describe=registry.described)

    def until(self) -> Deadline:
        """Returns when portioned work must stop."""
        return NEVER

    def send(self, event: dict[str, Any]) -> Answer:
        answer = app.handle(event, self.deps, CONTEXT, self.until())
        headers = {name: ", ".join(values) for name, values in answer["multiValueHeaders"].items()}
        return Answer(
            answer["statusCode"], headers, json.loads(answer["body"] or "{}"), len(json.dumps(answer))
        )

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        key: str | None = None,
        known: str | None = None,
        arn: str = ANN,
        authorizer: Mapping[str, Any] | _Absent | None = _ABSENT,
        stage: Mapping[str, str] | None = None,
    ) -> Answer:
        """Calls the API. A text `body` is sent as it is, any other as JSON. `key` is the idempotency key.

        `known` is the value of If-None-Match, `arn` is the caller. With `authorizer`, which is what the gateway's
        authorizer passes on, the call comes by the API that takes bearer tokens, and `arn` means nothing. `stage` are
        more variables of the API's stage.
        """
        event = read_event("api-list-jobs")
        event |= {"httpMethod": method, "path": path, "resource": resource_of(path)}
        event["stageVariables"] = {"stack": "tidegate", **(stage or {})}
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = query and {name: [value] for name, value in query.items()}
        event["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
        event["requestContext"]["identity"]["userArn"] = arn
        if not isinstance(authorizer, _Absent):
            event["stageVariables"]["callers"] = "oauth"
            event["resource"] = "/v1/{proxy+}"
            event["requestContext"]["authorizer"] = authorizer
            if arn == ANN:
                event["requestContext"]["identity"]["userArn"] = None
        for name, value in (("idempotency-key", key), ("if-none-match", known)):
            if value is not None:
                event["headers"][name] = value
                event["multiValueHeaders"][name] = [value]
        return self.send(event)

    def submit(self, **changes: object) -> str:
        answer = self.call("POST", "/v1/jobs", {"type": "tidegate.noop", **changes})
        assert answer.status == 201, answer.body
        return str(answer.body["job_id"])

    def run(self, job_id: str, logs: LogPlace | None = None) -> None:
        """Dispatches and claims the job, whose lines then go to `logs`."""
        job = self.job(job_id)
        self.services.jobs.apply(DispatchIfReady(job_id, job.pool, Stamp(NOW_MS, "dispatcher")))
        self.services.jobs.apply(
            ClaimIfQueued(job_id, 0, "worker-1", 60_000, Stamp(NOW_MS, "worker-1", logs=logs))
        )
        assert self.job(job_id).state is State.RUNNING

    def job(self, job_id: str) -> Job:
        job = self.services.jobs.get(job_id, consistent=True)
        assert job is not None
        return job

    def contents(self) -> tuple[object, ...]:
        """Returns everything that is stored."""
        world = self.world
        parts = (world.jobs, world.inputs, world.edges, world.submissions, world.plans, world.index)
        return (*(dict(part) for part in parts), len(world.changes))
