"""docs/reference/api.md shows the requests and answers of the real API."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from tests.harness.determined import HandClock
from tests.harness.domain.documents import read_document, table_rows
from tests.harness.functions.api_calls import NOW_MS, SETTINGS, Api
from tests.harness.functions.counted import count_one_job
from tests.harness.functions.failed import fail_one_job
from tidegate.contracts.problems import STATUS_BY_ERROR, method_not_allowed, no_such_route, problem_for
from tidegate.contracts.requests import JobIn
from tidegate.domain.addresses import Reach
from tidegate.domain.outside_calls import Answer
from tidegate.domain.pulses import Part
from tidegate.domain.workers import AllSessions, Totals, WorkerSpec, begin

DOCUMENT = read_document("reference/api.md")
KEY = "nightly-2026-12-01"


@pytest.fixture(scope="module")
def examples() -> list[Any]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]


def _code(cell: str) -> str:
    return cell.strip("`")


def test_the_examples_are_what_the_api_answers(examples: list[Any]) -> None:
    api = Api()
    request, answer, job, forecast, nightly, filled, failures, *others = examples
    pool, job_type, worker, webhook, tried, status, statistics, me, audit, bad_request, problem = others
    accepted = api.call("POST", "/v1/workflows", request, key=KEY)
    assert (accepted.status, accepted.body) == (201, answer)
    assert f"Idempotency-Key: {KEY}" in DOCUMENT
    assert f"Location: {accepted.headers['Location']}`" in DOCUMENT
    assert f"`GET /v1/jobs/{job['job_id']}`" in DOCUMENT
    assert api.call("GET", f"/v1/jobs/{job['job_id']}").body == job
    assert api.call("GET", f"/v1/workflows/{answer['workflow_id']}/forecast").body == forecast
    spec = WorkerSpec("ecs", "nightly-1", "ip-10-0-1-17", 8, name="nightly run", tags={"team": "data"})
    hour_ago = begin(spec, worker["session_id"], NOW_MS - 3_600_000)
    earlier = AllSessions(NOW_MS - 90_000_000, sessions=2, totals=Totals(79, 75, 3, 2), lost=1)
    told = replace(
        hour_ago,
        heartbeat_at_ms=NOW_MS,
        running=3,
        totals=Totals(41, 36, 2, 0),
        earlier=earlier,
        response_ms=12,
    )
    api.services.workers.register_if_free(told, silent_since_ms=0)
    assert api.call("GET", "/v1/workers/ecs/nightly-1").body == worker
    assert api.call("POST", "/v1/workflows", bad_request).body == problem
    timetable_id = api.call("POST", "/v1/timetables", nightly).body["timetable_id"]
    week = {"from": "2026-11-20T00:00:00Z", "to": "2026-11-27T00:00:00Z"}
    api.call("POST", f"/v1/timetables/{timetable_id}/backfill", week)
    done = api.call("POST", f"/v1/timetables/{timetable_id}/backfill", week).body
    assert {**done, "timetable_id": filled["timetable_id"]} == filled
    _compare_answers_about_webhooks(webhook, tried)
    api = Api()
    for part in [*status["schedules"], *status["streams"]]:
        last_at_ms = int(datetime.fromisoformat(part["last_at"]).timestamp() * 1_000)
        api.services.pulses.note_if_later(Part(part["name"]), last_at_ms)
    assert api.call("GET", "/v1/status").body == status
    failing = Api()
    failed_id = fail_one_job(failing, "KeyError", "no column 'total' in row 1024")
    failures["groups"][0]["job_ids"] = [failed_id]
    assert failing.call("GET", "/v1/failures").body == failures
    count_one_job(api)
    assert api.call("GET", "/v1/stats", query={"by": "type", "pool": "ecs"}).body == statistics
    api.call("POST", "/v1/pools/lambda/pause")
    assert api.call("GET", "/v1/pools/lambda").body == pool
    assert api.call("GET", "/v1/me").body == me
    shown = api.call("GET", "/v1/audit", query={"subject": "pool#lambda"}).body
    assert {**shown, "acts": [{**shown["acts"][0], "id": audit["acts"][0]["id"]}]} == audit
    limit = f"/v1/types/{job_type['type']}/limit"
    assert f"`PUT {limit}`" in DOCUMENT
    assert api.call("PUT", limit, {"max_running": job_type["max_running"]}).body == job_type


@dataclass(slots=True)
class _SlowReceiver:
    """Gives each call the same answer, after a time that `stopwatch` shows."""

    answer: Answer
    takes_ms: int
    stopwatch: HandClock

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.stopwatch.at_ms += self.takes_ms
        return self.answer


def _compare_answers_about_webhooks(webhook: Any, tried: Any) -> None:
    """Compares two examples with a deployment that sends webhooks. Its ids and secrets are drawn, so they differ."""
    api = Api(settings=replace(SETTINGS, webhook_reach=Reach.PUBLIC))
    stopwatch = HandClock()
    answer = Answer(tried["delivery"]["status"], tried["answer"].encode())
    receiver = _SlowReceiver(answer, round(tried["delivery"]["took_seconds"] * 1_000), stopwatch)
    api.deps = replace(api.deps, outside=receiver, stopwatch=stopwatch)
    asked = {name: webhook["webhook"][name] for name in ("url", "events", "states")}
    made = api.call("POST", "/v1/webhooks", asked).body
    path = f"/v1/webhooks/{made['webhook']['id']}"
    assert made.keys() == webhook.keys()
    assert len(made["secret"]) == len(webhook["secret"])
    assert {**made["webhook"], "id": webhook["webhook"]["id"]} == webhook["webhook"]
    sent = api.call("POST", f"{path}/test").body
    drawn = {name: tried["delivery"][name] for name in ("id", "event_id")}
    assert {**sent, "delivery": {**sent["delivery"], **drawn}} == tried
    assert api.call("GET", f"{path}/deliveries").body == {"deliveries": [sent["delivery"]], "cursor": None}


def test_every_field_of_a_job_is_described() -> None:
    start = DOCUMENT.index("Fields of a job")
    assert [_code(row[0]) for row in table_rows(DOCUMENT[start:], "field")] == list(JobIn.model_fields)


def test_every_problem_is_described() -> None:
    described = {(int(status), _code(code)) for status, code, *_ in table_rows(DOCUMENT, "status")}
    others = [
        problem_for(RuntimeError(), "/"),
        no_such_route("GET", "/"),
        method_not_allowed("PUT", "/", ["GET"]),
    ]
    assert described == {(int(status), kind.code) for kind, status in STATUS_BY_ERROR.items()} | {
        (problem.status, problem.type.rpartition(":")[2]) for problem in others
    }
