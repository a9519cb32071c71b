"""The lanes of pools on DynamoDB: an item for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters import dynamodb_schema as schema
from tidegate.adapters.aws_clients import AwsClients
from tidegate.adapters.aws_errors import CONDITION_FAILED, translated
from tidegate.adapters.dynamodb_values import decode_item, encode_item
from tidegate.domain.dispatch_plan import DEFAULT_WEIGHT
from tidegate.ports import KnownLane
from tidegate.settings import Tables

_KEPT_SECONDS = 400 * 86_400  # as long as any job may wait


@dataclass(frozen=True, slots=True)
class DynamoLaneRegistry:
    """See ports.LaneRegistry."""

    clients: AwsClients
    tables: Tables

    def list_lanes(self, pool: str, *, limit: int) -> tuple[KnownLane, ...]:
        """At most `limit` lanes of a pool, the last by name first; may be a little old."""
        with translated(f"listing the lanes of pool {pool}"):
            answer = self.clients.dynamodb.query(
                TableName=self.tables.lanes,
                KeyConditionExpression="#pool = :pool",
                ExpressionAttributeNames={"#pool": schema.POOL},
                ExpressionAttributeValues={":pool": {"S": pool}},
                ScanIndexForward=False,
                Limit=limit,
            )
        return tuple(
            KnownLane(values[schema.LANE], values[schema.WEIGHT], values[schema.NOTED_AT])
            for values in map(decode_item, answer["Items"])
        )

    def note(self, pool: str, lane: str, *, weight: int = DEFAULT_WEIGHT, now_ms: int) -> None:
        """Notes a lane, or that it is in use still. The latest weight holds."""
        item = encode_item(
            {
                schema.POOL: pool,
                schema.LANE: lane,
                schema.WEIGHT: weight,
                schema.NOTED_AT: now_ms,
                schema.EXPIRES_AT: now_ms // 1_000 + _KEPT_SECONDS,
            }
        )
        with translated(f"noting a lane of pool {pool}"):
            self.clients.dynamodb.put_item(TableName=self.tables.lanes, Item=item)

    def forget_if_not_noted_since(self, pool: str, lane: str, *, noted_at_ms: int) -> bool:
        """Removes a lane that was last noted at this time; False where it was noted again, or is gone."""
        key: Any = encode_item({schema.POOL: pool, schema.LANE: lane})
        try:
            with translated(f"forgetting a lane of pool {pool}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.delete_item(
                    TableName=self.tables.lanes,
                    Key=key,
                    ConditionExpression="#noted_at = :noted_at",
                    ExpressionAttributeNames={"#noted_at": schema.NOTED_AT},
                    ExpressionAttributeValues={":noted_at": {"N": str(noted_at_ms)}},
                )
        except ClientError:
            return False
        return True
