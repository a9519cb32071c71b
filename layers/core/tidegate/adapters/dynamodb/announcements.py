"""The announcements of job types on DynamoDB: one partition of the table
of lanes, with an item for each type.

That table is one whose name every worker process knows, and it wakes nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.statements import (
    Clause,
    absent,
    all_of,
    any_of,
    at_least,
    at_most,
    below,
    condition_arguments,
    differs,
    equals,
    update_arguments,
)
from tidegate.adapters.dynamodb.values import Item, decode_item, encode_item
from tidegate.domain.announcements import AHEAD_AT_MOST_MS, FADES_AFTER_MS, Announcement, DescribedType
from tidegate.ports import AnnouncedTypes
from tidegate.settings import Tables

_PAGES = 8  # of at most 1 MB; workers announce no more than half of that


@dataclass(frozen=True, slots=True)
class DynamoTypeAnnouncements:
    """Stores one item for each type; the TTL removes one that nobody renews. See ports.TypeAnnouncements."""

    clients: AwsClients
    tables: Tables

    def load(self) -> AnnouncedTypes:
        """Returns the announcements by one query of at most `_PAGES` pages; one item that can't be decoded is named."""
        found: dict[str, Announcement] = {}
        unreadable: list[str] = []
        start: dict[str, Any] = {}
        for _ in range(_PAGES):
            with translated("reading the announced job types"):
                answer = self.clients.dynamodb.query(
                    TableName=self.tables.lanes,
                    KeyConditionExpression="#id = :id",
                    ExpressionAttributeNames={"#id": schema.POOL},
                    ExpressionAttributeValues={":id": {"S": schema.ANNOUNCED_TYPES}},
                    **start,
                )
            for item in answer["Items"]:
                try:
                    one = _announcement(item)
                except (AttributeError, KeyError, TypeError, ValueError):
                    unreadable.append(str(item[schema.LANE]["S"]))
                else:
                    found[one.type] = one
            if "LastEvaluatedKey" not in answer:
                return AnnouncedTypes(found, tuple(unreadable))
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return AnnouncedTypes(found, tuple(unreadable), is_all=False)

    def announce_if_later(self, announcement: Announcement) -> bool:
        """Stores an announcement unless another one stands that says the same, or is of a worker that started later."""
        first_ahead_ms = announcement.announced_at_ms + AHEAD_AT_MOST_MS + 1
        is_later = any_of(
            absent(schema.LANE),
            all_of(
                differs(schema.DIGEST, announcement.digest),
                below(schema.STARTED_AT, announcement.started_at_ms),
            ),
            # One that has faded no longer stands, and the TTL may remove it days later.
            at_most(schema.SEEN_AT, announcement.announced_at_ms - FADES_AFTER_MS),
            # Nor does one from a clock that was ahead, which would otherwise hold for all that time.
            at_least(schema.STARTED_AT, first_ahead_ms),
            at_least(schema.SEEN_AT, first_ahead_ms),
        )
        try:
            with translated(f"announcing job type {announcement.type}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.put_item(
                    TableName=self.tables.lanes, Item=_item(announcement), **condition_arguments(is_later)
                )
        except ClientError:
            return False
        return True

    def renew_if_standing(self, job_type: str, digest: str, seen_at_ms: int) -> bool:
        """Stores that a worker has the type as the standing announcement with this digest says."""
        stands: Clause = all_of(equals(schema.DIGEST, digest), below(schema.SEEN_AT, seen_at_ms))
        try:
            with translated(f"renewing job type {job_type}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.lanes,
                    Key=_key(job_type),
                    **update_arguments(
                        f"SET #{schema.SEEN_AT} = ?, #{schema.EXPIRES_AT} = ?",
                        (seen_at_ms, _expires_at_s(seen_at_ms)),
                        stands,
                    ),
                )
        except ClientError:
            return False
        return True


def _key(job_type: str) -> Item:
    return encode_item({schema.POOL: schema.ANNOUNCED_TYPES, schema.LANE: job_type})


def _expires_at_s(seen_at_ms: int) -> int:
    return (seen_at_ms + FADES_AFTER_MS) // 1_000


def _item(announcement: Announcement) -> Item:
    described = announcement.described
    values = {
        schema.DIGEST: announcement.digest,
        schema.DESCRIPTION: described.description or None,
        schema.PARAMETERS_SCHEMA: described.parameters_schema or None,
        schema.READS_UPSTREAMS: described.reads_upstreams,
        schema.AWS_CREDENTIALS: described.aws_credentials,
        schema.SECOND_ATTEMPT: described.second_attempt,
        schema.HOME_POOL: announcement.pool,
        schema.WORKER_ID: announcement.worker_id,
        schema.STARTED_AT: announcement.started_at_ms,
        schema.ANNOUNCED_AT: announcement.announced_at_ms,
        schema.SEEN_AT: announcement.seen_at_ms,
        schema.EXPIRES_AT: _expires_at_s(announcement.seen_at_ms),
    }
    return {**_key(announcement.type), **encode_item(values)}


def _announcement(item: Item) -> Announcement:
    values = decode_item(item)
    return Announcement(
        described=DescribedType(
            type=values[schema.LANE],
            description=values.get(schema.DESCRIPTION, ""),
            parameters_schema=values.get(schema.PARAMETERS_SCHEMA, ""),
            reads_upstreams=values[schema.READS_UPSTREAMS] is True,
            aws_credentials=values[schema.AWS_CREDENTIALS] is True,
            second_attempt=values[schema.SECOND_ATTEMPT] is True,
        ),
        digest=values[schema.DIGEST],
        pool=values[schema.HOME_POOL],
        worker_id=values[schema.WORKER_ID],
        started_at_ms=int(values[schema.STARTED_AT]),
        announced_at_ms=int(values[schema.ANNOUNCED_AT]),
        seen_at_ms=int(values[schema.SEEN_AT]),
    )
