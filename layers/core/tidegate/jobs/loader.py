"""Finds job code: imports every module of the package that users fill, so that `@job` registers its types."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tidegate.jobs.registry import REGISTRY, RegistrationError, Registry
from tidegate.jobs.targets.file import FILE_NAME, register_targets
from tidegate.jobs.targets.support import TargetSupport

JOB_PACKAGES = ("tidegate_jobs", "tidegate_samples")
"""The package that users fill, and the package of samples, which exists only where the samples were deployed."""
BUILT_IN = f"{__package__}.builtin"
"""The module of the types that every part of tidegate has."""
_NEW_PACKAGE = (
    "fix the module, or add the package that it needs to dev/requirements/jobs.in and run `make lock`, "
    "which writes layers/jobs/requirements.txt"
)


@dataclass(frozen=True, slots=True)
class ModuleFault:
    """The reason why a module of job code could not be imported, with the place and a way to fix it.

    `file` is relative to the folder that holds the package, and `line` counts from 1; both are None if unknown.
    `missing` names the module that was not found, if that is the cause.
    """

    module: str
    cause: str
    fix: str
    file: str | None = None
    line: int | None = None
    missing: str | None = None

    @property
    def place(self) -> str:
        """The file and the line, if they are known."""
        if self.file is None:
            return ""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        where = f" ({self.place})" if self.place else ""
        verb = "loaded" if self.is_of_targets else "imported"
        return f"job code in {self.module} can't be {verb}: {self.cause}{where}; {self.fix}"

    @property
    def is_of_targets(self) -> bool:
        """True for a fault of a file of targets."""
        return self.file is not None and self.file.endswith(f"/{FILE_NAME}")

    @property
    def for_callers(self) -> str:
        """The fault as one sentence for people who submit jobs."""
        place = f" ({self.place})" if self.place and not self.is_of_targets else ""
        failed = "has a fault" if self.is_of_targets else "failed to import"
        kind = "the file" if self.is_of_targets else "module"
        return f"{kind} {self.module} {failed}: {self.cause}{place}; fix it and deploy again"


def load_registry(*packages: str, support: TargetSupport | None = None) -> Registry:
    """Loads the built-in job types and those of every module of `packages` (default: JOB_PACKAGES).

    Returns the registry. A package that is not on the import path is skipped. Targets are loaded where there is
    `support` for them. Raises RegistrationError for the first
    module that can't be imported, or whose registration can't work.
    """
    for fault in load_modules(*packages, support=support):
        raise RegistrationError(str(fault))
    return REGISTRY


def load_what_works(*packages: str, support: TargetSupport | None = None) -> Registry:
    """Loads the job types like `load_registry`, but skips modules that can't be imported.

    `faults()` of the returned registry names each of these modules with the reason.
    """
    for fault in load_modules(*packages, support=support):
        REGISTRY.note_fault(fault.module, fault.for_callers)
    return REGISTRY


def load_for_worker(*packages: str, support: TargetSupport | None = None) -> Registry:
    """Loads the job types like `load_what_works`, for a worker process, which is useless without any job code.

    Raises RegistrationError for the first fault if no type but the built-in ones could be loaded.
    """
    importlib.import_module(BUILT_IN)
    built_in = set(REGISTRY.types())
    registry = load_what_works(*packages, support=support)
    faults = registry.faults()
    if faults and set(registry.types()) == built_in:
        raise RegistrationError(faults[0])
    return registry


def load_modules(*packages: str, support: TargetSupport | None = None) -> Iterator[ModuleFault]:
    """Imports the built-in job types and every module of `packages` (default: JOB_PACKAGES).

    Yields a fault for each module that fails, and removes the types that such a module had registered. With `support`,
    it also registers the targets of each package's `targets.yaml`, and yields a fault for each that can't work.
    """
    importlib.import_module(BUILT_IN)
    for package in packages or JOB_PACKAGES:
        if importlib.util.find_spec(package) is not None:
            yield from _load(package)
            if support is not None:
                yield from _load_targets(package, support)


def _load_targets(package: str, support: TargetSupport) -> Iterator[ModuleFault]:
    folder = _folder_of(package)
    if folder is None:
        return
    file = f"{folder.name}/{FILE_NAME}"
    for name, error in register_targets(folder, REGISTRY, support):
        yield ModuleFault(f"{file} {name}".strip(), str(error), "correct the file", file)


def _load(name: str) -> Iterator[ModuleFault]:
    """Imports a module and everything inside it, if it is a package.

    A package that fails is skipped with all its modules.
    """
    known = set(REGISTRY.types())
    try:
        module = importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a module may raise anything as it is imported
        REGISTRY.forget_failed(known_before=known)
        yield _fault(name, error)
        return
    REGISTRY.note_loaded(name)
    for found in pkgutil.iter_modules(getattr(module, "__path__", []), f"{name}."):
        if not found.name.endswith(".__main__"):
            yield from _load(found.name)


def _fault(name: str, error: BaseException) -> ModuleFault:
    file, line = _place_of(name, error)
    cause = f"{type(error).__name__}: {error}"
    if isinstance(error, RegistrationError):
        return ModuleFault(name, str(error), "correct the registration", file, line)
    if isinstance(error, SyntaxError):
        return ModuleFault(name, f"SyntaxError: {error.msg}", "correct the syntax", file, line)
    if isinstance(error, SystemExit):
        fix = (
            "a module must not end the process as it is imported: put that under `if __name__ == '__main__'`"
        )
        return ModuleFault(name, cause, fix, file, line)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return ModuleFault(name, cause, _NEW_PACKAGE, file, line, missing)


def _place_of(name: str, error: BaseException) -> tuple[str | None, int | None]:
    """Returns the file and line of job code at which an import failed: the last frame inside its package."""
    root = _folder_of(name.partition(".")[0])
    if isinstance(error, SyntaxError) and error.filename:
        return _relative(error.filename, root), error.lineno
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if root is not None and Path(frame.filename).is_relative_to(root):
            return _relative(frame.filename, root), frame.lineno
    return None, None


def _folder_of(package: str) -> Path | None:
    module: ModuleType | None = sys.modules.get(package)
    spec = module.__spec__ if module is not None else importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def _relative(file: str, root: Path | None) -> str:
    path = Path(file)
    if root is not None and path.is_relative_to(root.parent):
        return path.relative_to(root.parent).as_posix()
    return path.name
