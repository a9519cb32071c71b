"""Saves the items of the emulator's tables while it runs (item_files.py says how they stand in files).

Every change of an item is noted where the emulator stores it, and a thread of the emulator writes what was noted
every quarter of a second. Noting costs a microsecond; an item that changed several times meanwhile is written once.

`dynamodb._set_item` and `_remove_item` are wrapped, and the transaction, whose changes are written together or not at
all. A version of the emulator that lacks them, or stores items elsewhere, fails tests/local_stack.
"""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from tidegate_cli.local_stack.item_files import Change, ItemFiles

LEAST_TO_COMPACT_BYTES = 32 * 1024 * 1024
_COMPACT_AT_TIMES_THE_BASE = 2
_NOT_OF_THE_TABLE = ("items", dynamodb._INDEX_MEMBERS)
BESIDE_TABLES = (
    "tags",
    "ttl_settings",
    "pitr_settings",
    "kinesis_destinations",
    "contributor_insights",
    "backups",
    "resource_policies",
    "exports",
    "imports",
)
"""Returns all that DynamoDB saves beside its tables."""
_Key = tuple[str, str, str]


class SavedItems:
    """The items of this process's tables, and the files that they are saved in."""

    def __init__(self, files: ItemFiles, save_tables: Callable[[], None]) -> None:
        self._files = files
        self._save_tables = save_tables
        self._known_tables: frozenset[str] = frozenset()
        self._noted: dict[_Key, Change] = {}
        self._together = threading.RLock()
        self._compaction: Iterator[None] | None = None
        self._must_compact = False

    # --- noting -------------------------------------------------------------------------------------------

    def install(self) -> None:
        """Notes what the emulator of this process stores from now on."""
        set_item, remove_item = dynamodb._set_item, dynamodb._remove_item
        transact, replaced = dynamodb._transact_write_items, dynamodb._items_replaced

        def set_and_note(table: Any, partition: Any, sort: Any, item: Any) -> Any:
            with self._together:
                old = set_item(table, partition, sort, item)
                self._note(table, partition, sort, item)
                return old

        def remove_and_note(table: Any, partition: Any, sort: Any) -> Any:
            with self._together:
                old = remove_item(table, partition, sort)
                if old is not None:
                    self._note(table, partition, sort, None)
                return old

        def transact_together(data: dict[str, Any]) -> Any:
            with self._together:
                return transact(data)

        def replaced_and_note(table: Any) -> None:
            replaced(table)
            self._must_compact = True

        dynamodb._set_item = set_and_note
        dynamodb._remove_item = remove_and_note
        dynamodb._transact_write_items = transact_together
        dynamodb._items_replaced = replaced_and_note

    def _note(self, table: Any, partition: str, sort: str, item: Any) -> None:
        table_id = table["TableId"]
        self._noted[table_id, partition, sort] = Change(table_id, partition, sort, item)

    # --- reading ------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Fills the tables, which stand already, with the items that were saved. Raises BrokenFileError."""
        tables = {table["TableId"]: table for table in dynamodb._tables.all_values()}
        for table in tables.values():
            table["items"] = defaultdict(dict, table.get("items") or {})
        for change in self._files.read():
            table = tables.get(change.table_id)
            if table is None:
                continue  # of a table that was deleted
            if change.item is not None:
                table["items"][change.partition][change.sort] = change.item
                continue
            sorts = table["items"].get(change.partition, {})
            sorts.pop(change.sort, None)
            if not sorts:
                table["items"].pop(change.partition, None)
        for table in tables.values():
            dynamodb._update_counts(table)

    def begin(self) -> None:
        """Opens a journal for what changes from now on.

        Items that an older version saved with their tables get a base first, for tables are saved without their
        items from now on.
        """
        number = self._files.begin_journal()
        if not self._files.has_base and any(table["items"] for table in dynamodb._tables.all_values()):
            for _ in self._files.write_base(number, _standing()):
                pass

    # --- writing ------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Writes what was noted. Raises OSError, and then writes it the next time."""
        with self._together:
            noted, self._noted = self._noted, {}
        if not noted:
            return
        changes = list(noted.values())
        try:
            if not self._known_tables.issuperset(change.table_id for change in changes):
                known = frozenset(table["TableId"] for table in dynamodb._tables.all_values())
                self._save_tables()
                self._known_tables = known
            self._files.append(changes)
        except OSError:
            with self._together:
                self._noted = {**noted, **self._noted}
            raise

    def sync(self) -> None:
        """Has what was flushed outlive a loss of power too."""
        self._files.sync()

    def compact_a_little(self) -> bool:
        """Writes some more of a new base where journals have grown long; False where there is nothing to do."""
        if self._compaction is None:
            longest = max(LEAST_TO_COMPACT_BYTES, _COMPACT_AT_TIMES_THE_BASE * self._files.base_bytes)
            if self._files.journal_bytes < longest and not self._must_compact:
                return False
            self._must_compact = False
            self._compaction = self._files.write_base(self._files.begin_journal(), _standing())
        try:
            next(self._compaction)
        except StopIteration:
            self._compaction = None
        except OSError:
            self._compaction = None
            self._must_compact = True
            raise
        return self._compaction is not None


def tables_without_items() -> dict[str, Any]:
    """Returns all that the emulator's DynamoDB saves of itself, but for the items of its tables."""
    tables = AccountRegionScopedDict()
    for key, table in dynamodb._tables.all_items():
        kept = {name: value for name, value in table.items() if name not in _NOT_OF_THE_TABLE}
        tables._data[key] = copy.deepcopy(kept)
    return {
        "tables": tables,
        **{name: copy.deepcopy(getattr(dynamodb, f"_{name}")) for name in BESIDE_TABLES},
    }


def _standing() -> Iterator[Change]:
    for table in dynamodb._tables.all_values():
        for partition, sorts in list(table["items"].items()):
            for sort, item in list(sorts.items()):
                yield Change(table["TableId"], partition, sort, item)
