"""Files and folders that only their user can read.

A local stack's home holds the secret of its root key and everything that its tables and queues hold.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from tidegate_cli.local_stack.errors import LocalStackError

UMASK = 0o077
"""The bits that a process of the local stack takes from the mode of each file that it makes."""
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def claim_home(home: Path, *, marker: str, default_name: str) -> None:
    """Makes a stack's home where there is none, and closes it to other users.

    A folder that others can enter is closed only where it is a home without doubt: it is empty, it holds the file
    `marker`, or it is called `default_name`. Raises LocalStackError where it is another user's folder, or one
    that is used for more than a stack.
    """
    home.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    found = home.stat()
    if found.st_uid != os.geteuid():
        raise LocalStackError(
            f"{home} belongs to another user, who could read this stack's secret: "
            "name a folder of your own in TIDEGATE_HOME"
        )
    if not found.st_mode & _OF_OTHERS:
        return
    is_home = home.name == default_name or (home / marker).exists() or not any(home.iterdir())
    if not is_home:
        raise LocalStackError(
            f"other users can enter {home}, and it holds more than a stack: "
            "name a folder in TIDEGATE_HOME that is for the stack alone"
        )
    home.chmod(_FOLDER_MODE)


def make_private_folder(folder: Path) -> None:
    """Makes a folder where there is none, which its user alone may enter."""
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)


def open_private(path: Path) -> IO[bytes]:
    """Opens a file to be written anew. Other users can't read it, not even one that was there before."""
    return os.fdopen(_descriptor(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb")


def open_private_lock(path: Path) -> IO[bytes]:
    """Opens a file for its lock; what it holds stays."""
    return os.fdopen(_descriptor(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")


def replace_private(path: Path, text: str) -> None:
    """Writes a file whole or not at all: a reader finds the old text or the new one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")  # several processes may write the same file
    with open_private(draft) as file:
        file.write(text.encode())
    draft.replace(path)


def sync_folder(folder: Path) -> None:
    """Has the names in a folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def others_can_read(path: Path) -> bool:
    """True where the mode of a file gives anything to other users."""
    return bool(path.stat().st_mode & _OF_OTHERS)


def _descriptor(path: Path, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE)
    try:
        os.fchmod(descriptor, _FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
