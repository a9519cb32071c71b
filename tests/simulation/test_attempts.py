"""Interruptions, lost workers and starts in whole runs, with a check of the cost of each attempt."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.seeded import JOB_TYPE
from dev.simulator.runs import by_key, run_workflow
from dev.simulator.system.scenario import Course, dies, fails, hands_back, never_begins, succeeds
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import State
from tidegate.ports import Assignment

INTERRUPTIONS = 100
AHEAD_MS = 12_000
MUST_START = DependencyType.MUST_START


def test_after_a_hundred_interruptions_a_job_has_its_one_retry() -> None:
    def course(assignment: Assignment) -> Course:
        if assignment.attempt <= INTERRUPTIONS:
            return hands_back(700) if assignment.attempt % 2 else never_begins(900)
        return fails(500) if assignment.attempt == INTERRUPTIONS + 1 else succeeds(500)

    often = JobRequest(type=JOB_TYPE, key="often", retry=RetryPolicy(max_retries=1))
    ended = run_workflow(workflow([often]), course)["often"]
    assert (ended.state, ended.attempt, ended.tries) == (State.SUCCEEDED, INTERRUPTIONS + 2, 1)
    assert len(ended.history) < 3 * limits.MAX_INTERRUPTIONS_KEPT + 12


def test_a_job_that_ends_each_worker_it_gets_ends_itself() -> None:
    ended = run_workflow(
        workflow([job("deadly"), job("other")]), by_key({"deadly": dies(100)}, succeeds(100))
    )
    deadly = ended["deadly"]
    assert (deadly.state, deadly.worker_losses, deadly.tries) == (State.FAILED, limits.MAX_WORKER_LOSSES, 0)
    assert deadly.failure is not None
    assert deadly.failure.code == "worker-lost"
    assert ended["other"].state is State.SUCCEEDED


def test_nothing_follows_a_job_that_is_claimed_ahead_until_its_code_begins() -> None:
    jobs = [job("server"), job("client", DependencyRequest(key="server", type=MUST_START))]
    served = replace(succeeds(60_000), ahead_ms=AHEAD_MS)
    ended = run_workflow(workflow(jobs), by_key({"server": served}, succeeds(100)))
    server, client = ended["server"], ended["client"]
    claimed_at_ms = next(entry.at_ms for entry in server.history if entry.state is State.RUNNING)
    assert server.began_at_ms == claimed_at_ms + AHEAD_MS
    assert server.began_at_ms < (client.started_at_ms or 0) < (server.finished_at_ms or 0)
