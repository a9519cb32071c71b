"""Keeps the files of a worker's attempts in one folder, and removes the folders that killed workers left behind."""

from __future__ import annotations

import fcntl
import itertools
import logging
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tidegate.adapters.executors.attempt_folder import remove_folder

_Identity = tuple[int, int, int, int]

_LOGGER = logging.getLogger("tidegate.worker")
_PREFIX = "tidegate-worker-"
_LOCK = "lock"
_ABANDONED_SECONDS = 3_600.0  # the owner of a younger folder may be about to lock it


class WorkerScratch:
    """A folder for one worker process inside `parent`, by default where the system keeps temporary files.

    While the process lives, it holds a lock on a file in the folder. A killed worker can't remove its folder; the
    next worker with the same `parent` does, once the lock is free. If something else removes the folder of a living
    worker, the next attempt gets a new one. Raises OSError where no folder can be made.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self._place = Path(tempfile.gettempdir()) if parent is None else parent
        self._numbers = itertools.count()
        self._free: list[tuple[Path, _Identity | None]] = []
        self._making = threading.Lock()
        self._closed = False
        self.folder, self._lock = _locked_folder(self._place)
        self._remove_abandoned(self._place)

    @contextmanager
    def attempt_folder(self) -> Iterator[Path]:
        """Provides an empty folder for one attempt, which only the user of this process may enter.

        At the end the folder is removed with all that is in it. A folder that is still as it was provided is used
        again, because making and removing a folder takes milliseconds on some file systems, and most jobs leave no
        files. Threads may share the scratch. Raises OSError where the folder can't be made.
        """
        folder, identity = self._take()
        try:
            yield folder
        finally:
            if _identity(folder) == identity:
                self._free.append((folder, identity))
            else:
                remove_folder(folder)

    def _take(self) -> tuple[Path, _Identity | None]:
        while self._free:
            try:
                folder, identity = self._free.pop()
            except IndexError:  # another thread took the last one
                break
            # A process that job code left running may have written to the folder since.
            if _identity(folder) == identity:
                return folder, identity
            remove_folder(folder)
        try:
            folder = self._made()
        except FileNotFoundError:
            self._replace()
            folder = self._made()
        return folder, _identity(folder)

    def _made(self) -> Path:
        folder = self.folder / str(next(self._numbers))
        folder.mkdir(mode=0o700)
        return folder

    def _replace(self) -> None:
        """Makes a new folder if the old one is gone; does nothing if another thread has made it already."""
        with self._making:
            if self._closed or self.folder.is_dir():
                return
            gone, lock = self.folder, self._lock
            self.folder, self._lock = _locked_folder(self._place)
            lock.close()
            _LOGGER.warning(
                "something removed %s, the folder of this worker; it has %s now", gone, self.folder
            )

    def close(self) -> None:
        """Removes the folder with all that is left in it."""
        with self._making:
            self._closed = True
            shutil.rmtree(self.folder, ignore_errors=True)  # the next worker on this machine tries again
            self._lock.close()

    def _remove_abandoned(self, place: Path) -> None:
        now_s = self.folder.stat().st_mtime  # the file system's clock, as for the times of the others
        for found in place.glob(f"{_PREFIX}*"):
            try:
                status = found.lstat()
                is_old = now_s - status.st_mtime > _ABANDONED_SECONDS
                if is_old and status.st_uid == os.geteuid() and _is_free(found / _LOCK):
                    shutil.rmtree(found, ignore_errors=True)
            except OSError:
                continue  # it is gone, or belongs to another user


def _locked_folder(place: Path) -> tuple[Path, IO[str]]:
    """Makes a new folder in `place`; returns it with the lock file in it that this process holds."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place)).resolve()
    lock = (folder / _LOCK).open("w", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return folder, lock


def _identity(folder: Path) -> _Identity | None:
    """Returns the identity and the rights of an empty folder; None if it is not empty, or not usable."""
    try:
        status = folder.lstat()
        is_empty = stat.S_ISDIR(status.st_mode) and not any(folder.iterdir())
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_mode, status.st_uid) if is_empty else None


def _is_free(lock: Path) -> bool:
    descriptor = os.open(lock, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
