"""The deployed API answers requests that are drawn from openapi.json as that says: no 5xx, no undescribed answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import Phase, settings
from schemathesis.specs.openapi.checks import unsupported_method

from tests.harness.functions.described import LEFT_OUT, described_api, drawn_settings
from tidegate_cli.client import Client
from tidegate_cli.target import local_target
from tidegate_devstack import StackInfo

EXISTING: dict[str, str] = {}
SCHEMA = described_api(EXISTING)
# The bounds are drawn in `tests/functions/test_described_calls.py`, hundreds of requests for some routes.
FEW = settings(drawn_settings(examples=3), phases=[Phase.generate])


class Signed(requests.auth.AuthBase):
    """Signs each request as the stack's root, unless it was drawn without the header of a signature."""

    def __init__(self, stack: StackInfo) -> None:
        self._credentials = Credentials(stack.access_key_id, stack.secret_access_key)
        self._region = stack.region

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if "Authorization" not in request.headers:
            return request
        del request.headers["Authorization"]
        unsigned = AWSRequest(method=request.method, url=request.url, data=request.body)
        SigV4Auth(self._credentials, "execute-api", self._region).add_auth(unsigned)
        request.headers.update(dict(unsigned.headers.items()))
        return request


@pytest.fixture(scope="module")
def signed(stack: StackInfo) -> Iterator[Signed]:
    """Makes a workflow to ask about. Afterwards the pools and types are as they were, for the tests that follow."""
    with Client(local_target(stack)) as client:
        jobs = [{"key": key, "type": "tidegate.noop", "pool": "ecs"} for key in "abc"]
        flow = client.submit_workflow({"jobs": jobs})
        EXISTING.update(job_id=f"{flow.id}.0", workflow_id=flow.id, pool="ecs", job_type="tidegate.noop")
        yield Signed(stack)
        EXISTING.clear()
        for pool in client.list_pools():
            client.set_pool_paused(pool["name"], False)
        for job_type in client.list_types():
            client.set_type_paused(job_type["type"], False)
            client.limit_type(job_type["type"], None)
        for grant in client.list_grants():
            client.remove_grant(grant["namespace"])
        client.cancel_workflow(flow.id)


@pytest.mark.slow
@SCHEMA.parametrize()
@FEW
def test_the_deployed_api_answers_as_described(
    case: schemathesis.Case[Any], stack: StackInfo, signed: Signed
) -> None:
    # The gateway answers 403 to a method that a path lacks. The check knows that of signed routes alone.
    is_open = case.path == "/v1/health"
    left_out = [*LEFT_OUT, unsupported_method] if is_open else LEFT_OUT
    case.call_and_validate(base_url=stack.api_url, auth=signed, excluded_checks=left_out)
