"""Saves the emulator's state while it runs, so that a kill loses the last seconds only, not all since the last `down`.

A thread of the emulator looks for changes every quarter of a second. Parts that change with each job are saved most
often: items of tables each time (saved_items.py), queues every second. Other services are saved every five seconds
while they change, logs and metrics every ten. After a service is saved, it is left alone for twenty times as long as
that took. So each service costs at most about a twentieth of a core, and a kill loses more if a service holds more.
docs/guides/local-stack.md has the figures.

A new file is written beside the old one, synced and renamed, so a reader finds the old state or the new one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import dynamodb

from tidegate_devstack.item_files import ItemFiles
from tidegate_devstack.private_files import make_private_folder, open_private, sync_folder
from tidegate_devstack.saved_blobs import SavedBlobs
from tidegate_devstack.saved_items import SavedItems, tables_without_items

ITEMS_FOLDER = "items"
BLOBS_FOLDER = "blobs"
LOOK_SECONDS = 0.25
SYNC_SECONDS = 1.0
PERIODS_SECONDS: Mapping[str, float] = {"sqs": 1.0, "cloudwatch": 10.0, "cloudwatch_logs": 10.0}
OTHER_PERIOD_SECONDS = 5.0
REST_TIMES_THE_COST = 20.0
_COMPACTION_SHARE = 0.5
_TRIES = 20
_GetState = Callable[[], Any]
_FORMAT = "__ministack_format__"
_log = logging.getLogger("tidegate.saving")


class Saving:
    """Saves this process's emulator in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_private_folder(folder / ITEMS_FOLDER)
        self.blobs = SavedBlobs(folder / BLOBS_FOLDER)
        self.items = SavedItems(ItemFiles(folder / ITEMS_FOLDER), self._save_tables)
        self._written: dict[str, bytes] = {}
        self._due_s: dict[str, float] = {}
        self._sync_due_s = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidegate-saving", daemon=True)

    def install(self) -> None:
        """Replaces the emulator's own saving, which saves only when the emulator ends."""
        load_all = app._load_persisted_state

        def load_and_begin() -> None:
            load_all()
            self.blobs.remove_unread()
            self.items.load()
            self.items.begin()
            self._thread.start()

        # Patches ministack: `dynamodb.get_state`, because items are saved on their own (saved_items.py).
        dynamodb.get_state = tables_without_items
        self.blobs.install()
        self.items.install()
        # Patches ministack: `app._load_persisted_state`, because the saved items must be loaded after the tables, and
        # the saving thread must start after that.
        app._load_persisted_state = load_and_begin
        # Patches ministack: `app.save_all`, because it saves only at the emulator's end, and ignores errors.
        app.save_all = self.save_last

    def save_last(self, services: Mapping[str, _GetState]) -> None:
        """Saves everything that is not saved yet, when the emulator ends. `services` are functions that return states.

        It tries all parts, and then raises the first OSError.
        """
        self._ended.set()
        self._thread.join()
        failed: OSError | None = None
        try:
            self.items.flush()
            self.items.sync()
        except OSError as error:
            failed = error
        for name, get_state in services.items():
            try:
                self._save(name, get_state)
            except OSError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    # --- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            try:
                self._look()
            except OSError as error:  # such as a full disk: the noted changes are kept, and tried again
                _log.error("the state could not be saved, and is tried again: %s", error)
            except Exception:  # noqa: BLE001 - logged here; if the thread ended, nothing would be saved any more
                _log.exception("a part of the state was not saved")

    def _look(self) -> None:
        self.items.flush()
        now_s = time.monotonic()
        if now_s >= self._sync_due_s:
            self.items.sync()
            self._sync_due_s = now_s + SYNC_SECONDS
        until_s = now_s + _COMPACTION_SHARE * LOOK_SECONDS
        while time.monotonic() < until_s and self.items.compact_a_little():
            pass
        for name, get_state in app._build_persistence_save_dict().items():
            if now_s >= self._due_s.get(name, 0.0):
                began_s = time.thread_time()
                self._save(name, get_state)
                rest_s = REST_TIMES_THE_COST * (time.thread_time() - began_s)
                self._due_s[name] = time.monotonic() + max(
                    PERIODS_SECONDS.get(name, OTHER_PERIOD_SECONDS), rest_s
                )

    def _save_tables(self) -> None:
        self._save("dynamodb", tables_without_items)

    def _save(self, name: str, get_state: _GetState) -> None:
        state = _state_of(name, get_state)
        if state is None:
            return
        body = self.blobs.dumps({_FORMAT: persistence._state_format_version(name), "payload": state})
        digest = hashlib.sha256(body).digest()
        if self._written.get(name) == digest:
            return
        draft = self._folder / f"{name}.json.new"
        with open_private(draft) as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / f"{name}.json")
        sync_folder(self._folder)
        self._written[name] = digest


def _state_of(name: str, get_state: _GetState) -> Any:
    """Returns the state of a service that must be saved; None if it has none.

    A service copies its state while other threads of the emulator may change it. If one does, the copy raises
    RuntimeError and is made again. Raises that RuntimeError after `_TRIES` copies.
    """
    state = None
    for tries_left in range(_TRIES - 1, -1, -1):
        try:
            state = get_state()
            break
        except RuntimeError:
            if not tries_left:
                raise
    if state is None:
        return None
    if name == "lambda":
        # The streams themselves are not saved. A reader with an old position would skip records of a new stream.
        state = {**state, "dynamodb_stream_positions": {}}
    return state
