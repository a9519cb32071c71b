"""Checks job code before a deployment, so that nothing is deployed with job code that can't be loaded."""

from __future__ import annotations

from pathlib import Path

from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.job_check import check_job_code, said_of


def check_source(project: Path) -> bool:
    """Loads the project's job code. Returns False if some of it can be checked only after the build.

    Raises LocalStackError if some of it can't be loaded.
    """
    return _check(project / "layers" / "jobs")


def check_layer(build: Path) -> None:
    """Loads the job code of the layer that was built in `build`, which holds the packages that the code needs.

    Raises LocalStackError if some of it can't be loaded.
    """
    _check(build / "JobsLayer" / "python")


def _check(folder: Path) -> bool:
    found = check_job_code(folder)
    if found.faults:
        raise LocalStackError(said_of(found))
    return not found.unchecked
