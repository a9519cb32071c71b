"""How a job is stored, as far as DynamoDB bills it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

UNIT_BYTES: Final = 1_024


@dataclass(frozen=True, slots=True)
class Stored:
    """How a job is stored, as far as DynamoDB bills it.

    `item_bytes` and `entry_bytes` are the sizes of the job's item and of its entry in the index. `entry_key` names the
    place of the entry, `entry_content` its other values. `part_bytes` are the sizes of the parts that overflowed.
    """

    item_bytes: int
    entry_bytes: int
    entry_key: str
    entry_content: str
    part_bytes: tuple[int, ...] = ()

    @property
    def item_units(self) -> int:
        """Returns the write units of a write that leaves the size of the item and its entry alone."""
        return units_of(self.item_bytes)


def units_of(size_bytes: int) -> int:
    """Returns the write units for `size_bytes`: one for each KB begun, at least one.

    Source: the guide of DynamoDB, `read-write-operations` (docs/reference/aws-truth.md#billing).
    """
    return max(1, -(-size_bytes // UNIT_BYTES))
