"""Every store of workflows behaves the same."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.contract.stores import Stores
from tidegate.domain.months import month_before, month_of
from tidegate.domain.progress import Summary, WorkflowState
from tidegate.domain.states import State
from tidegate.domain.submission import Phase, Submission
from tidegate.ports import WorkflowEntry, WorkflowRecord

DECEMBER_MS = 1_764_547_200_000  # 2025-12-01T00:00:00Z
DAY_MS = 86_400_000


def submission(number: int, created_at_ms: int, **changes: object) -> Submission:
    values: dict[str, object] = {
        "submission_id": f"W{number}",
        "phase": Phase.STAGING,
        "job_count": 3,
        "fingerprint": "f",
        "created_at_ms": created_at_ms,
    }
    return Submission(**{**values, **changes})  # type: ignore[arg-type]  # a bundle of keyword arguments


def test_months_follow_each_other() -> None:
    assert (month_of(DECEMBER_MS), month_of(DECEMBER_MS - 1)) == ("2025-12", "2025-11")
    assert (month_before("2025-12"), month_before("2026-01")) == ("2025-11", "2025-12")


def test_workflows_of_a_month_are_listed_newest_first(stores: Stores) -> None:
    created = {
        1: DECEMBER_MS - 1,
        2: DECEMBER_MS,
        3: DECEMBER_MS + 9,
        4: DECEMBER_MS + DAY_MS,
        5: DECEMBER_MS + 5,
    }
    for number, created_at_ms in created.items():
        assert stores.submissions.begin_if_absent(submission(number, created_at_ms)) is None
    entries = {number: WorkflowEntry(at_ms, f"W{number}") for number, at_ms in created.items()}

    def listed(
        month: str,
        limit: int = 9,
        after: int | None = None,
        from_ms: int = 0,
        to_ms: int = DECEMBER_MS * 2,
    ) -> list[WorkflowEntry]:
        behind = None if after is None else entries[after]
        found = stores.workflows.page(month, limit=limit, from_ms=from_ms, to_ms=to_ms, after=behind)
        return list(found)

    assert listed("2025-12") == [entries[each] for each in (4, 3, 5, 2)]
    assert listed("2025-11") == [entries[1]]
    assert listed("2025-10") == []
    assert listed("2025-12", limit=2) == [entries[4], entries[3]]
    assert listed("2025-12", limit=2, after=3) == [entries[5], entries[2]]
    assert listed("2025-12", after=2) == []
    assert listed("2025-12", from_ms=DECEMBER_MS + 5, to_ms=DECEMBER_MS + 9) == [entries[3], entries[5]]
    assert listed("2025-12", after=2, from_ms=DECEMBER_MS + 5) == []


def test_workflows_are_read_with_their_summaries(stores: Stores) -> None:
    first = submission(
        1, DECEMBER_MS, name="nightly", tags={"team": "data"}, critical_path_seconds=12.5, finish_by_ms=7
    )
    for each in (first, submission(2, DECEMBER_MS, critical_path_seconds=7)):
        stores.submissions.begin_if_absent(each)
    assert stores.workflows.get_many([]) == {}
    found = stores.workflows.get_many(["W1", "W2", "W3"], consistent=True)
    assert found["W1"] == WorkflowRecord(first, None)
    assert sorted(found) == ["W1", "W2"]
    ended = Summary(
        WorkflowState.FAILED, 7, {State.FAILED: 1, State.SKIPPED: 2}, DECEMBER_MS, DECEMBER_MS + 1
    )
    assert stores.workflows.note_if_newer("W1", ended)
    assert stores.workflows.get_many(["W1"])["W1"] == WorkflowRecord(first, ended)
    assert stores.submissions.set_phase_if("W1", Phase.STAGING, Phase.COMMITTED)
    assert stores.workflows.get_many(["W1"])["W1"].summary == ended


def test_an_older_summary_never_replaces_a_newer_one(stores: Stores) -> None:
    stores.submissions.begin_if_absent(submission(1, DECEMBER_MS))
    second = Summary(WorkflowState.RUNNING, 8, {State.READY: 3})
    assert stores.workflows.note_if_newer("W1", second)
    assert not stores.workflows.note_if_newer("W1", second)
    assert not stores.workflows.note_if_newer("W1", Summary(WorkflowState.FAILED, 7, {State.FAILED: 3}))
    assert stores.workflows.get_many(["W1"])["W1"].summary == second
    assert not stores.workflows.note_if_newer("W9", second), "a workflow that is gone stays gone"
    assert stores.workflows.get_many(["W9"]) == {}


def test_a_workflow_is_marked_as_on_hold_until_it_is_taken_off_or_ends(stores: Stores) -> None:
    first = submission(1, DECEMBER_MS)
    stores.submissions.begin_if_absent(first)

    def is_marked() -> bool:
        read = stores.submissions.get("W1")
        assert read is not None
        assert stores.workflows.get_many(["W1"])["W1"].submission == read
        assert replace(read, on_hold=False) == first
        return read.on_hold

    assert not is_marked()
    assert stores.workflows.mark_hold_if_present("W1", on_hold=True)
    assert is_marked()
    assert stores.workflows.mark_hold_if_present("W1", on_hold=False)
    assert not is_marked()
    stores.workflows.mark_hold_if_present("W1", on_hold=True)
    stores.workflows.note_if_newer("W1", Summary(WorkflowState.RUNNING, 1, {State.READY: 3}))
    assert is_marked(), "it runs again"
    stores.workflows.note_if_newer("W1", Summary(WorkflowState.CANCELLED, 2, {State.CANCELLED: 3}))
    assert not is_marked()
    assert not stores.workflows.mark_hold_if_present("W9", on_hold=True)
    assert stores.submissions.get("W9") is None, "a workflow that is gone stays gone"
