"""Rerun reopens the failures of a workflow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.people.callers import caller_named
from tests.harness.usecases.recovering import Workflow, after, chain
from tests.usecases.test_reopen import ACTOR, FAILED, PENDING, READY, SKIPPED, SUCCEEDED, failed_chain, retry
from tidegate.domain.dependency import DependencyType
from tidegate.domain.requests import DependencyRequest
from tidegate.usecases.recover import reopen
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.recover.rerun import rerun_job


def rerun(workflow: Workflow) -> reopen.Reopened:
    return reopen.rerun_workflow(
        workflow.services, workflow.workflow_id, caller=caller_named(ACTOR), now_ms=workflow.now_ms
    )


def test_a_rerun_reopens_every_failure_and_what_was_skipped_for_it() -> None:
    edges = {
        "z": after("y"),
        "y": after("x"),
        "x": (),
        "done": (),
        "stopped": (),
        "end": after("stopped", "done"),
    }
    workflow = Workflow(edges)
    workflow.finish("x", FAILED)
    workflow.finish("done")
    cancelled = cancel_job(
        workflow.services, workflow.ids["stopped"], caller=caller_named(ACTOR), now_ms=workflow.now_ms
    )
    workflow.hear(cancelled)
    assert workflow.states["end"] is SKIPPED
    assert rerun(workflow) == reopen.Reopened(5, 0, left_without_upstream=0, complete=True)
    assert workflow.states == {
        "z": PENDING, "y": PENDING, "x": READY, "done": SUCCEEDED, "stopped": READY, "end": PENDING,
    }  # fmt: skip
    assert rerun(workflow).reopened == 0
    for key in ("x", "y", "z", "stopped", "end"):
        workflow.finish(key)
    assert set(workflow.states.values()) == {SUCCEEDED}
    assert rerun(workflow).reopened == 0


def test_a_rerun_leaves_what_a_false_condition_skipped() -> None:
    upstream = after("a", kind=DependencyType.CONDITIONAL)[0]
    never = replace(upstream, condition="upstream.attempts > 99")
    workflow = Workflow({"a": (), "never": (never,), "bad": ()})
    workflow.finish("a")
    workflow.finish("bad", FAILED)
    assert workflow.states["never"] is SKIPPED
    for _ in range(2):
        assert rerun(workflow).reopened == 1
        assert workflow.states["never"] is SKIPPED
        workflow.finish("bad", FAILED)


def test_a_rerun_follows_a_job_that_was_retried_alone() -> None:
    workflow = failed_chain()
    retry(workflow, "a", reopen_skipped=False)
    workflow.finish("a")
    assert rerun(workflow).reopened == 2
    assert workflow.states == {"a": SUCCEEDED, "b": READY, "c": PENDING}


def test_a_deep_workflow_is_reopened_in_several_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = Workflow(chain(*"abcdef"))
    workflow.finish("a", FAILED)
    monkeypatch.setattr(reopen, "LAYERS_AT_MOST", 2)
    answers = [rerun(workflow) for _ in range(3)]
    assert [(each.reopened, each.complete) for each in answers] == [(3, False), (2, False), (1, True)]


@pytest.mark.parametrize("kind", DependencyType)
def test_a_late_event_of_an_earlier_life_releases_no_job_that_was_submitted_in_this_one(
    kind: DependencyType,
) -> None:
    workflow = Workflow({"x": ()})
    earlier = workflow.submit_after("x")  # now the job's item says that later submissions wait for it
    cancel_job(workflow.services, earlier, caller=caller_named(ACTOR), now_ms=workflow.now_ms)
    ended = workflow.finish("x", event=False)
    rerun_job(
        workflow.services,
        workflow.ids["x"],
        caller=caller_named(ACTOR),
        now_ms=workflow.now_ms,
        downstream=False,
    )
    condition = "upstream.attempts > 0" if kind is DependencyType.CONDITIONAL else None
    later = workflow.submit_on(DependencyRequest(job_id=workflow.ids["x"], type=kind, condition=condition))
    workflow.hear(ended)
    assert workflow.world.jobs[later].state is PENDING
    workflow.finish("x")
    assert workflow.world.jobs[later].state is READY
