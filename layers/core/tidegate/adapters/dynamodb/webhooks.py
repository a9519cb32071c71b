"""Webhooks and their log on DynamoDB: items of the Progress table.

All webhooks share one partition, because each event is held against all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.statements import (
    Clause,
    Update,
    absent,
    all_of,
    any_of,
    below,
    condition_arguments,
    equals,
    present,
)
from tidegate.adapters.dynamodb.values import Item, Plain, decode_item, encode_item
from tidegate.domain.events import EventType
from tidegate.domain.job import NO_TAGS
from tidegate.domain.webhooks import (
    DeliveryAttempt,
    Filter,
    Outcome,
    Secret,
    Webhook,
    log_expires_at_s,
)
from tidegate.settings import Tables

_AFTER_ALL = "~"  # sorts after every ULID


@dataclass(frozen=True, slots=True)
class DynamoWebhookStore:
    """Stores webhooks and their log in the Progress table; see ports.WebhookStore."""

    clients: AwsClients
    tables: Tables

    def list_all(self) -> tuple[Webhook, ...]:
        """Returns all webhooks by id, from consistent reads."""
        found = DynamoBatches(self.clients).query(
            self.tables.progress,
            KeyConditionExpression="#id = :id",
            ExpressionAttributeNames={"#id": schema.WORKFLOW_ID},
            ExpressionAttributeValues={":id": {"S": schema.WEBHOOKS_KEY}},
            ConsistentRead=True,
        )
        return tuple(_webhook_from(item) for item in found)

    def get(self, webhook_id: str) -> Webhook | None:
        """Returns a webhook from a consistent read."""
        with translated(f"reading webhook {webhook_id}"):
            answer = self.clients.dynamodb.get_item(
                TableName=self.tables.progress, Key=_key(webhook_id), ConsistentRead=True
            )
        item = answer.get("Item")
        return None if item is None else _webhook_from(item)

    def insert(self, webhook: Webhook) -> bool:
        """Stores a new webhook."""
        values: dict[str, Plain] = {
            **_set_by_callers(webhook),
            schema.VERSION: webhook.version,
            schema.CREATED_BY: webhook.created_by,
            schema.CREATED_AT: webhook.created_at_ms,
        }
        try:
            with translated(f"writing webhook {webhook.webhook_id}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.put_item(
                    TableName=self.tables.progress,
                    Item={**_key(webhook.webhook_id), **encode_item(values)},
                    **condition_arguments(absent(schema.PART)),
                )
        except ClientError:
            # The id is new, so an item under it is this very one unless the id was not new: the first answer was lost.
            standing = self.get(webhook.webhook_id)
            return standing == webhook
        return True

    def save_if_unchanged(self, webhook: Webhook) -> bool:
        """Stores what callers set, if the version is the one that was read."""
        values = {**_set_by_callers(webhook), schema.VERSION: webhook.version + 1}
        return self._write(webhook.webhook_id, Update(equals(schema.VERSION, webhook.version), values))

    def disable_if_failing(self, webhook_id: str, reason: str, *, since_ms: int, now_ms: int) -> bool:
        """Disables a webhook that is enabled and had neither a success nor a change since `since_ms`."""
        failing = all_of(
            absent(schema.DISABLED), below(schema.CHANGED_AT, since_ms), _no_success_since(since_ms)
        )
        values: dict[str, Plain] = {
            schema.DISABLED: reason,
            schema.CHANGED_BY: "",
            schema.CHANGED_AT: now_ms,
        }
        return self._write(webhook_id, Update(failing, values, add={schema.VERSION: 1}))

    def note_success(self, webhook_id: str, at_ms: int) -> bool:
        """Notes when the last delivery succeeded."""
        update = Update(_no_success_since(at_ms), {schema.LAST_SUCCESS_AT: at_ms})
        return self._write(webhook_id, update)

    def remove(self, webhook_id: str) -> bool:
        """Removes a webhook."""
        try:
            with translated(f"removing webhook {webhook_id}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.delete_item(
                    TableName=self.tables.progress,
                    Key=_key(webhook_id),
                    **condition_arguments(present(schema.PART)),
                )
        except ClientError:
            return False
        return True

    def log(self, attempt: DeliveryAttempt) -> None:
        """Adds an attempt to the log; the same attempt twice is one."""
        values: dict[str, Plain] = {
            schema.WORKFLOW_ID: _log_key(attempt.webhook_id),
            schema.PART: attempt.attempt_id,
            schema.EVENT_ID: attempt.event_id,
            schema.EVENT_TYPE: attempt.event_type,
            schema.NUMBER: attempt.number,
            schema.STARTED_AT: attempt.at_ms,
            schema.TOOK_MS: attempt.took_ms,
            schema.OUTCOME: str(attempt.outcome),
            schema.STATUS: attempt.status,
            schema.FAULT: attempt.fault,
            schema.EXPIRES_AT: log_expires_at_s(attempt.at_ms),
        }
        with translated(f"logging a delivery to webhook {attempt.webhook_id}"):
            self.clients.dynamodb.put_item(TableName=self.tables.progress, Item=encode_item(values))

    def attempts(
        self, webhook_id: str, *, limit: int, before: str | None = None
    ) -> tuple[DeliveryAttempt, ...]:
        """Returns attempts to deliver to a webhook, latest first."""
        found = DynamoBatches(self.clients).query(
            self.tables.progress,
            KeyConditionExpression="#id = :id AND #part < :before",
            ExpressionAttributeNames={"#id": schema.WORKFLOW_ID, "#part": schema.PART},
            ExpressionAttributeValues={
                ":id": {"S": _log_key(webhook_id)},
                ":before": {"S": before or _AFTER_ALL},
            },
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
        )
        return tuple(_attempt_from(webhook_id, item) for item in itertools.islice(found, limit))

    def _write(self, webhook_id: str, update: Update) -> bool:
        """Writes to a webhook; returns False where the condition does not hold, or the webhook is gone."""
        try:
            with translated(f"writing webhook {webhook_id}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.progress, Key=_key(webhook_id), **update.render(schema.PART)
                )
        except ClientError:
            return False
        return True


def _no_success_since(at_ms: int) -> Clause:
    return any_of(absent(schema.LAST_SUCCESS_AT), below(schema.LAST_SUCCESS_AT, at_ms))


def _key(webhook_id: str) -> Item:
    return {schema.WORKFLOW_ID: {"S": schema.WEBHOOKS_KEY}, schema.PART: {"S": webhook_id}}


def _log_key(webhook_id: str) -> str:
    return f"{schema.ATTEMPTS_PREFIX}{webhook_id}"


def _set_by_callers(webhook: Webhook) -> dict[str, Plain]:
    wanted = webhook.filter
    return {
        schema.URL: webhook.url,
        schema.DESCRIPTION: webhook.description,
        schema.WANTED: {
            "events": sorted(wanted.events),
            "types": sorted(wanted.types),
            "pools": sorted(wanted.pools),
            "states": sorted(wanted.states),
        },
        schema.TAGS: dict(wanted.tags) or None,
        schema.SECRETS: [
            {
                "text": each.text,
                **({} if each.until_ms is None else {"until": each.until_ms}),
                **({} if each.asked is None else {"asked": each.asked}),
            }
            for each in webhook.secrets
        ],
        schema.DISABLED: webhook.disabled_reason,
        schema.CHANGED_BY: webhook.changed_by,
        schema.CHANGED_AT: webhook.changed_at_ms,
    }


def _webhook_from(item: Item) -> Webhook:
    values = decode_item(item)
    return Webhook(
        webhook_id=values[schema.PART],
        url=values[schema.URL],
        description=values.get(schema.DESCRIPTION),
        filter=_filter_from(values[schema.WANTED], values.get(schema.TAGS, NO_TAGS)),
        secrets=tuple(
            Secret(each["text"], each.get("until"), each.get("asked")) for each in values[schema.SECRETS]
        ),
        created_by=values[schema.CREATED_BY],
        created_at_ms=values[schema.CREATED_AT],
        changed_by=values[schema.CHANGED_BY],
        changed_at_ms=values[schema.CHANGED_AT],
        disabled_reason=values.get(schema.DISABLED),
        last_success_at_ms=values.get(schema.LAST_SUCCESS_AT),
        version=values[schema.VERSION],
    )


def _filter_from(wanted: Mapping[str, Any], tags: Mapping[str, str]) -> Filter:
    return Filter(
        events=frozenset(EventType(each) for each in wanted["events"]),
        types=frozenset(wanted["types"]),
        pools=frozenset(wanted["pools"]),
        states=frozenset(wanted["states"]),
        tags=tags,
    )


def _attempt_from(webhook_id: str, item: Item) -> DeliveryAttempt:
    values = decode_item(item)
    return DeliveryAttempt(
        webhook_id=webhook_id,
        attempt_id=values[schema.PART],
        event_id=values[schema.EVENT_ID],
        event_type=values[schema.EVENT_TYPE],
        number=values[schema.NUMBER],
        at_ms=values[schema.STARTED_AT],
        took_ms=values[schema.TOOK_MS],
        outcome=Outcome(values[schema.OUTCOME]),
        status=values.get(schema.STATUS),
        fault=values.get(schema.FAULT),
    )
