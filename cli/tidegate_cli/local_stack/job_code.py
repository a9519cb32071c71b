"""Job code that can't be loaded is found before anything is deployed."""

from __future__ import annotations

from pathlib import Path

from tidegate_cli.job_check import check_job_code, said_of
from tidegate_cli.local_stack.errors import LocalStackError


def check_source(project: Path) -> bool:
    """Loads the project's job code; returns whether all of it could be checked before the build.

    Raises LocalStackError where some of it can't be loaded.
    """
    return _check(project / "layers" / "jobs")


def check_layer(build: Path) -> None:
    """Loads the job code of the built layer, which holds the packages that it needs. Raises LocalStackError."""
    _check(build / "JobsLayer" / "python")


def _check(folder: Path) -> bool:
    found = check_job_code(folder)
    if found.faults:
        raise LocalStackError(said_of(found))
    return not found.unchecked
