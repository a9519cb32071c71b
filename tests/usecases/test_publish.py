"""The recorder tells each fact at least once, under one id, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.domain.event_samples import AT_RISK, JOB, NOW_MS, SUBMISSION, SUMMARY, WORKER
from tests.harness.functions.api_calls import SETTINGS
from tidegate.domain.changes import Changes, JobChange, WorkflowChange
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.events import Event, EventType, job_ended, worker_lost, workflow_ended
from tidegate.domain.job import Job
from tidegate.domain.progress import Summary, WorkflowState
from tidegate.domain.states import TERMINAL, State
from tidegate.domain.submission import Submission
from tidegate.domain.verdicts import FinishVerdict, Judgement
from tidegate.domain.workflow_record import WorkflowRecord
from tidegate.settings import Settings
from tidegate.usecases.record.follow import follow_changes
from tidegate.usecases.record.publish import event_of_job, events_of, publish
from tidegate.usecases.services import Services

WITH_BUS = replace(SETTINGS, event_bus="tidegate-events")
ALONE = replace(JOB, job_id="01KATDPGZ8M5B6W2Y3Q7RVXN4E", key=None)
RUNNING = replace(ALONE, state=State.RUNNING, finished_at_ms=None, failure=None)
ENDED = JobChange(RUNNING, ALONE)
ON_COURSE = replace(AT_RISK, judged_at_ms=NOW_MS - 9_000, verdict=FinishVerdict.ON_COURSE)
BEFORE = Summary(WorkflowState.RUNNING, 6, {State.RUNNING: 3})


def system(settings: Settings = WITH_BUS) -> tuple[Services, MemoryWorld]:
    return memory_services(settings, MemoryWorld(now_ms=NOW_MS))


def workflow(
    old: Summary | None, new: Summary | None, submission: Submission = SUBMISSION, **changes: object
) -> WorkflowChange:
    return WorkflowChange(
        WorkflowRecord(submission, old),
        WorkflowRecord(replace(submission, **changes), new),  # type: ignore[arg-type]  # fields of a submission
    )


def told(change: WorkflowChange) -> list[EventType]:
    return [event.type for event in events_of(Changes(workflows=(change,)))]


def test_a_stack_without_a_bus_asks_for_nothing() -> None:
    services, world = system(SETTINGS)
    assert publish(services, Changes((ENDED,), lost=(WORKER,))) == 0
    assert not world.requests


def test_changes_without_an_event_ask_for_nothing() -> None:
    services, world = system()
    assert publish(services, Changes((JobChange(None, RUNNING),))) == 0
    assert not world.requests


def test_each_kind_of_change_is_told() -> None:
    services, world = system()
    changes = Changes((ENDED,), workflows=(workflow(BEFORE, SUMMARY),), lost=(WORKER,))
    assert follow_changes(services, changes, now_ms=NOW_MS).events == 3
    assert world.events == [job_ended(ALONE), workflow_ended(SUBMISSION, SUMMARY), worker_lost(WORKER)]


def test_a_change_that_a_batch_brings_twice_is_told_once() -> None:
    services, world = system()
    assert publish(services, Changes((ENDED, ENDED))) == 1
    assert publish(services, Changes((ENDED,))) == 1
    assert [event.id for event in world.events] == [job_ended(ALONE).id] * 2


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_an_end_is_told_once_and_no_later_write_to_the_job(state: State) -> None:
    ended = replace(ALONE, state=state)
    assert event_of_job(JobChange(RUNNING, ended)) == job_ended(ended)
    assert event_of_job(JobChange(None, ended)) == job_ended(ended)  # the job before could not be read
    assert event_of_job(JobChange(ended, replace(ended, expires_at_s=9))) is None


def test_a_corrected_end_and_the_end_of_another_life_are_told_too() -> None:
    corrected = replace(ALONE, state=State.SUCCEEDED)
    again = replace(ALONE, reopened=1)
    ids = {
        event.id
        for change in (ENDED, JobChange(ALONE, corrected), JobChange(ALONE, again))
        if (event := event_of_job(change)) is not None
    }
    assert len(ids) == 3


VERDICTS: list[tuple[tuple[Judgement, ...], tuple[Judgement, ...], bool]] = [
    ((), (AT_RISK,), True),
    ((), (ON_COURSE,), False),
    ((ON_COURSE,), (ON_COURSE, AT_RISK), True),
    ((AT_RISK,), (AT_RISK, replace(AT_RISK, judged_at_ms=NOW_MS, verdict=FinishVerdict.MISSED)), True),
    ((AT_RISK,), (AT_RISK,), False),
    ((AT_RISK,), (AT_RISK, replace(ON_COURSE, judged_at_ms=NOW_MS)), False),
    ((AT_RISK,), (), False),
]


@pytest.mark.parametrize(("before", "after", "is_told"), VERDICTS)
def test_each_verdict_but_on_course_is_told_when_it_is_noted(
    before: tuple[Judgement, ...], after: tuple[Judgement, ...], is_told: bool
) -> None:
    def judged(job: Job, judgements: tuple[Judgement, ...]) -> Job:
        return replace(job, judgements=judgements)

    event = event_of_job(JobChange(judged(RUNNING, before), judged(RUNNING, after)))
    assert (event is not None) is is_told
    change = workflow(None, None, replace(SUBMISSION, judgements=before), judgements=after)
    assert told(change) == ([EventType.DEADLINE_AT_RISK] if is_told else [])
    if event is not None:
        assert event.deadline is not None
        assert (event.at_ms, event.deadline.verdict) == (after[-1].judged_at_ms, after[-1].verdict)
        assert event.deadline.finish_by_ms == RUNNING.finish_by_ms


def test_a_verdict_without_a_time_is_not_told() -> None:
    timeless = replace(RUNNING, finish_by_ms=None, judgements=(AT_RISK,))
    assert event_of_job(JobChange(RUNNING, timeless)) is None
    assert told(workflow(None, None, replace(SUBMISSION, finish_by_ms=None), judgements=(AT_RISK,))) == []


ENDS: list[tuple[Summary | None, Summary | None, bool]] = [
    (None, SUMMARY, True),
    (BEFORE, SUMMARY, True),
    (SUMMARY, replace(SUMMARY, version=8), False),  # the same end, summed up again
    (SUMMARY, replace(SUMMARY, version=8, state=WorkflowState.SUCCEEDED), True),
    (SUMMARY, replace(SUMMARY, version=9, ended_at_ms=NOW_MS), True),
    (SUMMARY, replace(BEFORE, version=8), False),
    (None, None, False),
]


@pytest.mark.parametrize(("before", "after", "is_told"), ENDS)
def test_an_end_of_a_workflow_is_told_once(
    before: Summary | None, after: Summary | None, is_told: bool
) -> None:
    assert told(workflow(before, after)) == ([EventType.WORKFLOW_ENDED] if is_told else [])
    alone = WorkflowChange(None, WorkflowRecord(SUBMISSION, after))
    ended = after is not None and after.state is not WorkflowState.RUNNING
    assert told(alone) == ([EventType.WORKFLOW_ENDED] if ended else [])


@pytest.mark.parametrize("failing", ["put_events", "get_workflows"])
def test_neither_the_bus_nor_the_stores_keep_the_other_back(failing: str) -> None:
    services, world = system()
    world.submissions[SUBMISSION.submission_id] = SUBMISSION
    change = JobChange(replace(JOB, state=State.RUNNING), JOB)

    def fail(request: str) -> None:
        if request == failing:
            raise ServiceUnavailable("x")

    def repeated(check: Callable[[], object]) -> None:
        with pytest.raises(ServiceUnavailable):
            follow_changes(services, Changes((change,)), now_ms=NOW_MS)
        assert check()

    world.on_request = fail
    repeated(lambda: world.segments if failing == "put_events" else world.events)
    world.on_request = lambda _request: None
    follow_changes(services, Changes((change,)), now_ms=NOW_MS)
    events: list[Event] = world.events
    assert {event.id for event in events} == {job_ended(JOB).id}
    assert world.segments


def test_a_heartbeat_of_a_judged_job_is_neither_told_nor_recorded() -> None:
    services, world = system()
    job = replace(JOB, state=State.RUNNING, judgements=(AT_RISK,))
    change = JobChange(job, replace(job, lease_expires_at_ms=NOW_MS))
    assert follow_changes(services, Changes((change,)), now_ms=NOW_MS).events == 0
    assert not world.requests
