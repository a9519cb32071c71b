"""A fact of each kind, and the event that tells it."""

from __future__ import annotations

from tidegate.domain.events import (
    Event,
    job_at_risk,
    job_ended,
    worker_lost,
    workflow_at_risk,
    workflow_ended,
)
from tidegate.domain.job import Job, JobFailure, JobInput
from tidegate.domain.progress import Summary, WorkflowState
from tidegate.domain.states import State
from tidegate.domain.submission import Phase, Submission
from tidegate.domain.verdicts import FinishVerdict, Judgement
from tidegate.domain.workers import Worker, WorkerSpec, WorkerState, kept_until_s

NOW_MS = 1_796_112_000_000
WORKFLOW_ID = "01KATDPGZ8M5B6W2Y3Q7RVXN4C"

JOB = Job(
    job_id=f"{WORKFLOW_ID}.2",
    state=State.FAILED,
    type="text.count",
    pool="lambda",
    priority=300,
    key="count",
    name="count the words",
    tags={"team": "data"},
    input=JobInput({"secret": "parameter"}, ()),
    created_at_ms=NOW_MS - 60_000,
    ready_at_ms=NOW_MS - 50_000,
    queued_at_ms=NOW_MS - 40_000,
    started_at_ms=NOW_MS - 30_000,
    finished_at_ms=NOW_MS - 9_310,
    attempt=2,
    submitted_by="arn:aws:iam::123456789012:user/ann",
    failure=JobFailure("ValueError", "secret message", last_lines=("secret line",)),
    result={"secret": "result"},
    finish_by_ms=NOW_MS + 600_000,
)
SUBMISSION = Submission(
    submission_id=WORKFLOW_ID,
    phase=Phase.COMPLETE,
    job_count=3,
    fingerprint="f",
    created_at_ms=NOW_MS - 60_000,
    name="nightly count",
    submitted_by="arn:aws:iam::123456789012:user/ann",
    tags={"team": "data"},
    finish_by_ms=NOW_MS + 600_000,
)
SUMMARY = Summary(
    WorkflowState.FAILED, 7, {State.FAILED: 1, State.SUCCEEDED: 2}, NOW_MS - 50_000, NOW_MS - 9_310
)
WORKER = Worker(
    spec=WorkerSpec("ecs", "ip-10-0-1-17-1", "ip-10-0-1-17", 4, "blue", tags={"zone": "a"}),
    session_id="01KATDPGZ8M5B6W2Y3Q7RVXN4D",
    state=WorkerState.LOST,
    started_at_ms=NOW_MS - 3_600_000,
    heartbeat_at_ms=NOW_MS - 75_000,
    expires_at_s=kept_until_s(NOW_MS),
    running=3,
)
AT_RISK = Judgement(NOW_MS - 1_000, FinishVerdict.AT_RISK, 0.283)

EVENTS_OUT: dict[str, Event] = {
    "out-deadline-at-risk": workflow_at_risk(SUBMISSION, NOW_MS + 600_000, AT_RISK),
    "out-job-ended": job_ended(JOB),
    "out-worker-lost": worker_lost(WORKER),
    "out-workflow-ended": workflow_ended(SUBMISSION, SUMMARY),
}
"""The sample events in the folder `events`, by the names of their files."""

JOB_AT_RISK = job_at_risk(JOB, NOW_MS + 600_000, AT_RISK)
