"""A submission that is cut off at any point becomes whole and once, or goes away without a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, cast

import pytest

from tests.functions.api_calls import NOW_MS, SETTINGS
from tests.support.determined import NoEntropy
from tidegate.adapters.memory_world import INLINE_BYTES, INLINE_DEPENDENTS, MemoryWorld
from tidegate.bootstrap import Services, memory_services
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import DependencyUnavailable
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.submission import Phase
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady, Ending, FinishIfAttemptHolds, Stamp
from tidegate.usecases.reap import ReapReport, reap
from tidegate.usecases.reap_submissions import GRACE_MS
from tidegate.usecases.submit import submit_job, submit_workflow

LATER_MS = NOW_MS + GRACE_MS + 1
LEASE_EXPIRES_AT_MS = NOW_MS + 10 * GRACE_MS
FEWEST_POINTS = 6  # a test that finds no more places to fail at does not test a submission
MOST_POINTS = 200
WAITING, STARTED, ENDED = (f"EARLIER{place:019d}" for place in range(3))
STAMP = Stamp(NOW_MS, "earlier")


class CutOff(Exception):
    """The process ends here."""


class Deployment:
    """A deployment in memory that holds three earlier jobs: one that waits for a worker, one started, one ended."""

    def __init__(self) -> None:
        self.services, self.world = memory_services(SETTINGS, MemoryWorld(shards=2, now_ms=NOW_MS))
        self.services = replace(self.services, entropy=NoEntropy())
        for job_id in (WAITING, STARTED, ENDED):
            self._put(job_id)
        for job_id in (STARTED, ENDED):
            self.services.jobs.apply(DispatchIfReady(job_id, "lambda", STAMP))
            self.services.jobs.apply(ClaimIfQueued(job_id, 0, "worker-1", LEASE_EXPIRES_AT_MS, STAMP))
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
        """The job succeeds; no event tells anybody."""
        ending = Ending(State.SUCCEEDED, result={"rows": 7})
        self.services.jobs.apply(FinishIfAttemptHolds(self.world.jobs[job_id], 1, ending, STAMP))

    def contents(self) -> dict[str, Mapping[Any, Any]]:
        """Everything that is stored."""
        world = self.world
        parts = ("jobs", "inputs", "pages", "edges", "submissions", "plans")
        stored: dict[str, Mapping[Any, Any]] = {part: dict(getattr(world, part)) for part in parts}
        stored["index"] = {key: list(entries) for key, entries in world.index.items() if entries}
        return stored

    def shape(self) -> dict[str, object]:
        """What is stored, without the times that depend on who finished it."""
        jobs = {
            job.job_id: (job.state, job.waiting_on, job.dependents, job.dependents_apart, job.watch_start)
            for job in self.world.jobs.values()
        }
        return {**{part: held for part, held in self.contents().items() if part != "index"}, "jobs": jobs}

    def inserted(self) -> list[str]:
        """The ids of all jobs that were written anew, as often as they were."""
        return [change.new.job_id for change in self.world.changes if change.old is None]

    def reap(self, now_ms: int = LATER_MS) -> ReapReport:
        return reap(self.services, now_ms=now_ms)


Submit = Callable[[Services], bool]
CutOffAt = Callable[[Deployment, Submit, int], bool]


def a_workflow(services: Services, key: str | None = "k") -> bool:
    """Jobs stored in every way: staged and roots, large input, many dependents, edges to each earlier job."""
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
    """One job that waits on each of the earlier ones."""
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
    """Submits, cut off before request number `point` (from 0) takes effect; False where it was answered."""
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
    """A port whose calls count, and after one of which, done, the process ends."""

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
    """Submits, cut off after call number `point` (from 0) to the stores took effect; False where it was answered."""
    numbers, services = count(), deployment.services
    jobs = _CutOffAfter(services.jobs, numbers, point)
    submissions = _CutOffAfter(services.submissions, numbers, point)
    try:
        submit(replace(services, jobs=cast(Any, jobs), submissions=cast(Any, submissions)))
    except CutOff:
        return True
    return False


def interrupted(submit: Submit, cut_off: CutOffAt) -> Iterator[Deployment]:
    """A deployment for each place where the submission can be cut off, cut off there."""
    for point in range(MOST_POINTS):
        deployment = Deployment()
        if not cut_off(deployment, submit, point):
            assert point > FEWEST_POINTS
            return
        yield deployment
    pytest.fail(f"the submission still had calls to make after {MOST_POINTS}")


def undisturbed(submit: Submit) -> Deployment:
    deployment = Deployment()
    assert submit(deployment.services)
    return deployment


@pytest.mark.parametrize("cut_off", [before_request, after_call])
@pytest.mark.parametrize("submit", [a_workflow, a_job])
def test_repeated_under_its_key_it_is_whole_and_once(submit: Submit, cut_off: CutOffAt) -> None:
    whole = undisturbed(submit)
    for deployment in interrupted(submit, cut_off):
        submit(deployment.services)
        assert deployment.contents() == whole.contents()
        assert sorted(deployment.inserted()) == sorted(whole.inserted())
        assert submit(deployment.services) is False
        assert deployment.contents() == whole.contents()


@pytest.mark.parametrize("cut_off", [before_request, after_call])
@pytest.mark.parametrize("key", ["k", None])
def test_given_up_a_workflow_is_finished_or_gone(cut_off: CutOffAt, key: str | None) -> None:
    submit = partial(a_workflow, key=key)
    before, whole = Deployment(), undisturbed(submit)
    results = []
    for deployment in interrupted(submit, cut_off):
        deployment.reap()
        assert not deployment.world.submissions or deployment.shape() == whole.shape()
        assert deployment.world.submissions or deployment.contents() == before.contents()
        results.append(bool(deployment.world.submissions))
        report = deployment.reap()
        assert (report.submissions_finished, report.submissions_removed) == (0, 0)
    assert results == sorted(results)  # gone up to the commit, finished from there
    assert set(results) == {False, True}


@pytest.mark.parametrize("cut_off", [before_request, after_call])
def test_given_up_it_is_not_touched_before_its_grace_has_passed(cut_off: CutOffAt) -> None:
    for deployment in interrupted(a_workflow, cut_off):
        phases = {submission.phase for submission in deployment.world.submissions.values()}
        deployment.reap(NOW_MS + GRACE_MS)
        assert {submission.phase for submission in deployment.world.submissions.values()} == phases
        a_workflow(deployment.services)
        assert {submission.phase for submission in deployment.world.submissions.values()} == {Phase.COMPLETE}


@pytest.mark.parametrize("cut_off", [before_request, after_call])
def test_given_up_a_job_runs_when_its_upstreams_let_it_or_is_not_there(cut_off: CutOffAt) -> None:
    results = set()
    for deployment in interrupted(a_job, cut_off):
        deployment.services.jobs.apply(DispatchIfReady(WAITING, "lambda", STAMP))
        deployment.services.jobs.apply(ClaimIfQueued(WAITING, 0, "worker-1", LEASE_EXPIRES_AT_MS, STAMP))
        deployment.end(WAITING)
        deployment.reap()
        new = [
            job for job_id, job in deployment.world.jobs.items() if job_id not in (WAITING, STARTED, ENDED)
        ]
        assert [job.state for job in new] in ([], [State.READY])
        results.add(len(new))
    assert results == {0, 1}


def _reaped_at(deployment: Deployment, point: int) -> Callable[[str], None]:
    """Has the reaper run before request number `point` (from 0), long after the submission began."""
    numbers = count()

    def stand_still(_request: str) -> None:
        if next(numbers) == point:
            deployment.world.on_request = lambda _request: None
            deployment.reap()

    return stand_still


def test_reaped_while_it_still_goes_on_it_is_whole_or_gone() -> None:
    before, whole = Deployment(), undisturbed(a_workflow)
    results = []
    for point in range(whole.world.requests.total() - Deployment().world.requests.total()):
        deployment = Deployment()
        deployment.world.on_request = _reaped_at(deployment, point)
        try:
            results.append(a_workflow(deployment.services))
        except DependencyUnavailable:
            results.append(False)
        deployment.reap()
        if results[-1]:
            assert deployment.shape() == whole.shape()
        else:
            # A plan that nothing points to is no harm; in a table it expires.
            assert deployment.contents() | {"plans": {}} == before.contents()
            assert a_workflow(deployment.services)
            assert deployment.contents() == whole.contents()
    assert len(results) > FEWEST_POINTS
    assert set(results) == {False, True}
