"""Measures how many jobs a second one process dispatches, one to a request and 25 to a request.

Usage: python -m dev.benchmarks.batching

Dispatches 1,000 READY jobs over an ideal store, which answers every request after 10 ms, and over the local stack. The
client is botocore's own: the ideal store replaces the network only. Each figure is the median of five runs, in jobs a
second and in milliseconds of this process's CPU per job. Writes dev/benchmarks/results/batching.json. Local time says
nothing about AWS.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from dev.benchmarks.driver import START_MS
from dev.benchmarks.local_tables import POOL, local_world
from tidegate.bootstrap import AwsClients, Services, aws_services, connect_system
from tidegate.domain.job import HistoryEntry, Job, JobInput
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.states import State
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.settings import Settings, Tables
from tidegate_devstack.model import make_session

RESULTS = Path(__file__).parent / "results" / "batching.json"
JOBS = 1_000
RUNS = 5
LOCAL_RUNS = 3
ANSWER_SECONDS = 0.010
ONE_EACH_THREADS = 16
BATCH_THREADS = (1, 2, 4, 8, 16)
NOWHERE = "http://127.0.0.1:9"
TABLES = Tables(
    "Jobs",
    "Payloads",
    "Dependents",
    "Submissions",
    "SubmissionPlans",
    "Workers",
    "Lanes",
    "Control",
    "Audit",
    "Progress",
)
STAMP = Stamp(START_MS, "dispatcher")

_ID = re.compile(r'"(01JDZ3K5M7N9P1R3T5V7X9Z1B3\.\d+)"')
_UNITS = {"TableName": "Jobs", "CapacityUnits": 3.0, "Table": {"CapacityUnits": 1.0}}

Row = dict[str, Any]
DispatchAll = Callable[[Services, AwsClients, Sequence[DispatchIfReady]], object]


class IdealStore:
    """Answers in place of the network: finds every job READY, and returns it as it is after its dispatch."""

    def __init__(self) -> None:
        self.requests = 0

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        self.requests += 1
        ids = _ID.findall(request.body.decode())
        if request.headers["X-Amz-Target"].endswith(b"UpdateItem"):
            answer: Any = {"Attributes": item_of(ids[0]), "ConsumedCapacity": _UNITS}
        else:
            responses = [{"TableName": "Jobs", "Item": item_of(job_id)} for job_id in ids]
            answer = {"Responses": responses, "ConsumedCapacity": [_UNITS]}
        time.sleep(ANSWER_SECONDS)
        return AWSResponse(request.url, 200, HTTPHeaders(), Body(json.dumps(answer).encode()))


class Body:
    """The body of an answer, as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        """Yields the whole body."""
        yield self._content


def item_of(job_id: str) -> dict[str, Any]:
    """Returns a typical job of a workflow, as the table returns it."""
    texts = {
        "job_id": job_id,
        "state": "QUEUED",
        "type": "text.count",
        "pool": POOL,
        "key": "count-17",
        "name": "count part 17",
        "parameters": '{"part":17,"path":"s3://books/17"}',
        "group_key": f"{POOL}#ACTIVE#3",
    }
    numbers = ("created_at", "ready_at", "queued_at", "sent_at", "group_sort")
    lines = (f"{START_MS - 9} READY submit", f"{START_MS} QUEUED dispatcher")
    return {
        **{name: {"S": text} for name, text in texts.items()},
        **{name: {"N": str(START_MS)} for name in numbers},
        "attempt": {"N": "0"},
        "history": {"L": [{"S": line} for line in lines]},
    }


def job(number: int) -> Job:
    """Returns a READY job."""
    return Job(
        job_id=f"01JDZ3K5M7N9P1R3T5V7X9Z1B3.{number}",
        state=State.READY,
        type="text.count",
        pool=POOL,
        priority=100,
        created_at_ms=START_MS - 9,
        ready_at_ms=START_MS - 9,
        key=f"count-{number}",
        name=f"count part {number}",
        input=JobInput({"part": number, "path": f"s3://books/{number}"}),
        history=(HistoryEntry(START_MS - 9, State.READY, 0, "submit"),),
    )


