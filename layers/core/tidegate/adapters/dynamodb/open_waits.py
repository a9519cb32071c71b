"""The open waits on DynamoDB, all in one item of the Control table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, old_item, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.statements import (
    Clause,
    absent,
    any_of,
    has_fewer_than,
    present,
    update_arguments,
)
from tidegate.adapters.dynamodb.values import Strings
from tidegate.settings import Tables

_KEY = schema.control_key(schema.WAITS)


@dataclass(frozen=True, slots=True)
class DynamoOpenWaits:
    """Keeps a set of the open waits, each as its end and its holder; see ports.OpenWaits.

    To begin costs one write unit and to end another one. The wait of a process that died needs no repair: the first
    caller that finds no room takes out those that are over, for two write units more.
    """

    clients: AwsClients
    tables: Tables

    def begin_if_fewer(self, holder: str, *, most: int, now_ms: int, until_ms: int) -> bool:
        """Opens a wait until `until_ms`. Returns False where `most` waits are open."""
        has_room = any_of(absent(schema.OPEN_WAITS), has_fewer_than(schema.OPEN_WAITS, most))
        add, wait = f"ADD #{schema.OPEN_WAITS} ?", [_text(until_ms, holder)]
        open_waits = self._update_if(has_room, add, wait)
        if open_waits is None:
            return True
        over = [each for each in open_waits if _end_ms(each) < now_ms]
        if not over:
            return False
        self._take_out(over)
        return self._update_if(has_room, add, wait) is None

    def end(self, holder: str, *, until_ms: int) -> None:
        """Ends the wait that this holder opened until `until_ms`; no error if it is over."""
        self._take_out([_text(until_ms, holder)])

    def _take_out(self, waits: Sequence[str]) -> None:
        # Without the condition, an update of a missing item would create one.
        self._update_if(present(schema.OPEN_WAITS), f"DELETE #{schema.OPEN_WAITS} ?", waits)

    def _update_if(self, condition: Clause, update: str, waits: Sequence[str]) -> Collection[str] | None:
        """Writes under a condition. Returns None if it was written, else the open waits as far as they are known."""
        try:
            with translated("counting the calls that wait", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=_KEY,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **update_arguments(update, (Strings(waits),), condition),
                )
        except ClientError as refused:
            standing = (old_item(refused) or {}).get(schema.OPEN_WAITS, {})
            return list(standing.get("SS", ()))
        return None


def _text(until_ms: int, holder: str) -> str:
    return f"{until_ms}#{holder}"


def _end_ms(wait: str) -> int:
    return int(wait.partition("#")[0])
