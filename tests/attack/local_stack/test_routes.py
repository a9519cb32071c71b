"""Attacks on a local stack that go around its API: the emulator's own routes, other services, other ports."""

from __future__ import annotations

import inspect
import re
from typing import Any

import ministack.app
import psutil
import pytest

from tests.harness.attack.local_stack.callers import (
    ACCOUNT,
    FUNCTION,
    LIST_TABLES,
    ROLE_ARN,
    Attempt,
    LocalAws,
    signed,
)

CONTROL_PATHS = sorted(
    {
        path.rstrip("/") + ("/x" if path.endswith("/") else "")
        for path in re.findall(r'"(/_[a-z]+/[a-z0-9/._-]*)"', inspect.getsource(ministack.app))
    }
    - {"/_aws/execute-api/x"}
    | {"/_ministack/cfn-signal/x", "/_ministack/reset?init=1"}
)


def test_the_list_of_the_emulators_own_routes_is_not_empty() -> None:
    assert {"/_ministack/reset", "/_ministack/config", "/_ministack/sqs/messages"} <= set(CONTROL_PATHS)
    assert len(CONTROL_PATHS) > 12


@pytest.mark.parametrize("path", CONTROL_PATHS)
def test_the_emulators_own_routes_are_closed_but_for_health(aws: LocalAws, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        for attempt in (
            Attempt(method, path, {}, b"{}"),
            signed(aws.url, aws.root, Attempt(method, path, {}, b"{}"), service="s3"),
        ):
            is_open = path == "/_ministack/health" and method == "GET"
            answer = attempt.send(aws.url)
            assert answer.status_code == (200 if is_open else 403), answer.text
    assert aws.is_whole()


def test_health_tells_nothing_of_the_stack(aws: LocalAws) -> None:
    assert Attempt("GET", "/_ministack/health", {}).send(aws.url).json() == {"status": "ok"}


@pytest.mark.parametrize(
    "service", ["ec2", "ecs", "codebuild", "rds", "transfer", "iot", "cognito-identity", "eks"]
)
def test_services_that_the_stack_does_not_use_are_not_there(aws: LocalAws, service: str) -> None:
    target = {"codebuild": "CodeBuild_20161006.ListProjects", "transfer": "TransferService.ListServers"}
    headers = {
        "x-amz-target": target.get(service, "x.ListClusters"),
        "content-type": "application/x-amz-json-1.1",
    }
    answer = signed(aws.url, aws.root, Attempt("POST", "/", headers, b"{}"), service=service).send(aws.url)
    assert (answer.status_code, "Unsupported service" in answer.text) == (400, True), answer.text


def test_one_loopback_port_is_listened_on(aws: LocalAws, shown: dict[str, Any]) -> None:
    emulator = psutil.Process(aws.pid)
    family = [emulator, *emulator.children(recursive=True)]
    assert len(family) > 1, "the function's process is among them"
    listening = [
        (found.laddr.ip, found.laddr.port)
        for process in family
        for found in process.net_connections("inet")
        if found.status == psutil.CONN_LISTEN and found.laddr
    ]
    assert listening == [("127.0.0.1", aws.port)]


FORM = {"content-type": "application/x-www-form-urlencoded"}
UNSIGNED = {
    "a queue by its address": Attempt(
        "GET", f"/{ACCOUNT}/queue?Action=ReceiveMessage&Version=2012-11-05", {}
    ),
    "a message by a form": Attempt(
        "POST", f"/{ACCOUNT}/queue", FORM, b"Action=SendMessage&MessageBody=x&Version=2012-11-05"
    ),
    "an object": Attempt("GET", "/bucket/key", {}),
    "an upload by a form": Attempt(
        "POST", "/bucket", {"content-type": "multipart/form-data; boundary=x"}, b"--x--"
    ),
    "a function": Attempt("POST", f"/2015-03-31/functions/{FUNCTION}/invocations", {}, b"{}"),
    "a function by its address": Attempt("POST", "/_aws/lambda-url/id/", {}, b"{}"),
    "a user": Attempt("POST", "/", FORM, b"Action=CreateUser&UserName=intruder&Version=2010-05-08"),
    "a web identity": Attempt(
        "POST",
        "/",
        FORM,
        f"Action=AssumeRoleWithWebIdentity&RoleArn={ROLE_ARN}&RoleSessionName=me&WebIdentityToken=x".encode(),
    ),
    "keys of an instance": Attempt("GET", "/latest/meta-data/iam/security-credentials/role", {}),
    "keys of a task": Attempt("GET", "/v2/credentials/id", {}),
    "a page to log in": Attempt("GET", "/oauth2/authorize?client_id=x", {}),
    "a token": Attempt("POST", "/oauth2/token", FORM, b"grant_type=client_credentials"),
    "an image registry": Attempt("GET", "/v2/_catalog", {}),
    "tables of Iceberg": Attempt("GET", "/iceberg/v1/config", {}),
    "a service by its old signature": Attempt(
        "GET", "/bucket/key", {"authorization": "AWS tidegate-local:x"}
    ),
    "a bearer of a token": Attempt("POST", "/", {**LIST_TABLES, "authorization": "Bearer x"}, b"{}"),
}


@pytest.mark.parametrize("name", UNSIGNED)
def test_nothing_is_open_to_unsigned_requests(aws: LocalAws, name: str) -> None:
    assert UNSIGNED[name].send(aws.url).status_code in (400, 403)
