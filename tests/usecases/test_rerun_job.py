"""A rerun runs a job again whatever its end, with everything that follows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from dev.simulator.people.callers import caller_named
from tests.harness.determined import StandingClock
from tests.harness.domain.job_samples import worn_out
from tests.harness.usecases.recovering import Workflow, after, chain
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import InvalidRequest, NotRetryable, ServiceUnavailable
from tidegate.domain.requests import DependencyRequest
from tidegate.domain.states import State
from tidegate.domain.transitions import ReopenIfEnded, Stamp
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.recover.rerun import Rerun, rerun_job
from tidegate.usecases.release.release import release

ANN = caller_named("ann")
PENDING, READY, SUCCEEDED, FAILED = State.PENDING, State.READY, State.SUCCEEDED, State.FAILED
DIAMOND = {"a": (), "b": after("a"), "c": after("a", "b"), "d": after("c"), "e": ()}
AT_ONCE = Deadline(StandingClock(1), 0)


def rerun(workflow: Workflow, key: str, **options: object) -> Rerun:
    _, found = rerun_job(
        workflow.services,
        workflow.ids[key],
        caller=ANN,
        now_ms=workflow.now_ms,
        **options,  # type: ignore[arg-type]
    )
    return found


def run_to_the_end(workflow: Workflow) -> None:
    while ready := [key for key, state in workflow.states.items() if state in (READY, State.QUEUED)]:
        workflow.finish(ready[0])


def done(edges: Mapping[str, Sequence[DependencyRequest]] = DIAMOND) -> Workflow:
    workflow = Workflow(edges)
    run_to_the_end(workflow)
    assert set(workflow.states.values()) == {SUCCEEDED}
    return workflow


def test_a_succeeded_job_runs_again_with_everything_that_follows_it() -> None:
    workflow = done()
    assert rerun(workflow, "b") == Rerun(3)
    assert workflow.states == {"a": SUCCEEDED, "b": READY, "c": PENDING, "d": PENDING, "e": SUCCEEDED}
    assert (workflow.job("c").waiting_on, workflow.job("c").history[-1].actor) == (frozenset({1}), "ann")
    run_to_the_end(workflow)
    assert [workflow.job(key).attempt for key in "abcde"] == [1, 2, 2, 2, 1]
    assert set(workflow.states.values()) == {SUCCEEDED}


def test_a_rerun_of_the_job_alone_leaves_what_follows_it() -> None:
    workflow = done()
    assert rerun(workflow, "b", downstream=False) == Rerun(1)
    assert workflow.states == {**dict.fromkeys(DIAMOND, SUCCEEDED), "b": READY}


def test_a_job_that_waits_on_more_begins_to_wait_anew() -> None:
    workflow = Workflow({"a": (), "slow": (), "b": after("a", "slow")})
    workflow.finish("a")
    assert workflow.job("b").waiting_on == {1}
    assert rerun(workflow, "a") == Rerun(2)
    assert (workflow.job("b").waiting_on, workflow.job("b").reopened) == (frozenset({0, 1}), 1)
    workflow.finish("slow")
    assert workflow.states["b"] is PENDING
    workflow.finish("a")
    assert workflow.states["b"] is READY


def test_a_job_that_is_ready_waits_for_the_rerun() -> None:
    workflow = Workflow(chain("a", "b"))
    workflow.finish("a")
    assert workflow.states["b"] is READY
    assert rerun(workflow, "a") == Rerun(2)
    assert workflow.states == {"a": READY, "b": PENDING}


def test_a_late_event_of_the_old_end_does_not_release_what_waits_for_the_new_one() -> None:
    """SUCCEEDED is not final for a job that began a new life with its upstream."""
    workflow = Workflow(chain("a", "b"))
    ended = workflow.finish("a", event=False)
    rerun(workflow, "a")
    release(workflow.services, [ended], workflow.now_ms)
    assert workflow.states == {"a": READY, "b": PENDING}


def test_nothing_is_rerun_while_a_job_that_follows_runs() -> None:
    workflow = Workflow(chain("a", "b", "c"))
    workflow.finish("a")
    workflow.start("b")
    before = dict(workflow.world.jobs)
    with pytest.raises(NotRetryable, match="which follows it, is RUNNING; wait until that has ended"):
        rerun(workflow, "a")
    assert workflow.world.jobs == before


def test_a_job_that_has_not_ended_is_not_rerun() -> None:
    workflow = Workflow(chain("a", "b"))
    with pytest.raises(NotRetryable, match="is READY and has not ended"):
        rerun(workflow, "a")


def test_a_job_that_was_reopened_as_often_as_is_allowed_stays_as_it_is() -> None:
    workflow = done(chain("a", "b"))
    workflow.world.jobs[workflow.ids["b"]] = worn_out(workflow.job("b"))
    assert rerun(workflow, "a", dry_run=True) == Rerun(1, left_at_limit=1)
    assert rerun(workflow, "a") == Rerun(1, left_at_limit=1)
    workflow.world.jobs[workflow.ids["a"]] = replace(worn_out(workflow.job("a")), state=SUCCEEDED)
    with pytest.raises(NotRetryable, match="the most allowed"):
        rerun(workflow, "a")


def test_a_rerun_takes_new_parameters_and_keeps_the_old_ones_apart() -> None:
    workflow = done(chain("a", "b"))
    load = workflow.services.jobs.load_input
    before = replace(workflow.job("b"), type="tidegate.sleep")
    workflow.world.jobs[before.job_id] = before
    rerun(workflow, "b", parameters={"seconds": 7})
    now = workflow.job("b")
    assert (load(now).parameters, load(now).depends_on) == ({"seconds": 7}, load(before).depends_on)
    assert load(before).parameters == {}
    workflow.finish("b")
    rerun(workflow, "b")
    assert load(workflow.job("b")).parameters == {"seconds": 7}
    with pytest.raises(NotRetryable, match="is READY with other parameters"):
        rerun(workflow, "b", parameters={"seconds": 8})
    assert rerun(workflow, "b", parameters={"seconds": 7}) == Rerun(0)


def test_parameters_that_the_type_refuses_are_named_and_nothing_is_written() -> None:
    workflow = done(chain("a", "b"))
    before = (dict(workflow.world.jobs), dict(workflow.world.inputs))
    with pytest.raises(InvalidRequest, match=r"parameters\.seconds"):
        rerun(workflow, "b", parameters={"seconds": 7})
    assert (workflow.world.jobs, workflow.world.inputs) == before


def test_a_dry_run_counts_and_writes_nothing() -> None:
    workflow = done()
    before, changes = dict(workflow.world.jobs), len(workflow.world.changes)
    assert rerun(workflow, "b", dry_run=True) == Rerun(3)
    assert (workflow.world.jobs, len(workflow.world.changes)) == (before, changes)


def test_a_call_that_is_repeated_reruns_nothing_twice() -> None:
    workflow = done()
    rerun(workflow, "b")
    before = dict(workflow.world.jobs)
    assert rerun(workflow, "b", dry_run=True) == rerun(workflow, "b") == Rerun(0)
    assert workflow.world.jobs == before


def test_a_rerun_that_is_cut_off_goes_on_with_its_cursor_even_after_the_job_has_ended() -> None:
    workflow = done()
    cut = rerun(workflow, "a", until=AT_ONCE)
    assert (cut.rerun, cut.complete, cut.cursor) == (2, False, "1")
    workflow.finish("a")
    workflow.finish("b")
    assert rerun(workflow, "a", cursor=cut.cursor) == Rerun(2)
    assert (workflow.job("a").attempt, workflow.job("b").attempt) == (2, 2)
    run_to_the_end(workflow)
    assert (workflow.job("c").attempt, workflow.job("d").attempt) == (2, 2)
    with pytest.raises(InvalidRequest, match="cursor: is not a cursor"):
        rerun(workflow, "a", cursor="2")


def test_a_rerun_of_a_failure_takes_what_was_skipped_for_it_along() -> None:
    workflow = Workflow({"a": (), "b": after("a"), "c": after("a", kind=DependencyType.MUST_COMPLETE)})
    workflow.finish("a", FAILED)
    workflow.finish("c")
    assert workflow.states == {"a": FAILED, "b": State.SKIPPED, "c": SUCCEEDED}
    assert rerun(workflow, "a") == Rerun(3)
    assert workflow.states == {"a": READY, "b": PENDING, "c": PENDING}


def test_a_job_that_another_caller_opens_at_the_same_moment_is_told_to_be_asked_for_again() -> None:
    workflow = Workflow(chain("a", "b"))
    failed = workflow.finish("a", FAILED)

    def another_caller_comes_first(request: str) -> None:
        if request == "apply":
            workflow.world.on_request = lambda _: None
            workflow.services.jobs.apply(ReopenIfEnded(failed, Stamp(workflow.now_ms, "bob")))

    workflow.world.on_request = another_caller_comes_first
    with pytest.raises(ServiceUnavailable, match="changed to PENDING meanwhile"):
        rerun(workflow, "a")
    assert rerun(workflow, "a") == Rerun(1)
