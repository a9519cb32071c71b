from __future__ import annotations

import re

import pytest

from tests.harness.domain.documents import read_document, table_rows
from tidegate.domain.states import MARKABLE, TERMINAL, TRANSITIONS, Group, State, group_of, groups_of

ARROW = re.compile(r"^\s*(\[\*\]|[A-Z_]+) --> (\[\*\]|[A-Z_]+)", re.MULTILINE)
INITIAL = {State.PENDING, State.SCHEDULED, State.READY}


def test_the_diagram_draws_the_table() -> None:
    drawn = ARROW.findall(read_document("reference/states.md"))
    transitions = [(State(a), State(b)) for a, b in drawn if "[*]" not in (a, b)]
    assert len(transitions) == len(set(transitions))
    assert set(transitions) == {(state, to) for state, targets in TRANSITIONS.items() for to in targets}
    assert {State(b) for a, b in drawn if a == "[*]"} == INITIAL
    assert {State(a) for a, b in drawn if b == "[*]"} == TERMINAL


def test_the_document_explains_every_state() -> None:
    assert [row[0] for row in table_rows(read_document("reference/states.md"), "state")] == [
        state.value for state in State
    ]


def test_the_table_knows_every_state() -> None:
    assert set(TRANSITIONS) == set(State)


def test_what_has_ended_is_left_by_reopening_and_an_end_without_success_by_a_mark_too() -> None:
    left = {state: TRANSITIONS[state] for state in TERMINAL}
    again = frozenset({State.PENDING})
    assert left == {
        **dict.fromkeys((State.FAILED, State.TIMED_OUT, State.CANCELLED), again | MARKABLE),
        State.SKIPPED: again | {State.SUCCEEDED},
        State.SUCCEEDED: again,
    }


@pytest.mark.parametrize("state", sorted(set(State) - TERMINAL))
def test_every_open_state_can_end_and_can_be_cancelled(state: State) -> None:
    assert State.CANCELLED in TRANSITIONS[state]


def test_every_state_can_be_reached() -> None:
    reached = set(INITIAL)
    frontier = set(INITIAL)
    while frontier:
        frontier = {to for state in frontier for to in TRANSITIONS[state]} - reached
        reached |= frontier
    assert reached == set(State)


def test_only_queued_and_running_share_a_group() -> None:
    assert group_of(State.QUEUED) is group_of(State.RUNNING) is Group.ACTIVE
    others = [group_of(state) for state in State if state not in (State.QUEUED, State.RUNNING)]
    assert len(set(others)) == len(others)
    assert {*others, Group.ACTIVE, Group.OUTSIDE} == set(Group)
    assert groups_of(State.RUNNING) == (Group.ACTIVE, Group.OUTSIDE)
    assert all(groups_of(state) == (group_of(state),) for state in State if state is not State.RUNNING)
