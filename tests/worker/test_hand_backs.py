"""Jobs that a worker claims ahead behind long ones, and hands back unbegun, keep all of their retries."""

from __future__ import annotations

import threading

import pytest

from tests.harness.waiting import PATIENCE_SECONDS, becomes_true
from tests.harness.worker.running import Fixture
from tests.harness.worker.world import CLOCK, GateExecutor
from tidegate.domain.job import Job
from tidegate.domain.lives import UNBEGUN
from tidegate.domain.requests import JobRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import State
from tidegate.ports import Assignment, Begun, Heartbeat, Outcome, OutcomeKind, unheard
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.submit.submit import submit_job
from tidegate_worker import look_ahead, pipeline

SHORT, LONG, FAILING = 60, 2, 6
SLOTS = 2
AGES_SECONDS = 3_600


class Mixed(GateExecutor):
    """Runs long jobs until `open`. A failing job fails in its first run, and any other job succeeds at once."""

    def __init__(self) -> None:
        super().__init__()
        self.long: set[str] = set()
        self.failing: set[str] = set()
        self.let_go = threading.Event()

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        begun()
        self.started.append(assignment.job_id)
        if assignment.job_id in self.long:
            assert self.let_go.wait(PATIENCE_SECONDS)
        if assignment.job_id in self.failing and self.started.count(assignment.job_id) == 1:
            return Outcome(OutcomeKind.FAILED, code="broken")
        return Outcome(OutcomeKind.SUCCEEDED)


def test_jobs_that_were_handed_back_unbegun_behind_long_ones_are_retried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each ran once and was FAILED: the claim without a run counted as its first try."""
    # The worker expects every job to be short, and soon finds that some wait for too long.
    monkeypatch.setattr(look_ahead, "WORKED_OFF_WITHIN_SECONDS", AGES_SECONDS)
    monkeypatch.setattr(pipeline, "LONGEST_WAIT_SECONDS", 0.05)
    fixture, executor = Fixture(), Mixed()
    services = fixture.services

    def submit(jobs: int) -> set[str]:
        request = JobRequest(type="sample.describe", retry=RetryPolicy(1, 0, 0))
        return {
            submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=CLOCK.now_ms()).job_id
            for _ in range(jobs)
        }

    def after_a_tick() -> dict[str, Job]:
        fixture.world.now_ms = CLOCK.now_ms()
        tick(services, now_ms=fixture.world.now_ms)
        return services.jobs.get_many(sorted(short | executor.long | executor.failing), consistent=True)

    def was_each_handed_back() -> bool:
        jobs = after_a_tick()
        return all(UNBEGUN in {entry.reason for entry in jobs[each].history} for each in executor.failing)

    def are_the_long_ones_begun() -> bool:
        after_a_tick()
        return executor.long.issubset(executor.started)

    short = submit(SHORT)
    with fixture.running(slots=SLOTS, executor=executor):
        assert becomes_true(lambda: all(job.is_terminal for job in after_a_tick().values()))
        executor.long = submit(LONG)
        assert becomes_true(are_the_long_ones_begun)
        executor.failing = submit(FAILING)
        assert becomes_true(was_each_handed_back)
        assert executor.failing.isdisjoint(executor.started)
        executor.let_go.set()
        assert becomes_true(lambda: all(job.is_terminal for job in after_a_tick().values()))
    jobs = after_a_tick()
    assert {job.state for job in jobs.values()} == {State.SUCCEEDED}
    assert {jobs[each].tries for each in executor.failing} == {1}
    assert {executor.started.count(each) for each in executor.failing} == {2}
    assert {executor.started.count(each) for each in short | executor.long} == {1}
