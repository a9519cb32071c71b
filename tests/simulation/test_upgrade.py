"""Jobs that an earlier version stored are read by this one, and carried on to the end that the rules give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dev.simulator.checks.invariants import check_histories, check_submissions
from dev.simulator.memory.seeded import function_pool, make_services, make_settings
from dev.simulator.system.scenario import Course, fails, succeeds
from dev.simulator.system.simulator import MINUTE_MS, Options, Simulator
from tidegate.adapters.dynamodb.codec import job_from_image
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.submission import Phase, Submission
from tidegate.ports import Assignment

# The items are as the version before holds, amendments, marks and stored output wrote them, each list in the midst of
# a run. They stay as they are: an attribute that a later version adds is absent in them.
MOMENTS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("earlier_items.json").read_text("utf-8"))
UPGRADED_AFTER_MS = 5 * MINUTE_MS


def jobs_of(moment: dict[str, Any]) -> list[Job]:
    return [job_from_image(item) for item in moment["items"]]


def test_the_items_have_every_state_that_a_job_can_wait_in() -> None:
    states = {job.state for moment in MOMENTS for job in jobs_of(moment)}
    assert states >= {State.PENDING, State.READY, State.SCHEDULED, State.QUEUED, State.RUNNING}


@pytest.mark.parametrize("moment", MOMENTS, ids=["first", "second"])
def test_this_version_carries_them_to_their_end(moment: dict[str, Any]) -> None:
    """Nothing is left of the queue and the stream, and no worker of the earlier version comes back."""
    services, world = make_services(make_settings(function_pool("pool", 2)), seed=1)
    before = {job.job_id: job for job in jobs_of(moment)}
    for told in moment["submissions"]:
        submission = Submission(phase=Phase.COMPLETE, fingerprint="f", **told)
        world.submissions[submission.submission_id] = submission
    for job in before.values():
        world.put_new(job)
    world.changes.clear()
    world.now_ms = moment["at_ms"] + UPGRADED_AFTER_MS

    def course(assignment: Assignment) -> Course:
        return fails(50, retryable=False) if assignment.key in moment["broken"] else succeeds(50)

    simulator = Simulator(services, world, course, Options(slots=2))
    simulator.open_jobs.update(job.job_id for job in before.values() if not job.is_terminal)
    simulator.run()
    check_histories(world.jobs.values())
    check_submissions(world.jobs, world.submissions.values())
    assert {job.key: str(job.state) for job in world.jobs.values()} == moment["expected"]
    for job in world.jobs.values():
        earlier = before[job.job_id]
        assert job.history[: len(earlier.history)] == earlier.history
        assert (job.worker_losses > earlier.worker_losses) == (earlier.state is State.RUNNING)
