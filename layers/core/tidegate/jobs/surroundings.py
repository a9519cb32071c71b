"""Sets the surroundings of an attempt in its process: environment variables, working directory, temporary files."""

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
    """Makes `folder` the working directory and the place of temporary files, and sets the environment variables.

    The process then has exactly the variables of `environment` and TMPDIR. Only variables that differ are changed,
    because other threads may be reading them.
    """
    wanted = {**environment, "TMPDIR": str(folder)}
    set_environment(wanted)
    time.tzset()  # without this call, the C library keeps the previous time zone
    tempfile.tempdir = None  # makes Python look it up again
    os.chdir(folder)


def set_environment(wanted: Mapping[str, str]) -> None:
    """Makes `wanted` the environment variables of the process, and removes all others."""
    found = dict(os.environ)
    for name in found.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in wanted.items() if found.get(name) != value})


def run_in_own_context(run: Callable[[], T]) -> T:
    """Calls `run` and undoes its changes to context variables, decimal rules and warning filters; returns its value."""

    def run_with_own_rules() -> T:
        # A copied context still shares the decimal rules' object with the original, so the object is copied too.
        decimal.setcontext(decimal.getcontext().copy())
        return run()

    with warnings.catch_warnings():
        return contextvars.copy_context().run(run_with_own_rules)
