"""What an attempt finds around it in its process: variables, working directory, a place for temporary files."""

from __future__ import annotations

import contextvars
import decimal
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


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


def run_apart(run: Callable[[], T]) -> T:
    """Calls `run`, which may change context variables, decimals' rules and filters of warnings: all end with it."""

    def run_with_own_rules() -> T:
        # A copy of the context shares the object that holds the rules, where there was one.
        decimal.setcontext(decimal.getcontext().copy())
        return run()

    with warnings.catch_warnings():
        return contextvars.copy_context().run(run_with_own_rules)
