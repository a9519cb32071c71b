"""The cases of reopening ended jobs. See transition_cases."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.domain.job_samples import ENDED, NOW_MS, SAMPLES
from tidegate.domain import limits
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.states import REOPENABLE, State
from tidegate.domain.transitions import DISPATCHED, ReopenIfEnded, RerunUnlessDispatched, Stamp

STAMP = Stamp(NOW_MS, "tester", "because")
ENDED_BADLY = replace(
    ENDED,
    tries=2,
    worker_losses=1,
    began_at_ms=NOW_MS - 6,
    dependency_count=3,
    cancel_requested_at_ms=NOW_MS - 5,
    cancel_requested_by="ann",
    failure=JobFailure("broken", "it broke", "S.0"),
    expires_at_s=7,
    result_overflow=True,
)


def reopened(job: Job) -> Job:
    return replace(
        job,
        state=State.PENDING,
        reopened=job.reopened + 1,
        tries=0,
        worker_losses=0,
        waiting_on=frozenset({0, 1, 2}),
        dependents_overflow=True,
        watch_start=True,
        queued_at_ms=None,
        sent_at_ms=None,
        started_at_ms=None,
        began_at_ms=None,
        finished_at_ms=None,
        worker_id=None,
        worker_name="",
        worker_host="",
        progress=None,
        cancel_requested_at_ms=None,
        cancel_requested_by=None,
        failure=None,
        result_overflow=False,
        expires_at_s=None,
    )


def refusals(job: Job) -> dict[str, Job]:
    """Makes jobs that differ from `job` as it was when it was read."""
    changed = {
        "was reopened since": replace(job, reopened=job.reopened + 1),
        "was tried since": replace(job, attempt=3),
    }
    return {**changed, **{f"is {state}": other for state, other in SAMPLES.items() if state is not job.state}}


REOPENINGS: list[tuple[ReopenIfEnded | RerunUnlessDispatched, Job, Job, dict[str, Job]]] = []
for _state in sorted(REOPENABLE):
    for _times in (0, limits.MAX_REOPENINGS - 1):
        _job = replace(ENDED_BADLY, state=_state, reopened=_times)
        REOPENINGS.append((ReopenIfEnded(_job, STAMP), _job, reopened(_job), refusals(_job)))
_alone = replace(ENDED_BADLY, state=State.FAILED, dependency_count=0)
_free = replace(reopened(_alone), waiting_on=frozenset())
REOPENINGS.append((ReopenIfEnded(_alone, STAMP), _alone, _free, {}))
_left = replace(_free, leaves_skipped=True)
REOPENINGS.append((ReopenIfEnded(_alone, STAMP, leave_skipped=True), _alone, _left, {}))
_before = replace(_alone, leaves_skipped=True)
REOPENINGS.append((ReopenIfEnded(_before, STAMP), _before, _free, {}))
for _state in sorted(set(SAMPLES) - DISPATCHED):
    _job = replace(ENDED_BADLY, state=_state, held_in="key:1:k", due_at_ms=NOW_MS, reopened=2)
    _idle = replace(reopened(_job), held_in="", due_at_ms=None)
    _again = {**refusals(_job), "is ready again": replace(_job, ready_at_ms=NOW_MS + 77)}
    REOPENINGS.append((RerunUnlessDispatched(_job, STAMP), _job, _idle, _again))
_other = replace(_free, input=None, input_part="rerun#7")
REOPENINGS.append((RerunUnlessDispatched(_alone, STAMP, "rerun#7"), _alone, _other, {}))