DISPATCHES = [DispatchIfReady(job(number).job_id, POOL, STAMP) for number in range(JOBS)]


def one_each(services: Services, clients: AwsClients, dispatches: Sequence[DispatchIfReady]) -> object:
    """Makes one UpdateItem for each job."""
    return clients.fan_out.map(services.jobs.apply, dispatches)


def in_batches(services: Services, _: AwsClients, dispatches: Sequence[DispatchIfReady]) -> object:
    """Makes requests of 25 statements each."""
    return services.jobs.apply_all(dispatches)


def ideal_services(threads: int) -> tuple[Services, AwsClients, IdealStore]:
    """Makes services over an ideal store."""
    clients = connect_system(session=make_session("none"), endpoint_url=NOWHERE, threads=threads)
    store = IdealStore()
    clients.dynamodb.meta.events.register("before-send.dynamodb", store)  # type: ignore[arg-type]  # it answers
    pool = Pool(POOL, "", PoolKind.FUNCTION, max_timeout_seconds=43_200, capacity=1)
    return aws_services(Settings(pools={POOL: pool}, default_pool=POOL), TABLES, clients), clients, store


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Returns the seconds of `work` on the wall clock and of this process's CPU."""
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began_s, time.process_time() - began_cpu_s


def row(store: str, way: str, threads: int, requests: int, runs: Sequence[tuple[float, float]]) -> Row:
    """Returns one line of the table."""
    seconds = statistics.median(wall for wall, _ in runs)
    cpu_seconds = statistics.median(cpu for _, cpu in runs)
    return {
        "store": store,
        "way": way,
        "threads": threads,
        "requests": requests,
        "jobs_per_second": round(JOBS / seconds),
        "cpu_ms_per_job": round(cpu_seconds / JOBS * 1_000, 3),
    }


def over_ideal_store(way: str, dispatch_all: DispatchAll, threads: int) -> Row:
    """Dispatches all jobs over the ideal store, after one run that does not count."""
    services, clients, store = ideal_services(threads)
    dispatch_all(services, clients, DISPATCHES)
    requests = store.requests
    runs = [timed(lambda: dispatch_all(services, clients, DISPATCHES)) for _ in range(RUNS)]
    return row("10 ms a request", way, threads, requests, runs)


def over_local_stack(
    make_driver: Callable[..., Any], way: str, dispatch_all: DispatchAll, threads: int
) -> Row:
    """Dispatches all jobs on the local stack, new ones in every run."""
    runs = []
    requests = 0
    for _ in range(LOCAL_RUNS):
        driver = make_driver(threads)
        services: Services = driver.services
        clients = services.jobs.clients  # type: ignore[attr-defined]  # the store on AWS
        services.jobs.insert_if_absent([job(number) for number in range(JOBS)])
        before = clients.meter.snapshot()
        runs.append(timed(lambda: dispatch_all(services, clients, DISPATCHES)))  # noqa: B023 - called at once
        requests = (clients.meter.snapshot() - before).requests_of("dynamodb")
    return row("local stack", way, threads, requests, runs)


def main() -> None:
    """Measures, prints and writes the result."""
    ways: list[tuple[str, DispatchAll, int]] = [("one each", one_each, ONE_EACH_THREADS)]
    ways += [("25 to a request", in_batches, threads) for threads in BATCH_THREADS]
    rows = [over_ideal_store(*way) for way in ways]
    with local_world(slots=1) as make_driver:
        rows += [over_local_stack(make_driver, *way) for way in ways]
    columns = {
        "store": 18,
        "way": 18,
        "threads": 9,
        "requests": 10,
        "jobs_per_second": 17,
        "cpu_ms_per_job": 16,
    }
    sys.stdout.write("".join(f"{name:<{width}}" for name, width in columns.items()) + "\n")
    for figures in rows:
        sys.stdout.write("".join(f"{figures[name]!s:<{width}}" for name, width in columns.items()) + "\n")
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
