"""The recorder's function records what its stream brings, and its filter brings what it needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.functions.test_stream_filter import matches
from tests.harness.determined import StandingClock
from tests.harness.domain.job_samples import SAMPLES
from tests.harness.functions.api_calls import NOW_MS, SETTINGS, read_event
from tests.harness.stream_filters import filters_of
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.adapters.dynamodb.stream import changes_from
from tidegate.bootstrap import Meter, RecorderDeps
from tidegate.domain.changes import JobChange
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import HistoryEntry
from tidegate.domain.pulses import Part
from tidegate.domain.rank import RankPolicy
from tidegate.domain.states import TERMINAL, TRANSITIONS, State
from tidegate.domain.submission import Phase, Submission
from tidegate.domain.verdicts import FinishVerdict, Judgement
from tidegate.domain.workers import PRESENT, WorkerState
from tidegate.entry import recorder
from tidegate.ports import Reminder
from tidegate.usecases.record.publish import event_of_job
from tidegate.usecases.release.decisions import ACTOR
from tidegate.usecases.release.free_skipped import REASON

MOST_PATTERNS = 5  # Lambda quotas: filters of an event source
CODEC = JobCodec(shards=4, rank_policy=RankPolicy())
# One pattern holds several transitions, so these come in vain.
IN_VAIN = {(State.SCHEDULED, State.SCHEDULED), (State.QUEUED, State.QUEUED)}


class Fixture:
    """A deployment with the workflow of the event's jobs."""

    def __init__(self) -> None:
        self.services, self.world = memory_services(SETTINGS, MemoryWorld(shards=2, now_ms=NOW_MS))
        self.deps = RecorderDeps(self.services, StandingClock(NOW_MS), Meter(), changes_from)
        self.event = read_event("recorder-stream")
        self.jobs = [change.new for change in changes_from(self.event["Records"]).jobs]
        self.workflow_id = str(self.jobs[0].workflow_id)
        self.world.submissions[self.workflow_id] = Submission(
            submission_id=self.workflow_id,
            phase=Phase.COMPLETE,
            job_count=3,
            fingerprint="f",
            created_at_ms=NOW_MS,
        )

    def states(self) -> tuple[State, ...]:
        return self.world.segments[self.workflow_id, 0].states


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_the_stream_is_recorded_and_the_same_event_again_changes_nothing(fixture: Fixture) -> None:
    for _ in range(2):
        assert recorder.handle(fixture.event, fixture.deps) == {"batchItemFailures": []}
        assert fixture.states() == (State.SUCCEEDED, State.READY, State.PENDING)
        assert fixture.world.segments[fixture.workflow_id, 0].version == 1


def test_the_reminder_of_a_job_that_was_freed_is_left(fixture: Fixture) -> None:
    freed = HistoryEntry(NOW_MS, State.PENDING, 0, ACTOR, REASON)
    job = replace(fixture.jobs[1], finish_by_ms=NOW_MS + 60_000, history=(freed,))
    images = {"OldImage": CODEC.whole_item(fixture.jobs[1]), "NewImage": CODEC.whole_item(job)}
    event = {"Records": [{"eventName": "MODIFY", "dynamodb": images}]}
    assert recorder.handle(event, fixture.deps) == {"batchItemFailures": []}
    left = Reminder(NOW_MS + 60_000, fixture.workflow_id)
    assert fixture.services.submissions.list_reminders(limit=9) == (left,)


def test_a_record_that_can_not_be_read_blocks_no_other(fixture: Fixture) -> None:
    poison = {"eventName": "MODIFY", "dynamodb": {"NewImage": {"job_id": {"S": "secret"}}}}
    event = {"Records": [poison, *fixture.event["Records"]]}
    assert recorder.handle(event, fixture.deps) == {"batchItemFailures": []}
    assert fixture.states()[0] is State.SUCCEEDED


def test_a_failing_store_fails_the_batch_so_that_it_comes_again(fixture: Fixture) -> None:
    def fail(_request: str) -> None:
        raise ServiceUnavailable("x")

    fixture.world.on_request = fail
    with pytest.raises(ServiceUnavailable):
        recorder.handle(fixture.event, fixture.deps)


