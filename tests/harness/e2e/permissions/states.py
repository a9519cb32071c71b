"""Brings jobs into the states that a probe needs, with an administrator's rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.harness.e2e.permissions.world import LARGE, MINUTE_MS, World, now_ms
from tidegate.domain.job import Job, Json
from tidegate.domain.logs import LogPlace
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady, Ending, FinishIfAttemptHolds, Stamp
from tidegate.usecases.submit.submit import submit_job, submit_workflow


def submit(world: World, request: JobRequest, at_ms: int | None = None) -> str:
    """Submits a job and returns its id."""
    at_ms = at_ms or now_ms()
    return submit_job(world.admin, request, idempotency_key=None, fingerprint="f", now_ms=at_ms).job_id


def submit_flow(world: World, request: WorkflowRequest, at_ms: int | None = None) -> Mapping[str, str]:
    """Submits a workflow and returns the ids of its jobs by their keys."""
    at_ms = at_ms or now_ms()
    accepted = submit_workflow(world.admin, request, idempotency_key=None, fingerprint="f", now_ms=at_ms)
    return accepted.job_ids


def queue(world: World, job_id: str, at_ms: int | None = None) -> Job:
    """Takes a job from READY to QUEUED, without a message."""
    stamp = Stamp(at_ms or now_ms(), "test")
    return world.admin.jobs.apply(DispatchIfReady(job_id, world.job(job_id).pool, stamp))


def start(world: World, job_id: str, at_ms: int | None = None, logs: LogPlace | None = None) -> Job:
    """Takes a job from READY or QUEUED to RUNNING, with a lease of a minute. Its lines go to `logs`."""
    at_ms = at_ms or now_ms()
    if world.job(job_id).state is State.READY:
        queue(world, job_id, at_ms)
    claim = ClaimIfQueued(job_id, 0, "worker", at_ms + MINUTE_MS, Stamp(at_ms, "worker", logs=logs))
    return world.admin.jobs.apply(claim)


def run_to_end(world: World, job_id: str, result: Json = None, expires_at_s: int | None = None) -> Job:
    """Takes a job to SUCCEEDED, with a result."""
    job = world.job(job_id)
    if job.state is not State.RUNNING:
        job = start(world, job_id)
    overflowed = world.admin.jobs.store_result_overflow(job, result)
    ending = Ending(
        State.SUCCEEDED,
        result=None if overflowed else result,
        result_overflow=overflowed,
        expires_at_s=expires_at_s,
    )
    return world.admin.jobs.apply(FinishIfAttemptHolds(job, job.attempt, ending, Stamp(now_ms(), "worker")))


def end_and_be_due(world: World, job_id: str, at_ms: int | None = None) -> int:
    """Takes a job to SUCCEEDED, with a large result that expires in an hour. Returns when, in seconds."""
    expires_at_s = now_ms() // 1_000 + 3_600
    run_to_end(world, job_id, LARGE, expires_at_s)
    if at_ms is not None:
        job = world.job(job_id)
        world.admin.jobs.unstage([job_id])
        world.admin.jobs.insert_if_absent([replace(job, finished_at_ms=at_ms)])
    return expires_at_s


def is_kept(world: World, job_id: str, expires_at_s: int) -> bool:
    """Says whether a job stays for longer than that."""
    return (world.job(job_id).expires_at_s or 0) > expires_at_s
