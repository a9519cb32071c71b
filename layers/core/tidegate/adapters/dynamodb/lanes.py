"""The registry of lanes on DynamoDB, with one item for each lane of a pool."""

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
    all_of,
    condition_arguments,
    equals,
    present,
    update_arguments,
)
from tidegate.adapters.dynamodb.values import Attribute, Item, Plain, decode_item, encode, encode_item
from tidegate.domain.dispatch_plan import DEFAULT_WEIGHT
from tidegate.domain.shares import ShareRule
from tidegate.ports import KnownLane
from tidegate.settings import Tables

_KEPT_SECONDS = 400 * 86_400  # as long as a job may wait at most


@dataclass(frozen=True, slots=True)
class DynamoLaneRegistry:
    """Stores lanes in the Lanes table; see ports.LaneRegistry."""

    clients: AwsClients
    tables: Tables

    def list_lanes(self, pool: str, *, limit: int, before: str | None = None) -> tuple[KnownLane, ...]:
        """Returns at most `limit` lanes of a pool in descending order of name, before the name `before`.

        The answer may be a little old.
        """
        found = DynamoBatches(self.clients).query(
            self.tables.lanes,
            KeyConditionExpression="#pool = :pool",
            ExpressionAttributeNames={"#pool": schema.POOL},
            ExpressionAttributeValues={":pool": {"S": pool}},
            ScanIndexForward=False,
            Limit=limit,
            **({} if before is None else {"ExclusiveStartKey": _key(pool, before)}),
        )
        return tuple(map(_lane_of, itertools.islice(found, limit)))

    def note(self, pool: str, lane: str, *, weight: int = DEFAULT_WEIGHT, now_ms: int) -> None:
        """Stores a lane, or that it is still in use; a lane that does not rest keeps its weight.

        `if_not_exists` makes the first weight win, so that of two concurrent submissions only one decides.
        """
        with translated(f"noting a lane of pool {pool}"):
            self.clients.dynamodb.update_item(
                TableName=self.tables.lanes,
                Key=_key(pool, lane),
                UpdateExpression=(
                    "SET #weight = if_not_exists(#weight, :weight), #noted_at = :now, #expires_at = :expires_at "
                    "REMOVE #resting"
                ),
                ExpressionAttributeNames={
                    "#weight": schema.WEIGHT,
                    "#noted_at": schema.NOTED_AT,
                    "#expires_at": schema.EXPIRES_AT,
                    "#resting": schema.RESTING,
                },
                ExpressionAttributeValues={
                    ":weight": {"N": str(weight)},
                    ":now": {"N": str(now_ms)},
                    ":expires_at": {"N": str(now_ms // 1_000 + _KEPT_SECONDS)},
                },
            )

    def rest_if_not_noted_since(self, pool: str, lane: str, *, noted_at_ms: int) -> bool:
        """Marks a lane as resting if it was last noted at `noted_at_ms`.

        Returns False if it was noted again, rests already, or is gone.
        """
        is_awake = all_of(equals(schema.NOTED_AT, noted_at_ms), present(schema.WEIGHT))
        try:
            with translated(f"letting a lane of pool {pool} rest", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.lanes,
                    Key=_key(pool, lane),
                    **update_arguments(
                        f"SET #{schema.RESTING} = #{schema.WEIGHT} REMOVE #{schema.WEIGHT}", (), is_awake
                    ),
                )
        except ClientError:
            return False
        return True

    def forget_if_not_noted_since(self, pool: str, lane: str, *, noted_at_ms: int) -> bool:
        """Removes a lane if it was last noted at `noted_at_ms`; returns False if it was noted again, or is gone."""
        key: Any = _key(pool, lane)
        try:
            with translated(f"forgetting a lane of pool {pool}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.delete_item(
                    TableName=self.tables.lanes,
                    Key=key,
                    **condition_arguments(equals(schema.NOTED_AT, noted_at_ms)),
                )
        except ClientError:
            return False
        return True

    def define(self, pool: str, lane: str, *, weight: int, rule: ShareRule, now_ms: int) -> None:
        """Sets the weight and the rule of a share's lane, and notes it, by one write."""
        bounds = {schema.SHARE_MAX_PRIORITY: rule.max_priority, schema.SHARE_MAX_WAITING: rule.max_waiting}
        values: dict[str, Plain] = {
            schema.WEIGHT: weight,
            schema.NOTED_AT: now_ms,
            schema.EXPIRES_AT: now_ms // 1_000 + _KEPT_SECONDS,
            schema.SHARE_SET_BY: rule.by,
            schema.SHARE_SET_AT: rule.at_ms,
            **{name: most for name, most in bounds.items() if most is not None},
        }
        removed = [schema.RESTING, *(name for name, most in bounds.items() if most is None)]
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        with translated(f"setting a share of pool {pool}"):
            self.clients.dynamodb.update_item(
                TableName=self.tables.lanes,
                Key=_key(pool, lane),
                UpdateExpression=f"SET {sets} REMOVE {', '.join(f'#{name}' for name in removed)}",
                ExpressionAttributeNames={f"#{name}": name for name in (*values, *removed)},
                ExpressionAttributeValues={f":{name}": encode(value) for name, value in values.items()},
            )

    def undefine(self, pool: str, lane: str) -> bool:
        """Takes the rule from a share's lane; returns False if it has none."""
        removed = (
            schema.SHARE_SET_BY,
            schema.SHARE_SET_AT,
            schema.SHARE_MAX_PRIORITY,
            schema.SHARE_MAX_WAITING,
        )
        try:
            with translated(f"removing a share of pool {pool}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.lanes,
                    Key=_key(pool, lane),
                    **update_arguments(
                        f"REMOVE {', '.join(f'#{name}' for name in removed)}",
                        (),
                        present(schema.SHARE_SET_AT),
                    ),
                )
        except ClientError:
            return False
        return True


def _key(pool: str, lane: str) -> Item:
    return encode_item({schema.POOL: pool, schema.LANE: lane})


def _lane_of(item: Mapping[str, Attribute]) -> KnownLane:
    values = decode_item(item)
    resting = values.get(schema.RESTING)
    weight = values[schema.WEIGHT] if resting is None else resting
    return KnownLane(
        values[schema.LANE], weight, values[schema.NOTED_AT], resting is not None, _rule_of(values)
    )


def _rule_of(values: Mapping[str, Any]) -> ShareRule | None:
    if schema.SHARE_SET_AT not in values:
        return None
    return ShareRule(
        values.get(schema.SHARE_MAX_PRIORITY),
        values.get(schema.SHARE_MAX_WAITING),
        values[schema.SHARE_SET_BY],
        values[schema.SHARE_SET_AT],
    )
