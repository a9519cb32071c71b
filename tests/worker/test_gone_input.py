"""A worker process does not run a job whose input has passed its retention."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.waiting import becomes_true
from tests.harness.worker.running import Fixture
from tests.harness.worker.world import job_of, queued_job
from tidegate.domain.states import State


def test_a_job_whose_input_is_gone_fails_and_never_begins() -> None:
    fixture = Fixture()
    message, other = queued_job(fixture.services), queued_job(fixture.services)
    job = fixture.world.jobs[message.job_id]
    fixture.world.jobs[message.job_id] = replace(job, input=None)  # its overflow is gone
    with fixture.running(slots=2):
        assert becomes_true(lambda: job_of(fixture.services, message).state is State.FAILED)
        fixture.executor.wait_for_started(1)
        assert fixture.executor.started == [other.job_id]
        fixture.executor.open(1)
        assert becomes_true(lambda: job_of(fixture.services, other).state is State.SUCCEEDED)
    failure = job_of(fixture.services, message).failure
    assert failure is not None
    assert failure.code == "input-gone"
