"""The units that AWS bills, and how many of them one write of a job's item takes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from tidegate.domain.stored import Stored, units_of

READ_STEP_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class Units:
    """Amounts that AWS bills. They add up.

    `write_units` and `read_units` are DynamoDB's. `function_seconds` and `task_seconds` are run times in the function
    pool and in a pool of processes, in seconds. `api_calls` come through API Gateway; `invocations` are Lambda's.
    """

    write_units: float = 0.0
    read_units: float = 0.0
    sqs_requests: int = 0
    api_calls: int = 0
    invocations: int = 0
    function_seconds: float = 0.0
    task_seconds: float = 0.0

    def __add__(self, other: Units) -> Units:
        """Returns both amounts together."""
        return Units(*(getattr(self, name) + getattr(other, name) for name in NAMES))


NAMES: Final = tuple(each.name for each in fields(Units))
NO_UNITS: Final = Units()


def reads_of(size_bytes: int) -> float:
    """Returns the read units of an eventually consistent read: half a unit for each 4 KB begun, at least a half."""
    return max(1, -(-size_bytes // READ_STEP_BYTES)) / 2


def write(before: Stored | None, after: Stored) -> int:
    """Returns the write units of a write that turns the item `before` into `after`; None is no item.

    The table bills the larger of both items. The index bills nothing while the entry stays as it is, the larger entry
    where its content changes in place, and both entries where it changes its place.
    """
    if before is None:
        return units_of(after.item_bytes) + units_of(after.entry_bytes)
    table = units_of(max(before.item_bytes, after.item_bytes))
    if before.entry_key != after.entry_key:
        return table + units_of(before.entry_bytes) + units_of(after.entry_bytes)
    if before.entry_content != after.entry_content:
        return table + units_of(max(before.entry_bytes, after.entry_bytes))
    return table
