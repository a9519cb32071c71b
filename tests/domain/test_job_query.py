"""Filters of a listing: each keeps the jobs for which it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.harness.domain.job_samples import SAMPLES
from tidegate.domain.failures import fingerprint_of
from tidegate.domain.job import HistoryEntry, Job, JobFailure
from tidegate.domain.job_query import ALL_STATES, JobQuery, is_latest_first, moment_of
from tidegate.domain.states import TERMINAL, Group, State
from tidegate.domain.statistics.usual_runs import UsualRun
from tidegate.domain.verdicts import FinishVerdict, Judgement

NOW_MS = 1_000_000
JOB = replace(
    SAMPLES[State.RUNNING],
    job_id="W.1",
    type="t",
    pool="p",
    key="daily-7",
    name="nightly load",
    created_at_ms=100,
    ready_at_ms=200,
    queued_at_ms=300,
    started_at_ms=NOW_MS - 5_000,
    worker_id="w1",
    tags={"team": "data", "env": "test"},
    submitted_by="ann",
    finish_by_ms=NOW_MS + 60_000,
    judgements=(Judgement(NOW_MS, FinishVerdict.AT_RISK, 0.25),),
    estimated_duration_seconds=9.0,
    failure=JobFailure("broken", "it broke"),
)
HISTORY = tuple(
    HistoryEntry(at_ms, state, 0, "")
    for at_ms, state in ((500, State.PENDING), (550, State.SCHEDULED), (600, State.READY))
)
WAITING = replace(JOB, state=State.READY, started_at_ms=None, worker_id=None)


def _fits(job: Job, now_ms: int = NOW_MS, **filters: Any) -> bool:
    return JobQuery(**{"states": ALL_STATES, **filters}).fits(job, now_ms)


def _may_fit(job: Job, **filters: Any) -> bool:
    return JobQuery(**filters).may_fit(job.job_id, job.traits, job.indexed, NOW_MS)


BY_ENTRY: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "t"}, {"type": "T"}),
    ({"workflow_id": "W"}, {"workflow_id": "W.1"}),
    ({"id_prefix": "W."}, {"id_prefix": "1"}),
    ({"name_prefix": "night"}, {"name_prefix": "load"}),
    ({"key_prefix": "daily-"}, {"key_prefix": "nightly"}),
    ({"error_code": "broken"}, {"error_code": "timeout"}),
    ({"submitted_by": "ann"}, {"submitted_by": "bob"}),
]
BY_JOB: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"states": (State.READY, State.RUNNING)}, {"states": (State.READY,)}),
    ({"pool": "p"}, {"pool": "P"}),
    ({"finish_by_ms": NOW_MS + 60_000}, {"finish_by_ms": NOW_MS + 59_999}),
    ({"verdict": FinishVerdict.AT_RISK}, {"verdict": FinishVerdict.MISSED}),
    ({"worker_id": "w1"}, {"worker_id": "w2"}),
    ({"tags": {"team": "data"}}, {"tags": {"team": "web"}}),
    ({"tags": {"team": "data", "env": "test"}}, {"tags": {"team": "data", "env": "live"}}),
    ({"tags": {}}, {"tags": {"owner": "ann"}}),
    (
        {"failure": fingerprint_of("t", "broken", "it broke")},
        {"failure": fingerprint_of("t", "broken", "it leaks")},
    ),
    ({"from_ms": 300}, {"from_ms": 301}),
    ({"to_ms": 300}, {"to_ms": 299}),
    ({"from_ms": 250, "to_ms": 350}, {"from_ms": 350, "to_ms": 250}),
    ({"from_ms": 0}, {"to_ms": 0}),
]


@pytest.mark.parametrize(("holds", "fails"), [*BY_ENTRY, *BY_JOB])
def test_a_job_fits_where_the_filter_holds(holds: dict[str, Any], fails: dict[str, Any]) -> None:
    assert _fits(JOB, **holds)
    assert not _fits(JOB, **fails)


@pytest.mark.parametrize(("holds", "fails"), BY_ENTRY)
def test_the_entry_of_a_job_tells_that_it_can_not_fit(holds: dict[str, Any], fails: dict[str, Any]) -> None:
    assert _may_fit(JOB, **holds)
    assert not _may_fit(JOB, **fails)


@pytest.mark.parametrize(("_holds", "fails"), BY_JOB)
def test_a_filter_that_only_the_job_can_answer_leaves_it_open(
    _holds: dict[str, Any], fails: dict[str, Any]
) -> None:
    assert _may_fit(JOB, **fails)


def test_every_filter_has_to_hold() -> None:
    both: dict[str, Any] = {
        "type": "t",
        "pool": "p",
        "worker_id": "w1",
        "submitted_by": "ann",
        "from_ms": 300,
        "to_ms": 300,
    }
    assert _fits(JOB, **both)
    for name in both:
        wrong = {"from_ms": 301, "to_ms": 299}.get(name, "other")
        assert not _fits(JOB, **{**both, name: wrong})
    assert _fits(JOB)


def test_a_job_without_the_field_does_not_fit_its_filter() -> None:
    bare = replace(JOB, job_id="J", key=None, name=None, submitted_by=None, worker_id=None, failure=None)
    filters: list[dict[str, Any]] = [
        {"key_prefix": ""},
        {"name_prefix": ""},
        {"submitted_by": ""},
        {"worker_id": ""},
        {"error_code": ""},
    ]
    for each in filters:
        assert not _fits(bare, **each)
    assert _fits(bare, workflow_id="J", id_prefix="")


@pytest.mark.parametrize(
    ("changes", "overdue"),
    [
        ({"estimated_duration_seconds": 5.0}, False),
        ({"estimated_duration_seconds": 4.999}, True),
        ({"estimated_duration_seconds": 5.001}, False),
        ({"estimated_duration_seconds": 0.0, "started_at_ms": None}, False),
        ({"estimated_duration_seconds": None}, False),
        ({"estimated_duration_seconds": 4.0, "state": State.READY}, False),
        ({"estimated_duration_seconds": 4.0, "state": State.SUCCEEDED, "finished_at_ms": NOW_MS}, True),
        ({"estimated_duration_seconds": 4.0, "state": State.FAILED, "finished_at_ms": NOW_MS - 1_000}, False),
        ({"estimated_duration_seconds": 0.5, "state": State.CANCELLED, "started_at_ms": None}, False),
    ],
)
def test_a_job_is_overdue_once_it_runs_or_ran_longer_than_its_estimate(
    changes: dict[str, Any], overdue: bool
) -> None:
    job = replace(JOB, **changes)
    assert _fits(job, overdue=True) is overdue
    assert _fits(job, overdue=False)


@pytest.mark.parametrize(
    ("state", "p99_seconds", "straggles"),
    [
        (State.RUNNING, 9.0, True),
        (State.RUNNING, 10.0, False),
        (State.RUNNING, None, False),
        (State.SUCCEEDED, 9.0, False),
    ],
)
def test_only_a_running_job_beyond_the_99th_percentile_of_its_type_is_a_straggler(
    state: State, p99_seconds: float | None, straggles: bool
) -> None:
    job = replace(JOB, state=state, started_at_ms=NOW_MS - 10_000)
    usual = {job.type: UsualRun(100, 1.0, p99_seconds)}
    query = JobQuery(states=ALL_STATES, straggler=True)
    assert query.fits(job, NOW_MS, usual) is straggles
    assert query.may_fit(job.job_id, job.traits, job.indexed, NOW_MS, usual) is (p99_seconds is not None)
    assert not query.fits(job, NOW_MS), "nothing is known of its type"
    assert query.is_judged_by_jobs


def test_the_entry_of_a_job_tells_whether_it_can_be_overdue() -> None:
    assert _may_fit(JOB, overdue=True)
    assert not _may_fit(replace(JOB, estimated_duration_seconds=None), overdue=True)


@pytest.mark.parametrize(
    ("changes", "waited_ms"),
    [
        ({}, NOW_MS - 200),
        ({"state": State.QUEUED}, NOW_MS - 300),
        ({"state": State.PENDING}, NOW_MS - 100),
        ({"state": State.SCHEDULED, "due_at_ms": 400}, NOW_MS - 400),
        ({"history": HISTORY}, NOW_MS - 600),
    ],
)  # fmt: skip
def test_a_job_waits_since_its_last_transition(changes: dict[str, Any], waited_ms: int) -> None:
    job = replace(WAITING, **changes)
    assert _fits(job, waits_longer_than_ms=waited_ms - 1)
    assert not _fits(job, waits_longer_than_ms=waited_ms)


@pytest.mark.parametrize("state", [State.RUNNING, *sorted(TERMINAL)])
def test_a_job_that_runs_or_has_ended_does_not_wait(state: State) -> None:
    job = replace(JOB, state=state, finished_at_ms=NOW_MS)
    assert not _fits(job, waits_longer_than_ms=0)
    assert not _fits(job, waits_longer_than_ms=-1)


def test_no_job_waits_longer_than_it_exists() -> None:
    assert _may_fit(JOB, waits_longer_than_ms=NOW_MS - 101)
    assert not _may_fit(JOB, waits_longer_than_ms=NOW_MS - 100)


ENDED = [(state, {"finished_at_ms": 7}, 7) for state in sorted(TERMINAL)]


@pytest.mark.parametrize(
    ("state", "changes", "moment_ms"),
    [
        (State.PENDING, {}, 100),
        (State.SCHEDULED, {"due_at_ms": 5}, 5),
        (State.READY, {}, 200),
        (State.QUEUED, {}, 300),
        (State.RUNNING, {}, 300),
        *ENDED,
        # A moment that is not known is that of the creation.
        (State.SCHEDULED, {"due_at_ms": None}, 100),
        (State.READY, {"ready_at_ms": None}, 100),
        (State.RUNNING, {"queued_at_ms": None}, 100),
        (State.SUCCEEDED, {"finished_at_ms": None}, 100),
    ],
)
def test_each_state_is_sorted_by_its_own_moment(
    state: State, changes: dict[str, Any], moment_ms: int
) -> None:
    assert moment_of(replace(JOB, state=state, **changes)) == moment_ms


@pytest.mark.parametrize("group", list(Group))
def test_a_listing_of_ended_jobs_begins_with_the_latest(group: Group) -> None:
    assert is_latest_first(group) is (
        group not in (Group.ACTIVE, Group.OUTSIDE, Group.PENDING, Group.SCHEDULED, Group.READY)
    )
