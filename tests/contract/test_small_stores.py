"""Every submission store, cursor store and queue behaves the same."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dev.simulator.memory.pool_queue import (
    MOST_RECEIVES,
    MOST_RECEIVES_OF_PROCESSES,
)
from tests.harness.contract.jobs import (
    full_job,
    new_job,
)
from tests.harness.contract.stores import (
    NOW_MS,
    POOL,
    Stores,
)
from tidegate.domain.dependency import DependencyType, Dependent
from tidegate.domain.errors import NotFound
from tidegate.domain.submission import ExternalEdge, Phase, Submission, SubmissionPlan
from tidegate.ports import Delivery, Message, OpenSubmission
from tidegate.usecases.work.pass_on import MOST_DELIVERIES


def submission(number: int = 1, **changes: object) -> Submission:
    values: dict[str, object] = {
        "submission_id": f"W{number}",
        "phase": Phase.STAGING,
        "job_count": 3,
        "fingerprint": "f" * 64,
        "created_at_ms": NOW_MS + number,
        "name": "nightly",
        "expires_at_s": 1_800_000_000,
    }
    return Submission(**{**values, **changes})  # type: ignore[arg-type]  # a bundle of keyword arguments


def test_a_submission_begins_once(stores: Stores) -> None:
    first = submission()
    assert stores.submissions.get("W1") is None
    assert stores.submissions.begin_if_absent(first) is None
    assert stores.submissions.begin_if_absent(submission(fingerprint="other")) == first
    assert stores.submissions.get("W1") == first
    nameless = submission(2, name=None, expires_at_s=None)
    stores.submissions.begin_if_absent(nameless)
    assert stores.submissions.get("W2") == nameless


def test_a_phase_moves_only_from_where_it_is_expected(stores: Stores) -> None:
    stores.submissions.begin_if_absent(submission())
    move = stores.submissions.move_phase_if
    assert not move("W1", Phase.COMMITTED, Phase.COMPLETE)
    assert move("W1", Phase.STAGING, Phase.COMMITTED)
    assert not move("W1", Phase.STAGING, Phase.ABANDONED)
    assert stores.submissions.get("W1") == submission(phase=Phase.COMMITTED)
    assert move("W1", Phase.COMMITTED, Phase.COMPLETE)
    assert stores.submissions.get("W1") == submission(phase=Phase.COMPLETE)
    assert not move("W9", Phase.STAGING, Phase.COMMITTED)
    assert stores.submissions.get("W9") is None


def test_open_submissions_are_listed_oldest_first(stores: Stores) -> None:
    for number in (3, 1, 4, 2, 5):
        stores.submissions.begin_if_absent(submission(number))
    stores.submissions.move_phase_if("W1", Phase.STAGING, Phase.COMMITTED)
    stores.submissions.move_phase_if("W2", Phase.STAGING, Phase.COMMITTED)
    stores.submissions.move_phase_if("W2", Phase.COMMITTED, Phase.COMPLETE)
    stores.submissions.move_phase_if("W3", Phase.STAGING, Phase.ABANDONED)

    def listed(before_ms: int, limit: int, after: OpenSubmission | None = None) -> list[str]:
        found = stores.submissions.list_open(opened_before_ms=before_ms, limit=limit, after=after)
        return [each.submission_id for each in found]

    assert listed(NOW_MS + 5, 10) == ["W1", "W3", "W4"]
    assert listed(NOW_MS + 9, 2) == ["W1", "W3"]
    (first, *_) = stores.submissions.list_open(opened_before_ms=NOW_MS + 9, limit=2)
    assert listed(NOW_MS + 9, 2, first) == ["W3", "W4"]
    stores.submissions.move_phase_if("W1", Phase.COMMITTED, Phase.COMPLETE)
    assert listed(NOW_MS + 9, 2, first) == ["W3", "W4"]  # after one that is no longer open
    assert listed(NOW_MS + 1, 9, OpenSubmission(NOW_MS + 1, "W1")) == []
    assert listed(NOW_MS + 1, 9, OpenSubmission(NOW_MS + 7, "W7")) == []  # a clock that was set back


def test_what_was_removed_keeps_its_record_and_is_open_no_more(stores: Stores) -> None:
    stores.submissions.begin_if_absent(submission())
    assert not stores.submissions.move_phase_if("W1", Phase.ABANDONED, Phase.REMOVED)
    assert stores.submissions.move_phase_if("W1", Phase.STAGING, Phase.ABANDONED)
    assert stores.submissions.move_phase_if("W1", Phase.ABANDONED, Phase.REMOVED)
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


def test_a_cursor_is_kept_until_it_starts_over(stores: Stores) -> None:
    assert stores.cursors.load("pending") is None
    stores.cursors.save("pending", "p/3")
    stores.cursors.save("active", "a/1")
    assert (stores.cursors.load("pending"), stores.cursors.load("active")) == ("p/3", "a/1")
    stores.cursors.save("pending", None)
    stores.cursors.save("pending", None)
    assert (stores.cursors.load("pending"), stores.cursors.load("active")) == (None, "a/1")


def test_every_message_sent_is_received_and_gone_once_deleted(stores: Stores) -> None:
    messages = [Message(f"S.{n}", n % 3) for n in range(23)]
    assert stores.queue.send(POOL, messages) == ()
    deliveries = drain(stores)
    assert sorted(str(each.message) for each in deliveries) == sorted(map(str, messages))
    receipts = [each.receipt for each in deliveries]
    stores.queue.extend(POOL, receipts[0], seconds=0)
    (again,) = drain(stores)
    assert again.message == deliveries[0].message
    stores.queue.delete(POOL, [again.receipt, *receipts[1:]])
    stores.queue.extend(POOL, again.receipt, seconds=30)
    assert drain(stores) == []
    assert stores.queue.send(POOL, []) == ()
    stores.queue.delete(POOL, [])


def test_a_queue_counts_what_it_holds_and_each_delivery(stores: Stores) -> None:
    typed = Message("S.1", 0, 0, NOW_MS, "a.b", 2.5)
    stores.queue.send(POOL, [typed, Message("S.2", 0)])
    assert stores.queue.depth(POOL) == 2
    deliveries = {each.message.job_id: each for each in drain(stores)}
    found = deliveries["S.1"].message
    assert (found.type, found.estimated_seconds) == ("a.b", 2.5)
    assert (deliveries["S.2"].message.type, deliveries["S.2"].message.estimated_seconds) == ("", None)
    assert stores.queue.depth(POOL) == 2, "received ones are there still"
    stores.queue.extend(POOL, deliveries["S.1"].receipt, seconds=0)
    (again,) = drain(stores)
    assert (deliveries["S.1"].receives, again.receives) == (1, 2)
    stores.queue.delete(POOL, [again.receipt])
    assert stores.queue.depth(POOL) == 1


def drain(stores: Stores) -> list[Delivery]:
    deliveries: list[Delivery] = []
    for _ in range(60):
        received = stores.queue.receive(POOL, limit=10, wait_seconds=0)
        assert len(received) <= 10
        if not received:
            break
        deliveries.extend(received)
    return deliveries


def test_a_message_delivered_too_often_is_a_dead_letter_until_it_is_put_away(stores: Stores) -> None:
    stores.queue.send(POOL, [Message("poison", 0)])
    for _ in range(MOST_RECEIVES):
        (delivery,) = stores.queue.receive(POOL, limit=10, wait_seconds=0)
        assert not stores.queue.receive_dead(POOL, limit=10)
        stores.queue.extend(POOL, delivery.receipt, seconds=0)
    assert not stores.queue.receive(POOL, limit=10, wait_seconds=0)
    (dead,) = stores.queue.receive_dead(POOL, limit=10)
    assert dead.message == Message("poison", 0)
    stores.queue.delete_dead(POOL, [dead.receipt])
    assert not stores.queue.receive_dead(POOL, limit=10)


def test_the_template_gives_up_a_message_after_as_many_deliveries() -> None:
    template = (Path(__file__).resolve().parents[2] / "template.yaml").read_text(encoding="utf-8")
    counts = sorted(re.findall(r"maxReceiveCount: (\d+)", template), key=int)
    assert counts == [str(MOST_RECEIVES), str(MOST_RECEIVES_OF_PROCESSES)]
    assert MOST_DELIVERIES + 5 < MOST_RECEIVES_OF_PROCESSES, (
        "a worker that dies with a message costs deliveries as well"
    )
