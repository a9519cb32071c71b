"""A rule that an operator sets reaches the dispatcher by the stream, not by a tick."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.looks import becomes, job_state
from tidegate.bootstrap import Services, aws_services, connect_system
from tidegate.domain.workers import Worker, WorkerSpec, begin
from tidegate.settings import read_settings, read_tables
from tidegate_devstack import StackInfo

JOB = '{"type": "tidegate.noop", "pool": "ecs"}'


@pytest.fixture
def faulty_worker(stack: StackInfo) -> Iterator[tuple[Services, Worker]]:
    """Registers a worker of the ecs pool that reports a fault, so it brings no capacity and is not taken for lost."""
    clients = connect_system(session=stack.session(), endpoint_url=stack.endpoint_url)
    tables = read_tables({**stack.environment, "TIDEGATE_TABLE_PROGRESS": stack.outputs["ProgressTable"]})
    services = aws_services(read_settings(stack.environment), tables, clients)
    now_ms = time.time_ns() // 1_000_000
    session_id = services.entropy.new_ulid(now_ms)
    worker = replace(begin(WorkerSpec("ecs", "faulty", "host", 1), session_id, now_ms), fault="no job code")
    services.workers.register_if_free(worker, silent_since_ms=0)
    try:
        yield services, worker
    finally:
        services.workers.leave_if_mine(worker)


@pytest.mark.usefixtures("no_schedule")
def test_a_new_rule_wakes_the_dispatcher_for_every_pool(
    stack_home: Path, faulty_worker: tuple[Services, Worker]
) -> None:
    """A heartbeat brings capacity and wakes nothing, so the job waits until a rule of another pool changes."""
    services, worker = faulty_worker
    job_id = tidegate_json(stack_home, "submit", "-", stdin=JOB)["job_id"]
    services.workers.heartbeat_if_mine(replace(worker, heartbeat_at_ms=time.time_ns() // 1_000_000, fault=""))
    assert job_state(stack_home, job_id)() == "READY"
    paused = tidegate_json(stack_home, "pools", "pause", "lambda")
    try:
        assert paused["paused"] is True
        becomes(job_state(stack_home, job_id), "QUEUED")
    finally:
        assert tidegate_json(stack_home, "pools", "resume", "lambda")["paused"] is False
        tidegate_json(stack_home, "jobs", "cancel", job_id)


def test_a_type_is_limited_and_the_limit_is_seen(stack: StackInfo, stack_home: Path) -> None:
    limited = tidegate_json(stack_home, "types", "limit", "tidegate.sleep", "3")
    assert limited["max_running"] == 3
    assert limited["changes"]["max_running"]["by"]
    listed = {name: value for name, value in limited.items() if name != "parameters_schema"}
    assert listed in tidegate_json(stack_home, "types", "list")["types"]
    assert tidegate_json(stack_home, "types", "limit", "tidegate.sleep", "none")["max_running"] is None


def test_an_unknown_pool_is_one_readable_message(stack: StackInfo, stack_home: Path) -> None:
    refused = tidegate(stack_home, "pools", "pause", "moon")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "tidegate: Not found (404)\n  pool: unknown pool 'moon'; pools are ecs, lambda\n"
