"""What an attempt finds around it in its process: variables, working directory, a place for temporary files."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path


def enter_folder(folder: str | Path, environment: Mapping[str, str]) -> None:
    """Moves the process into `folder`, also for temporary files, with the variables of `environment` and no others.

    Only variables that differ are touched: threads beside job code may be reading them.
    """
    wanted = {**environment, "TMPDIR": str(folder)}
    set_environment(wanted)
    time.tzset()  # the C library keeps a zone that was set before
    tempfile.tempdir = None  # asked for anew
    os.chdir(folder)


def set_environment(wanted: Mapping[str, str]) -> None:
    """Makes the variables of the process those of `wanted`."""
    found = dict(os.environ)
    for name in found.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in wanted.items() if found.get(name) != value})
