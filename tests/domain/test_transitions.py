from __future__ import annotations

import inspect
from contextlib import suppress
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.domain.job_samples import NOW_MS, RUNNING, SAMPLES
from tests.harness.domain.transition_case import Case
from tests.harness.domain.transition_cases import CASES
from tests.harness.domain.worker_cases import CANCELLED, STAMP
from tidegate.domain import limits, transitions
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import TERMINAL, TRANSITIONS, State
from tidegate.domain.transitions import (
    FinishIfAttemptHolds,
    KeepIfEnded,
    MarkUnlessDispatched,
    NoteDependents,
    NoteJudgementIfOpen,
    ReopenIfEnded,
    RerunUnlessDispatched,
    Stamp,
    Transition,
    TransitionRefused,
)

STAY = (KeepIfEnded, NoteDependents, NoteJudgementIfOpen)  # they leave the job in its state
REFUSALS = [
    pytest.param(case.transition, job, id=f"{case} {why}")
    for case in CASES
    for why, job in case.refused.items()
]
TIMES = st.none() | st.integers(NOW_MS - 40_000, NOW_MS + 40_000)
JOBS = st.builds(
    lambda state, changes: replace(SAMPLES[state], **changes),
    st.sampled_from(State),
    st.fixed_dictionaries(
        {
            "attempt": st.integers(0, 4),
            "tries": st.integers(0, 4),
            "worker_losses": st.integers(0, limits.MAX_WORKER_LOSSES),
            "waiting_on": st.frozensets(st.integers(0, 2)),
            "retry": st.builds(RetryPolicy, max_retries=st.integers(0, 4)),
            "not_before_ms": TIMES,
            "due_at_ms": TIMES,
            "sent_at_ms": TIMES,
            "lease_expires_at_ms": TIMES,
            "cancel_requested_at_ms": TIMES,
        }
    ),
)


def without_history(job: Job) -> Job:
    return replace(job, history=())


def test_every_transition_has_a_case() -> None:
    defined = {
        each
        for _, each in inspect.getmembers(transitions, inspect.isclass)
        if issubclass(each, Transition) and "name" in vars(each)
    }
    assert defined - {Transition} == {type(case.transition) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_transition_changes_its_job_as_its_case_says(case: Case) -> None:
    changed = case.transition.apply(case.job)
    assert case.transition.job_id == case.job.job_id
    assert without_history(changed) == without_history(case.after)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_history_grows_by_every_transition_and_by_nothing_else(case: Case) -> None:
    earlier = HistoryEntry(NOW_MS - 1, State.READY, 0, "somebody")
    changed = case.transition.apply(replace(case.job, history=(earlier,)))
    begun_again = changed.attempt != case.job.attempt or changed.reopened != case.job.reopened
    if case.after.state is case.job.state and not begun_again:
        assert changed.history == (earlier,)
    else:
        # Each READY time of a job is later than the one before, whatever the clocks say, and its history gives it.
        at_ms = (changed.ready_at_ms or 0) if changed.state is State.READY else NOW_MS
        entry = HistoryEntry(at_ms, changed.state, changed.attempt, "tester", "because")
        assert changed.history == (earlier, entry)


@pytest.mark.parametrize(("transition", "job"), REFUSALS)
def test_each_broken_condition_is_refused_with_the_job_as_it_stands(transition: Transition, job: Job) -> None:
    with pytest.raises(TransitionRefused) as refused:
        transition.apply(job)
    assert refused.value.job is job
    assert refused.value.transition == transition.name
    assert str(refused.value).startswith(f"{transition.name} refused for job S.1: ")


@pytest.mark.parametrize("case", CASES, ids=str)
@given(job=JOBS)
def test_whatever_the_job_only_transitions_of_the_table_are_made(case: Case, job: Job) -> None:
    try:
        changed = case.transition.apply(job)
    except TransitionRefused:
        return
    assert job.state not in TERMINAL or isinstance(
        case.transition, (ReopenIfEnded, RerunUnlessDispatched, MarkUnlessDispatched, *STAY)
    )
    recorded = len(changed.history) > len(job.history)
    assert changed.state in TRANSITIONS[job.state] if recorded else changed.state is job.state
    assert changed.attempt - job.attempt in (0, 1)


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case.transition, STAY)], ids=str)
@given(job=JOBS)
def test_what_is_noted_on_a_job_leaves_it_where_it_is(case: Case, job: Job) -> None:
    with suppress(TransitionRefused):
        changed = case.transition.apply(job)
        noted = {"dependents_overflow", "watch_start", "expires_at_s"}
        assert {
            each.name for each in fields(job) if getattr(job, each.name) != getattr(changed, each.name)
        } <= noted


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in CASES
        if case.job.state not in TERMINAL and not isinstance(case.transition, (RerunUnlessDispatched, *STAY))
    ],
    ids=str,
)
@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_nothing_but_what_callers_ask_for_changes_a_job_that_has_ended(case: Case, state: State) -> None:
    job = replace(case.job, state=state)
    with pytest.raises(TransitionRefused):
        case.transition.apply(job)


def test_each_pair_of_states_of_the_table_has_a_transition() -> None:
    made = {(case.job.state, case.after.state) for case in CASES if case.job != case.after}
    table = {(state, to) for state, targets in TRANSITIONS.items() for to in targets}
    assert table <= made


@given(st.lists(st.sampled_from(CASES), max_size=12), JOBS)
def test_attempts_and_history_never_go_back(cases: list[Case], job: Job) -> None:
    for case in cases:
        try:
            changed = case.transition.apply(job)
        except TransitionRefused:
            continue
        assert changed.attempt >= job.attempt
        assert changed.history[: len(job.history)] == job.history
        job = changed


def test_an_attempt_ends_once() -> None:
    finish = FinishIfAttemptHolds(RUNNING, 2, CANCELLED, STAMP)
    ended = finish.apply(RUNNING)
    with pytest.raises(TransitionRefused, match="it is CANCELLED at attempt 2"):
        FinishIfAttemptHolds(RUNNING, 2, CANCELLED, Stamp(NOW_MS + 1, "late")).apply(ended)
