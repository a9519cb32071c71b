"""Finds job code: imports every module of the package that users fill, so that `@job` registers its types."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from types import ModuleType

from tidegate.handlers.registry import REGISTRY, RegistrationError, Registry

JOBS_PACKAGE = "tidegate_jobs"


def load_registry(package: str = JOBS_PACKAGE) -> Registry:
    """The built-in job types and those of every module of `package`, found on the import path.

    Without such a package only the built-in types are there. Raises RegistrationError naming the module that
    can't be imported, or the registration that can't work.
    """
    _import(f"{__package__}.builtin")
    if importlib.util.find_spec(package) is None:
        return REGISTRY
    root = _import(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        if not module.name.endswith(".__main__"):
            _import(module.name)
    return REGISTRY


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except RegistrationError:
        raise
    except Exception as error:
        raise RegistrationError(
            f"job code in {name} can't be imported: {type(error).__name__}: {error}; "
            "mend the module, or add the package that it needs to layers/jobs/requirements.txt"
        ) from error
