"""Signed calls to the API, as clients and operators make them."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from tests.harness.e2e.permissions.world import Caller
from tests.harness.functions.api_calls import UNKNOWN_ID
from tidegate.domain.outside import FinishToken

_NOOP = {"type": "tidegate.noop"}
_MANY = {"filter": {"state": "SCHEDULED"}, "dry_run": True}
_BEN = "arn%3Aaws%3Aiam%3A%3A123456789012%3Auser%2Fben"
VIEWER_CALLS: dict[str, Any] = {"GET/v1/jobs?state=READY": None, "POST/v1/forecast": {"slots": {"ecs": 1}}}
_TOKEN = FinishToken(UNKNOWN_ID, 1, "0" * 32).text
CLIENT_CHANGES: dict[str, Any] = {
    "POST/v1/jobs": _NOOP,
    f"PATCH/v1/jobs/{UNKNOWN_ID}": {"priority": 7},
    f"PATCH/v1/workflows/{UNKNOWN_ID}": {"finish_by": None},
    f"POST/v1/jobs/{UNKNOWN_ID}/cancel": None,
    f"POST/v1/jobs/{UNKNOWN_ID}/hold": None,
    f"POST/v1/jobs/{UNKNOWN_ID}/finish": {"token": _TOKEN},
    f"POST/v1/jobs/{UNKNOWN_ID}/heartbeat": {"token": _TOKEN},
    f"POST/v1/jobs/{UNKNOWN_ID}/approve": None,
    f"POST/v1/jobs/{UNKNOWN_ID}/reject": None,
    f"POST/v1/jobs/{UNKNOWN_ID}/mark": {"state": "SKIPPED", "reason": "not needed"},
    f"POST/v1/jobs/{UNKNOWN_ID}/rerun": None,
    f"POST/v1/jobs/{UNKNOWN_ID}/retry": None,
    f"POST/v1/jobs/{UNKNOWN_ID}/unhold": None,
    "POST/v1/jobs/cancel": _MANY,
    "POST/v1/jobs/hold": _MANY,
    "POST/v1/jobs/reprioritise": {**_MANY, "priority": 7},
    "POST/v1/jobs/retry": {**_MANY, "filter": {"state": "FAILED"}},
    "POST/v1/jobs/unhold": _MANY,
    "POST/v1/timetables": {"cron": "0 6 * * *", "job": _NOOP},
    f"PATCH/v1/timetables/{UNKNOWN_ID}": {"name": "nightly"},
    f"DELETE/v1/timetables/{UNKNOWN_ID}": None,
    f"POST/v1/timetables/{UNKNOWN_ID}/backfill": {
        "from": "2025-11-01T00:00:00Z",
        "to": "2025-11-02T00:00:00Z",
    },
    **{f"POST/v1/timetables/{UNKNOWN_ID}/{act}": None for act in ("pause", "resume", "run")},
    "POST/v1/workflows": {"jobs": [{"key": "a", **_NOOP}]},
    f"POST/v1/workflows/{UNKNOWN_ID}/cancel": None,
    f"POST/v1/workflows/{UNKNOWN_ID}/hold": None,
    f"POST/v1/workflows/{UNKNOWN_ID}/rerun": None,
    f"POST/v1/workflows/{UNKNOWN_ID}/unhold": None,
}
CLIENT_CALLS: dict[str, Any] = {**VIEWER_CALLS, **CLIENT_CHANGES}
OPERATOR_CALLS: dict[str, Any] = {
    "PUT/v1/pools/lambda/shares/data": {"weight": 1},
    "DELETE/v1/pools/lambda/shares/data": None,
    f"PUT/v1/grants?namespace={_BEN}": {"role": "client"},
    f"DELETE/v1/grants?namespace={_BEN}": None,
    "POST/v1/failures/3f2a91c07b5d8e64/mute": None,
    "POST/v1/failures/3f2a91c07b5d8e64/unmute": None,
    "POST/v1/pools/lambda/pause": None,
    "POST/v1/pools/lambda/redrive": None,
    "POST/v1/pools/lambda/resume": None,
    "POST/v1/types/tidegate.noop/pause": None,
    "POST/v1/types/tidegate.noop/resume": None,
    "POST/v1/workers/ecs/nobody/drain": None,
    "POST/v1/webhooks": {"url": "https://hooks.example.com/in"},
    f"PATCH/v1/webhooks/{UNKNOWN_ID}": {"description": None},
    f"DELETE/v1/webhooks/{UNKNOWN_ID}": None,
    **{f"POST/v1/webhooks/{UNKNOWN_ID}/{act}": None for act in ("disable", "enable", "rotate", "test")},
    "PUT/v1/types/tidegate.noop/limit": {"max_running": None},
}


def may_call(acting: Caller, route: str, body: Any) -> bool:
    """Says whether the API lets the call through, whatever its answer is."""
    method, _, path = route.partition("/")
    stack = acting.world.stack
    content = b"" if body is None else json.dumps(body).encode()
    request = AWSRequest(method=method, url=f"{stack.api_url}/{path}", data=content)
    keys = acting.session.get_credentials()
    assert keys is not None
    SigV4Auth(keys, "execute-api", stack.region).add_auth(request)
    headers = dict(request.headers.items())
    answer = httpx.request(
        method, f"{stack.api_url}/{path}", content=content, headers=headers, timeout=60, trust_env=False
    )
    assert answer.status_code in (200, 201, 202, 403, 404), answer.text
    return answer.status_code != 403


def is_about(resource: str, route: str) -> bool:
    """Says whether a resource of a policy covers this route."""
    return fnmatchcase(route.partition("?")[0], resource.partition("/live/")[2])
