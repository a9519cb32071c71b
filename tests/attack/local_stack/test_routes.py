"""Attacks on a local stack by ways past its API: the emulator's own routes, other services, other ports."""

from __future__ import annotations

import inspect
import re
from typing import Any

import ministack.app
import psutil
import pytest

from tests.attack.local_stack.callers import Attempt, LocalAws, signed

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
    "service", ["ec2", "ecs", "codebuild", "rds", "transfer", "iot", "cognito-idp", "eks"]
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
