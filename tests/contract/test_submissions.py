"""Every submission store behaves the same."""

from __future__ import annotations

import os

import pytest

from tests.harness.contract.jobs import full_job, new_job
from tests.harness.contract.stores import NOW_MS, Stores
from tidegate.domain.dependency import DependencyType, Dependent
from tidegate.domain.errors import NotFound
from tidegate.domain.submission import ExternalEdge, Phase, Submission, SubmissionPlan
from tidegate.domain.verdicts import FinishVerdict, Judgement
from tidegate.ports import OpenSubmission, Reminder


def submission(number: int = 1, **changes: object) -> Submission:
    values: dict[str, object] = {
        "submission_id": f"W{number}",
        "phase": Phase.STAGING,
        "job_count": 3,
        "fingerprint": "f" * 64,
        "created_at_ms": NOW_MS + number,
        "name": "nightly",
        "submitted_by": "arn:aws:iam::123456789012:user/ann",
        "expires_at_s": 1_800_000_000,
    }
    return Submission(**{**values, **changes})  # type: ignore[arg-type]  # a bundle of keyword arguments


def test_a_submission_begins_once(stores: Stores) -> None:
    first = submission()
    assert stores.submissions.get("W1") is None
    assert stores.submissions.begin_if_absent(first) is None
    assert stores.submissions.begin_if_absent(submission(fingerprint="other")) == first
    assert stores.submissions.get("W1") == first
    nameless = submission(2, name=None, submitted_by=None, expires_at_s=None)
    stores.submissions.begin_if_absent(nameless)
    assert stores.submissions.get("W2") == nameless
    estimated = submission(3, usual_estimates={"text.count": 12.345, "a-b/c": 3.0})
    stores.submissions.begin_if_absent(estimated)
    assert stores.submissions.get("W3") == estimated


def test_a_phase_changes_only_from_the_expected_one(stores: Stores) -> None:
    stores.submissions.begin_if_absent(submission())
    set_phase_if = stores.submissions.set_phase_if
    assert not set_phase_if("W1", Phase.COMMITTED, Phase.COMPLETE)
    assert set_phase_if("W1", Phase.STAGING, Phase.COMMITTED)
    assert not set_phase_if("W1", Phase.STAGING, Phase.ABANDONED)
    assert stores.submissions.get("W1") == submission(phase=Phase.COMMITTED)
    assert set_phase_if("W1", Phase.COMMITTED, Phase.COMPLETE)
    assert stores.submissions.get("W1") == submission(phase=Phase.COMPLETE)
    assert not set_phase_if("W9", Phase.STAGING, Phase.COMMITTED)
    assert stores.submissions.get("W9") is None


def test_open_submissions_are_listed_oldest_first(stores: Stores) -> None:
    for number in (3, 1, 4, 2, 5):
        stores.submissions.begin_if_absent(submission(number))
    stores.submissions.set_phase_if("W1", Phase.STAGING, Phase.COMMITTED)
    stores.submissions.set_phase_if("W2", Phase.STAGING, Phase.COMMITTED)
    stores.submissions.set_phase_if("W2", Phase.COMMITTED, Phase.COMPLETE)
    stores.submissions.set_phase_if("W3", Phase.STAGING, Phase.ABANDONED)

    def listed(before_ms: int, limit: int, after: OpenSubmission | None = None) -> list[str]:
        found = stores.submissions.list_open(opened_before_ms=before_ms, limit=limit, after=after)
        return [each.submission_id for each in found]

    assert listed(NOW_MS + 5, 10) == ["W1", "W3", "W4"]
    assert listed(NOW_MS + 9, 2) == ["W1", "W3"]
    (first, *_) = stores.submissions.list_open(opened_before_ms=NOW_MS + 9, limit=2)
    assert listed(NOW_MS + 9, 2, first) == ["W3", "W4"]
    stores.submissions.set_phase_if("W1", Phase.COMMITTED, Phase.COMPLETE)
    assert listed(NOW_MS + 9, 2, first) == ["W3", "W4"]  # after one that is no longer open
    assert listed(NOW_MS + 1, 9, OpenSubmission(NOW_MS + 1, "W1")) == []
    assert listed(NOW_MS + 1, 9, OpenSubmission(NOW_MS + 7, "W7")) == []  # a clock that was set back


def test_what_was_removed_keeps_its_record_and_is_open_no_more(stores: Stores) -> None:
    stores.submissions.begin_if_absent(submission())
    assert not stores.submissions.set_phase_if("W1", Phase.ABANDONED, Phase.REMOVED)
    assert stores.submissions.set_phase_if("W1", Phase.STAGING, Phase.ABANDONED)
    assert stores.submissions.set_phase_if("W1", Phase.ABANDONED, Phase.REMOVED)
    assert stores.submissions.get("W1") == submission(phase=Phase.REMOVED)
    assert stores.submissions.begin_if_absent(submission()) == submission(phase=Phase.REMOVED)
    assert stores.submissions.list_open(opened_before_ms=NOW_MS * 2, limit=10) == ()