@pytest.mark.parametrize(
    ("event", "source", "types"),
    [
        ("recorder-stream", "RecorderStream", ["job.ended"]),
        ("recorder-submissions", "RecorderSubmissionsStream", ["workflow.ended", "deadline.at-risk"]),
        ("recorder-workers", "RecorderWorkersStream", ["worker.lost"]),
    ],
)
def test_where_the_stack_has_a_bus_each_stream_is_told(event: str, source: str, types: list[str]) -> None:
    settings = replace(SETTINGS, event_bus="tidegate-events")
    services, world = memory_services(settings, MemoryWorld(shards=2, now_ms=NOW_MS))
    deps = RecorderDeps(services, StandingClock(NOW_MS), Meter(), changes_from)
    batch = read_event(event)
    for record in batch["Records"]:
        assert any(matches(pattern, record) for pattern in filters_of(source, publishes=True))
    for times in (1, 2):
        assert recorder.handle(batch, deps) == {"batchItemFailures": []}
        assert [told.type for told in world.events] == types * times
        assert len({told.id for told in world.events}) == len(types)
    assert (Part.RECORD in world.pulses) is (source == "RecorderStream")


@pytest.mark.parametrize(("before", "after"), [(old, new) for old in WorkerState for new in WorkerState])
def test_the_filter_of_workers_brings_the_mark_of_the_reaper_alone(
    before: WorkerState, after: WorkerState
) -> None:
    images = {"OldImage": {"state": {"S": before.value}}, "NewImage": {"state": {"S": after.value}}}
    record = {"eventName": "MODIFY", "dynamodb": images}
    wanted = after is WorkerState.LOST and before in PRESENT
    assert any(matches(each, record) for each in filters_of("RecorderWorkersStream")) is wanted


def comes(change: JobChange, *, publishes: bool = False) -> bool:
    images = {"NewImage": CODEC.whole_item(change.new)}
    if change.old is not None:
        images["OldImage"] = CODEC.whole_item(change.old)
    record = {"eventName": "INSERT" if change.old is None else "MODIFY", "dynamodb": images}
    filters = filters_of("RecorderStream", publishes=publishes)
    assert len(filters) <= MOST_PATTERNS
    return any(matches(pattern, record) for pattern in filters)


# A later write to such a job comes too, with the corrections of an end, and alters nothing.
KEPT = {(state, state) for state in TERMINAL}
PAIRS: list[tuple[State | None, State]] = [
    *((None, state) for state in (State.PENDING, State.SCHEDULED, State.READY)),
    *((state, state) for state in State),
    *((state, to) for state in State for to in sorted(TRANSITIONS[state])),
]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_filter_brings_the_changes_of_states_of_workflows_jobs_and_nothing_else(
    before: State | None, after: State
) -> None:
    old = None if before is None else replace(SAMPLES[before], key="a")
    change = JobChange(old, replace(SAMPLES[after], key="a"))
    wanted = change.concerns_recorder or (before, after) in IN_VAIN | KEPT
    assert comes(change) is wanted
    assert comes(change, publishes=True) is wanted
    alone = JobChange(
        None if old is None else replace(old, job_id="S", key=None), replace(change.new, job_id="S", key=None)
    )
    assert not comes(alone)
    assert not alone.concerns_recorder
    if event_of_job(alone) is not None:
        assert comes(alone, publishes=True)


@pytest.mark.parametrize("state", sorted(set(State) - TERMINAL))
def test_where_events_are_published_the_filter_brings_verdicts_of_all_jobs(state: State) -> None:
    job = replace(SAMPLES[state], job_id="S", key=None, finish_by_ms=NOW_MS)
    judged = replace(job, judgements=(Judgement(NOW_MS, FinishVerdict.AT_RISK, 0.2),))
    change = JobChange(job, judged)
    assert event_of_job(change) is not None
    assert comes(change, publishes=True)
    assert not comes(change)
    assert not comes(JobChange(job, replace(job, amended=1)), publishes=True) or state is State.SCHEDULED
