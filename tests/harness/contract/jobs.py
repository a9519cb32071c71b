"""Jobs for the contract suite."""

from __future__ import annotations

from typing import Any

from tests.harness.contract.stores import NOW_MS, POOL
from tidegate.domain.dependency import Dependency, DependencyType, Dependent
from tidegate.domain.job import HistoryEntry, Job, JobFailure, JobInput, Progress
from tidegate.domain.logs import LogPlace
from tidegate.domain.outside import Outside
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.second_attempts import SecondAttempt, SecondEnd
from tidegate.domain.states import State
from tidegate.domain.verdicts import FinishVerdict, Judgement

_FINISH_BY: dict[str, Any] = {
    "latest_start_ms": NOW_MS + 4,
    "finish_by_ms": NOW_MS + 90_000,
    "judgements": (Judgement(1, FinishVerdict.ON_COURSE, 0.75), Judgement(2, FinishVerdict.AT_RISK, 0.25)),
}


def new_job(job_id: str, **changes: Any) -> Job:
    """Makes a READY job as it is submitted, or a PENDING one if `depends_on` is given."""
    depends_on: tuple[Dependency, ...] = changes.pop("depends_on", ())
    state = State.PENDING if depends_on else State.READY
    values: dict[str, Any] = {
        "job_id": job_id,
        "state": state,
        "type": "text.count",
        "pool": POOL,
        "priority": 100,
        "created_at_ms": NOW_MS,
        "input": JobInput(changes.pop("parameters", {"path": "a"}), depends_on),
        "dependency_count": len(depends_on),
        "waiting_on": frozenset(range(len(depends_on))),
        "ready_at_ms": None if depends_on else NOW_MS,
        "history": (HistoryEntry(NOW_MS, state, 0, "submit"),),
    }
    return Job(**{**values, **changes})


HISTORY = (
    HistoryEntry(NOW_MS, State.READY, 0, "submit"),
    HistoryEntry(NOW_MS + 1, State.RUNNING, 1, "arn:aws:iam::1:user/me"),
    HistoryEntry(NOW_MS + 2, State.SCHEDULED, 1, "worker-1", "http-error: code 500"),
    HistoryEntry(NOW_MS + 3, State.RUNNING, 2, "worker-1"),
    HistoryEntry(NOW_MS + 4, State.SUCCEEDED, 2, "worker-1"),
)


TIMES: dict[str, Any] = {
    "due_at_ms": NOW_MS + 2,
    "ready_at_ms": NOW_MS + 3,
    "queued_at_ms": NOW_MS + 4,
    "sent_at_ms": NOW_MS + 5,
    "started_at_ms": NOW_MS + 6,
    "began_at_ms": NOW_MS + 6,
    "finished_at_ms": NOW_MS + 7,
    "lease_expires_at_ms": NOW_MS + 8,
}


_WORKER: dict[str, Any] = {
    "worker_id": "worker-1",
    "worker_name": "nightly",
    "worker_host": "ip-10-0-1-17",
    "progress": Progress(0.25, "a quarter"),
}


def _dependents(submission: str) -> tuple[Dependent, ...]:
    return (
        Dependent(f"{submission}.8", 0, DependencyType.MUST_START),
        Dependent(f"{submission}.9", 1, DependencyType.MUST_SUCCEED),
        Dependent(f"{submission}.10", 0, DependencyType.MUST_START),
    )


LATEST: dict[str, Any] = {
    "expires_at_s": 1_800_000_000,
    "may_run_twice": True,
    "second": SecondAttempt(
        beside=2,
        life=4,
        offered_at_ms=NOW_MS + 10,
        worker_id="worker-2",
        worker_name="daily",
        worker_host="ip-10-0-1-18",
        claimed_at_ms=NOW_MS + 11,
        lease_expires_at_ms=NOW_MS + 12,
        end=SecondEnd.LOST,
        logs=LogPlace("/tidegate/workers", "worker-2"),
    ),
}


def full_job(job_id: str) -> Job:
    """Makes a job in which no field is absent or at its default."""
    submission = job_id.partition(".")[0]
    depends_on = (
        Dependency(f"{submission}.0"),
        Dependency(f"{submission}.1", DependencyType.CONDITIONAL, "upstream.result == 'a  b'"),
        Dependency("01EARLIER.7", DependencyType.MUST_START),
    )
    return Job(
        job_id=job_id,
        state=State.SUCCEEDED,
        type="text.count",
        pool=POOL,
        priority=999,
        created_at_ms=NOW_MS,
        attempt=2,
        tries=1,
        worker_losses=3,
        reopened=4,
        amended=3,
        on_hold=True,
        input_part="rerun#1",
        leaves_skipped=True,
        input=JobInput({"text": "ä: \u2028", "n": 1.5, "nested": {"list": [1, None, True]}}, depends_on),
        dependency_count=3,
        key="load",
        name="load it",
        description="loads the customers of the day",
        tags={"team": "data"},
        requires=("gpu", "fast"),
        pool_open=True,
        share="data",
        concurrency_key="customer-7",
        concurrency_limit=3,
        held_in="key:3:customer-7",
        timeout_seconds=17,
        retry=RetryPolicy(5, 6, 7),
        estimated_duration_seconds=30.0,
        estimate_is_usual=True,
        critical_path_boost_millipoints=1_234_567,
        not_before_ms=NOW_MS + 1,
        **_FINISH_BY,
        fingerprint="f" * 64,
        submitted_by="arn:aws:iam::123456789012:user/team/ann",
        namespace="team-a",
        waiting_on=frozenset({0, 2}),
        dependents=_dependents(submission),
        watch_start=True,
        **TIMES,
        **_WORKER,
        cancel_requested_at_ms=NOW_MS + 9,
        cancel_requested_by="ann",
        result={"rows": [1, 2.5, "x", None]},
        failure=JobFailure("broken", "it broke", "01EARLIER.7"),
        history=HISTORY,
        outside=Outside(3, "digest", NOW_MS + 2, lease_ms=60_000, until_ms=NOW_MS + 90_000, beats=2),
        **LATEST,
    )
