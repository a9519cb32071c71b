"""Large byte strings of the emulator's state, each in a file of its own: packed functions and layers, uploads.

They never change, so they are written once, and the state that names them stays small enough to be saved every few
seconds. A file is called by the SHA-256 of what it holds.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ministack.core import persistence

from tidegate_cli.local_stack.private_files import make_private_folder, open_private, sync_folder

LEAST_BYTES = 16 * 1024
_MARK = "__blob__"


class SavedBlobs:
    """The files of large byte strings in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Held, so that no other byte string gets the identity of one whose name was worked out before.
        self._named: dict[int, tuple[bytes, str]] = {}
        self._read: set[str] = set()
        make_private_folder(folder)

    def dumps(self, state: Any) -> bytes:
        """A service's state as JSON. Writes the large byte strings in it where they are not written yet."""
        return json.dumps(state, default=self._encoded).encode()

    def install(self) -> None:
        """Has the emulator of this process read the files where a state names them."""
        restored = persistence._json_object_hook

        def restored_with_blobs(value: dict[str, Any]) -> Any:
            return self._content(value[_MARK]) if _MARK in value else restored(value)

        persistence._json_object_hook = restored_with_blobs

    def remove_unread(self) -> None:
        """Removes files that no state named when it was loaded."""
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
