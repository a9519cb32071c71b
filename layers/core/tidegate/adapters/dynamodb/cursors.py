"""Cursors of repeated work on DynamoDB."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.values import (
    Item,
    encode_item,
)
from tidegate.settings import Tables


@dataclass(frozen=True, slots=True)
class DynamoCursors:
    """Where bounded, repeated work goes on next time: an item for each name."""

    clients: AwsClients
    tables: Tables

    def load(self, name: str) -> str | None:
        """The cursor's text, None at the start."""
        with translated(f"reading cursor {name}"):
            answer = self.clients.dynamodb.get_item(
                TableName=self.tables.control, Key=_key(name), ConsistentRead=True
            )
        item = answer.get("Item")
        return item[schema.POSITION]["S"] if item else None

    def save(self, name: str, position: str | None) -> None:
        """Stores where to go on; None starts over."""
        with translated(f"storing cursor {name}"):
            if position is None:
                self.clients.dynamodb.delete_item(TableName=self.tables.control, Key=_key(name))
            else:
                item = encode_item({schema.NAME: name, schema.POSITION: position})
                self.clients.dynamodb.put_item(TableName=self.tables.control, Item=item)


def _key(name: str) -> Item:
    return {schema.NAME: {"S": name}}
