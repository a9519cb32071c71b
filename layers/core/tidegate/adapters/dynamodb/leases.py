"""Dispatch leases on DynamoDB, each as an item of the Control table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import (
    CONDITION_FAILED,
    translated,
)
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.values import Item
from tidegate.settings import Tables

_TRIES = 3  # the lease may be given back between the two writes of a round


@dataclass(frozen=True, slots=True)
class DynamoDispatchLeases:
    """Stores one dispatch lease for each pool; see ports.DispatchLeases."""

    clients: AwsClients
    tables: Tables

    def take_if_free(self, pool: str, owner: str, *, now_ms: int, until_ms: int) -> bool:
        """Takes the lease of a pool until `until_ms`.

        Returns False if another owner has it, and notes that it was asked for.
        """
        for _ in range(_TRIES):
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

    def release_if_not_asked(self, pool: str, owner: str, *, until_ms: int) -> bool:
        """Gives the lease back and returns True, unless another dispatcher has asked for it meanwhile.

        In that case the owner keeps it until `until_ms`, and the result is False.
        """
        me = {":me": {"S": owner}}
        if self._update_if(
            pool, "#owner = :me AND attribute_not_exists(#asked)", "REMOVE #owner, #until", me
        ):
            return True
        until = {":until": {"N": str(until_ms)}}
        return not self._update_if(pool, "#owner = :me", "SET #until = :until REMOVE #asked", {**me, **until})

    def release(self, pool: str, owner: str) -> None:
        """Gives the lease back, even if another dispatcher has asked for it.

        It is no error if another owner has it by now.
        """
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
            with translated(f"updating the dispatch lease of pool {pool}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control, Key=_key(schema.lease_name(pool)), **arguments
                )
        except ClientError:
            return False
        return True


def _key(name: str) -> Item:
    return {schema.NAME: {"S": name}}
