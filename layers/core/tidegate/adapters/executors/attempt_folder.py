"""A private folder for the files of one attempt, removed when the attempt has ended."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegate.jobs.surroundings import (
    enter_folder,
    set_environment,
)

_LOGGER = logging.getLogger("tidegate.worker")
_PREFIX = "tidegate-attempt-"


@contextmanager
def attempt_folder() -> Iterator[Path]:
    """Makes a folder that its user alone may enter where the system keeps temporary files; removes it at the end.

    Raises OSError where it can't be made.
    """
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    try:
        yield folder
    finally:
        remove_folder(folder)


@contextmanager
def moved_into(folder: Path) -> Iterator[None]:
    """Works in `folder` meanwhile, which holds temporary files, too; then this process is as it was before.

    That also undoes what job code changed of the environment and of the working directory.
    """
    environment, temporary, before = dict(os.environ), tempfile.tempdir, Path.cwd()
    enter_folder(folder, environment)
    try:
        yield
    finally:
        os.chdir(before)
        set_environment(environment)
        tempfile.tempdir = temporary


def remove_folder(folder: Path) -> None:
    """Removes a folder with all that job code left in it; follows no link.

    A folder that can't be removed is logged: the next attempt has another one.
    """
    if folder.is_symlink():
        folder.unlink()  # job code put it in the folder's place
        return
    try:
        folder.rmdir()  # most are empty, and this is far cheaper
    except FileNotFoundError:
        return  # job code removed it
    except OSError:
        _remove_tree(folder)


def _remove_tree(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError:
        _open_up(folder)
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            _LOGGER.warning("the folder %s of an attempt can't be removed", folder)


def _open_up(folder: Path) -> None:
    """Lets the user into every folder that job code had closed; follows no link."""
    for path, folders, _ in os.walk(folder, topdown=True):
        for name in folders:
            inner = Path(path) / name
            if stat.S_ISDIR(inner.lstat().st_mode):
                inner.chmod(stat.S_IRWXU)
