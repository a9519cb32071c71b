"""One call reads and holds a bounded part of the jobs that callers send, however large and however many they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.seeded import JOB_TYPE, AnyParameters
from dev.simulator.memory.services import memory_services
from dev.simulator.people.callers import caller_named
from tests.harness.contract.stores import Stores, aws_clients, aws_stores, make_queue
from tests.harness.moto_statements import answer_statements
from tests.harness.tables import create_tables
from tidegate.domain import limits
from tidegate.domain.dependency import Dependency, DependencyType, Dependent
from tidegate.domain.job import Job, JobFailure, JobInput
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.transitions import Stamp, Transition
from tidegate.ports import TransitionOutcome
from tidegate.settings import Settings
from tidegate.usecases.bounds.portions import JOBS_AT_ONCE
from tidegate.usecases.dispatch.wake import wake_due
from tidegate.usecases.recover.cancel import cancel_downstream, cancel_workflow
from tidegate.usecases.recover.reopen import rerun_workflow
from tidegate.usecases.release.free_skipped import free_skipped
from tidegate.usecases.release.judge_waiting import judge_waiting
from tidegate.usecases.release.release import release
from tidegate.usecases.services import Services
from tidegate.usecases.submit.submit import submit_job, submit_workflow

NOW_MS = 1_700_000_000_000
POOL = "p"
SETTINGS = Settings(pools={POOL: Pool(POOL, "", PoolKind.FUNCTION, 840, capacity=1)}, default_pool=POOL)
MANY = 3 * JOBS_AT_ONCE
MEGABYTE = 1024 * 1024
LARGEST = {"x": "x" * (limits.MAX_PARAMETERS_BYTES - len('{"x":""}'))}
DEPENDENTS = 250


# --- how many bytes come over the wire -------------------------------------------------------------
class Wire:
    """Counts the bytes of JSON in the answers of a client."""

    def __init__(self) -> None:
        self.largest = 0
        self.total = 0

    def __call__(self, parsed: dict[str, Any], **_others: Any) -> None:
        size = len(json.dumps(parsed, default=str))
        self.largest = max(self.largest, size)
        self.total += size


@pytest.fixture
def stores() -> Iterator[Stores]:
    clients = aws_clients(None, threads=1)
    answer_statements(clients.dynamodb)
    with mock_aws():
        yield aws_stores(clients, create_tables(clients.dynamodb, "wire"), make_queue(clients, "wire"))


def over(stores: Stores) -> Services:
    """Builds the use cases over stores of AWS."""
    services, _ = memory_services(SETTINGS)
    return replace(
        services,
        jobs=stores.jobs,
        index=stores.index,
        submissions=stores.submissions,
        lanes=stores.lanes,
        queue=stores.queue,
    )


def pending(job_id: str, *depends_on: Dependency, **changes: Any) -> Job:
    values: dict[str, Any] = {
        "job_id": job_id,
        "state": State.PENDING,
        "type": JOB_TYPE,
        "pool": POOL,
        "priority": 100,
        "created_at_ms": NOW_MS,
        "input": JobInput({}, depends_on),
        "dependency_count": len(depends_on),
        "waiting_on": frozenset(range(len(depends_on))),
    }
    return Job(**{**values, **changes})


def read_by_release(stores: Stores, parameters: dict[str, Any]) -> tuple[Wire, int]:
    """Releases many dependents. Returns the bytes read and the number of jobs released."""
    condition = Dependency("S.0", DependencyType.CONDITIONAL, "upstream.result > 1")
    edges = tuple(Dependent(f"S.{n}", 0, DependencyType.CONDITIONAL) for n in range(1, DEPENDENTS + 1))
    upstream = pending(
        "S.0", state=State.SUCCEEDED, attempt=1, result=2, finished_at_ms=NOW_MS, dependents=edges
    )
    stores.jobs.insert_if_absent([upstream])
    stores.jobs.insert_if_absent(
        [pending(edge.job_id, condition, input=JobInput(parameters, (condition,))) for edge in edges]
    )
    wire = Wire()
    assert stores.clients is not None
    stores.clients.dynamodb.meta.events.register("after-call", wire)
    moved = release(over(stores), [upstream], NOW_MS)
    return wire, len(moved)


def test_a_release_never_reads_the_parameters_of_what_it_releases(stores: Stores) -> None:
    wire, moved = read_by_release(stores, LARGEST)
    assert moved == DEPENDENTS
    assert wire.largest < MEGABYTE
    assert wire.total < 2 * MEGABYTE  # the parameters are 62 MB


def test_the_reaper_never_reads_the_parameters_of_what_waits(stores: Stores) -> None:
    condition = Dependency("S.0", DependencyType.CONDITIONAL, "upstream.result > 1")
    stores.jobs.insert_if_absent([pending("S.0", state=State.SUCCEEDED, attempt=1, result=2)])
    jobs = [pending(f"S.{n}", condition, input=JobInput(LARGEST, (condition,))) for n in range(1, 60)]
    stores.jobs.insert_if_absent(jobs)
    wire = Wire()
    assert stores.clients is not None
    stores.clients.dynamodb.meta.events.register("after-call", wire)
    standing = stores.jobs.get_many([job.job_id for job in jobs])
    assert judge_waiting(over(stores), list(standing.values()), Stamp(NOW_MS, "reaper")) == len(jobs)
    assert wire.total < MEGABYTE


# --- how many jobs are held at once ----------------------------------------------------------------
class Counting(MemoryJobStore):
    """Remembers the largest number of jobs that one call asked for."""

    most_read = 0
    most_moved = 0
    most_inputs = 0

    def get_many(self, job_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Job]:
        self.most_read = max(self.most_read, len(job_ids))
        return super().get_many(job_ids, consistent=consistent)

    def apply_all(self, transitions: Sequence[Transition]) -> list[TransitionOutcome]:
        self.most_moved = max(self.most_moved, len(transitions))
        return super().apply_all(transitions)

    def load_inputs(self, jobs: Sequence[Job]) -> dict[str, JobInput]:
        self.most_inputs = max(self.most_inputs, len(jobs))
        return super().load_inputs(jobs)

    def forget(self) -> None:
        self.most_read = self.most_moved = self.most_inputs = 0

    def assert_bounded(self) -> None:
        assert self.most_read <= JOBS_AT_ONCE
        assert self.most_moved <= JOBS_AT_ONCE


class World:
    """A scheduler in memory whose job store counts."""

    def __init__(self) -> None:
        services, self.world = memory_services(SETTINGS, registry=AnyParameters())
        self.world.now_ms = NOW_MS
        self.jobs = Counting(self.world)
        self.services = replace(services, jobs=self.jobs)

    def fan_out(self) -> tuple[str, list[str]]:
        """Makes a workflow in which very many jobs wait for one job."""
        first = JobRequest(type=JOB_TYPE, key="first")
        edge = (DependencyRequest(key="first"),)
        rest = [JobRequest(type=JOB_TYPE, key=str(n), depends_on=edge) for n in range(MANY)]
        request = WorkflowRequest(jobs=(first, *rest))
        accepted = submit_workflow(
            self.services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS
        )
        self.jobs.forget()
        return accepted.workflow_id, [f"{accepted.workflow_id}.{n}" for n in range(MANY + 1)]

    def change_all(self, job_ids: Sequence[str], **changes: Any) -> None:
        for job_id in job_ids:
            self.world.write(replace(self.world.jobs[job_id], **changes))


@pytest.fixture
def world() -> World:
    return World()


def test_a_workflow_is_cancelled_in_portions(world: World) -> None:
    workflow_id, ids = world.fan_out()
    cancelled = cancel_workflow(world.services, workflow_id, caller=caller_named("ann"), now_ms=NOW_MS)
    assert cancelled.cancelled == len(ids)
    world.jobs.assert_bounded()


def test_what_waits_on_a_job_is_cancelled_in_portions_and_the_job_is_shown_whole(world: World) -> None:
    _, ids = world.fan_out()
    world.change_all(ids[:1], name="shown")
    job, others = cancel_downstream(world.services, ids[0], caller=caller_named("ann"), now_ms=NOW_MS)
    assert (others.cancelled, job.state, job.name) == (MANY, State.CANCELLED, "shown")
    world.jobs.assert_bounded()


def test_a_workflow_is_rerun_in_portions(world: World) -> None:
    workflow_id, ids = world.fan_out()
    cancel_workflow(world.services, workflow_id, caller=caller_named("ann"), now_ms=NOW_MS)
    world.jobs.forget()
    assert rerun_workflow(
        world.services, workflow_id, caller=caller_named("ann"), now_ms=NOW_MS
    ).reopened == len(ids)
    world.jobs.assert_bounded()


def test_what_was_skipped_is_freed_in_portions(world: World) -> None:
    _, (first, *rest) = world.fan_out()
    skipped = JobFailure("dependency-unsatisfiable", "it failed", first)
    world.change_all(
        rest, state=State.SKIPPED, failure=skipped, waiting_on=frozenset(), finished_at_ms=NOW_MS
    )
    world.change_all([first], state=State.SUCCEEDED, attempt=2, reopened=1, finished_at_ms=NOW_MS)
    world.jobs.forget()
    assert free_skipped(world.services, [world.world.jobs[first]], NOW_MS) == MANY
    assert world.jobs.most_read <= JOBS_AT_ONCE


def test_jobs_whose_time_has_come_together_become_ready_in_portions(world: World) -> None:
    _, ids = world.fan_out()
    world.change_all(ids, state=State.SCHEDULED, due_at_ms=NOW_MS, waiting_on=frozenset())
    world.jobs.forget()
    assert len(wake_due(world.services, POOL, NOW_MS)) == 500  # of each shard, and there is one shard
    world.jobs.assert_bounded()


def test_dependencies_on_very_many_earlier_jobs_are_checked_and_connected_in_portions(world: World) -> None:
    _, ids = world.fan_out()
    edges = tuple(DependencyRequest(job_id=job_id) for job_id in ids)
    request = JobRequest(type=JOB_TYPE, depends_on=edges)
    submit_job(world.services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS)
    world.jobs.assert_bounded()


def test_the_reaper_judges_few_dependencies_at_a_time_and_all_in_the_end(world: World) -> None:
    _, ids = world.fan_out()
    edges = tuple(DependencyRequest(job_id=job_id) for job_id in ids)
    request = JobRequest(type=JOB_TYPE, depends_on=edges)
    accepted = submit_job(world.services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS)
    world.change_all(ids, state=State.SUCCEEDED, attempt=1, finished_at_ms=NOW_MS, waiting_on=frozenset())
    world.jobs.forget()
    waiting = world.world.jobs[accepted.job_id]
    assert judge_waiting(world.services, [waiting], Stamp(NOW_MS, "reaper")) == 1
    assert world.world.jobs[accepted.job_id].state is State.READY
    assert world.jobs.most_read <= 250
