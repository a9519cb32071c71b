"""The work of workers, the function and the process, each part with a world that needs it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tests.harness.e2e.permissions.states import queue, run_to_end, start, submit
from tests.harness.e2e.permissions.world import LARGE, OFFER, World
from tidegate.adapters.aws.log_shipper import LogShipper
from tidegate.adapters.system import SystemClock
from tidegate.bootstrap import AwsClients, Meter, Services, WorkerDeps
from tidegate.domain.announcements import RENEWED_AFTER_MS, DescribedType
from tidegate.domain.job import Json
from tidegate.domain.logs import LogLine, LogPlace
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate.domain.states import State
from tidegate.domain.workers import WorkerSpec, WorkerState
from tidegate.entry.worker import run_records
from tidegate.ports import Assignment, Begun, Heartbeat, Message, Outcome, OutcomeKind, unheard
from tidegate.usecases.work.announce_types import announce_types
from tidegate.usecases.work.claim import claim_all
from tidegate_worker.process import EXIT_DRAINED, Options, WorkerProcess
from tidegate_worker.registration import Registration

NOOP = "tidegate.noop"
CLOCK = SystemClock()
PATIENCE_SECONDS = 30.0


class OneBeat:
    """Attempts that beat once and succeed with their parameters and the results of their upstreams."""

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        """Runs one attempt."""
        begun()
        heartbeat(None)
        given: Json = [assignment.parameters, [upstream.result for upstream in assignment.upstreams]]
        return Outcome(OutcomeKind.SUCCEEDED, result=given)

    def warm(self, children: int) -> None:
        """Does nothing, because nothing needs preparing."""

    def probe(self) -> str:
        """Says that attempts can begin."""
        return ""

    def types_now(self) -> Sequence[str]:
        """Returns no types, because nothing asks for one."""
        return ()

    def hurry(self) -> None:
        """Does nothing, because nothing runs long."""

    def close(self) -> None:
        """Does nothing, because nothing runs on."""


def _function_runs(services: Services, job_id: str) -> None:
    _function_gets(services, json.dumps({"job_id": job_id, "attempt": 0}))


def _function_gets(services: Services, body: str) -> None:
    record: dict[str, Any] = {"messageId": "1", "body": body, "eventSource": "aws:sqs"}
    deps = WorkerDeps(services, OneBeat(), CLOCK, Meter())
    assert run_records({"Records": [record]}, deps, "probe") == {"batchItemFailures": []}


def _large_job(world: World, pool: str) -> str:
    """Makes a job with a large input, after a job with a large result."""
    upstream = submit(world, JobRequest(type=NOOP))
    run_to_end(world, upstream, LARGE)
    after = (DependencyRequest(job_id=upstream),)
    return submit(world, JobRequest(type=NOOP, pool=pool, parameters={"text": LARGE}, depends_on=after))


def runs_a_job(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    queue(world, job_id)
    _function_runs(services, job_id)
    assert world.job(job_id).result == [{}, []]


def refuses_a_type_that_it_lacks(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    queue(world, job_id)
    body = json.dumps({"job_id": job_id, "attempt": 0, "type": "of.a.later.version"})
    _function_gets(services, body)
    assert world.job(job_id).history[-1].reason == "probe lacks its type"


def runs_a_large_job(world: World, services: Services) -> None:
    job_id = _large_job(world, "lambda")
    queue(world, job_id)
    _function_runs(services, job_id)
    assert world.admin.jobs.load_result(world.job(job_id)) == [{"text": LARGE}, [LARGE]]


def finds_what_a_read_may_miss(world: World, services: Services) -> None:
    """Input and upstream were written a moment ago, so an eventually consistent read does not show them."""
    job_id = _large_job(world, "lambda")
    queue(world, job_id)
    with reads_that_miss(services):
        _function_runs(services, job_id)
    assert world.admin.jobs.load_result(world.job(job_id)) == [{"text": LARGE}, [LARGE]]


@contextmanager
def reads_that_miss(services: Services) -> Iterator[None]:
    """Makes batches of reads find nothing during the block, as is allowed for items written a moment ago."""
    events = services.jobs.clients.dynamodb.meta.events  # type: ignore[attr-defined]

    def see_nothing(parsed: dict[str, Any], **_: Any) -> None:
        if "Responses" in parsed:
            parsed["Responses"] = {}

    name = "after-call.dynamodb.BatchGetItem"
    events.register(name, see_nothing)
    try:
        yield
    finally:
        events.unregister(name, see_nothing)


class _Complaints(logging.Handler):
    """The complaints that a worker process logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def _serve(world: World, services: Services, job_ids: Sequence[str]) -> None:
    """Runs the jobs in a worker process, which then leaves. It must log no complaint."""
    for job_id in job_ids:
        queue(world, job_id)
    world.admin.queue.send("ecs", [Message(job_id, 0) for job_id in job_ids])
    spec = WorkerSpec("ecs", "probe", "host", slots=4, capabilities=frozenset({OFFER}))
    registration = Registration(services, CLOCK, spec, "S", beat_seconds=0)
    options = Options("ecs", spec.slots, poll_seconds=0, drain_seconds=1)
    announce(services)
    process = WorkerProcess(services, OneBeat(), CLOCK, options, registration)
    complaints, logger = _Complaints(), logging.getLogger("tidegate.worker")
    logger.addHandler(complaints)
    try:
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(process.run)
            deadline_s = time.monotonic() + PATIENCE_SECONDS
            while not all(world.job(job_id).is_terminal for job_id in job_ids):
                assert time.monotonic() < deadline_s
                if world.denied.wait(0.02) or running.done():
                    break
            process.stop()
            assert running.result() == EXIT_DRAINED
    finally:
        logger.removeHandler(complaints)
    assert not complaints.said
    assert set(world.states(*job_ids)) == {State.SUCCEEDED}
    assert world.is_empty(world.settings.pools["ecs"].queue_url)
    left = world.admin.workers.get("ecs", spec.worker_id)
    assert left is not None
    assert left.state is WorkerState.INACTIVE


