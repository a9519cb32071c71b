"""DynamoDB's batch calls, repeated until nothing is left undone, and queries over all pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tidegate.adapters.aws.calls import chunks
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.effort import Effort
from tidegate.adapters.aws.errors import (
    DUPLICATE_IN_STATEMENT,
    TRANSIENT_CODES,
    Throttled,
    translated,
    was_retried,
)
from tidegate.adapters.dynamodb.values import Item
from tidegate.domain.errors import ServiceRefused

T = TypeVar("T")

STATEMENTS_PER_CALL = 25
_WRITES_PER_CALL = 25
_READS_PER_CALL = 100


@dataclass(frozen=True, slots=True)
class DynamoBatches:
    """Runs batches of independent reads and writes, several calls in parallel.

    Its methods raise ServiceUnavailable where AWS still refuses some items for load when the operation's time is
    over.
    """

    clients: AwsClients

    def read(
        self,
        table: str,
        keys: Sequence[Item],
        *,
        only: Sequence[str] = (),
        consistent: bool = False,
        effort: Effort | None = None,
    ) -> list[Item]:
        """Returns the items that exist under these keys, in no order. Without `consistent` they may be a little old.

        `only` names the wanted attributes; empty means all. Without `effort` the read is an operation of its own.
        """
        projection: dict[str, Any] = {}
        if only:
            names = {f"#{name}": name for name in only}
            projection = {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
        found: list[Item] = []

        def attempt(left: Sequence[Item]) -> Sequence[Item]:
            wanted: Any = {table: {"Keys": list(left), "ConsistentRead": consistent, **projection}}
            with translated(f"reading from {table}"):
                answer: Any = self.clients.dynamodb.batch_get_item(RequestItems=wanted)
            found.extend(answer["Responses"].get(table, ()))
            unread: list[Item] = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            return unread

        self._in_chunks(f"reading from {table}", keys, _READS_PER_CALL, attempt, effort)
        return found

    def put(self, table: str, items: Sequence[Item]) -> None:
        """Writes the items, over existing ones."""
        self._write(table, [{"PutRequest": {"Item": item}} for item in items])

    def delete(self, table: str, keys: Sequence[Item]) -> None:
        """Deletes the items under these keys if they exist."""
        self._write(table, [{"DeleteRequest": {"Key": key}} for key in keys])

    def insert(
        self, table: str, items: Sequence[Item], key: str, *, is_own: Callable[[Item, Item], bool]
    ) -> list[Item]:
        """Writes each item only if its `key` is unused; returns the items whose key was in use.

        A statement that went out twice may be refused by its own first effect. `is_own` gets the existing item and
        the item to insert, and returns True if the existing one came from this insert.

        This uses statements because they allow conditions at the normal price: a batch write has no conditions, and a
        transaction costs twice. Raises ServiceRefused where AWS refuses an item for another reason.
        """
        duplicates: list[Item] = []
        doubted: list[Item] = []
        sent_again: set[str] = set()

        def attempt(left: Sequence[Item]) -> Sequence[Item]:
            statements: Any = [_insert_statement(table, item) for item in left]
            try:
                with translated(f"writing to {table}"):
                    answer = self.clients.dynamodb.batch_execute_statement(Statements=statements)
            except Throttled:
                sent_again.update(item[key]["S"] for item in left)
                raise
            retried = was_retried(answer)
            refused = []
            for item, response in zip(left, answer["Responses"], strict=True):
                code = str(response.get("Error", {}).get("Code", ""))
                if code == DUPLICATE_IN_STATEMENT:
                    again = retried or item[key]["S"] in sent_again
                    (doubted if again else duplicates).append(item)
                elif code in TRANSIENT_CODES:
                    sent_again.add(item[key]["S"])
                    refused.append(item)
                elif code:
                    message = response.get("Error", {}).get("Message", "")
                    raise ServiceRefused(
                        f"writing {item[key]['S']} to {table} was refused ({code}: {message}); "
                        "check the permissions, names and sizes of this deployment"
                    )
            return refused

        self._in_chunks(f"writing to {table}", items, STATEMENTS_PER_CALL, attempt)
        keys = [{key: item[key]} for item in doubted]
        standing = {item[key]["S"]: item for item in self.read(table, keys, consistent=True)}
        others = [item for item in doubted if not is_own(standing.get(item[key]["S"], {}), item)]
        return [*duplicates, *others]

    def query(self, table: str, **arguments: Any) -> Iterator[Item]:
        """Yields every item that a query finds, page after page."""
        while True:
            with translated(f"querying {table}"):
                answer = self.clients.dynamodb.query(TableName=table, **arguments)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _write(self, table: str, requests: Sequence[Mapping[str, Any]]) -> None:
        def attempt(left: Sequence[Any]) -> Sequence[Any]:
            with translated(f"writing to {table}"):
                answer = self.clients.dynamodb.batch_write_item(RequestItems={table: list(left)})
            return answer.get("UnprocessedItems", {}).get(table, ())

        self._in_chunks(f"writing to {table}", requests, _WRITES_PER_CALL, attempt)

    def _in_chunks(
        self, action: str, items: Sequence[T], size: int, attempt: Any, effort: Effort | None = None
    ) -> None:
        if not items:
            return
        shared = effort or self.clients.effort()
        self.clients.fan_out.map(
            lambda chunk: self.clients.until_all_done(action, chunk, attempt, shared), chunks(items, size)
        )


def _insert_statement(table: str, item: Item) -> dict[str, Any]:
    fields = ", ".join(f"'{name}': ?" for name in item)
    return {"Statement": f'INSERT INTO "{table}" VALUE {{{fields}}}', "Parameters": list(item.values())}
