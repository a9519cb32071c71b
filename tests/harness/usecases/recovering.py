"""A workflow in memory whose jobs a test ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.determined import NoEntropy
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import State
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady, Ending, FinishIfAttemptHolds, Stamp
from tidegate.settings import Settings
from tidegate.usecases.release.free_skipped import free_skipped
from tidegate.usecases.release.release import release
from tidegate.usecases.submit.submit import submit_job, submit_workflow

NOOP = "tidegate.noop"


def after(*keys: str, kind: DependencyType = DependencyType.MUST_SUCCEED) -> tuple[DependencyRequest, ...]:
    return tuple(DependencyRequest(key=key, type=kind) for key in keys)


class Workflow:
    """One submitted workflow. `edges` are the dependencies of each job by key."""

    def __init__(
        self,
        edges: Mapping[str, Sequence[DependencyRequest]],
        *,
        max_retries: int = 0,
        settings: Settings = SETTINGS,
    ) -> None:
        self.services, self.world = memory_services(settings, MemoryWorld(shards=2, now_ms=NOW_MS))
        self.services = replace(self.services, entropy=NoEntropy())
        self.now_ms = NOW_MS
        jobs = tuple(
            JobRequest(key=key, type=NOOP, depends_on=tuple(each), retry=RetryPolicy(max_retries=max_retries))
            for key, each in edges.items()
        )
        accepted = submit_workflow(
            self.services, WorkflowRequest(jobs=jobs), idempotency_key=None, fingerprint="f", now_ms=NOW_MS
        )
        self.workflow_id, self.ids = accepted.workflow_id, dict(accepted.job_ids)

    def job(self, key: str) -> Job:
        return self.world.jobs[self.ids[key]]

    @property
    def states(self) -> dict[str, State]:
        return {key: self.job(key).state for key in self.ids}

    def start(self, key: str) -> Job:
        """Claims a job, after a dispatch if the dispatcher has not done so."""
        job = self.job(key)
        if job.state is not State.QUEUED:
            self.services.jobs.apply(DispatchIfReady(job.job_id, job.pool, Stamp(self.now_ms, "test")))
        stamp = Stamp(self.now_ms, "w")
        claim = ClaimIfQueued(job.job_id, job.attempt, "w", self.now_ms + 60_000, stamp)
        return self.services.jobs.apply(claim)

    def finish(self, key: str, state: State = State.SUCCEEDED, *, event: bool = True) -> Job:
        """Runs a READY job to its end. The dispatcher gets the event unless `event` is False."""
        self.now_ms += 1_000
        running = self.start(key)
        failure = None if state is State.SUCCEEDED else JobFailure("broken", "it broke")
        ending = Ending(state, failure=failure, expires_at_s=self.services.settings.expires_at_s(self.now_ms))
        stamp = Stamp(self.now_ms, "w")
        job = self.services.jobs.apply(FinishIfAttemptHolds(running, running.attempt, ending, stamp))
        if event:
            self.hear(job)
        return job

    def hear(self, job: Job) -> None:
        """Brings the dispatcher the event that this job has ended, and the events that follow from it."""
        changed: Sequence[Job] = [job]
        while changed:
            moved = release(self.services, changed, self.now_ms)
            free_skipped(self.services, changed, self.now_ms)
            changed = [each for each in moved if each.is_terminal]

    def submit_after(self, key: str, kind: DependencyType = DependencyType.MUST_SUCCEED) -> str:
        """Submits a later job that waits for one of this workflow."""
        return self.submit_on(DependencyRequest(job_id=self.ids[key], type=kind))

    def submit_on(self, *edges: DependencyRequest) -> str:
        """Submits a later job with these dependencies."""
        request = JobRequest(type=NOOP, depends_on=edges)
        return submit_job(
            self.services, request, idempotency_key=None, fingerprint="", now_ms=self.now_ms
        ).job_id


def chain(*keys: str) -> dict[str, Sequence[DependencyRequest]]:
    """Makes edges with which each job waits for the one before it."""
    pairs = zip(keys, ((), *((key,) for key in keys)), strict=False)
    return {key: after(*upstreams) for key, upstreams in pairs}
