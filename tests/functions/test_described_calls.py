"""The API answers requests that are drawn from openapi.json as that says, also those at and beyond each bound."""

from __future__ import annotations

from typing import Any

import schemathesis

from tests.harness.functions.api_calls import UNKNOWN_ID, Api
from tests.harness.functions.described import LEFT_OUT, described_api, drawn_settings
from tests.harness.functions.wsgi import SIGNED, WsgiApi
from tidegate.domain.workers import WorkerSpec, begin

API = Api()
FLOW = API.call("POST", "/v1/workflows", {"jobs": [{"key": key, "type": "tidegate.noop"} for key in "abc"]})
API.services.workers.register_if_free(
    begin(WorkerSpec("ecs", "w", "host", 1), UNKNOWN_ID, 0), silent_since_ms=0
)
EXISTING = {
    "job_id": f"{FLOW.body['workflow_id']}.0",
    "workflow_id": FLOW.body["workflow_id"],
    "pool": "ecs",
    "job_type": "tidegate.noop",
    "worker_id": "w",
}
SCHEMA = described_api(EXISTING)
SCHEMA.app = WsgiApi(API)


@SCHEMA.parametrize()
@drawn_settings(examples=15)
def test_the_api_answers_as_described(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers=SIGNED, excluded_checks=LEFT_OUT)
