"""Measures one contestant: the workloads, and the figures from their times and counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from dev.benchmarks import prices
from dev.benchmarks.peers.rounds import Sample, percentile
from dev.benchmarks.peers.usage import INVOCATIONS, READ_UNITS, REQUESTS, WRITE_UNITS, Usage

BURST = "no-ops"
SINGLE_CALLS = "no-ops, a call each"
CHAIN = "chain"
JOIN = "join"
ALONE = "single job"

_SETTLE_SECONDS = 2.5  # acknowledgements may follow the end of a job by a second
_PRICES = (
    (WRITE_UNITS, "", prices.WRITE_UNITS),
    (READ_UNITS, "", prices.READ_UNITS),
    (REQUESTS, "sqs.", prices.SQS_REQUESTS),
    (REQUESTS, "apigateway.", prices.API_CALLS),
    (INVOCATIONS, "", prices.INVOCATIONS),
)
_COUNTED = (
    ("DynamoDB requests", REQUESTS, "dynamodb."),
    ("SQS requests", REQUESTS, "sqs."),
    ("API calls", REQUESTS, "apigateway."),
    ("write units", WRITE_UNITS, ""),
    ("read units", READ_UNITS, ""),
    ("invocations", INVOCATIONS, ""),
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The number of jobs of each workload. A workload of 0 jobs is left out."""

    burst: int
    single_calls: int
    chain: int
    join: int
    alone: int


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds since the epoch: before the first call, after the last, and the end of the last job."""

    began: float
    enqueued: float
    ended: float


class Contestant(Protocol):
    """A contestant whose worker runs now. Each call returns when its jobs have ended."""

    name: str

    def burst(self, count: int) -> Times:
        """Runs jobs without dependencies, submitted in the contestant's own best way."""

    def single_calls(self, count: int) -> Times:
        """Runs the same jobs, submitted with one call each."""

    def chain(self, count: int) -> Times:
        """Runs jobs that each wait for the job before."""

    def join(self, count: int) -> Times:
        """Runs `count` jobs, and one job that waits for all of them."""


def measure(
    contestant: Contestant, sizes: Sizes, slots: int, usage: Callable[[], Usage] | None
) -> Iterator[Sample | tuple[str, Usage]]:
    """Runs every workload once. With `usage`, also yields what each workload used, as (workload, usage)."""
    contestant.burst(2 * slots)  # so that all code is loaded and all connections are open
    runs = (
        (BURST, sizes.burst, sizes.burst, contestant.burst),
        (SINGLE_CALLS, sizes.single_calls, sizes.single_calls, contestant.single_calls),
        (CHAIN, sizes.chain, sizes.chain, contestant.chain),
        (JOIN, sizes.join, sizes.join + 1, contestant.join),
    )
    for workload, count, jobs, run in runs:
        if count:
            times, used = _counted(run, count, usage)
            yield from _figures(contestant.name, workload, jobs, times)
            if used is not None:
                yield from _costs(contestant.name, workload, jobs, used)
                yield workload, used
    if sizes.alone:
        waits = []
        for _ in range(sizes.alone):
            times = contestant.single_calls(1)
            waits.append(1_000 * (times.ended - times.began))
        for part in (50, 95):
            yield Sample(contestant.name, ALONE, f"p{part}", "ms", percentile(waits, part / 100))


def _counted(
    run: Callable[[int], Times], count: int, usage: Callable[[], Usage] | None
) -> tuple[Times, Usage | None]:
    if usage is None:
        return run(count), None
    time.sleep(_SETTLE_SECONDS)
    before = usage()
    times = run(count)
    time.sleep(_SETTLE_SECONDS)
    return times, usage() - before


def _figures(name: str, workload: str, jobs: int, times: Times) -> Iterator[Sample]:
    seconds = times.ended - times.began
    yield Sample(name, workload, "seconds", "s", seconds)
    if workload in (BURST, SINGLE_CALLS):
        yield Sample(name, workload, "rate", "jobs/s", jobs / seconds)
        yield Sample(name, workload, "enqueue rate", "jobs/s", jobs / (times.enqueued - times.began))


def _costs(name: str, workload: str, jobs: int, used: Usage) -> Iterator[Sample]:
    for metric, kind, service in _COUNTED:
        yield Sample(name, workload, metric, "per job", used.total(kind, service=service) / jobs)
    dollars = sum(used.total(kind, service=service) / jobs * price for kind, service, price in _PRICES)
    yield Sample(name, workload, "price", "$ per million jobs", dollars)
