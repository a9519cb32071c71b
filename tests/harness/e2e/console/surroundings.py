"""The worker processes around the console while flows run, and the variables by which the flows know them."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import httpx

from tests.harness.e2e.kills.deployment import schedules
from tests.harness.e2e.kills.processes import wait_for
from tests.harness.e2e.lambda_runtime import (
    built_functions,
    function_environment,
    import_path,
    link_provided,
    running,
)
from tests.harness.e2e.worker_processes import RunningWorker, worker
from tests.harness.functions.api_calls import read_event
from tidegate_devstack import StackInfo
from tidegate_devstack.places import Places

REAP_SECONDS = 10
HOSTILE_JOB = Path(__file__).with_name("hostile_job.py")
JOBS = 10_000
TYPES = {"tidegate.noop": {}, "tidegate.sleep": {"seconds": 1}, "trace.task": {"seconds": 1}}
SUBMISSION_SECONDS = 240
FAR_AWAY = timedelta(days=30)
WORKERS = ("e2e-console-one", "e2e-console-other")

Surroundings = Callable[[StackInfo, Path, Path], AbstractContextManager[Mapping[str, str]]]


@contextmanager
def no_workers(stack: StackInfo, home: Path, folder: Path) -> Iterator[Mapping[str, str]]:
    """Runs nothing."""
    del stack, home, folder
    yield {}


@contextmanager
def one_worker(stack: StackInfo, home: Path, folder: Path) -> Iterator[Mapping[str, str]]:
    """Runs a worker with the usual slots."""
    del stack
    with ExitStack() as running:
        _registered(running, home, folder / "worker.log")
        yield {}


@contextmanager
def two_workers(stack: StackInfo, home: Path, folder: Path) -> Iterator[Mapping[str, str]]:
    """Runs two workers with one slot each. The reaper runs often, so that a dead one is noticed after its silence."""
    with ExitStack() as running:
        running.enter_context(schedules(stack, REAP_SECONDS))
        workers = {
            name: _registered(running, home, folder / f"{name}.log", "--slots", "1", "--worker-id", name)
            for name in WORKERS
        }
        yield {"TIDEGATE_WORKERS": json.dumps({name: each.process.pid for name, each in workers.items()})}


def _registered(
    running: ExitStack, home: Path, log: Path, *options: str, variables: Mapping[str, str] | None = None
) -> RunningWorker:
    """Starts a worker that ends with `running`, and waits until it has registered."""
    started = running.enter_context(worker(home, log, *options, variables=variables))
    wait_for("a worker registers", lambda: b"serves pool" in log.read_bytes())
    return started


@contextmanager
def hostile_worker(stack: StackInfo, home: Path, folder: Path) -> Iterator[Mapping[str, str]]:
    """Runs a worker whose job code is hostile, on a stack with a workflow of 10,000 jobs."""
    package = folder / "job-code" / "tidegate_samples"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    shutil.copy(HOSTILE_JOB, package / "demo.py")
    with ExitStack() as ends:
        _registered(
            ends, home, folder / "worker.log", "--slots", "1", variables={"PYTHONPATH": str(package.parent)}
        )
        yield {"TIDEGATE_LARGE_WORKFLOW": _submit_large(stack, folder)}


def _submit_large(stack: StackInfo, folder: Path) -> str:
    """Submits a workflow of 10,000 jobs; returns its id.

    A small machine with much to do can't store so many within the 29 s that a call may take. So the API's own function
    runs here with more time, under its own role.
    """
    provided = folder / "provided"
    link_provided(provided)
    function = built_functions(Places.find().build)["ApiFunction"]
    environment = function_environment(stack, function, import_path(function, provided), folder / "bytecode")
    given = {**environment, "AWS_LAMBDA_FUNCTION_TIMEOUT": str(SUBMISSION_SECONDS)}
    event = {**read_event("api-submit-workflow"), "headers": {}, "multiValueHeaders": {}, "body": _large()}
    until_s = time.monotonic() + SUBMISSION_SECONDS
    with running(function, given, folder / "api.log") as api:
        while True:
            answer = httpx.post(api.url, json=event, timeout=SUBMISSION_SECONDS, trust_env=False).json()
            if answer["statusCode"] != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > until_s:
                break  # another answer, or the local AWS stays too busy to store so much
    assert answer["statusCode"] == HTTPStatus.CREATED, answer
    return str(json.loads(answer["body"])["workflow_id"])


def _large() -> str:
    """Returns a workflow of three stages. Each waits for a gate, and the first gate for a day far away."""
    later = (datetime.now(UTC) + FAR_AWAY).isoformat()
    jobs: list[dict[str, object]] = []
    for stage, (job_type, parameters) in enumerate(TYPES.items()):
        before = [{"key": f"s{stage - 1}-{place}"} for place in range(10)]
        held = {"depends_on": before} if stage else {"not_before": later}
        jobs.append({"key": f"gate-{stage}", "type": "tidegate.noop", **held})
        after = [{"key": f"gate-{stage}"}]
        jobs += [
            {"key": f"s{stage}-{place}", "type": job_type, "parameters": parameters, "depends_on": after}
            for place in range(JOBS // len(TYPES))
        ]
    return json.dumps({"name": "large", "pool": "ecs", "jobs": jobs[:JOBS]})


SURROUNDINGS: Mapping[str, Surroundings] = {
    "running": one_worker,
    "showing": hostile_worker,
    "surviving": two_workers,
}
"""What runs around the flows of a file, by the file's name."""
