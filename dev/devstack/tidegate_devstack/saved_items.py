"""Saves the items of the emulator's tables while it runs. item_files.py describes the files.

Patches note every change of an item when the emulator stores it. A thread of the emulator writes the noted changes
every quarter of a second. To note a change costs a microsecond. An item that changed several times in between is
written once.

A version of the emulator that lacks the patched functions, or stores items in another way, fails tests/devstack.
"""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from tidegate_devstack.item_files import Change, ItemFiles

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
"""The names of all that the emulator's DynamoDB saves beside its tables."""
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
        """Patches the emulator of this process, so that every change from now on is noted."""
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

        # Patches ministack: `dynamodb._set_item` and `_remove_item`, because the emulator reports no changes of items.
        dynamodb._set_item = set_and_note
        dynamodb._remove_item = remove_and_note
        # Patches ministack: `dynamodb._transact_write_items`, because the changes of a transaction must be noted
        # together, so that they are saved together or not at all.
        dynamodb._transact_write_items = transact_together
        # Patches ministack: `dynamodb._items_replaced`, because it is called when all items of a table are replaced
        # without `_set_item`. A new base then saves them.
        dynamodb._items_replaced = replaced_and_note

    def _note(self, table: Any, partition: str, sort: str, item: Any) -> None:
        table_id = table["TableId"]
        self._noted[table_id, partition, sort] = Change(table_id, partition, sort, item)

    # --- reading ------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Fills the tables, which must exist already, with the saved items. Raises BrokenFileError."""
        tables = {table["TableId"]: table for table in dynamodb._tables.all_values()}
        for table in tables.values():
            table["items"] = defaultdict(dict, table.get("items") or {})
        for change in self._files.read():
            table = tables.get(change.table_id)
            if table is None:
                continue  # its table was deleted
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
        """Begins a journal for the changes from now on. Raises OSError.

        An older version saved items together with their tables. From now on tables are saved without items, so such
        items are written to a base first.
        """
        number = self._files.begin_journal()
        if not self._files.has_base and any(table["items"] for table in dynamodb._tables.all_values()):
            for _ in self._files.write_base(number, _standing()):
                pass

    # --- writing ------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Writes the noted changes. Raises OSError if that fails, and keeps them for the next call."""
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
        """Syncs the flushed changes to the disk, so that they survive a loss of power. Raises OSError."""
        self._files.sync()

    def compact_a_little(self) -> bool:
        """Writes the next part of a new base if the journals have grown long. Returns False if nothing is left to do.

        Raises OSError if that fails. The next call then begins another base.
        """
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
    """Returns the state of the emulator's DynamoDB without the items of its tables."""
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
