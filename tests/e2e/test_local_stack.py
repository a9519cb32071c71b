"""The local stack itself: the callers that may use its API, and its state after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tidegate_devstack import LocalState, StackInfo, down, logs, status, up

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_dynamodb.service_resource import Table


def silent(line: str) -> None:
    """Takes a line of progress and prints nothing."""


def call(stack: StackInfo, path: str, credentials: Credentials | None) -> httpx.Response:
    """Gets a path of the API, signed with `credentials` if there are any."""
    request = AWSRequest(method="GET", url=stack.api_url + path)
    if credentials is not None:
        SigV4Auth(credentials, "execute-api", stack.region).add_auth(request)
    return httpx.get(stack.api_url + path, headers=dict(request.headers.items()), timeout=60, trust_env=False)


def test_health_is_open_and_everything_else_is_not(stack: StackInfo) -> None:
    assert call(stack, "/v1/health", None).status_code == 200
    for path in ("/v1/jobs", "/v1/jobs/01JD", "/v1/workflows/01JD"):
        assert call(stack, path, None).status_code == 403, path


def test_an_unknown_key_is_refused(stack: StackInfo) -> None:
    assert call(stack, "/v1/jobs", Credentials("AKIDUNKNOWN", "word")).status_code == 403


def test_the_homes_secret_alone_opens_the_stack(stack: StackInfo, stack_home: Path) -> None:
    for secret in (stack.access_key_id, "x" * 40):
        assert call(stack, "/v1/jobs", Credentials(stack.access_key_id, secret)).status_code == 403
    files = [stack_home, *stack_home.rglob("*")]
    assert [str(file) for file in files if not file.is_symlink() and file.stat().st_mode & 0o077] == []


def test_a_signed_call_reaches_the_function(stack: StackInfo) -> None:
    signed = call(stack, "/v1/jobs?state=READY", Credentials(stack.access_key_id, stack.secret_access_key))
    assert signed.status_code == 200, signed.text


def test_up_again_changes_nothing(stack: StackInfo, stack_home: Path) -> None:
    said: list[str] = []
    assert up(said.append, home=stack_home) == stack
    assert "nothing changed since the last build" in said
    assert "nothing changed since the last deployment" in said
    assert status(home=stack_home).state is LocalState.RUNNING


def test_outputs_and_settings_are_complete(stack: StackInfo) -> None:
    assert {"ApiUrl", "ApiId", "StageName", "JobsTable", "LambdaPoolQueueUrl", "WorkerFunctionName"} <= set(
        stack.outputs
    )
    assert stack.environment["TIDEGATE_TABLE_JOBS"] == stack.outputs["JobsTable"]
    assert f":{stack.port}/" in stack.environment["TIDEGATE_POOLS"]


def test_functions_write_logs(stack: StackInfo, stack_home: Path) -> None:
    call(stack, "/v1/jobs?state=READY", Credentials(stack.access_key_id, stack.secret_access_key))
    assert logs("api", home=stack_home)


def test_the_console_s_function_writes_logs(stack: StackInfo, stack_home: Path) -> None:
    httpx.get(f"{stack.oauth_api_url}/console/", timeout=60, trust_env=False)
    assert logs("console", home=stack_home)


@pytest.mark.slow
def test_what_is_stored_outlives_a_restart(stack: StackInfo, stack_home: Path) -> None:
    home = stack_home.with_name(f"{stack_home.name}-restart")
    down(silent, home=home, wipe=True)
    try:
        first = up(silent, home=home)
        assert first.port != stack.port, "stacks live side by side"
        table = _table(first)
        table.put_item(Item={"name": "kept", "position": "7"})
        assert down(silent, home=home)
        assert status(home=home).state is LocalState.STOPPED
        said: list[str] = []
        second = up(said.append, home=home)
        assert second.pid != first.pid
        assert "nothing changed since the last deployment" in said
        assert _table(second).get_item(Key={"name": "kept"})["Item"]["position"] == "7"
    finally:
        down(silent, home=home, wipe=True)
    assert status(home=home).state is LocalState.STOPPED


def _table(stack: StackInfo) -> Table:
    return (
        stack.session()
        .resource("dynamodb", endpoint_url=stack.endpoint_url)
        .Table(stack.outputs["ControlTable"])
    )
