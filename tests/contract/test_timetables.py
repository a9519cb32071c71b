"""Every store of timetables behaves the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.contract.stores import NOW_MS, Stores
from tidegate.domain.timetables.timetable import (
    Cause,
    Cron,
    Due,
    Every,
    Missed,
    Overlap,
    Run,
    RunOutcome,
    Subject,
    SubmissionKind,
    Template,
    TemplateType,
    Timetable,
)
from tidegate.domain.type_facts import TypeFacts

MINUTE_MS = 60_000
ID = "01KATDPGZ8M5B6W2Y3Q7RVXN4C"
OTHER = "01KATDPGZ8M5B6W2Y3Q7RVXN4D"
RICH = Timetable(
    timetable_id=ID,
    version=1,
    owner="arn:aws:iam::123456789012:user/ann",
    recurrence=Cron("0 6 * * MON-FRI", "Europe/Berlin"),
    kind=SubmissionKind.WORKFLOW,
    template_id="T1",
    job_types={
        "a.b": TemplateType(TypeFacts(second_attempt=True)),
        "ü": TemplateType(TypeFacts(needs_process=True), "ecs"),
    },
    from_ms=NOW_MS,
    created_at_ms=NOW_MS,
    changed_at_ms=NOW_MS + 1,
    changed_by="arn:aws:iam::123456789012:user/ben",
    fingerprint="f" * 64,
    name="nightly",
    start_ms=NOW_MS + 2,
    end_ms=NOW_MS + 3,
    jitter_seconds=30,
    missed=Missed.ALL,
    grace_seconds=120,
    overlap=Overlap.CANCEL,
    is_paused=True,
)
PLAIN = replace(
    RICH,
    timetable_id=OTHER,
    owner=None,
    changed_by=None,
    name=None,
    start_ms=None,
    end_ms=None,
    recurrence=Every(60, NOW_MS),
    kind=SubmissionKind.JOB,
    is_paused=False,
)


def run(at_ms: int, outcome: RunOutcome = RunOutcome.SUBMITTED, **changes: object) -> Run:
    given = Run(
        timetable_id=ID,
        scheduled_ms=at_ms,
        cause=Cause.TIMETABLE,
        outcome=outcome,
        recorded_ms=NOW_MS,
        expires_at_s=NOW_MS // 1_000 + 86_400,
        subject=Subject(SubmissionKind.JOB, "J1"),
    )
    return replace(given, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("timetable", [RICH, PLAIN], ids=["rich", "plain"])
def test_a_timetable_is_read_as_it_was_written(stores: Stores, timetable: Timetable) -> None:
    assert stores.timetables.get(timetable.timetable_id) is None
    assert stores.timetables.insert_if_absent(timetable) is None
    assert stores.timetables.get(timetable.timetable_id) == timetable
    assert stores.timetables.insert_if_absent(replace(timetable, name="late")) == timetable
    assert stores.timetables.get_many([timetable.timetable_id, "X", timetable.timetable_id]) == {
        timetable.timetable_id: timetable
    }


def test_only_the_next_version_replaces_a_timetable(stores: Stores) -> None:
    stores.timetables.insert_if_absent(RICH)
    second = replace(RICH, version=2, is_paused=False)
    assert not stores.timetables.replace_if_unchanged(replace(RICH, version=3))
    assert stores.timetables.replace_if_unchanged(second)
    assert not stores.timetables.replace_if_unchanged(second)
    assert not stores.timetables.replace_if_unchanged(replace(PLAIN, version=2))
    assert stores.timetables.get(ID) == second


def test_a_timetable_is_removed_by_its_version_and_its_templates_after_it(stores: Stores) -> None:
    for timetable in (RICH, PLAIN):
        stores.timetables.insert_if_absent(timetable)
        stores.timetables.save_template(timetable.timetable_id, Template("T1", '{"type": "ü"}'))
    stores.timetables.save_template(ID, Template("T0", "{}"))
    assert not stores.timetables.remove_if_unchanged(replace(RICH, version=2))
    assert stores.timetables.remove_if_unchanged(RICH)
    assert not stores.timetables.remove_if_unchanged(RICH)
    for _ in range(2):
        stores.timetables.drop_templates(ID)
    assert stores.timetables.load_templates([RICH, replace(RICH, template_id="T0")]) == {}
    assert stores.timetables.load_templates([PLAIN, RICH]) == {OTHER: Template("T1", '{"type": "ü"}')}


def test_a_dropped_template_is_gone(stores: Stores) -> None:
    stores.timetables.save_template(ID, Template("T1", "{}"))
    for _ in range(2):
        stores.timetables.drop_template(ID, "T1")
    assert stores.timetables.load_templates([RICH]) == {}


def test_timetables_come_in_pages_by_their_ids(stores: Stores) -> None:
    for timetable in (PLAIN, RICH):
        stores.timetables.insert_if_absent(timetable)
    first = stores.timetables.page(limit=1)
    assert (first.timetables, first.next) == ((RICH,), ID)
    assert stores.timetables.page(limit=5, after=ID).timetables == (PLAIN,)
    assert stores.timetables.page(limit=5).next is None


def test_notes_are_due_from_their_time_on_the_earliest_first(stores: Stores) -> None:
    late, early = Due(NOW_MS, ID, 1, 5, 7), Due(NOW_MS - 1, OTHER, 2, 6, 8)
    stores.timetables.note_due([late, early, Due(NOW_MS + 1, OTHER, 1, 0, 0)])
    assert list(stores.timetables.due(NOW_MS, limit=9)) == [early, late]
    assert list(stores.timetables.due(NOW_MS, limit=1)) == [early]
    assert list(stores.timetables.due(NOW_MS - 2, limit=9)) == []


def test_only_the_note_that_was_read_is_dropped(stores: Stores) -> None:
    old = Due(NOW_MS, ID, 1, 0, NOW_MS)
    new = replace(old, version=2, noted_ms=NOW_MS + 1)
    stores.timetables.note_due([old])
    stores.timetables.note_due([new])
    stores.timetables.drop_due([old])
    assert list(stores.timetables.due(NOW_MS, limit=9)) == [new]
    for _ in range(2):
        stores.timetables.drop_due([new])
    assert list(stores.timetables.due(NOW_MS, limit=9)) == []


def test_runs_come_latest_first_and_in_pages(stores: Stores) -> None:
    missed = run(NOW_MS, RunOutcome.MISSED, count=7, subject=None)
    refused = run(NOW_MS + MINUTE_MS, RunOutcome.REFUSED, code="share-full", message="no room")
    manual = run(NOW_MS + MINUTE_MS, cause=Cause.MANUAL)
    workflow = run(NOW_MS + 2 * MINUTE_MS, subject=Subject(SubmissionKind.WORKFLOW, "W1"))
    stores.timetables.record([missed, refused, manual, workflow])
    assert stores.timetables.latest_runs([ID, OTHER], limit=9) == {
        ID: (workflow, manual, refused, missed),
        OTHER: (),
    }
    first = stores.timetables.runs(ID, limit=2)
    assert first.runs == (workflow, manual)
    assert stores.timetables.runs(ID, limit=2, after=first.next).runs == (refused, missed)
    assert stores.timetables.runs_at(ID, [NOW_MS, NOW_MS, NOW_MS + MINUTE_MS, 5]) == {
        NOW_MS: missed,
        NOW_MS + MINUTE_MS: refused,
    }


def test_the_first_record_of_a_time_stays_unless_it_submitted_nothing(stores: Stores) -> None:
    skipped, submitted = run(NOW_MS, RunOutcome.SKIPPED), run(NOW_MS)
    stores.timetables.record([skipped])
    stores.timetables.record([run(NOW_MS, RunOutcome.MISSED)])
    assert stores.timetables.runs_at(ID, [NOW_MS]) == {NOW_MS: skipped}
    stores.timetables.record([submitted])
    for later in (replace(submitted, recorded_ms=NOW_MS + 9), skipped):
        stores.timetables.record([later])
    assert stores.timetables.runs_at(ID, [NOW_MS]) == {NOW_MS: submitted}
