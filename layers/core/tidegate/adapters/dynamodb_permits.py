"""Permits and dispatch leases on DynamoDB: items of the table Control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters import dynamodb_schema as schema
from tidegate.adapters.aws_clients import AwsClients
from tidegate.adapters.aws_errors import CONDITION_FAILED, translated
from tidegate.adapters.dynamodb_values import Item
from tidegate.settings import Tables

_PERMIT_KEPT_SECONDS = 30 * 86_400  # longer than a job stays dispatched: its message is kept for 14 days
_LEASE_TRIES = 3  # it may be given back between the two writes of a try


@dataclass(frozen=True, slots=True)
class DynamoPermits:
    """See ports.Permits. A permit is a set, so that taking or giving back twice changes nothing."""

    clients: AwsClients
    tables: Tables

    def take_if_free(self, permit: str, holder: str, *, limit: int, now_ms: int) -> bool:
        """Adds a holder where fewer than `limit` (1-100) others are; True also where it was one before."""
        try:
            with translated(f"taking permit {permit}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=_key(schema.permit_name(permit)),
                    UpdateExpression="ADD #holders :holder SET #expires_at = :expires_at",
                    ConditionExpression=(
                        "attribute_not_exists(#holders) OR size(#holders) < :limit OR contains(#holders, :id)"
                    ),
                    ExpressionAttributeNames={
                        "#holders": schema.HOLDERS,
                        "#expires_at": schema.EXPIRES_AT,
                    },
                    ExpressionAttributeValues={
                        ":holder": {"SS": [holder]},
                        ":id": {"S": holder},
                        ":limit": {"N": str(limit)},
                        ":expires_at": {"N": str(now_ms // 1_000 + _PERMIT_KEPT_SECONDS)},
                    },
                )
        except ClientError:
            return False
        return True

    def give_back(self, permit: str, holders: Sequence[str]) -> None:
        """Takes holders (at least one) off; no error where they are none."""
        try:
            with translated(f"giving back permit {permit}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=_key(schema.permit_name(permit)),
                    UpdateExpression="DELETE #holders :gone",
                    # An update of what is not there would leave an item that never expires.
                    ConditionExpression="attribute_exists(#holders)",
                    ExpressionAttributeNames={"#holders": schema.HOLDERS},
                    ExpressionAttributeValues={":gone": {"SS": sorted(set(holders))}},
                )
        except ClientError:
            return  # nobody holds it

    def holders(self, permit: str) -> frozenset[str]:
        """Who holds the permit, read consistently."""
        with translated(f"reading permit {permit}"):
            answer = self.clients.dynamodb.get_item(
                TableName=self.tables.control, Key=_key(schema.permit_name(permit)), ConsistentRead=True
            )
        return frozenset(answer.get("Item", {}).get(schema.HOLDERS, {}).get("SS", ()))


@dataclass(frozen=True, slots=True)
class DynamoDispatchLeases:
    """See ports.DispatchLeases."""

    clients: AwsClients
    tables: Tables

    def take_if_free(self, pool: str, owner: str, *, now_ms: int, until_ms: int) -> bool:
        """Takes the lease until a time (ms); False where another has it, who will learn that it was asked for."""
        for _ in range(_LEASE_TRIES):
            taken = self._update_if(
                pool,
                "attribute_not_exists(#owner) OR #owner = :me OR #until < :now",
                "SET #owner = :me, #until = :until REMOVE #asked",
                {":me": {"S": owner}, ":now": {"N": str(now_ms)}, ":until": {"N": str(until_ms)}},
            )
            if taken:
                return True
            asked = self._update_if(
                pool,
                "attribute_exists(#owner) AND #owner <> :me AND #until >= :now",
                "SET #asked = :yes",
                {":me": {"S": owner}, ":now": {"N": str(now_ms)}, ":yes": {"BOOL": True}},
            )
            if asked:
                return False
        return False

    def release_if_not_asked(self, pool: str, owner: str) -> bool:
        """Gives the lease back; False where another asked for it meanwhile: the owner keeps it and goes again."""
        me = {":me": {"S": owner}}
        if self._update_if(
            pool, "#owner = :me AND attribute_not_exists(#asked)", "REMOVE #owner, #until", me
        ):
            return True
        return not self._update_if(pool, "#owner = :me", "REMOVE #asked", me)

    def release(self, pool: str, owner: str) -> None:
        """Gives the lease back, whoever asked; no error where it is another's by now."""
        self._update_if(pool, "#owner = :me", "REMOVE #owner, #until, #asked", {":me": {"S": owner}})

    def _update_if(self, pool: str, condition: str, update: str, values: Item) -> bool:
        names = {
            "#owner": schema.OWNER,
            "#until": schema.LEASE_EXPIRES_AT,
            "#asked": schema.ASKED,
        }
        used = {name: attribute for name, attribute in names.items() if name in condition + update}
        arguments: Any = {
            "ConditionExpression": condition,
            "UpdateExpression": update,
            "ExpressionAttributeNames": used,
            "ExpressionAttributeValues": values,
        }
        try:
            with translated(f"moving the dispatch lease of pool {pool}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control, Key=_key(schema.lease_name(pool)), **arguments
                )
        except ClientError:
            return False
        return True


def _key(name: str) -> Item:
    return {schema.NAME: {"S": name}}
