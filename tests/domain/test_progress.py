"""The progress of a workflow is the same in whatever order, and however often, the changes of its jobs arrive."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.domain.job_lives import START_MS, submitted, way_of
from tests.harness.domain.job_samples import SAMPLES
from tidegate.domain.job import Job
from tidegate.domain.progress import (
    RECENT_CHANGES,
    SEGMENT_JOBS,
    Segment,
    WorkflowState,
    mark,
    mark_of,
    new_segment,
    place_of,
    recorded,
    segments_of,
    summary_of,
    word_of,
)
from tidegate.domain.states import State

JOBS = 4


def in_order(segment: Segment, jobs: list[Job]) -> Segment:
    for job in jobs:
        segment = recorded(segment, [job])
    return segment


@given(st.integers(0, 1 << 32))
@settings(max_examples=300)
def test_every_transition_raises_the_mark_of_its_job(seed: int) -> None:
    draw = random.Random(seed)
    first = draw.choice((State.PENDING, State.READY, State.SCHEDULED))
    way = way_of(submitted("W.0", first), draw, 40)
    marks = [mark_of(job) for job in way]
    assert all(before < after for before, after in itertools.pairwise(marks))


@given(st.integers(0, 1 << 32))
@settings(max_examples=200)
def test_batches_that_come_doubled_torn_or_out_of_order_leave_the_same_progress(seed: int) -> None:
    draw = random.Random(seed)
    ways = [way_of(submitted(f"W.{index}"), draw, draw.randrange(1, 25)) for index in range(JOBS)]
    records = [job for way in ways for job in way]
    records += draw.choices(records, k=len(records) // 2)
    draw.shuffle(records)
    segment = new_segment("W", 0, JOBS)
    while records:
        size = draw.randrange(1, 10)
        batch, records = records[:size], records[size:]
        for piece in (batch[: draw.randrange(size)], batch, batch[draw.randrange(size) :]):
            segment = recorded(segment, piece)
    assert segment.states == tuple(way[-1].state for way in ways)
    claims = [
        each.at_ms for way in ways for job in way for each in job.history if each.state is State.RUNNING
    ]
    assert segment.started_at_ms == min(claims, default=None)
    ends = [job.finished_at_ms for way in ways for job in way if job.finished_at_ms is not None]
    assert segment.ended_at_ms == max(ends, default=None)


def test_what_is_known_already_makes_no_new_version() -> None:
    way = way_of(submitted("W.1"), random.Random(7), 20)
    segment = in_order(new_segment("W", 0, 3), way)
    assert segment.version > 1
    for job in way:
        assert recorded(segment, [job]) is segment
    assert recorded(segment, way) is segment
    assert recorded(segment, []) is segment


def test_a_batch_makes_one_version_whatever_its_size() -> None:
    jobs = [submitted(f"W.{index}", State.READY) for index in range(30)]
    assert recorded(new_segment("W", 0, 30), jobs).version == 1


def test_jobs_have_their_places_in_segments() -> None:
    assert place_of("W") is None
    assert place_of("W.0") == ("W", 0, 0)
    assert place_of(f"W.{SEGMENT_JOBS}") == ("W", 1, 0)
    assert place_of("W.9999") == ("W", 9_999 // SEGMENT_JOBS, 9_999 % SEGMENT_JOBS)
    assert [segments_of(count) for count in (1, SEGMENT_JOBS, SEGMENT_JOBS + 1, 10_000)] == [1, 1, 2, 20]
    assert len(new_segment("W", 1, SEGMENT_JOBS + 3).marks) == 3
    assert recorded(new_segment("W", 0, 2), [submitted("W.7", State.READY), submitted("W")]).version == 0


@given(st.integers(0, 1 << 32), st.integers(1, 60))
@settings(max_examples=100)
def test_the_changes_since_a_version_lead_from_it_to_the_present(seed: int, jobs: int) -> None:
    draw = random.Random(seed)
    versions = [new_segment("W", 0, jobs)]
    for index in range(jobs):
        for job in way_of(submitted(f"W.{index}"), draw, draw.randrange(1, 9)):
            after = recorded(versions[-1], [job])
            versions += [after] if after is not versions[-1] else []
    latest = versions[-1]
    for earlier in versions:
        changes = latest.changed_after(earlier.version)
        if changes is None:
            assert earlier.version < latest.recent_from
            continue
        states = list(earlier.states)
        for index, state in changes.items():
            states[index] = state
        assert tuple(states) == latest.states
    assert latest.changed_after(latest.version) == {}
    assert latest.changed_after(latest.version + 1) is None
    assert len(latest.recent) <= RECENT_CHANGES


def test_a_workflow_runs_until_every_job_has_ended_and_again_after_a_reopening() -> None:
    ended = [
        replace(SAMPLES[State.SUCCEEDED], job_id=f"W.{index}", finished_at_ms=START_MS + index)
        for index in (0, 1)
    ]
    segment = recorded(new_segment("W", 0, 2), ended[:1])
    assert summary_of([segment], 2).state is WorkflowState.RUNNING
    assert summary_of([segment], 2).ended_at_ms is None
    segment = recorded(segment, ended)
    summary = summary_of([segment], 2)
    assert (summary.state, summary.ended_at_ms) == (WorkflowState.SUCCEEDED, START_MS + 1)
    assert summary.counts == {State.SUCCEEDED: 2}
    reopened = replace(ended[1], state=State.PENDING, reopened=1, finished_at_ms=None)
    assert summary_of([recorded(segment, [reopened])], 2).state is WorkflowState.RUNNING
    assert summary_of([recorded(segment, [reopened])], 2).state.shown(on_hold=True) is WorkflowState.HELD
    assert summary.state.shown(on_hold=True) is WorkflowState.SUCCEEDED


def test_jobs_that_were_never_heard_of_are_pending() -> None:
    summary = summary_of([], 700)
    assert summary.counts == {State.PENDING: 700}
    assert (summary.state, summary.version) == (WorkflowState.RUNNING, 0)
    part = recorded(new_segment("W", 1, 700), [submitted("W.500", State.READY)])
    assert summary_of([part], 700).counts == {State.PENDING: 699, State.READY: 1}


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ("SUCCEEDED", "SUCCEEDED"),
        ("SUCCEEDED SKIPPED", "SUCCEEDED"),
        ("SUCCEEDED CANCELLED SKIPPED", "CANCELLED"),
        ("SUCCEEDED CANCELLED FAILED", "FAILED"),
        ("TIMED_OUT SUCCEEDED", "FAILED"),
        ("SKIPPED", "FAILED"),
        ("CANCELLED", "CANCELLED"),
        *(
            (f"FAILED SUCCEEDED {state}", "RUNNING")
            for state in ("PENDING", "SCHEDULED", "READY", "QUEUED", "RUNNING")
        ),
    ],
)
def test_one_word_says_how_a_workflow_is(states: str, word: str) -> None:
    assert word_of(Counter(map(State, states.split()))) is WorkflowState(word)


@pytest.mark.parametrize(
    ("state", "numbers"),
    [
        # The number of the life, the stage, the attempt, the time at which it became READY, and the place.
        ("PENDING", (3, 0, 0, 0, 0)),
        ("READY", (3, 1, 5, 7, 0)),
        ("RUNNING", (3, 1, 5, 7, 2)),
        ("SCHEDULED", (3, 1, 5, 7, 3)),
        ("FAILED", (3, 2, 0, 0, 0)),
        ("SKIPPED", (3, 2, 0, 0, 1)),
        ("SUCCEEDED", (3, 2, 0, 0, 2)),
    ],
)
def test_the_mark_of_a_first_and_of_a_last_state_needs_the_life_alone(
    state: str, numbers: tuple[int, ...]
) -> None:
    assert mark(State(state), 3, 5, 7) == (*numbers, state)


def test_a_job_begins_its_first_life_without_attempt_and_time() -> None:
    assert mark(State.READY) == mark(State.READY, 0, 0, 0)
    job = replace(SAMPLES[State.SCHEDULED], reopened=0, attempt=0, ready_at_ms=None)
    assert mark_of(job) == mark(State.SCHEDULED, 0, 0, 0)


def test_a_new_segment_has_its_names_and_a_job_for_each_number() -> None:
    segment = new_segment("W", 1, SEGMENT_JOBS + 3, 77)
    assert (segment.workflow_id, segment.number, segment.expires_at_s) == ("W", 1, 77)
    assert (segment.states, segment.version) == ((State.PENDING,) * 3, 0)
    assert new_segment("W", 1, SEGMENT_JOBS).states == ()
    assert len(new_segment("W", 0, SEGMENT_JOBS + 3).states) == SEGMENT_JOBS


def test_a_job_beyond_the_segment_is_passed_over_and_those_after_it_are_recorded() -> None:
    jobs = [submitted(job_id, State.READY) for job_id in ("W.2", "W", "W.1")]
    assert recorded(new_segment("W", 0, 2), jobs).states == (State.PENDING, State.READY)


def test_a_segment_forgets_the_changes_of_a_version_together() -> None:
    segment = recorded(
        new_segment("W", 0, RECENT_CHANGES + 9), [submitted(f"W.{n}", State.READY) for n in range(8)]
    )
    later = [submitted(f"W.{n}", State.READY) for n in range(8, RECENT_CHANGES + 1)]
    latest = recorded(segment, later)
    assert latest.recent_from == 1
    assert {change.version for change in latest.recent} == {2}
    assert latest.changed_after(0) is None
    assert latest.changed_after(1) == dict.fromkeys(range(8, RECENT_CHANGES + 1), State.READY)


def test_a_workflow_starts_with_its_first_claim_and_ends_with_its_last_end() -> None:
    parts = [
        replace(new_segment("W", number, 3 * SEGMENT_JOBS), started_at_ms=started, ended_at_ms=ended)
        for number, (started, ended) in enumerate([(30, 50), (20, 60), (None, None)])
    ]
    summary = summary_of(parts, 3 * SEGMENT_JOBS)
    assert (summary.started_at_ms, summary.ended_at_ms) == (20, None)
    assert summary_of(parts[2:], SEGMENT_JOBS).started_at_ms is None
    done = [replace(each, marks=(mark(State.SUCCEEDED),)) for each in parts]
    assert summary_of(done, 3).ended_at_ms == 60
