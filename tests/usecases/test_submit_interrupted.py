"""A submission interrupted at any point becomes complete exactly once, or disappears without a trace."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

import pytest

from tests.harness.functions.api_calls import NOW_MS
from tests.harness.usecases.interruptions import (
    ENDED,
    FEWEST_POINTS,
    LATER_MS,
    LEASE_EXPIRES_AT_MS,
    STAMP,
    STARTED,
    WAITING,
    CutOff,
    CutOffAt,
    Deployment,
    Submit,
    a_job,
    a_workflow,
    after_call,
    before_request,
    interrupted,
)
from tidegate.domain.errors import IdempotencyConflict, ServiceUnavailable
from tidegate.domain.states import State
from tidegate.domain.submission import Phase
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady
from tidegate.usecases.reap.reap_submissions import GRACE_MS, reap_submissions

TRIES = 20  # under one idempotency key


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
    accepted = []
    for deployment in interrupted(submit, cut_off):
        reap_submissions(deployment.services, LATER_MS)
        accepted.append(deployment.accepts())
        assert not accepted[-1] or deployment.shape() == whole.shape()
        assert accepted[-1] or deployment.left_over() == before.left_over()
        assert reap_submissions(deployment.services, LATER_MS) == (0, 0)
    assert accepted == sorted(accepted)  # gone if interrupted before the commit, finished if after it
    assert set(accepted) == {False, True}


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
    """Runs the reaper before request number `point` (from 0), long after the submission began."""
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
        except ServiceUnavailable:
            results.append(False)
        deployment.reap()
        if results[-1]:
            assert deployment.shape() == whole.shape()
        else:
            assert deployment.left_over() == before.left_over()
            assert a_workflow(deployment.services)
            assert deployment.accepts()
            assert deployment.states() == whole.states()
            assert a_workflow(deployment.services) is False
    assert len(results) > FEWEST_POINTS
    assert set(results) == {False, True}


def _fail_in_staging(request: str) -> None:
    if request == "save_plan":
        raise CutOff


def test_a_key_whose_tries_were_cut_off_too_often_is_refused() -> None:
    deployment = Deployment()
    before = deployment.left_over()
    deployment.world.on_request = _fail_in_staging
    for _ in range(TRIES):
        with pytest.raises(CutOff):
            a_workflow(deployment.services)
        reap_submissions(deployment.services, LATER_MS)
        assert deployment.left_over() == before
    deployment.world.on_request = lambda _request: None
    with pytest.raises(IdempotencyConflict, match="use another key"):
        a_workflow(deployment.services)
    assert deployment.left_over() == before
    assert a_workflow(deployment.services, key="another")
    assert deployment.accepts()
