"""Every store of webhooks behaves the same."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.contract.stores import Stores
from tests.harness.domain.webhook_samples import (
    AT_MS,
    BY,
    OLD_SECRET,
    OTHER_ID,
    SECRET,
    WEBHOOK_ID,
    attempt,
    webhook,
)
from tidegate.domain.events import EventType
from tidegate.domain.webhooks import Filter, Outcome

WHOLE = webhook(
    description="for the team",
    filter=Filter(
        frozenset({EventType.JOB_ENDED, EventType.WORKER_LOST}),
        frozenset({"text.count"}),
        frozenset({"ecs", "lambda"}),
        frozenset({"FAILED"}),
        {"team": "data"},
    ),
    secrets=(SECRET, OLD_SECRET),
    disabled_reason="an operator disabled it",
)


def test_without_items_there_are_no_webhooks(stores: Stores) -> None:
    assert stores.webhooks.list_all() == ()
    assert stores.webhooks.get(WEBHOOK_ID) is None
    assert stores.webhooks.attempts(WEBHOOK_ID, limit=10) == ()
    assert not stores.webhooks.remove(WEBHOOK_ID)


def test_a_webhook_is_read_as_it_was_written(stores: Stores) -> None:
    other = webhook(OTHER_ID)
    assert stores.webhooks.insert(other)
    assert stores.webhooks.insert(WHOLE)
    assert stores.webhooks.get(WEBHOOK_ID) == WHOLE
    assert stores.webhooks.list_all() == (WHOLE, other)
    assert stores.webhooks.remove(WEBHOOK_ID)
    assert stores.webhooks.list_all() == (other,)


def test_an_insert_never_overwrites_and_may_be_repeated(stores: Stores) -> None:
    assert stores.webhooks.insert(webhook())
    assert stores.webhooks.insert(webhook())
    assert not stores.webhooks.insert(webhook(url="https://other.example.com/"))
    assert stores.webhooks.get(WEBHOOK_ID) == webhook()


def test_of_two_changes_at_once_the_second_is_refused(stores: Stores) -> None:
    stores.webhooks.insert(WHOLE)
    changed = webhook(url="https://other.example.com/", changed_by="b", changed_at_ms=AT_MS + 5)
    assert stores.webhooks.save_if_unchanged(changed)
    assert not stores.webhooks.save_if_unchanged(replace(WHOLE, url="https://third.example.com/"))
    # What the change leaves out is gone: the description, the tags, the old secret and the reason.
    assert stores.webhooks.get(WEBHOOK_ID) == replace(changed, version=2)
    assert stores.webhooks.save_if_unchanged(replace(WHOLE, version=2))
    assert stores.webhooks.get(WEBHOOK_ID) == replace(WHOLE, version=3)


def test_a_removed_webhook_can_not_be_changed(stores: Stores) -> None:
    assert not stores.webhooks.save_if_unchanged(webhook())
    assert not stores.webhooks.note_success(WEBHOOK_ID, AT_MS)
    assert not stores.webhooks.disable_if_failing(WEBHOOK_ID, "x", since_ms=AT_MS, now_ms=AT_MS)
    assert stores.webhooks.list_all() == ()


def test_the_latest_success_is_kept_through_changes_of_callers(stores: Stores) -> None:
    stores.webhooks.insert(webhook())
    assert stores.webhooks.note_success(WEBHOOK_ID, AT_MS + 10)
    assert not stores.webhooks.note_success(WEBHOOK_ID, AT_MS + 10)
    assert not stores.webhooks.note_success(WEBHOOK_ID, AT_MS + 9)
    assert stores.webhooks.save_if_unchanged(webhook(description="new"))
    assert stores.webhooks.get(WEBHOOK_ID) == webhook(
        description="new", version=2, last_success_at_ms=AT_MS + 10
    )


def test_a_webhook_without_success_is_disabled_once(stores: Stores) -> None:
    stores.webhooks.insert(webhook())
    stores.webhooks.note_success(WEBHOOK_ID, AT_MS + 1)
    since = {"since_ms": AT_MS + 2, "now_ms": AT_MS + 90}
    assert stores.webhooks.disable_if_failing(WEBHOOK_ID, "it fails", **since)
    assert not stores.webhooks.disable_if_failing(WEBHOOK_ID, "it fails again", **since)
    assert stores.webhooks.get(WEBHOOK_ID) == webhook(
        disabled_reason="it fails",
        changed_by="",
        changed_at_ms=AT_MS + 90,
        version=2,
        last_success_at_ms=AT_MS + 1,
    )
    assert not stores.webhooks.save_if_unchanged(webhook())


def test_a_success_or_a_change_meanwhile_keeps_a_webhook_enabled(stores: Stores) -> None:
    stores.webhooks.insert(webhook())
    stores.webhooks.note_success(WEBHOOK_ID, AT_MS + 2)
    assert not stores.webhooks.disable_if_failing(WEBHOOK_ID, "x", since_ms=AT_MS + 2, now_ms=AT_MS + 3)
    stores.webhooks.insert(webhook(OTHER_ID, changed_at_ms=AT_MS + 2))
    assert not stores.webhooks.disable_if_failing(OTHER_ID, "x", since_ms=AT_MS + 2, now_ms=AT_MS + 3)
    assert all(each.is_enabled for each in stores.webhooks.list_all())


def test_the_log_lists_attempts_of_one_webhook_latest_first(stores: Stores) -> None:
    first = attempt(1, outcome=Outcome.RETRIED, status=None, fault="timed-out")
    second, third = attempt(2), attempt(3, outcome=Outcome.DELIVERED, status=204)
    for each in (second, first, third, third, attempt(4, OTHER_ID)):
        stores.webhooks.log(each)
    assert stores.webhooks.attempts(WEBHOOK_ID, limit=10) == (third, second, first)
    assert stores.webhooks.attempts(WEBHOOK_ID, limit=2) == (third, second)
    assert stores.webhooks.attempts(WEBHOOK_ID, limit=2, before=second.attempt_id) == (first,)


def test_no_item_of_the_log_is_taken_for_a_webhook(stores: Stores) -> None:
    stores.webhooks.log(attempt(1))
    assert stores.webhooks.list_all() == ()
    stores.webhooks.insert(webhook(changed_by=BY))
    assert len(stores.webhooks.list_all()) == 1


def test_the_log_forgets_an_attempt_after_a_week(stores: Stores) -> None:
    stores.webhooks.log(attempt(1))
    if stores.clients is None or stores.tables is None:
        return
    key = {"workflow_id": {"S": f"webhook#{WEBHOOK_ID}"}, "part": {"S": attempt(1).attempt_id}}
    item = stores.clients.dynamodb.get_item(TableName=stores.tables.progress, Key=key)["Item"]
    assert int(item["expires_at"]["N"]) == (AT_MS + 1) // 1_000 + 7 * 86_400