def announce(services: Services) -> None:
    """Announces a type, and renews it."""
    types = [DescribedType("probe.announced")]
    now_ms = CLOCK.now_ms()
    for at_ms in (now_ms, now_ms + RENEWED_AFTER_MS):
        announce_types(services, types, pool="ecs", worker_id="probe", started_at_ms=at_ms, now_ms=at_ms)
    assert services.announcements.load().by_type["probe.announced"].seen_at_ms >= now_ms + RENEWED_AFTER_MS


def serves_a_job(world: World, services: Services) -> None:
    _serve(world, services, [submit(world, JobRequest(type=NOOP, pool="ecs"))])


def serves_many_jobs(world: World, services: Services) -> None:
    _serve(world, services, [submit(world, JobRequest(type=NOOP, pool="ecs")) for _ in range(20)])


def serves_a_large_job(world: World, services: Services) -> None:
    job_id = _large_job(world, "ecs")
    _serve(world, services, [job_id])
    assert world.admin.jobs.load_result(world.job(job_id)) == [{"text": LARGE}, [LARGE]]


def serves_what_a_read_may_miss(world: World, services: Services) -> None:
    job_id = _large_job(world, "ecs")
    with reads_that_miss(services):
        _serve(world, services, [job_id])
    assert world.admin.jobs.load_result(world.job(job_id)) == [{"text": LARGE}, [LARGE]]


def meets_jobs_that_others_claimed(world: World, services: Services) -> None:
    """Messages came twice, so the worker reads the jobs that refused claims of a batch."""
    job_ids = [submit(world, JobRequest(type=NOOP, pool="ecs")) for _ in range(2)]
    for job_id in job_ids:
        start(world, job_id)
    messages = [Message(job_id, 0) for job_id in job_ids]
    assert claim_all(services, messages, "probe", CLOCK.now_ms()) == [None, None]


def ships_what_a_job_prints(world: World, services: Services) -> None:
    clients: AwsClients = services.logs._clients  # type: ignore[attr-defined]  # those of the role
    place = LogPlace(world.settings.process_log_group, f"probe-{CLOCK.now_ms()}")
    shipper = LogShipper(
        lambda: clients.logs, place, CLOCK.now_ms, gather_seconds=0.01, try_again_seconds=0.01
    )
    shipper.write(LogLine("job", 1, 1, "printed"))
    shipper.close()
    assert shipper.dropped == 0


WORKER_PROBES = (runs_a_job, refuses_a_type_that_it_lacks, runs_a_large_job, finds_what_a_read_may_miss)
PROCESS_PROBES = (
    serves_a_job,
    serves_many_jobs,
    serves_a_large_job,
    serves_what_a_read_may_miss,
    meets_jobs_that_others_claimed,
    ships_what_a_job_prints,
)
