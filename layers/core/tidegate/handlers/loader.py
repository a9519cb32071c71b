"""Finds job code: imports every module of the package that users fill, so that `@job` registers its types."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from types import ModuleType

from tidegate.handlers.registry import REGISTRY, RegistrationError, Registry

JOB_PACKAGES = ("tidegate_jobs", "tidegate_samples")
"""The package that users fill, and the samples, which are there only where they were deployed."""


def load_registry(*packages: str) -> Registry:
    """The built-in job types and those of every module of `packages` (JOB_PACKAGES unless given).

    A package that is not on the import path is left out. Raises RegistrationError naming the module that can't be
    imported, or the registration that can't work.
    """
    _import(f"{__package__}.builtin")
    for package in packages or JOB_PACKAGES:
        if importlib.util.find_spec(package) is not None:
            _import_all_of(package)
    return REGISTRY


def _import_all_of(package: str) -> None:
    root = _import(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        if not module.name.endswith(".__main__"):
            _import(module.name)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except RegistrationError:
        raise
    except Exception as error:
        raise RegistrationError(
            f"job code in {name} can't be imported: {type(error).__name__}: {error}; "
            "mend the module, or add the package that it needs to requirements/jobs.in and run `make lock`, "
            "which writes layers/jobs/requirements.txt"
        ) from error
