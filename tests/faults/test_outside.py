"""The scenarios of jobs outside hand jobs over where nothing fails: their failures would be of no use otherwise."""

from __future__ import annotations

from tests.harness.faults.deployment import Deployment
from tests.harness.faults.emulated import EmulatedAws
from tests.harness.faults.outside_scenarios import approved, finished_outside, left_outside
from tidegate.domain.states import State


def test_without_a_failure_each_job_was_outside(aws: EmulatedAws) -> None:
    finished = Deployment(aws)
    finished_outside(finished)
    good, bad = sorted(finished.jobs.values(), key=lambda job: job.name or "", reverse=True)
    assert (good.result, good.attempt, bad.result, bad.attempt, bad.tries) == ("done", 1, 1, 2, 1)
    left = Deployment(aws)
    left_outside(left)
    jobs = {job.name: job for job in left.jobs.values()}
    assert (jobs["silent"].state, jobs["silent"].tries) == (State.SUCCEEDED, 1)
    assert jobs["dropped"].state is State.CANCELLED
    asked = Deployment(aws)
    approved(asked)
    (job,) = asked.jobs.values()
    assert isinstance(job.result, dict)
    assert job.result["approved"] is True
