"""A fact that is told again has the same id, and no two facts have one."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.harness.domain.event_samples import (
    AT_RISK,
    EVENTS_OUT,
    JOB,
    JOB_AT_RISK,
    NOW_MS,
    SUBMISSION,
    SUMMARY,
    WORKER,
)
from tidegate.domain.events import (
    EventType,
    WorkflowFacts,
    job_at_risk,
    job_ended,
    worker_lost,
    workflow_at_risk,
    workflow_ended,
)
from tidegate.domain.progress import WorkflowState
from tidegate.domain.states import State
from tidegate.domain.verdicts import FinishVerdict

ALL = [*EVENTS_OUT.values(), JOB_AT_RISK]


def test_there_is_a_sample_of_each_type() -> None:
    assert {event.type for event in EVENTS_OUT.values()} == set(EventType)


def test_ids_differ_and_have_no_dot() -> None:
    ids = [event.id for event in ALL]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("evt_[0-9a-f]{32}", each) for each in ids)


def test_the_same_fact_has_the_same_id_whatever_was_written_since() -> None:
    assert job_ended(replace(JOB, expires_at_s=1, attempt=9)).id == job_ended(JOB).id
    assert (
        workflow_ended(replace(SUBMISSION, on_hold=True), SUMMARY).id
        == workflow_ended(SUBMISSION, SUMMARY).id
    )
    assert worker_lost(replace(WORKER, expires_at_s=1)).id == worker_lost(WORKER).id
    assert job_at_risk(replace(JOB, attempt=9), NOW_MS, AT_RISK).id == job_at_risk(JOB, NOW_MS, AT_RISK).id


def test_another_fact_has_another_id() -> None:
    again = replace(JOB, reopened=1), replace(JOB, state=State.SUCCEEDED), replace(JOB, job_id="S")
    assert len({job_ended(each).id for each in (JOB, *again)}) == 4
    assert (
        workflow_ended(SUBMISSION, replace(SUMMARY, version=8)).id != workflow_ended(SUBMISSION, SUMMARY).id
    )
    assert worker_lost(replace(WORKER, heartbeat_at_ms=NOW_MS)).id != worker_lost(WORKER).id
    later = replace(AT_RISK, judged_at_ms=NOW_MS), replace(AT_RISK, verdict=FinishVerdict.MISSED)
    ids = {workflow_at_risk(SUBMISSION, NOW_MS, each).id for each in (AT_RISK, *later)}
    assert len({*ids, workflow_at_risk(SUBMISSION, NOW_MS + 1, AT_RISK).id}) == 4


def test_a_workflow_on_hold_that_is_at_risk_is_held() -> None:
    event = workflow_at_risk(replace(SUBMISSION, on_hold=True), NOW_MS, AT_RISK)
    assert isinstance(event.subject, WorkflowFacts)
    assert event.subject.state is WorkflowState.HELD
    assert event.subject.job_counts is None


def test_a_lost_worker_is_dated_by_the_mark() -> None:
    assert worker_lost(WORKER).at_ms == NOW_MS
