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
from tidegate.domain.costs.count import UNITS_OF_PERMIT
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
    ReadyIfLeaseExpired,
    Stamp,
)
from tidegate.ports import Outcome, OutcomeKind
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

    def claim(self) -> list[Claimed]:
        """Claims what the queue has."""
        claimed = []
        for delivery in self.services.queue.receive(POOL, limit=10, wait_seconds=0):
            found = claim(self.services, delivery.message, "worker-0a1b2c3d", self.now_ms)
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
            beat = HeartbeatIfAttemptHolds(
                claimed.job, claimed.job.attempt, lease_ms, Progress(0.5, "half"), self.now_ms
            )
            self.services.jobs.apply(beat)

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


ACTS: tuple[Act, ...] = (
    plain, chain, join, skipped_join, cancelled_join, later_edge, retries, given_up, interruptions, lost_worker,
    cancels, large_payloads, heartbeats, key, second_life,
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
    life = Life(aws_services(settings, tables, aws.clients, AnyParameters()), aws)
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
    permits = UNITS_OF_PERMIT * 2 if act is key else 0
    of_jobs = sum(counted[name] for name in OF_JOBS) + kept_ends
    of_workflows = sum(counted[name] for name in OF_WORKFLOWS) - kept_ends
    assert kept_ends == (act is second_life)
    assert jobs.write_units == pytest.approx(of_jobs + permits, rel=0.01)
    assert workflows.write_units == pytest.approx(of_workflows, rel=0.01)


def _units_of_kept_ends(aws: EmulatedAws, tables: Tables) -> int:
    """Returns the write units of the kept ends, each of which was written once."""
    found = aws.clients.dynamodb.query(
        TableName=tables.progress,
        KeyConditionExpression="#id = :id",
        ExpressionAttributeNames={"#id": schema.WORKFLOW_ID},
        ExpressionAttributeValues={":id": {"S": schema.kept_ends_key(POOL)}},
    )
    return sum(units_of(item_size(item)) for item in found["Items"])
