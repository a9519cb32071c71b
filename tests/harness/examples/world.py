"""A deployment in memory on which examples run: the simulator, with the real job code and the API before it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from dev.simulator.checks.invariants import check_all, hold_back
from dev.simulator.memory.seeded import START_MS, SeededEntropy, function_pool, make_settings
from dev.simulator.memory.services import memory_services
from dev.simulator.system.scenario import Course
from dev.simulator.system.simulator import Options, ProcessClock, Simulator
from tests.harness.functions.api_calls import ANN, Answer, Api, operators, read_event
from tidegate.adapters.executors.outcomes import outcome_of
from tidegate.bootstrap import ApiDeps, Meter
from tidegate.domain.addresses import Reach
from tidegate.domain.changes import JobChange
from tidegate.domain.ids import first_ulid
from tidegate.domain.job import Job
from tidegate.jobs.attempt import run_attempt
from tidegate.jobs.context import JobContext, StopRequest, Upstream
from tidegate.jobs.loader import load_registry
from tidegate.ports import Assignment, Signal
from tidegate.usecases.record.record import record

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
JOB_TYPES = "examples.job_types"
BETWEEN_CALLS_MS = 3_000  # of virtual time, so that few polls see a job end
REGISTRY = load_registry("tidegate_samples", JOB_TYPES)


class NoWaiting(StopRequest):
    """Adds up the seconds that job code sleeps, and returns at once."""

    def __init__(self) -> None:
        super().__init__()
        self.slept_seconds = 0.0

    def wait(self, seconds: float) -> bool:
        """Never asks for a stop."""
        self.slept_seconds += seconds
        return False


def run_code(assignment: Assignment) -> Course:
    """Runs the real job code of an attempt, which then lasts on the virtual clock as long as it slept."""
    found = REGISTRY.find(assignment.type)
    assert found is not None, assignment.type
    stop = NoWaiting()
    context = JobContext(
        job_id=assignment.job_id,
        attempt=assignment.attempt,
        key=assignment.key,
        upstreams=[Upstream(each.job_id, each.key, each.state, each.result) for each in assignment.upstreams],
        remaining_seconds=lambda: assignment.timeout_ms / 1_000 - stop.slept_seconds,
        report_progress=lambda _progress: None,
        stop=stop,
        finish_token="" if assignment.token is None else assignment.token.text,
    )
    report = run_attempt(found, assignment.parameters, context)
    return Course(round(stop.slept_seconds * 1_000), outcome_of(report, Signal.GO_ON))


class TimedEntropy(SeededEntropy):
    """Ids that carry their time as real ones do, because the audit trail is read by it."""

    def new_ulid(self, now_ms: int) -> str:
        self._issued += 1
        return f"{first_ulid(now_ms)[:10]}{self._issued:016d}"


class Deployment(Api):
    """The API over a simulator whose function pool runs `slots` jobs at once."""

    def __init__(self, slots: int = 4) -> None:
        settings = replace(
            make_settings(function_pool("lambda", slots), window=1.0), webhook_reach=Reach.PUBLIC
        )
        services, self.world = memory_services(settings, registry=REGISTRY)
        self.world.now_ms = START_MS
        self.world.grants = operators(
            ANN, read_event("api-list-jobs")["requestContext"]["identity"]["userArn"]
        )
        self.services = replace(services, entropy=TimedEntropy(1))
        self.simulator = Simulator(
            self.services, self.world, run_code, Options(slots=slots), observers=[hold_back, self._record]
        )
        self.deps = ApiDeps(self.services, ProcessClock(self.simulator, "api"), Meter())

    def _record(self, _simulator: Simulator, changes: Sequence[JobChange]) -> None:
        """Keeps the progress of workflows, as the recorder does."""
        record(self.services, [change.new for change in changes if change.concerns_recorder])

    def run_all(self) -> dict[str, Job]:
        """Runs all jobs to their end and checks every invariant; returns them by key, or by id where they have none."""
        self.simulator.run()
        check_all(self.simulator)
        return {job.key or job.job_id: job for job in self.world.jobs.values()}

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: str) -> Answer:
        """Answers a request as the gateway hands it to the function, and lets some time pass after it."""
        url = urlsplit(target)
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(url.query):
            query.setdefault(name, []).append(value)
        lower = {name.lower(): value for name, value in headers.items()}
        event = {
            **read_event("api-list-jobs"),
            "httpMethod": method,
            "path": url.path,
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "headers": lower,
            "multiValueHeaders": {name: [value] for name, value in lower.items()},
            "body": body or None,
        }
        answer = self.send(event)
        self.pass_time()
        return answer

    def pass_time(self) -> None:
        """Lets the dispatcher, the workers and the clock go on for a while, as they do between two calls."""
        self.simulator.settle()
        self.simulator.tick()
        self.simulator.interrupt(BETWEEN_CALLS_MS)


@contextmanager
def served(deployment: Deployment) -> Iterator[str]:
    """Serves the API over HTTP on the loopback; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self._answer()

        def do_PATCH(self) -> None:
            self._answer()

        def _answer(self) -> None:
            assert self.headers["authorization"].startswith("AWS4-HMAC-SHA256"), "the call is not signed"
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            answer = deployment.answer(self.command, self.path, dict(self.headers.items()), body)
            content = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {**answer.headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            """Says nothing of each call."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
