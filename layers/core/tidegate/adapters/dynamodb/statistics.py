"""The statistics on DynamoDB: items of the Progress table, one partition for each pool.

The range keys begin with the kind and the time, so that one query finds the roll-ups of a time. The key of a roll-up
also holds its end, because two slices may begin at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.statements import absent, condition_arguments, equals
from tidegate.adapters.dynamodb.values import Item, Plain, decode_item, encode_item
from tidegate.domain.statistics.codec import packed, unpacked
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import Counted, Look, Reached, Span
from tidegate.settings import Tables


@dataclass(frozen=True, slots=True)
class DynamoStatisticsStore:
    """Stores roll-ups in the Progress table; see ports.StatisticsStore."""

    clients: AwsClients
    tables: Tables

    def reached(self, pools: Sequence[str]) -> Mapping[str, Reached]:
        """Returns how far each pool is counted, without those that never were."""
        keys = {pool: schema.statistics_key(pool) for pool in pools}
        wanted = [_key(key, schema.REACHED_PART) for key in keys.values()]
        items = DynamoBatches(self.clients).read(self.tables.progress, wanted, consistent=True)
        found = {values[schema.WORKFLOW_ID]: values for values in map(decode_item, items)}
        return {pool: _reached(found[key]) for pool, key in keys.items() if key in found}

    def advance(self, pool: str, before: Reached | None, after: Reached) -> bool:
        """Stores how far a pool is counted if `before` stands there. Returns whether it did."""
        values: dict[str, Plain] = {
            schema.SINCE: after.since_ms,
            schema.COUNTED: after.counted_ms,
            schema.HOURS: after.hours_ms,
            schema.DAYS: after.days_ms,
            schema.SLOTS_FROM: after.slots_since_ms,
            schema.IDLE_RUN: _idle_values(after.idle),
            schema.LOOKS: [[look.window_ms, look.oldest_ready_ms] for look in after.looks] or None,
        }
        # All else changes with `counted` alone.
        stands = absent(schema.WORKFLOW_ID) if before is None else equals(schema.COUNTED, before.counted_ms)
        try:
            with translated(f"storing how far {pool} is counted", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.put_item(
                    TableName=self.tables.progress,
                    Item={**_key(schema.statistics_key(pool), schema.REACHED_PART), **encode_item(values)},
                    **condition_arguments(stands),
                )
        except ClientError:
            return False
        return True

    def put(self, pool: str, span: Span, counted: Counted, *, expires_at_s: int) -> None:
        """Stores a roll-up until `expires_at_s`, over an equal one of the same time."""
        part = schema.rollup_part(span, counted.from_ms, counted.to_ms)
        values: dict[str, Plain] = {
            schema.ROLLUP: packed(counted.rollup),
            schema.SLOT_TIME: counted.slot_ms,
            schema.OLDEST_READY: counted.oldest_ready_ms,
            schema.EXPIRES_AT: expires_at_s,
        }
        with translated(f"storing statistics of {pool}"):
            self.clients.dynamodb.put_item(
                TableName=self.tables.progress,
                Item={**_key(schema.statistics_key(pool), part), **encode_item(values)},
            )

    def find(self, pool: str, span: Span, from_ms: int, to_ms: int) -> Sequence[Counted]:
        """Returns the roll-ups of this kind that begin from `from_ms` on and before `to_ms`, by their beginning."""
        if from_ms >= to_ms:
            return ()  # DynamoDB refuses such bounds
        found = DynamoBatches(self.clients).query(
            self.tables.progress,
            KeyConditionExpression="#id = :id AND #part BETWEEN :from AND :to",
            ExpressionAttributeNames={"#id": schema.WORKFLOW_ID, "#part": schema.PART},
            ExpressionAttributeValues={
                ":id": {"S": schema.statistics_key(pool)},
                ":from": {"S": schema.rollups_from(span, from_ms)},
                # A range key is longer than this beginning of one, so it sorts behind it.
                ":to": {"S": schema.rollups_from(span, to_ms)},
            },
            ConsistentRead=True,
        )
        return tuple(_counted(item) for item in found)


def _counted(item: Item) -> Counted:
    values = decode_item(item)
    _, from_ms, to_ms = values[schema.PART].split("#")
    rollup = unpacked(bytes(values[schema.ROLLUP]))
    slot_ms, oldest_ready_ms = values.get(schema.SLOT_TIME), values.get(schema.OLDEST_READY)
    return Counted(int(from_ms), int(to_ms), rollup, slot_ms, oldest_ready_ms)


def _reached(values: Mapping[str, Any]) -> Reached:
    return Reached(
        since_ms=values[schema.SINCE],
        counted_ms=values[schema.COUNTED],
        hours_ms=values[schema.HOURS],
        days_ms=values[schema.DAYS],
        slots_since_ms=values.get(schema.SLOTS_FROM, values.get(schema.SLOTS_SINCE)),
        idle=_idle_run(values[schema.IDLE_RUN]) if schema.IDLE_RUN in values else None,
        looks=tuple(Look(*each) for each in values.get(schema.LOOKS, ())),
    )


def _idle_values(run: Counted | None) -> Plain:
    return None if run is None else [run.from_ms, run.to_ms, run.slot_ms, run.oldest_ready_ms]


def _idle_run(values: Sequence[Any]) -> Counted:
    from_ms, to_ms, slot_ms, oldest_ready_ms = values
    return Counted(from_ms, to_ms, Rollup(), slot_ms, oldest_ready_ms)


def _key(partition: str, part: str) -> Item:
    return {schema.WORKFLOW_ID: {"S": partition}, schema.PART: {"S": part}}
