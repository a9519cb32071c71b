"""A deployment, submissions to it, and two ways to interrupt them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, cast

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import INLINE_BYTES, INLINE_DEPENDENTS, MemoryWorld
from tests.harness.determined import NoEntropy
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.bootstrap import Services
from tidegate.domain.dependency import DependencyType
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.submission import Phase
from tidegate.domain.transitions import (
    BeginIfAttemptHolds,
    ClaimIfQueued,
    DispatchIfReady,
    Ending,
    FinishIfAttemptHolds,
    Stamp,
)
from tidegate.usecases.reap.reap import ReapReport, reap
from tidegate.usecases.reap.reap_submissions import GRACE_MS
from tidegate.usecases.submit.submit import submit_job, submit_workflow

LATER_MS = NOW_MS + GRACE_MS + 1
LEASE_EXPIRES_AT_MS = NOW_MS + 10 * GRACE_MS
FEWEST_POINTS = 5  # a test that finds fewer points to fail at does not test a submission
MOST_POINTS = 200
WAITING, STARTED, ENDED = (f"EARLIER{place:019d}" for place in range(3))
STAMP = Stamp(NOW_MS, "earlier")


class CutOff(Exception):
    """The error by which the process ends."""


class Deployment:
    """A deployment in memory with three earlier jobs: one that waits for a worker, one started, one ended."""

    def __init__(self) -> None:
        self.services, self.world = memory_services(SETTINGS, MemoryWorld(shards=2, now_ms=NOW_MS))
        self.services = replace(self.services, entropy=NoEntropy())
        for job_id in (WAITING, STARTED, ENDED):
            self._put(job_id)
        for job_id in (STARTED, ENDED):
            self.services.jobs.apply(DispatchIfReady(job_id, "lambda", STAMP))
            self.services.jobs.apply(ClaimIfQueued(job_id, 0, "worker-1", LEASE_EXPIRES_AT_MS, STAMP))
            self.services.jobs.apply(BeginIfAttemptHolds(self.world.jobs[job_id], 1, NOW_MS))
        self.end(ENDED)
        self.world.changes.clear()

    def _put(self, job_id: str) -> None:
        accepted = submit_job(
            self.services,
            JobRequest(type="tidegate.noop"),
            idempotency_key=None,
            fingerprint="",
            now_ms=NOW_MS,
        )
        job = self.world.jobs[accepted.job_id]
        self.world.remove(accepted.job_id)
        self.world.put_new(replace(job, job_id=job_id))

    def end(self, job_id: str) -> None:
        """Ends the job with success, without an event."""
        ending = Ending(State.SUCCEEDED, result={"rows": 7})
        self.services.jobs.apply(FinishIfAttemptHolds(self.world.jobs[job_id], 1, ending, STAMP))

    def contents(self) -> dict[str, Mapping[Any, Any]]:
        """Returns everything that is stored."""
        world = self.world
        parts = ("jobs", "inputs", "pages", "edges", "submissions", "plans")
        stored: dict[str, Mapping[Any, Any]] = {part: dict(getattr(world, part)) for part in parts}
        stored["index"] = {key: list(entries) for key, entries in world.index.items() if entries}
        return stored

    def shape(self) -> dict[str, object]:
        """Returns everything that is stored, without the times that depend on the actor that finished it."""
        jobs = {
            job.job_id: (job.state, job.waiting_on, job.dependents, job.dependents_overflow, job.watch_start)
            for job in self.world.jobs.values()
        }
        return {**{part: held for part, held in self.contents().items() if part != "index"}, "jobs": jobs}

    def left_over(self) -> Mapping[str, object]:
        """Returns the items that no submission or plan accounts for. Nobody sees them, and they expire."""
        return {**self.contents(), "submissions": {}, "plans": {}}

    def accepts(self) -> bool:
        """Says whether a complete submission exists."""
        phases = [submission.phase for submission in self.world.submissions.values()]
        return Phase.COMPLETE in phases

    def states(self) -> Counter[State]:
        """Returns how many jobs are in each state."""
        return Counter(job.state for job in self.world.jobs.values())

    def inserted(self) -> list[str]:
        """Returns the ids of all newly written jobs, one for each time they were written."""
        return [change.new.job_id for change in self.world.changes if change.old is None]

    def reap(self, now_ms: int = LATER_MS) -> ReapReport:
        return reap(self.services, now_ms=now_ms)


Submit = Callable[[Services], bool]
CutOffAt = Callable[[Deployment, Submit, int], bool]


def a_workflow(services: Services, key: str | None = "k") -> bool:
    """Submits jobs stored in every way: staged and roots, large input, many dependents, edges to each earlier job."""
    top = [DependencyRequest(key="top")]
    leaves = [
        JobRequest(key=f"leaf{place}", type="tidegate.noop", depends_on=tuple(top))
        for place in range(INLINE_DEPENDENTS + 1)
    ]
    large = "upstream.result.rows > 5" + " " * INLINE_BYTES
    jobs = [
        JobRequest(key="top", type="tidegate.noop", depends_on=(DependencyRequest(job_id=WAITING),)),
        JobRequest(key="free", type="tidegate.noop"),
        JobRequest(key="due", type="tidegate.noop", not_before_ms=NOW_MS + 86_400_000),
        JobRequest(key="settled", type="tidegate.noop", depends_on=(
            DependencyRequest(job_id=STARTED, type=DependencyType.MUST_START),
            DependencyRequest(job_id=ENDED, type=DependencyType.CONDITIONAL, condition=large),
        )),
        JobRequest(key="skipped", type="tidegate.noop", depends_on=(
            DependencyRequest(job_id=ENDED, type=DependencyType.CONDITIONAL, condition="upstream.result.rows > 9"),
        )),
        JobRequest(key="mixed", type="tidegate.noop", depends_on=(*top, DependencyRequest(job_id=ENDED))),
        *leaves,
    ]  # fmt: skip
    request = WorkflowRequest(jobs=tuple(jobs), name="whole")
    return submit_workflow(services, request, idempotency_key=key, fingerprint="f", now_ms=NOW_MS).created


def a_job(services: Services, key: str | None = "k") -> bool:
    """Submits one job that waits for each of the earlier ones."""
    request = JobRequest(
        type="tidegate.noop",
        depends_on=tuple(
            DependencyRequest(job_id=job_id, type=kind)
            for job_id, kind in (
                (WAITING, DependencyType.MUST_SUCCEED),
                (STARTED, DependencyType.MUST_START),
                (ENDED, DependencyType.MUST_SUCCEED),
            )
        ),
    )
    return submit_job(services, request, idempotency_key=key, fingerprint="f", now_ms=NOW_MS).created


def before_request(deployment: Deployment, submit: Submit, point: int) -> bool:
    """Submits, and ends the process before request number `point` (from 0) takes effect.

    False if there was an answer.
    """
    numbers = count()

    def cut_off(_request: str) -> None:
        if next(numbers) == point:
            raise CutOff

    deployment.world.on_request = cut_off
    try:
        submit(deployment.services)
    except CutOff:
        return True
    finally:
        deployment.world.on_request = lambda _request: None
    return False


class _CutOffAfter:
    """A port that counts its calls, and ends the process after one of them has taken effect."""

    def __init__(self, port: object, numbers: Iterator[int], point: int) -> None:
        self._port = port
        self._numbers = numbers
        self._point = point

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._port, name)

        def call(*arguments: object, **named: object) -> object:
            answer = method(*arguments, **named)
            if next(self._numbers) == self._point:
                raise CutOff
            return answer

        return call


def after_call(deployment: Deployment, submit: Submit, point: int) -> bool:
    """Submits, and ends the process after call number `point` (from 0) to the stores. False if there was an answer."""
    numbers, services = count(), deployment.services
    jobs = _CutOffAfter(services.jobs, numbers, point)
    submissions = _CutOffAfter(services.submissions, numbers, point)
    try:
        submit(replace(services, jobs=cast(Any, jobs), submissions=cast(Any, submissions)))
    except CutOff:
        return True
    return False


def interrupted(submit: Submit, cut_off: CutOffAt) -> Iterator[Deployment]:
    """Yields, for each point where the submission can be interrupted, a deployment in which it was."""
    for point in range(MOST_POINTS):
        deployment = Deployment()
        if not cut_off(deployment, submit, point):
            assert point > FEWEST_POINTS
            return
        yield deployment
    pytest.fail(f"the submission still had calls to make after {MOST_POINTS}")
