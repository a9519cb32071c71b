"""Dispatch leases on DynamoDB, each as an item of the Control table."""

from __future__ import annotations

from dataclasses import dataclass

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
    below,
    differs,
    equals,
    present,
    update_arguments,
)
from tidegate.adapters.dynamodb.values import Plain
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
        is_mine = equals(schema.OWNER, owner)
        for _ in range(_TRIES):
            taken = self._update_if(
                pool,
                any_of(absent(schema.OWNER), is_mine, below(schema.LEASE_EXPIRES_AT, now_ms)),
                f"SET #{schema.OWNER} = ?, #{schema.LEASE_EXPIRES_AT} = ? REMOVE #{schema.ASKED}",
                owner,
                until_ms,
            )
            if taken:
                return True
            asked = self._update_if(
                pool,
                all_of(
                    present(schema.OWNER),
                    differs(schema.OWNER, owner),
                    at_least(schema.LEASE_EXPIRES_AT, now_ms),
                ),
                f"SET #{schema.ASKED} = ?",
                True,
            )
            if asked:
                return False
        return False

    def give_back_if_not_asked(self, pool: str, owner: str, *, until_ms: int) -> bool:
        """Gives the lease back and returns True, unless another dispatcher has asked for it meanwhile.

        In that case the owner keeps it until `until_ms`, and the result is False.
        """
        is_mine = equals(schema.OWNER, owner)
        given_back = self._update_if(
            pool,
            all_of(is_mine, absent(schema.ASKED)),
            f"REMOVE #{schema.OWNER}, #{schema.LEASE_EXPIRES_AT}",
        )
        if given_back:
            return True
        keep = f"SET #{schema.LEASE_EXPIRES_AT} = ? REMOVE #{schema.ASKED}"
        return not self._update_if(pool, is_mine, keep, until_ms)

    def give_back(self, pool: str, owner: str) -> None:
        """Gives the lease back, even if another dispatcher has asked for it.

        It is no error if another owner has it by now.
        """
        everything = f"REMOVE #{schema.OWNER}, #{schema.LEASE_EXPIRES_AT}, #{schema.ASKED}"
        self._update_if(pool, equals(schema.OWNER, owner), everything)

    def _update_if(self, pool: str, condition: Clause, update: str, *values: Plain) -> bool:
        try:
            with translated(f"updating the dispatch lease of pool {pool}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=schema.lease_key(pool),
                    **update_arguments(update, values, condition),
                )
        except ClientError:
            return False
        return True
