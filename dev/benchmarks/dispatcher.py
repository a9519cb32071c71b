"""Measures how many jobs a second one dispatcher dispatches, over an ideal store.

The ideal store answers every request after 10 ms, in place of the network. The rest of the dispatch is real: lanes,
candidates, jobs already dispatched, conditional writes and messages, through botocore's own client. Each run of the
dispatcher finds its pool empty and thousands of jobs READY in four shards. Seconds are of the wall clock, and depend on
the load of the machine.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from dev.benchmarks.batching import ANSWER_SECONDS, NOWHERE, TABLES, Body, item_of
from dev.benchmarks.driver import START_MS
from dev.benchmarks.local_tables import POOL
from dev.benchmarks.report import BenchmarkReport, Goal, Table, finish
from tidegate.bootstrap import Services, aws_services, connect_system
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.rules import DispatchRules
from tidegate.settings import Settings
from tidegate.usecases.dispatch.dispatch import dispatch
from tidegate_devstack.model import make_session

EXAMPLE = "example: python -m dev.benchmarks.dispatcher --runs 3"
SHARDS = 4
FREE_SLOTS = (1_000, 100, 10)  # in each run
RUNS = 5
LEAST_JOBS_PER_SECOND = 500  # of a dispatcher with many jobs to dispatch
_ID = re.compile(r'"(01JDZ3K5M7N9P1R3T5V7X9Z1B3\.\d+)"')


class IdealAws:
    """Answers in place of the network. READY jobs never run out, and every request succeeds."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self._issued = 0

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.requests[operation] += 1
        answer = self._answer(operation, request.body.decode())
        time.sleep(ANSWER_SECONDS)
        return AWSResponse(request.url, 200, HTTPHeaders(), Body(json.dumps(answer).encode()))

    def _answer(self, operation: str, body: str) -> Any:
        if operation == "Query":
            return self._page(json.loads(body))
        if operation == "BatchExecuteStatement":
            return {
                "Responses": [{"TableName": "Jobs", "Item": item_of(job_id)} for job_id in _ID.findall(body)]
            }
        if operation == "SendMessageBatch":
            sent = [{"Id": entry["Id"], "MessageId": entry["Id"]} for entry in json.loads(body)["Entries"]]
            return {"Successful": sent, "Failed": []}
        raise AssertionError(f"a dispatcher is not expected to ask for {operation}")

    def _page(self, asked: Any) -> Any:
        key = json.dumps(asked["ExpressionAttributeValues"])
        if f"{POOL}#READY" not in key:
            return {"Items": [], "Count": 0}
        entries = []
        for _ in range(asked["Limit"]):
            self._issued += 1
            entries.append(
                {
                    "job_id": {"S": f"01JDZ3K5M7N9P1R3T5V7X9Z1B3.{self._issued}"},
                    "group_key": {"S": f"{POOL}#READY#0"},
                    "group_sort": {"N": str(-self._issued)},
                    "type": {"S": "text.count"},
                }
            )
        last = {name: entries[-1][name] for name in ("job_id", "group_key", "group_sort")}
        return {"Items": entries, "Count": len(entries), "LastEvaluatedKey": last}


def ideal_services(slots: int) -> tuple[Services, IdealAws]:
    """Makes services over ideal tables and an ideal queue, with this many slots in the one pool."""
    clients = connect_system(session=make_session("none"), endpoint_url=NOWHERE)
    aws = IdealAws()
    for client in (clients.dynamodb, clients.sqs):
        client.meta.events.register("before-send", aws)  # type: ignore[arg-type]  # it answers
    pool = Pool(POOL, NOWHERE, PoolKind.FUNCTION, max_timeout_seconds=43_200, capacity=slots)
    settings = Settings(pools={POOL: pool}, default_pool=POOL, window=1.0, shards=SHARDS)
    return aws_services(settings, TABLES, clients), aws


def measure(slots: int, runs: int) -> tuple[int, int, float, float, float]:
    """Returns a row: slots, jobs a second (median), ms a run, requests per job, CPU of this process per job."""
    services, aws = ideal_services(slots)
    dispatch(services, POOL, START_MS, rules=DispatchRules())  # connects, fills caches
    aws.requests.clear()
    seconds, began_cpu_s = [], time.process_time()
    for _ in range(runs):
        began_s = time.perf_counter()
        report = dispatch(services, POOL, START_MS, rules=DispatchRules())
        seconds.append(time.perf_counter() - began_s)
        if report.dispatched != slots or report.unsent:
            raise RuntimeError(f"{report.dispatched} of {slots} jobs were dispatched")
    cpu_ms = (time.process_time() - began_cpu_s) * 1_000 / (runs * slots)
    middle = statistics.median(seconds)
    per_job = sum(aws.requests.values()) / (runs * slots)
    return slots, round(slots / middle), round(middle * 1_000, 1), round(per_job, 3), round(cpu_ms, 3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes the result. Returns exit code 1 where the goal does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.dispatcher", description=__doc__, epilog=EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--runs", type=int, default=RUNS, help="runs of the dispatcher for each number of free slots"
    )
    runs = max(1, parser.parse_args(arguments).runs)
    rows = [measure(slots, runs) for slots in FREE_SLOTS]
    columns = ("free slots in a run", "jobs/s", "ms a run", "requests/job", "CPU ms/job")
    return finish(
        BenchmarkReport(
            name="dispatcher",
            title="Dispatcher",
            command="make -C dev/benchmarks dispatcher",
            about=(
                f"One dispatcher over an ideal store that answers every request after {ANSWER_SECONDS * 1_000:g} ms: "
                f"whole runs, messages included, median of {runs}."
            ),
            goals=[Goal("jobs a second with much to do", rows[0][1], at_least=LEAST_JOBS_PER_SECOND)],
            tables=[Table("READY jobs dispatched", columns, rows)],
        )
    )


if __name__ == "__main__":
    sys.exit(main())
