"""The test kit for job code: one job with a context, and a workflow by the rules of its dependencies."""

from __future__ import annotations

from graphlib import CycleError

import pytest

from tidegate.adapters.conditions.cel import CelConditions
from tidegate.domain.states import State
from tidegate.jobs import JobContext, JobError, Parameters, Upstream
from tidegate.jobs.registry import RegistrationError, Registry
from tidegate.jobs.testing import run_job, run_workflow
from tidegate_client import Earlier, Workflow


class Add(Parameters):
    amount: int = 1


def _registry() -> Registry:
    registry = Registry()

    @registry.job("test.add", reads_upstreams=True)
    def add(parameters: Add, context: JobContext) -> int:
        for step in range(3):
            context.progress(step / 3)
            context.check()
        return parameters.amount + sum(int(str(each.result or 0)) for each in context.upstreams.values())

    @registry.job("test.fail")
    def fail(parameters: Add, context: JobContext) -> None:
        raise JobError("no such file", code="no-file", retryable=False)

    return registry


def test_a_job_gets_its_parameters_and_upstreams_and_reports_progress() -> None:
    upstream = Upstream("J", "a", State.SUCCEEDED, 4)
    end = run_job("test.add", {"amount": 3}, upstreams=[upstream], registry=_registry())
    assert (end.state, end.result) == (State.SUCCEEDED, 7)
    assert [each.fraction for each in end.progress] == pytest.approx([0, 1 / 3, 2 / 3], abs=1e-5)


def test_a_failure_is_an_outcome() -> None:
    end = run_job("test.fail", registry=_registry())
    assert (end.state, end.code, end.retryable) == (State.FAILED, "no-file", False)


def test_wrong_parameters_are_an_outcome() -> None:
    end = run_job("test.add", {"amout": 3}, registry=_registry())
    assert (end.state, end.code) == (State.FAILED, "invalid-parameters")


@pytest.mark.parametrize(("at", "reports"), [(0, 1), (2, 2)])
def test_a_job_can_be_cancelled(at: int, reports: int) -> None:
    end = run_job("test.add", cancel_at_progress=at, registry=_registry())
    assert (end.state, len(end.progress)) == (State.CANCELLED, reports)


def test_the_time_can_be_over() -> None:
    assert run_job("test.add", timeout_seconds=0, registry=_registry()).state is State.TIMED_OUT


def test_an_unknown_type_is_named_with_the_known_ones() -> None:
    with pytest.raises(RegistrationError, match=r"test\.add"):
        run_job("test.ad", registry=_registry())


def test_a_workflow_runs_by_the_rules_of_its_dependencies() -> None:
    with Workflow() as workflow:
        one = workflow.job("one", "test.add", after="zero")
        workflow.job("zero", "test.add")
        bad = workflow.job("bad", "test.fail", after_start=one)
        lost = workflow.job("lost", "test.add", after=bad)
        workflow.job("lost-too", "test.add", after_start=lost)
        workflow.job("clean-up", "test.add", after_end=bad)
        workflow.job(
            "taken", "test.add", when={one: "upstream.result == 2", bad: "upstream.code == 'no-file'"}
        )
        other = workflow.job("not-taken", "test.add", when={one: "upstream.result > 2"})
        workflow.job("not-taken-too", "test.add", after=other)
        workflow.job("unclear", "test.add", when={one: "upstream.result.rows > 2"})
    ends = run_workflow(workflow.as_json(), evaluate=CelConditions().evaluate, registry=_registry())
    assert {key: (end.state.value, end.code or end.result) for key, end in ends.items()} == {
        "zero": ("SUCCEEDED", 1),
        "one": ("SUCCEEDED", 2),
        "bad": ("FAILED", "no-file"),
        "lost": ("SKIPPED", "dependency-unsatisfiable"),
        "lost-too": ("SKIPPED", "dependency-unsatisfiable"),
        "clean-up": ("SUCCEEDED", 1),
        "taken": ("SUCCEEDED", 3),
        "not-taken": ("SKIPPED", "branch-not-taken"),
        "not-taken-too": ("SKIPPED", "branch-not-taken"),
        "unclear": ("SKIPPED", "condition-error"),
    }


def test_a_workflow_that_can_not_run_here_is_refused() -> None:
    registry = _registry()
    conditional = {"key": "b", "type": "CONDITIONAL", "condition": "true"}
    jobs = [{"key": "b", "type": "test.add"}, {"key": "a", "type": "test.add", "depends_on": [conditional]}]
    with pytest.raises(ValueError, match="evaluate"):
        run_workflow({"jobs": jobs}, registry=registry)
    earlier = Workflow()
    earlier.job("a", "test.add", after=Earlier("01JD"))
    with pytest.raises(ValueError, match="another submission"):
        run_workflow(earlier.as_json(), registry=registry)
    circle = [{"key": "a", "type": "test.add", "depends_on": [{"key": "a"}]}]
    with pytest.raises(CycleError):
        run_workflow({"jobs": circle}, registry=registry)
