"""Worker processes that a command starts: the command notices when they end, and ends them when it ends."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest

from tidegate_cli import worker_child
from tidegate_cli.errors import CliError
from tidegate_cli.worker_child import worker_children
from tidegate_cli.worker_credentials import worker_environment
from tidegate_devstack import StackInfo

PATIENCE_SECONDS = 30.0


def stack() -> StackInfo:
    return StackInfo(
        api_url="http://127.0.0.1:1/_aws/execute-api/a/live",
        endpoint_url="http://127.0.0.1:1",
        region="us-east-1",
        access_key_id="local",
        secret_access_key="local",
        outputs={},
        environment={"TIDEGATE_SHARDS": "2"},
        port=1,
        pid=1,
    )


def stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the interpreter by a shell script."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))


def test_it_is_asked_to_end_with_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, 'echo "$@" "$TIDEGATE_SHARDS" "$AWS_ENDPOINT_URL"; exec sleep 600', monkeypatch)
    with worker_children(stack(), tmp_path / "home", pool="ecs", processes=2, slots=3) as children:
        first, second = children
        first.check()
        assert first.process.pid != second.process.pid
        assert os.getpgid(first.process.pid) != os.getpgid(0)
    assert [child.process.poll() for child in children] == [-signal.SIGTERM, -signal.SIGTERM]
    assert [child.log.name for child in children] == ["worker-ecs-1.log", "worker-ecs-2.log"]


def test_it_gets_the_command_and_the_stacks_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, 'echo "$@" "$TIDEGATE_SHARDS" "$AWS_ENDPOINT_URL"', monkeypatch)
    with worker_children(stack(), tmp_path, pool="ecs", processes=1, slots=3) as (child,):
        child.process.wait(PATIENCE_SECONDS)
    assert child.log.read_text() == "-m tidegate_cli worker --pool ecs --slots 3 2 http://127.0.0.1:1\n"


def test_it_is_ended_hard_when_it_does_not_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, "trap '' TERM; echo on; while true; do sleep 0.1; done", monkeypatch)
    monkeypatch.setattr(worker_child, "_PATIENCE_SECONDS", (0.2, 0.2))
    with worker_children(stack(), tmp_path, pool="ecs", processes=1, slots=1) as (child,):
        while not child.log.read_text():  # until the trap is set; the test's own time limit bounds it
            child.check()
    assert child.process.poll() == -signal.SIGKILL


def test_one_that_ended_by_itself_is_reported_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, "echo no such pool >&2; exit 2", monkeypatch)
    with worker_children(stack(), tmp_path, pool="ecs", processes=1, slots=1) as (child,):
        child.process.wait(PATIENCE_SECONDS)
        with pytest.raises(CliError, match=r"(?s)ended with code 2.*no such pool"):
            child.check()


def test_the_users_own_aws_settings_do_not_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    made = worker_environment(stack(), tmp_path / "facts", tmp_path / "config")
    assert made.keys().isdisjoint({"AWS_PROFILE", "AWS_SESSION_TOKEN"})


def test_it_is_given_no_key_but_a_way_to_ask_for_a_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, 'env; cat "$AWS_CONFIG_FILE"', monkeypatch)
    with worker_children(stack(), tmp_path / "a home", pool="ecs", processes=1, slots=1) as (child,):
        child.process.wait(PATIENCE_SECONDS)
        facts = tmp_path / "a home" / "worker-ecs-1.stack.json"
        assert facts.stat().st_mode & 0o777 == 0o600
    said = child.log.read_text()
    assert "AWS_ACCESS_KEY_ID" not in said
    assert "AWS_SECRET_ACCESS_KEY" not in said
    assert f"-m tidegate_cli.worker_credentials '{facts}'" in said
    assert not facts.exists(), "it holds the stack's root key"


@pytest.mark.parametrize(("own", "hosts"), [(None, "127.0.0.1"), ("a.example", "a.example,127.0.0.1")])
def test_a_worker_asks_no_proxy_for_the_local_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str | None, hosts: str
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    if own is not None:
        monkeypatch.setenv("NO_PROXY", own)
    environment = worker_environment(stack(), tmp_path / "facts", tmp_path / "config")
    assert environment["NO_PROXY"] == environment["no_proxy"] == hosts


def test_an_sdk_asks_again_before_a_session_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    keys = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "S", "SessionToken": "T", "Expiration": soon}
    stand_in(tmp_path, f"echo x >> {asked}; echo '{json.dumps(keys)}'", monkeypatch)
    environment = worker_environment(stack(), tmp_path / "facts", tmp_path / "config")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, environment[name])
    credentials = boto3.Session().get_credentials()
    assert credentials is not None
    assert credentials.get_frozen_credentials().token == "T"
    before = len(asked.read_text().split())
    assert credentials.get_frozen_credentials().token == "T"
    assert len(asked.read_text().split()) > before


class _Table:
    """A Workers table whose first page holds only entries of earlier workers."""

    def __init__(self, pages: list[list[str]]) -> None:
        self._pages = [{"Items": [_entry(name) for name in page]} for page in pages]

    def query(self, **_: object) -> object:
        return self._pages[0]

    def get_paginator(self, _operation: str) -> _Table:
        return self

    def paginate(self, **_: object) -> object:
        return self._pages


def _entry(name: str) -> object:
    return {"worker_id": {"S": name}, "state": {"S": "ACTIVE"}}


def test_a_worker_is_seen_behind_the_first_page_of_its_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, "exec sleep 600", monkeypatch)
    with worker_children(stack(), tmp_path / "home", pool="ecs", processes=1, slots=1) as children:
        table = _Table([["host-1-a"], [f"host-{children[0].process.pid}-b"]])
        session = SimpleNamespace(client=lambda *_, **__: table)
        monkeypatch.setattr(StackInfo, "session", lambda _stack: session)
        monkeypatch.setattr(worker_child, "_REGISTRATION_SECONDS", 0.5)
        worker_child.wait_until_registered(
            replace(stack(), outputs={"WorkersTable": "w"}), "ecs", children, sleep=lambda _: None
        )


class _EmptyTable(BaseHTTPRequestHandler):
    """Answers every request as DynamoDB answers a query that finds no item."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"Items": [], "Count": 0}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        """Prints nothing."""


def test_the_users_proxy_is_not_asked_for_the_local_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(("127.0.0.1", 0), _EmptyTable) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            info = replace(stack(), endpoint_url=url, outputs={"WorkersTable": "w"})
            worker_child.wait_until_registered(info, "ecs", ())
        finally:
            server.shutdown()
            thread.join()
