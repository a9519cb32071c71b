"""A job that fails, for answers about failures."""

from __future__ import annotations

from tests.harness.functions.api_calls import NOW_MS, Api
from tidegate.domain.job import JobFailure
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FinishIfAttemptHolds, Stamp


def fail_one_job(api: Api, code: str, message: str) -> str:
    """Submits a job that is then run and fails at once. Returns its id."""
    job_id = api.submit(max_retries=0)
    api.run(job_id)
    ending = Ending(State.FAILED, failure=JobFailure(code, message))
    api.services.jobs.apply(FinishIfAttemptHolds(api.job(job_id), 1, ending, Stamp(NOW_MS, "worker-1")))
    return job_id
