"""A caller that cancels and retries another's job again and again does not use up its reopenings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.people.callers import caller_named
from tests.contract.conftest import local_aws, local_clients, local_stores, moto_clients, stores
from tests.harness.contract.stores import Stores
from tests.harness.domain.job_samples import NOW_MS, READY, worn_out
from tests.harness.usecases.recovering import Workflow, chain
from tidegate.domain import limits
from tidegate.domain.errors import NotRetryable
from tidegate.domain.job import HistoryEntry, Job, JobFailure, JobInput
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    CancelIfInState,
    Ending,
    ReadyIfWaitingOnlyOn,
    ReopenIfEnded,
    Stamp,
    TransitionRefused,
)
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.recover.reopen import retry_job

__all__ = ["local_aws", "local_clients", "local_stores", "moto_clients", "stores"]  # fixtures

ROUNDS = 3 * limits.MAX_REOPENINGS


def retry(workflow: Workflow, key: str) -> None:
    retry_job(
        workflow.services,
        workflow.ids[key],
        reopen_skipped=True,
        caller=caller_named("eve"),
        now_ms=workflow.now_ms,
    )


def cancel_and_retry(workflow: Workflow, key: str) -> None:
    cancel_job(workflow.services, workflow.ids[key], caller=caller_named("eve"), now_ms=workflow.now_ms)
    retry(workflow, key)


@pytest.mark.parametrize("key", ["ready", "waiting"])
def test_rounds_of_cancel_and_retry_of_a_job_that_does_not_run_are_not_counted(key: str) -> None:
    workflow = Workflow(chain("ready", "waiting"))
    for _ in range(ROUNDS):
        cancel_and_retry(workflow, key)
    job = workflow.job(key)
    assert job.reopened == ROUNDS
    assert len(job.history) < 5 * limits.MAX_REOPENINGS
    assert job.history[0].actor == "client", "who submitted it is told still"
    if key == "ready":
        workflow.finish("ready", State.FAILED)
        retry(workflow, "ready")
        assert workflow.job("ready").state is State.READY


def test_what_ran_and_failed_may_be_retried_as_often_as_is_allowed_whatever_lay_between() -> None:
    workflow = Workflow({"a": ()})
    for _ in range(limits.MAX_REOPENINGS):
        workflow.finish("a", State.FAILED)
        retry(workflow, "a")
        for _ in range(3):
            cancel_and_retry(workflow, "a")
    workflow.finish("a", State.FAILED)
    with pytest.raises(NotRetryable, match="ran again after 20 reopenings"):
        retry(workflow, "a")


def test_every_store_shortens_the_history_in_the_same_way(stores: Stores) -> None:
    submitted = (HistoryEntry(NOW_MS, State.READY, 0, "submit"),)
    expected = [
        replace(READY, job_id=job_id, input=JobInput({}), ready_at_ms=NOW_MS, history=submitted)
        for job_id in ("S", "T")  # two jobs go as statements of one request
    ]
    stores.jobs.insert_if_absent(expected)
    cancelled = Ending(State.CANCELLED, failure=JobFailure("cancelled", "by eve"), expires_at_s=NOW_MS)
    for number in range(limits.MAX_REOPENINGS + 4):
        stamp = Stamp(NOW_MS + number, "eve", "reopened: why")
        for step in (
            lambda job, at=stamp: CancelIfInState(job, cancelled, at),
            lambda job, at=stamp: ReopenIfEnded(job, at),
            lambda job, at=stamp: ReadyIfWaitingOnlyOn(job, frozenset(), at, None),
        ):
            transitions = [step(job) for job in expected]
            expected = [transition.apply(job) for transition, job in zip(transitions, expected, strict=True)]
            assert [_bare(job) for job in stores.jobs.apply_all(transitions)] == [
                _bare(job) for job in expected
            ]
    found = stores.jobs.get_many(["S", "T"], consistent=True)
    assert [_bare(found[job.job_id]) for job in expected] == [_bare(job) for job in expected]


def _bare(job: object) -> Job:
    assert isinstance(job, Job), job
    return replace(job, input=None)


def test_a_job_that_is_worn_out_is_refused_by_every_store(stores: Stores) -> None:
    job = worn_out(replace(READY, job_id="S", state=State.FAILED, input=JobInput({}), ready_at_ms=None))
    stores.jobs.insert_if_absent([job])
    (outcome,) = stores.jobs.apply_all([ReopenIfEnded(job, Stamp(NOW_MS, "eve"))])
    assert isinstance(outcome, TransitionRefused)
    assert "the most allowed" in str(outcome)
