"""Saves large byte strings of the emulator's state in files of their own: packed functions and layers, and uploads.

A byte string never changes, so it is written once. The state only names its file, and so stays small enough to be saved
every few seconds. A file's name is the SHA-256 of its content.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ministack.core import persistence

from tidegate_devstack.private_files import make_private_folder, open_private, sync_folder

LEAST_BYTES = 16 * 1024
_MARK = "__blob__"


class SavedBlobs:
    """The files of large byte strings in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # The byte strings are kept, so that no later one can get the same id() as one whose name is known.
        self._named: dict[int, tuple[bytes, str]] = {}
        self._read: set[str] = set()
        make_private_folder(folder)

    def dumps(self, state: Any) -> bytes:
        """Returns a service's state as JSON. Writes the large byte strings in it that have no file yet.

        Raises OSError if a file can't be written.
        """
        return json.dumps(state, default=self._encoded).encode()

    def install(self) -> None:
        """Has the emulator of this process read a file wherever a saved state names it."""
        restored = persistence._json_object_hook

        def restored_with_blobs(value: dict[str, Any]) -> Any:
            return self._content(value[_MARK]) if _MARK in value else restored(value)

        # Patches ministack: `persistence._json_object_hook`, because it knows no states that name such files.
        persistence._json_object_hook = restored_with_blobs

    def remove_unread(self) -> None:
        """Removes the files that no state named. Call it after all states were loaded."""
        for path in self._folder.iterdir():
            if path.name not in self._read:
                path.unlink()

    def _encoded(self, value: Any) -> Any:
        if isinstance(value, bytes) and len(value) >= LEAST_BYTES:
            return {_MARK: self._name_of(value)}
        return persistence._json_default(value)

    def _name_of(self, value: bytes) -> str:
        known = self._named.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        name = hashlib.sha256(value).hexdigest()
        path = self._folder / name
        if not path.exists():
            draft = path.with_suffix(".new")
            with open_private(draft) as file:
                file.write(value)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_folder(self._folder)
        self._named[id(value)] = (value, name)
        return name

    def _content(self, name: str) -> bytes:
        content = (self._folder / name).read_bytes()
        self._read.add(name)
        self._named[id(content)] = (content, name)
        return content
