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

from tidegate.jobs.surroundings import enter_folder, set_environment

_LOGGER = logging.getLogger("tidegate.worker")
_PREFIX = "tidegate-attempt-"


@contextmanager
def attempt_folder() -> Iterator[Path]:
    """Makes a folder for one attempt where the system keeps temporary files, and removes it at the end of the block.

    Only the user of this process may enter the folder. Raises OSError where it can't be made.
    """
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    try:
        yield folder
    finally:
        remove_folder(folder)


@contextmanager
def moved_into(folder: Path) -> Iterator[None]:
    """Makes `folder` the working directory and the place of temporary files for the block, then restores both.

    It restores the environment variables too, so changes that job code made to them are undone.
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
    """Removes a folder with all that job code left in it; never follows a link.

    A folder that can't be removed is logged and left, because the next attempt uses another one.
    """
    if folder.is_symlink():
        folder.unlink()  # job code replaced the folder by a link
        return
    try:
        folder.rmdir()  # most folders are empty, and this is far cheaper than the walk below
    except FileNotFoundError:
        return  # job code removed the folder
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
    """Makes every folder inside accessible to the user again where job code had closed it; never follows a link."""
    for path, folders, _ in os.walk(folder, topdown=True):
        for name in folders:
            inner = Path(path) / name
            if stat.S_ISDIR(inner.lstat().st_mode):
                inner.chmod(stat.S_IRWXU)
