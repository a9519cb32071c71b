"""The steps of clients in a scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from dev.simulator.memory.seeded import JOB_TYPE
from dev.simulator.people.callers import caller_named
from tests.harness.faults.deployment import DONE, POOL, Deployment
from tidegate.domain.errors import AlreadyEnded, ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.ports import Outcome
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.submit.submit import submit_job, submit_workflow


def submit(d: Deployment, name: str, **fields: Any) -> str:
    """Submits one job under a key of its own, and returns its id."""
    request = JobRequest(**{"type": JOB_TYPE, "name": name, "retry": RetryPolicy(3, 0, 0), **fields})
    return d.ask(
        lambda: submit_job(d.services, request, idempotency_key=name, fingerprint="f", now_ms=d.now_ms).job_id
    )


def submit_all(d: Deployment, request: WorkflowRequest, key: str = "workflow") -> Mapping[str, str]:
    """Submits a workflow under a key of its own, and returns the ids of its jobs by their keys."""
    return d.ask(
        lambda: (
            submit_workflow(
                d.services, request, idempotency_key=key, fingerprint="f", now_ms=d.now_ms
            ).job_ids
        )
    )


def cancel(d: Deployment, job_id: str) -> None:
    """Cancels a job. An answer that it has ended in another way is accepted too."""

    def call() -> None:
        try:
            cancel_job(d.services, job_id, caller=caller_named("client"), now_ms=d.now_ms)
        except AlreadyEnded:
            return

    d.ask(call)


def ends_in(courses: Mapping[str, Outcome]) -> Callable[[Job], Outcome]:
    """Ends the first attempt of each named job in the given way. Every other attempt succeeds."""
    return lambda job: courses.get(job.key or job.name or "", DONE) if job.attempt == 1 else DONE


def give_up_messages(d: Deployment) -> None:
    """Lets the dispatcher send messages that no worker can take until the queue gives them up."""
    d.events()
    for _ in range(8):  # two more than needed, because one may fail
        try:
            d.services.queue.receive(POOL, limit=10, wait_seconds=0)
        except ServiceUnavailable:
            continue
        d.wait(121_000)


class _EndsAt:
    """A port in one of whose methods the calling process ends."""

    def __init__(self, port: object, method: str) -> None:
        self._port = port
        self._method = method

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            raise ServiceUnavailable("the process has ended")
        return getattr(self._port, name)


def cut_off(d: Deployment, port: str, method: str, request: WorkflowRequest, key: str = "cut off") -> None:
    """Submits in a process that ends at a call, or before. The client never asks again."""
    whole = d.services
    ports: dict[str, Any] = {port: _EndsAt(getattr(whole, port), method)}
    d.services = replace(whole, **ports)
    try:
        submit_workflow(d.services, request, idempotency_key=key, fingerprint="f", now_ms=d.now_ms)
    except ServiceUnavailable:
        return
    finally:
        d.services = whole
