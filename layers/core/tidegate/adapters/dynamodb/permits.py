"""Permits on DynamoDB, each as an item of the Control table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import (
    CONDITION_FAILED,
    old_item,
    translated,
)
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.values import (
    Attribute,
    Item,
)
from tidegate.domain.permits import Permit, has_room, least_asked
from tidegate.settings import Tables

_KEPT_SECONDS = 30 * 86_400  # longer than any dispatch lasts, as a message is kept for 14 days
_TRIES = 3  # a refused dispatcher asks again when the permit changes


@dataclass(frozen=True, slots=True)
class DynamoPermits:
    """Stores each permit as a set of holders, so that taking or giving back twice changes nothing.

    See ports.Permits.
    """

    clients: AwsClients
    tables: Tables

    def take_if_free(self, permit: str, holder: str, *, limit: int, now_ms: int) -> bool:
        """Adds a holder if there are fewer than `limit` (1-100) others.

        Returns True if the holder then has the permit, also if it had it before.
        """
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
                        ":expires_at": {"N": str(now_ms // 1_000 + _KEPT_SECONDS)},
                    },
                )
        except ClientError:
            return False
        return True

    def take_under_least(self, permit: str, holder: str, *, limit: int, now_ms: int) -> bool:
        """Adds a holder if the lowest limit that it, any holder or a waiting job asked for is still kept then.

        If all ask for the same limit, this is one write. If they do not, the refusal returns the permit, and a second
        write is conditional on exactly that permit. Returns False if the permit is full.
        """
        agreed = (
            "(attribute_not_exists(#holders) OR "
            "(#least = :limit AND (size(#holders) < :limit OR contains(#holders, :id)))) "
            "AND (attribute_not_exists(#waiting) OR #waiting >= :limit)"
        )
        values: Item = {":id": {"S": holder}, ":limit": {"N": str(limit)}}
        refused = self._take(permit, holder, limit, now_ms, agreed, values)
        for _ in range(_TRIES):
            if refused is None:
                return True
            if holder in refused.holders:
                return True
            if not has_room(refused, limit):
                return False
            least = least_asked(refused.holders, limit)
            refused = self._take(permit, holder, least, now_ms, *_still(refused))
        return False

    def _take(
        self, permit: str, holder: str, least: int, now_ms: int, condition: str, values: Item
    ) -> Permit | None:
        """Adds a holder under a condition; returns the permit that refused it, or None if the holder was added."""
        names = {"#holders": schema.HOLDERS, "#least": schema.LEAST, "#expires_at": schema.EXPIRES_AT}
        if "#waiting" in condition:
            names["#waiting"] = schema.WAITING
        try:
            with translated(f"taking permit {permit}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=_key(schema.permit_name(permit)),
                    UpdateExpression="ADD #holders :holder SET #least = :least, #expires_at = :expires_at",
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues={
                        **values,
                        ":holder": {"SS": [holder]},
                        ":least": {"N": str(least)},
                        ":expires_at": {"N": str(now_ms // 1_000 + _KEPT_SECONDS)},
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as refused:
            # A refusal may come without the item although the permit has holders, so the item is read.
            item = old_item(refused)
            return self.standing(permit) if item is None else _permit_of(item)
        return None

    def note_waiting(self, permit: str, limit: int, *, now_ms: int) -> None:
        """Stores that a job that asks for `limit` waits; if a lower limit is stored, renews that one."""
        lowers = "attribute_not_exists(#waiting) OR #waiting >= :limit"
        lower = "SET #waiting = :limit, #waiting_at = :now, #expires_at = :expires_at"
        renew = "SET #waiting_at = :now, #expires_at = :expires_at"
        values: Item = {
            ":limit": {"N": str(limit)},
            ":now": {"N": str(now_ms)},
            ":expires_at": {"N": str(now_ms // 1_000 + _KEPT_SECONDS)},
        }
        for _ in range(_TRIES):
            if self._wait_if(permit, lowers, lower, values) or self._wait_if(
                permit, "#waiting < :limit", renew, values
            ):
                return

    def set_waiting_if_not_noted_since(self, permit: str, limit: int | None, *, noted_at_ms: int) -> bool:
        """Sets the lowest limit that a waiting job asks for, None for no waiting job.

        Returns False if one was noted after `noted_at_ms`.
        """
        values: Item = {":noted_at": {"N": str(noted_at_ms)}}
        if limit is None:
            return self._wait_if(permit, "#waiting_at = :noted_at", "REMOVE #waiting, #waiting_at", values)
        values[":limit"] = {"N": str(limit)}
        return self._wait_if(permit, "#waiting_at = :noted_at", "SET #waiting = :limit", values)

    def _wait_if(self, permit: str, condition: str, update: str, values: Item) -> bool:
        names = {
            "#waiting": schema.WAITING,
            "#waiting_at": schema.WAITING_AT,
            "#expires_at": schema.EXPIRES_AT,
        }
        words = f"{condition} {update}".replace(",", " ").replace(")", " ").replace("(", " ").split()
        try:
            with translated(f"noting a job that waits for permit {permit}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=_key(schema.permit_name(permit)),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeNames={name: names[name] for name in names if name in words},
                    ExpressionAttributeValues={name: values[name] for name in values if name in words},
                )
        except ClientError:
            return False
        return True

    def give_back(self, permit: str, holders: Sequence[str]) -> None:
        """Removes holders (at least one); no error if they hold nothing."""
        try:
            with translated(f"giving back permit {permit}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=_key(schema.permit_name(permit)),
                    UpdateExpression="DELETE #holders :gone",
                    # Without this condition, an update of a missing item would create one that never expires.
                    ConditionExpression="attribute_exists(#holders)",
                    ExpressionAttributeNames={"#holders": schema.HOLDERS},
                    ExpressionAttributeValues={":gone": {"SS": sorted(set(holders))}},
                )
        except ClientError:
            return  # the permit has no holders

    def standing(self, permit: str) -> Permit:
        """Returns the holders of the permit and the limit that waits for it, by a consistent read."""
        with translated(f"reading permit {permit}"):
            answer = self.clients.dynamodb.get_item(
                TableName=self.tables.control, Key=_key(schema.permit_name(permit)), ConsistentRead=True
            )
        return _permit_of(answer.get("Item", {}))


def _permit_of(item: Mapping[str, Attribute]) -> Permit:
    waiting = item.get(schema.WAITING)
    return Permit(
        frozenset(item.get(schema.HOLDERS, {}).get("SS", ())),
        None if waiting is None else int(waiting["N"]),
        int(item.get(schema.WAITING_AT, {}).get("N", "0")),
    )


def _still(standing: Permit) -> tuple[str, Item]:
    """Returns the condition, with its values, that a permit is unchanged since it was read."""
    values: Item = {}
    clauses = ["attribute_not_exists(#holders)", "attribute_not_exists(#waiting)"]
    if standing.holders:
        clauses[0] = "#holders = :seen"
        values[":seen"] = {"SS": sorted(standing.holders)}
    if standing.waiting_limit is not None:
        clauses[1] = "#waiting = :waiting"
        values[":waiting"] = {"N": str(standing.waiting_limit)}
    return " AND ".join(clauses), values


def _key(name: str) -> Item:
    return {schema.NAME: {"S": name}}