def test_a_plan_reads_back_whatever_its_size(stores: Stores) -> None:
    edges = tuple(ExternalEdge("01EARLIER.1", f"W1.{n}", n, DependencyType.MUST_START) for n in range(50))
    many = tuple(Dependent(f"W1.{n}", 0, DependencyType.CONDITIONAL) for n in range(3_000))
    incompressible = [
        new_job(f"W1.{n}", parameters={"noise": os.urandom(60_000).hex()}, dependents=many) for n in range(9)
    ]
    for plan in (
        SubmissionPlan((), ()),
        SubmissionPlan(tuple(incompressible), edges),
        SubmissionPlan((full_job("W1.0"), new_job("W1.1")), edges[:1]),
    ):
        stores.submissions.save_plan("W1", plan)
        loaded = stores.submissions.load_plan("W1")
        assert loaded.edges == plan.edges
        assert loaded.roots == plan.roots
    with pytest.raises(NotFound):
        stores.submissions.load_plan("W2")


def test_a_time_and_its_judgements_change_only_from_those_that_were_read(stores: Stores) -> None:
    begun = submission(finish_by_ms=7)
    stores.submissions.begin_if_absent(begun)
    late = (Judgement(3, FinishVerdict.AT_RISK, 0.25),)
    set_finish_by_if = stores.submissions.set_finish_by_if
    assert not set_finish_by_if(submission(finish_by_ms=6), 7, late)
    assert set_finish_by_if(begun, 7, late)
    assert not set_finish_by_if(begun, 7, ())
    judged = submission(finish_by_ms=7, judgements=late)
    assert stores.submissions.get("W1") == judged
    assert set_finish_by_if(judged, None, ())
    assert stores.submissions.get("W1") == submission()
    assert set_finish_by_if(submission(), 9, ())
    assert stores.submissions.get("W1") == submission(finish_by_ms=9)
    assert not set_finish_by_if(submission(9), 9, ())
    assert stores.submissions.get("W9") is None


def test_reminders_are_listed_by_their_times_and_changed_as_they_were_read(stores: Stores) -> None:
    store = stores.submissions
    store.begin_if_absent(submission())
    first, second, third = Reminder(NOW_MS + 1, "W3"), Reminder(NOW_MS + 1, "W4"), Reminder(NOW_MS + 9, "W1")
    for each in (third, second, Reminder(NOW_MS + 99, "W3"), first):
        store.remind(each, NOW_MS)
    assert sorted(store.list_reminders(limit=9)) == [first, second, third]
    assert store.list_reminders(limit=9)[-1] == third
    earliest, next_to_it = store.list_reminders(limit=2)
    assert store.list_reminders(limit=9, after=earliest) == (next_to_it, third)
    assert store.list_open(opened_before_ms=NOW_MS + 99, limit=9) == (OpenSubmission(NOW_MS + 1, "W1"),)
    assert not store.change_reminder_if(Reminder(5, "W3"), None, dated_before_ms=NOW_MS + 1)
    assert not store.change_reminder_if(first, None, dated_before_ms=NOW_MS)
    assert store.change_reminder_if(first, None, dated_before_ms=NOW_MS + 1)
    assert not store.change_reminder_if(second, second.at_ms + 5, dated_before_ms=NOW_MS)
    assert store.change_reminder_if(second, NOW_MS + 10, dated_before_ms=NOW_MS + 1)
    assert store.list_reminders(limit=9) == (third, Reminder(NOW_MS + 10, "W4"))
    assert store.list_reminders(limit=9, after=first) == (third, Reminder(NOW_MS + 10, "W4"))
    store.remind(first, NOW_MS)
    assert store.list_reminders(limit=1) == (first,)


def test_a_reminder_keeps_the_earlier_time_and_gets_the_new_date(stores: Stores) -> None:
    store = stores.submissions
    earlier = Reminder(NOW_MS + 5, "W1")
    for at_ms in (NOW_MS + 9, NOW_MS + 5, NOW_MS + 7, NOW_MS + 5):
        store.remind(Reminder(at_ms, "W1"), NOW_MS)
    assert store.list_reminders(limit=9) == (earlier,)
    store.remind(Reminder(NOW_MS + 6, "W1"), NOW_MS + 3)
    assert not store.change_reminder_if(earlier, None, dated_before_ms=NOW_MS + 3), "it was dated anew"
    assert store.change_reminder_if(earlier, None, dated_before_ms=NOW_MS + 4)
    store.remind(Reminder(NOW_MS + 8, "W1"), NOW_MS)
    assert store.list_reminders(limit=9) == (Reminder(NOW_MS + 8, "W1"),), "one that is gone keeps no time"
