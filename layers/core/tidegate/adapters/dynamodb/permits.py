"""Permits on DynamoDB, each as an item of the Control table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, old_item, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.statements import (
    Clause,
    absent,
    all_of,
    any_of,
    at_least,
    below,
    equals,
    has_fewer_than,
    holds,
    present,
    update_arguments,
)
from tidegate.adapters.dynamodb.values import Attribute, Plain, Strings
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
        is_free = any_of(
            absent(schema.HOLDERS), has_fewer_than(schema.HOLDERS, limit), holds(schema.HOLDERS, holder)
        )
        add = f"ADD #{schema.HOLDERS} ? SET #{schema.EXPIRES_AT} = ?"
        return self._update_if("taking", permit, is_free, add, Strings({holder}), _expires_at_s(now_ms))

    def take_under_least(self, permit: str, holder: str, *, limit: int, now_ms: int) -> bool:
        """Adds a holder if the lowest limit that it, any holder or a waiting job asked for is still kept then.

        If all ask for the same limit, this is one write. If they do not, the refusal returns the permit, and a second
        write is conditional on exactly that permit. Returns False if the permit is full.
        """
        has_place = any_of(has_fewer_than(schema.HOLDERS, limit), holds(schema.HOLDERS, holder))
        all_agree = all_of(
            any_of(absent(schema.HOLDERS), all_of(equals(schema.LEAST, limit), has_place)),
            any_of(absent(schema.WAITING), at_least(schema.WAITING, limit)),
        )
        refused = self._take(permit, holder, limit, now_ms, all_agree)
        for _ in range(_TRIES):
            if refused is None:
                return True
            if holder in refused.holders:
                return True
            if not has_room(refused, limit):
                return False
            least = least_asked(refused.holders, limit)
            refused = self._take(permit, holder, least, now_ms, _still(refused))
        return False

    def _take(self, permit: str, holder: str, least: int, now_ms: int, condition: Clause) -> Permit | None:
        """Adds a holder under a condition; returns the permit that refused it, or None if the holder was added."""
        try:
            with translated(f"taking permit {permit}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=schema.permit_key(permit),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **update_arguments(
                        f"ADD #{schema.HOLDERS} ? SET #{schema.LEAST} = ?, #{schema.EXPIRES_AT} = ?",
                        (Strings({holder}), least, _expires_at_s(now_ms)),
                        condition,
                    ),
                )
        except ClientError as refused:
            # A refusal may come without the item although the permit has holders, so the item is read.
            item = old_item(refused)
            return self.standing(permit) if item is None else _permit_of(item)
        return None

    def note_waiting(self, permit: str, limit: int, *, now_ms: int) -> None:
        """Stores that a job that asks for `limit` waits; if a lower limit is stored, renews that one."""
        lowers = any_of(absent(schema.WAITING), at_least(schema.WAITING, limit))
        renew = f"#{schema.WAITING_AT} = ?, #{schema.EXPIRES_AT} = ?"
        lower = f"SET #{schema.WAITING} = ?, {renew}"
        moments = (now_ms, _expires_at_s(now_ms))
        for _ in range(_TRIES):
            if self._wait_if(permit, lowers, lower, limit, *moments) or self._wait_if(
                permit, below(schema.WAITING, limit), f"SET {renew}", *moments
            ):
                return

    def set_waiting_if_not_noted_since(self, permit: str, limit: int | None, *, noted_at_ms: int) -> bool:
        """Sets the lowest limit that a waiting job asks for, None for no waiting job.

        Returns False if one was noted after `noted_at_ms`.
        """
        is_unchanged = equals(schema.WAITING_AT, noted_at_ms)
        if limit is None:
            return self._wait_if(permit, is_unchanged, f"REMOVE #{schema.WAITING}, #{schema.WAITING_AT}")
        return self._wait_if(permit, is_unchanged, f"SET #{schema.WAITING} = ?", limit)

    def _wait_if(self, permit: str, condition: Clause, update: str, *values: Plain) -> bool:
        return self._update_if("noting a job that waits for", permit, condition, update, *values)

    def give_back(self, permit: str, holders: Sequence[str]) -> None:
        """Removes holders (at least one); no error if they hold nothing."""
        # Without the condition, an update of a missing item would create one that never expires.
        has_holders = present(schema.HOLDERS)
        self._update_if("giving back", permit, has_holders, f"DELETE #{schema.HOLDERS} ?", Strings(holders))

    def _update_if(self, action: str, permit: str, condition: Clause, update: str, *values: Plain) -> bool:
        try:
            with translated(f"{action} permit {permit}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=schema.permit_key(permit),
                    **update_arguments(update, values, condition),
                )
        except ClientError:
            return False
        return True

    def standing(self, permit: str) -> Permit:
        """Returns the holders of the permit and the limit that waits for it, by a consistent read."""
        with translated(f"reading permit {permit}"):
            answer = self.clients.dynamodb.get_item(
                TableName=self.tables.control, Key=schema.permit_key(permit), ConsistentRead=True
            )
        return _permit_of(answer.get("Item", {}))

    def standing_of(self, permits: Sequence[str]) -> Mapping[str, Permit]:
        """Returns many permits by name, by one consistent read of up to 100."""
        keys = {schema.permit_key(permit)[schema.NAME]["S"]: permit for permit in permits}
        items = DynamoBatches(self.clients).read(
            self.tables.control, [{schema.NAME: {"S": key}} for key in keys], consistent=True
        )
        found = {keys[item[schema.NAME]["S"]]: _permit_of(item) for item in items}
        return {permit: found.get(permit, Permit()) for permit in permits}


def _permit_of(item: Mapping[str, Attribute]) -> Permit:
    waiting = item.get(schema.WAITING)
    return Permit(
        frozenset(item.get(schema.HOLDERS, {}).get("SS", ())),
        None if waiting is None else int(waiting["N"]),
        int(item.get(schema.WAITING_AT, {}).get("N", "0")),
    )


def _still(standing: Permit) -> Clause:
    """Requires that a permit is unchanged since it was read."""
    holders, waiting = standing.holders, standing.waiting_limit
    return all_of(
        equals(schema.HOLDERS, Strings(holders)) if holders else absent(schema.HOLDERS),
        absent(schema.WAITING) if waiting is None else equals(schema.WAITING, waiting),
    )


def _expires_at_s(now_ms: int) -> int:
    return now_ms // 1_000 + _KEPT_SECONDS
