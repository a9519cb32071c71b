"""Pulses on DynamoDB, each as an item of the Control table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.statements import absent, any_of, below, update_arguments
from tidegate.adapters.dynamodb.values import decode_item
from tidegate.domain.pulses import Part
from tidegate.settings import Tables


@dataclass(frozen=True, slots=True)
class DynamoPulses:
    """Stores one item for each part; see ports.Pulses."""

    clients: AwsClients
    tables: Tables

    def note_if_later(self, part: Part, at_ms: int) -> None:
        """Stores a pulse of the part, unless a later one is stored."""
        is_later = any_of(absent(schema.PULSE_AT), below(schema.PULSE_AT, at_ms))
        try:
            with translated(f"storing the pulse of {part}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=schema.pulse_key(part),
                    **update_arguments(f"SET #{schema.PULSE_AT} = ?", (at_ms,), is_later),
                )
        except ClientError:
            return  # another process has stored a later one

    def load(self) -> Mapping[Part, int]:
        """Returns the last pulse of each part that has any, by one read that may be a little old."""
        keys = {str(schema.pulse_key(part)[schema.NAME]["S"]): part for part in Part}
        items = DynamoBatches(self.clients).read(
            self.tables.control, [schema.pulse_key(part) for part in Part]
        )
        found = map(decode_item, items)
        return {keys[values[schema.NAME]]: values[schema.PULSE_AT] for values in found}
