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

_LOGGER = logging.getLogger("tidegate.worker")
_PREFIX = "tidegate-attempt-"


@contextmanager
def attempt_folder(parent: Path | None = None) -> Iterator[Path]:
    """Makes a folder that its user alone may enter, and removes it with all that is in it.

    It lies in `parent`, by default where the system keeps temporary files. Raises OSError where it can't be made. A
    folder that can't be removed is logged: the next attempt has another one.
    """
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent)).resolve()
    try:
        yield folder
    finally:
        _remove(folder)


@contextmanager
def moved_into(folder: Path) -> Iterator[None]:
    """Works in `folder` meanwhile, which holds temporary files, too; then this process is as it was before.

    That also undoes what job code changed of the environment and of the working directory.
    """
    environment, temporary, before = dict(os.environ), tempfile.tempdir, Path.cwd()
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None  # asked for anew
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)
        tempfile.tempdir = temporary


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return  # job code removed it
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
