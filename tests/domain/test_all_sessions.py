"""The counts of a worker id outlive its sessions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tidegate.domain.workers import PRESENT, AllSessions, Slots, Totals, WorkerSpec, WorkerState, begin

NOW_MS = 1_796_112_000_000
SPEC = WorkerSpec("ecs", "w", "host-a", slots=4)
FIRST = replace(begin(SPEC, "S1", NOW_MS), running=2, totals=Totals(9, 5, 2, 1))


def test_a_first_session_counts_for_itself() -> None:
    assert begin(SPEC, "S1", NOW_MS).earlier is None
    assert FIRST.all_sessions == AllSessions(NOW_MS, 1, Totals(9, 5, 2, 1), lost=0)


def test_the_next_session_carries_on_the_counts_of_one_that_left() -> None:
    left = replace(FIRST, state=WorkerState.INACTIVE)
    second = begin(SPEC, "S2", NOW_MS + 1_000, standing=left)
    assert (second.totals, second.running) == (Totals(), 0)
    first_slots = Slots(4, NOW_MS, FIRST.heartbeat_at_ms)
    assert second.earlier == AllSessions(NOW_MS, 1, Totals(9, 5, 2, 1), lost=0, latest=(first_slots,))
    second = replace(second, totals=Totals(1, 1, 0, 0), heartbeat_at_ms=NOW_MS + 1_500)
    assert second.all_sessions == AllSessions(NOW_MS, 2, Totals(10, 6, 2, 1), lost=0)
    third = begin(SPEC, "S3", NOW_MS + 2_000, standing=replace(second, state=WorkerState.INACTIVE))
    slots = (first_slots, Slots(4, NOW_MS + 1_000, NOW_MS + 1_500))
    assert third.all_sessions == AllSessions(NOW_MS, 3, Totals(10, 6, 2, 1), lost=0)
    assert third.earlier is not None
    assert third.earlier.latest == slots


@pytest.mark.parametrize("state", [*sorted(PRESENT), WorkerState.LOST])
def test_what_a_session_ran_that_did_not_leave_is_lost(state: WorkerState) -> None:
    ended = replace(FIRST, state=state)
    assert ended.all_sessions.lost == (2 if state is WorkerState.LOST else 0)
    assert begin(SPEC, "S2", NOW_MS + 1_000, standing=ended).all_sessions.lost == 2
