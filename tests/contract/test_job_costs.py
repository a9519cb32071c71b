"""The costs that are counted from jobs' own items are those that the local stack counts at the wire.

Costs that no single job causes (the leases of dispatchers, lanes, workers, pulses) lie in items of their own, so they
are told apart by table. Kept ends are jobs' own, but lie in the table of the workflows' progress, so they are told
apart by their key. Write units alone are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dev.simulator.memory.seeded import JOB_TYPE, AnyParameters
from tests.harness.contract.stores import NOW_MS, POOL
from tests.harness.faults.emulated import EmulatedAws, emulated_aws
from tidegate.adapters.aws.item_sizes import item_size
from tidegate.adapters.dynamodb import schema
from tidegate.bootstrap import Services, aws_services
from tidegate.domain.callers import Caller
from tidegate.domain.costs.beside import UNITS_OF_PERMIT
from tidegate.domain.costs.units import NO_UNITS
from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import Job, Progress
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import State
from tidegate.domain.stored import units_of
from tidegate.domain.transitions import (
    BeginIfAttemptHolds,
    HeartbeatIfAttemptHolds,
    OfferSecondIfFirst,
    ReadyIfLeaseExpired,
    Stamp,
)
from tidegate.domain.transitions.base import EndFigures
from tidegate.ports import Outcome, OutcomeKind, Signal, second_message_of
from tidegate.settings import Settings, Tables
from tidegate.usecases.dispatch.serve import serve_pools
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.read.cost import WORKFLOW_UNITS, read_job_cost
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.recover.reopen import retry_job
from tidegate.usecases.release.release import release
from tidegate.usecases.submit.submit import submit_job, submit_workflow
from tidegate.usecases.work.claim import Claimed, claim
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.run import beat

CALLER = Caller("arn:aws:iam::123456789012:role/alice", "alice")
SHARED = frozenset({"control", "lanes", "workers"})
OF_JOBS = frozenset({"jobs", "payloads", "dependents"})
OF_WORKFLOWS = frozenset({"submissions", "submission_plans", "progress"})
WELL = Outcome(OutcomeKind.SUCCEEDED, result={"ok": True})
BADLY = Outcome(OutcomeKind.FAILED, code="broken", message="the disk is full")
BACK = Outcome(OutcomeKind.HANDED_BACK)


Act = Callable[["Life"], None]


@dataclass(slots=True)
class Life:
    """One pool on the local stack whose events are handled one after the other."""

    services: Services
    aws: EmulatedAws
    now_ms: int = NOW_MS
    ids: list[str] = field(default_factory=list)
    workflows: int = 0

    def submit(self, **fields: Any) -> str:
        request = JobRequest(type=JOB_TYPE, retry=RetryPolicy(3, 0, 0), **fields)
        made = submit_job(self.services, request, idempotency_key=None, fingerprint="", now_ms=self.now_ms)
        self.ids.append(made.job_id)
        self._settle([self.job(made.job_id)])
        return made.job_id

    def submit_workflow(self, edges: Mapping[str, Sequence[str]]) -> None:
        """Submits a workflow: the jobs by key with the keys of their upstreams."""
        jobs = tuple(
            JobRequest(
                key=key,
                type=JOB_TYPE,
                retry=RetryPolicy(0, 0, 0),
                depends_on=tuple(DependencyRequest(key=upstream) for upstream in upstreams),
            )
            for key, upstreams in edges.items()
        )
        made = submit_workflow(
            self.services,
            WorkflowRequest(jobs=jobs),
            idempotency_key=None,
            fingerprint="",
            now_ms=self.now_ms,
        )
        self.workflows += 1
        self.ids += made.job_ids.values()
        self._settle([])

    def job(self, job_id: str) -> Job:
        found = self.services.jobs.get(job_id, consistent=True)
        assert found is not None
        return found

    def claim(self, worker_id: str = "worker-0a1b2c3d") -> list[Claimed]:
        """Claims what the queue has."""
        claimed = []
        for delivery in self.services.queue.receive(POOL, limit=10, wait_seconds=0):
            found = claim(self.services, delivery.message, worker_id, self.now_ms)
            self.services.queue.delete(POOL, [delivery.receipt])
            if found is not None:
                claimed.append(found)
                if found.job.watch_start:
                    self.services.jobs.apply(BeginIfAttemptHolds(found.job, found.job.attempt, self.now_ms))
        return claimed

    def end(self, claimed: Claimed, outcome: Outcome) -> None:
        self.now_ms += 1_000
        self.aws.now_ms = self.now_ms
        ended = conclude(self.services, claimed, outcome, self.now_ms)
        assert ended is not None
        self._settle([ended])

    def run(self, *outcomes: Outcome) -> None:
        """Runs until nothing is left. The first attempts have these outcomes, all others succeed."""
        left = list(outcomes)
        while any(not self.job(job_id).is_terminal for job_id in self.ids):
            claimed = self.claim()
            for one in claimed:
                self.end(one, left.pop(0) if left else WELL)
            if not claimed:
                self.now_ms += 60_000
                tick(self.services, now_ms=self.now_ms)

    def beat(self, claimed: Claimed, times: int) -> None:
        """Sends heartbeats, one for each interval."""
        for _ in range(times):
            self.now_ms += self.services.settings.heartbeat_seconds * 1_000
            lease_ms = self.now_ms + 60_000
            progress = Progress(0.5, "half")
            job = claimed.job
            self.services.jobs.apply(
                HeartbeatIfAttemptHolds(job, job.attempt, lease_ms, progress, self.now_ms)
            )

    def both(self, **fields: Any) -> tuple[Claimed, Claimed]:
        """Runs a job for 75 seconds, offers a second attempt and runs both for two heartbeats more.

        The offer takes no permit here, as that is in the table of what is shared.
        """
        job_id = self.submit(**fields)
        (first,) = self.claim()
        self.beat(first, 5)
        job = self.job(job_id)
        offered = self.services.jobs.apply(
            OfferSecondIfFirst(job, job.attempt, Stamp(self.now_ms, "dispatcher"))
        )
        self.services.queue.send(POOL, [second_message_of(offered)])
        (second,) = self.claim("worker-4d5e6f7a")
        for _ in range(2):
            self.beat(first, 1)
            beat(self.services, second.job, None, self.now_ms)
        return first, second

    def _settle(self, changed: list[Job]) -> None:
        release(self.services, [job for job in changed if job.is_terminal], self.now_ms)
        serve_pools(self.services, {POOL}, self.now_ms)


def plain(life: Life) -> None:
    for _ in range(3):
        life.submit(name="nightly")
    life.run()


def chain(life: Life) -> None:
    life.submit_workflow({"a": (), "b": ("a",), "c": ("b",), "d": ("c",)})
    life.run()


def join(life: Life) -> None:
    life.submit_workflow({"a": (), "b": (), "c": (), "d": ("a", "b", "c"), "e": ("a", "b", "c", "d")})
    life.run()


def skipped_join(life: Life) -> None:
    life.submit_workflow({"a": (), "b": (), "c": ("a", "b")})
    life.run(BADLY)
    assert [life.job(each).state for each in life.ids].count(State.SKIPPED) == 1


def cancelled_join(life: Life) -> None:
    life.submit_workflow({"a": (), "b": (), "c": ("a", "b")})
    cancel_job(life.services, life.ids[-1], caller=CALLER, now_ms=life.now_ms)
    assert life.job(life.ids[-1]).state is State.CANCELLED
    life.run()


def later_edge(life: Life) -> None:
    first = life.submit()
    life.submit(depends_on=(DependencyRequest(job_id=first, type=DependencyType.MUST_COMPLETE),))
    life.run()


def retries(life: Life) -> None:
    life.submit(tags={"team": "data"})
    life.run(BADLY, BADLY)


def given_up(life: Life) -> None:
    life.submit()
    life.run(BADLY, BADLY, BADLY, BADLY)


def interruptions(life: Life) -> None:
    life.submit()
    life.run(*[BACK] * 9)


def lost_worker(life: Life) -> None:
    life.submit()
    (claimed,) = life.claim()
    life.now_ms += 61_000
    life.services.jobs.apply(
        ReadyIfLeaseExpired(claimed.job, 1, Stamp(life.now_ms, "reaper", "its lease ran out"))
    )
    tick(life.services, now_ms=life.now_ms)
    life.run()


def cancels(life: Life) -> None:
    running = life.submit()
    (claimed,) = life.claim()
    cancel_job(life.services, running, caller=CALLER, now_ms=life.now_ms)
    life.end(claimed, Outcome(OutcomeKind.CANCELLED))
    waiting = life.submit(not_before_ms=life.now_ms + 3_600_000)
    cancel_job(life.services, waiting, caller=CALLER, now_ms=life.now_ms)


def large_payloads(life: Life) -> None:
    life.submit(parameters={"text": "x" * 1_500})
    life.submit(parameters={"text": "x" * 30_000})
    life.submit(name="n" * 250, key="k" * 120, description="d" * 500)
    life.run(*[replace(WELL, result={"rows": "r" * size}) for size in (2_000, 9_000, 10)])


def heartbeats(life: Life) -> None:
    life.submit()
    (claimed,) = life.claim()
    life.beat(claimed, 5)
    life.end(claimed, WELL)


def key(life: Life) -> None:
    for _ in range(2):
        life.submit(concurrency_key="customer-7", concurrency_limit=4)
    life.run()


def second_life(life: Life) -> None:
    job_id = life.submit()
    life.run(BADLY, BADLY, BADLY, BADLY)
    retry_job(life.services, job_id, reopen_skipped=False, caller=CALLER, now_ms=life.now_ms)
    tick(life.services, now_ms=life.now_ms)
    life.run()


def second_attempt_loses(life: Life) -> None:
    first, second = life.both()
    life.end(first, WELL)
    assert beat(life.services, second.job, None, life.now_ms) is Signal.LOST


def second_attempt_wins(life: Life) -> None:
    first, second = life.both()
    life.end(second, WELL)
    assert beat(life.services, first.job, None, life.now_ms) is Signal.LOST


def second_attempt_fails(life: Life) -> None:
    first, second = life.both()
    life.end(second, BADLY)
    life.beat(first, 1)
    life.end(first, WELL)


def second_attempt_makes_the_item_larger(life: Life) -> None:
    """Only with the attributes of the second attempt does the item have more than 1 KB."""
    first, second = life.both(description="d" * 500, name="n" * 18)
    life.end(first, replace(WELL, result={"rows": "r" * 900}))
    assert beat(life.services, second.job, None, life.now_ms) is Signal.LOST


def second_attempt_is_cancelled(life: Life) -> None:
    first, second = life.both()
    cancel_job(life.services, first.job.job_id, caller=CALLER, now_ms=life.now_ms)
    life.end(first, BADLY)
    assert life.job(first.job.job_id).state is State.CANCELLED
    assert beat(life.services, second.job, None, life.now_ms) is Signal.LOST


WASTED_MS: Mapping[Act, int] = {
    second_attempt_loses: 31_000,
    second_attempt_wins: 106_000,  # the first attempt
    second_attempt_fails: 31_000,
    second_attempt_is_cancelled: 31_000,
    second_attempt_makes_the_item_larger: 31_000,
}
ACTS: tuple[Act, ...] = (
    plain, chain, join, skipped_join, cancelled_join, later_edge, retries, given_up, interruptions, lost_worker,
    cancels, large_payloads, heartbeats, key, second_life, *WASTED_MS,
)  # fmt: skip


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    with emulated_aws() as emulated:
        yield emulated


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_the_sum_over_jobs_is_what_the_wire_counted(act: Act, aws: EmulatedAws) -> None:
    tables = aws.empty(NOW_MS)
    pool = Pool(POOL, aws.make_queue("q"), PoolKind.FUNCTION, max_timeout_seconds=43_200, capacity=16)
    settings = Settings(pools={POOL: pool}, default_pool=POOL, dispatch_lease_seconds=60)
    life = Life(aws_services(settings, tables, aws.clients, AnyParameters(act in WASTED_MS)), aws)
    before = aws.clients.meter.snapshot()
    act(life)
    usage = aws.clients.meter.snapshot() - before

    rows = [read_job_cost(life.services, job_id, now_ms=life.now_ms) for job_id in life.ids]
    jobs = sum((row.cost.total for row in rows), NO_UNITS)
    workflows = sum((WORKFLOW_UNITS for _ in range(life.workflows)), NO_UNITS)
    names = {getattr(tables, name): name for name in (*OF_JOBS, *OF_WORKFLOWS, *SHARED)}
    kept_ends = _units_of_kept_ends(aws, tables)
    counted = dict.fromkeys(names.values(), 0.0)
    for (table, _), units in usage.write_units.items():
        counted[names[table]] += units
    permits = UNITS_OF_PERMIT * (2 if act is key else act in WASTED_MS)
    of_jobs = sum(counted[name] for name in OF_JOBS) + kept_ends
    of_workflows = sum(counted[name] for name in OF_WORKFLOWS) - kept_ends
    assert kept_ends == (act is second_life)
    refused = act is second_attempt_is_cancelled  # the retry, as cancellation was asked for
    assert jobs.write_units == pytest.approx(of_jobs - refused + permits, rel=0.01)
    assert workflows.write_units == pytest.approx(of_workflows, rel=0.01)
    if act in WASTED_MS:
        (row,) = rows
        wasted_ms = WASTED_MS[act]
        assert _figures(aws, tables, row.job.job_id).wasted_ms == wasted_ms
        assert (row.cost.beside, row.cost.wasted.function_seconds) == (1, wasted_ms / 1_000)


def _figures(aws: EmulatedAws, tables: Tables, job_id: str) -> EndFigures:
    """Returns the figures that the write of an end stored."""
    key = {schema.JOB_ID: {"S": job_id}}
    item = aws.clients.dynamodb.get_item(TableName=tables.jobs, Key=key, ConsistentRead=True)["Item"]
    found = EndFigures.unpacked(item[schema.FIGURES]["S"])
    assert found is not None
    return found


def _units_of_kept_ends(aws: EmulatedAws, tables: Tables) -> int:
    """Returns the write units of the kept ends, each of which was written once."""
    found = aws.clients.dynamodb.query(
        TableName=tables.progress,
        KeyConditionExpression="#id = :id",
        ExpressionAttributeNames={"#id": schema.WORKFLOW_ID},
        ExpressionAttributeValues={":id": {"S": schema.kept_ends_key(POOL)}},
    )
    return sum(units_of(item_size(item)) for item in found["Items"])
