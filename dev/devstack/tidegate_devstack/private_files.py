"""Makes files and folders that only their user can read.

They are needed because a local stack's home holds the secret of its root key, and the data of its tables and queues.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from tidegate_devstack.errors import LocalStackError

UMASK = 0o077
"""The umask of the local stack's processes: files that they make give no rights to other users."""
PRIVATE_MODE = 0o600
"""The mode of a file that only its user can read."""
_FOLDER_MODE = 0o700
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def claim_home(home: Path, *, marker: str, default_name: str) -> None:
    """Makes a stack's home if there is none, and closes it to other users.

    A folder that others can enter is closed only if it is certainly a home: it is empty, it holds the file `marker`, or
    its name is `default_name`. Raises LocalStackError if the folder is another user's, or is used for more than a
    stack.
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
    """Makes a folder if there is none, and lets only its user enter it."""
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)


def open_private(path: Path) -> IO[bytes]:
    """Opens an empty file for writing. Other users can't read it, even if an older file at `path` let them."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, PRIVATE_MODE)
    try:
        os.fchmod(descriptor, PRIVATE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "wb")


def close_to_others(path: Path) -> None:
    """Lets only its user read a file."""
    path.chmod(PRIVATE_MODE)


def replace_private(path: Path, text: str) -> None:
    """Replaces a file's text in one step, so that a reader finds the old text or the new one, never half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")  # several processes may write the same file
    with open_private(draft) as file:
        file.write(text.encode())
    draft.replace(path)


def sync_folder(folder: Path) -> None:
    """Syncs the names in a folder to the disk, so that they survive a loss of power. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def others_can_read(path: Path) -> bool:
    """True if the mode of a file gives any right to other users. Raises FileNotFoundError without the file."""
    return bool(path.stat().st_mode & _OF_OTHERS)
