"""Cursors of repeated, bounded sweeps on DynamoDB: where each sweep continues next time."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.values import encode_item
from tidegate.settings import Tables


@dataclass(frozen=True, slots=True)
class DynamoCursors:
    """Keeps one item for each cursor in the Control table."""

    clients: AwsClients
    tables: Tables

    def load(self, name: str) -> str | None:
        """Returns the cursor's text, or None to start at the beginning."""
        with translated(f"reading cursor {name}"):
            answer = self.clients.dynamodb.get_item(
                TableName=self.tables.control, Key=schema.control_key(name), ConsistentRead=True
            )
        item = answer.get("Item")
        return item[schema.POSITION]["S"] if item else None

    def save(self, name: str, position: str | None) -> None:
        """Stores where to continue next time; None starts at the beginning."""
        with translated(f"storing cursor {name}"):
            if position is None:
                self.clients.dynamodb.delete_item(TableName=self.tables.control, Key=schema.control_key(name))
            else:
                item = encode_item({schema.NAME: name, schema.POSITION: position})
                self.clients.dynamodb.put_item(TableName=self.tables.control, Item=item)
