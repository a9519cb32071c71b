"""A source tree as groups of files. Each group is the work of one job."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

MODULES_PER_GROUP = 6
MAX_FILES = 20_000
ROOT_VARIABLE = "TIDEGATE_SAMPLE_ROOT"
_MAX_NAME_CHARACTERS = 100
_NOT_SOURCES = frozenset(
    {
        "__pycache__",
        "dist-packages",
        "idle_test",
        "lib-dynload",
        "node_modules",
        "site-packages",
        "test",
        "tests",
    }
)


@dataclass(frozen=True, slots=True)
class SourceGroup:
    """A package, or some top-level modules with the same initial. `size_bytes` is the size of all its files."""

    name: str
    initial: str
    is_package: bool
    files: tuple[Path, ...]
    size_bytes: int


def root_folder() -> Path:
    """Returns the folder that all sources must be in: TIDEGATE_SAMPLE_ROOT, else the standard library."""
    named = os.environ.get(ROOT_VARIABLE)
    return (Path(named) if named else standard_library()).resolve()


def folder_in_root(source: str | None) -> Path:
    """Returns the folder that `source` names, or the root where it is None. A relative path starts at the root.

    Raises ValueError where the folder is outside the root, whether it exists or not.
    """
    root = root_folder()
    folder = (root / source).resolve() if source else root
    if not folder.is_relative_to(root):
        raise ValueError(
            f"{source} is outside of the folder that samples may read; {ROOT_VARIABLE} names this folder"
        )
    return folder


def standard_library() -> Path:
    """Returns the folder of the standard library of the interpreter that runs this."""
    return Path(sysconfig.get_paths()["stdlib"])


def list_groups(source: Path) -> tuple[SourceGroup, ...]:
    """Returns the groups of a folder, sorted by name. Tests and installed packages are left out.

    Raises ValueError where `source` is not a folder, or holds no Python file, or more than 20,000.
    """
    if not source.is_dir():
        raise ValueError(f"{source} is not a folder")
    entries = sorted(entry for entry in source.iterdir() if _is_source(entry))
    packages = ((entry.name, sorted(_python_files(entry))) for entry in entries if entry.is_dir())
    groups = [_group(name, True, files) for name, files in packages if files]
    modules = (entry for entry in entries if entry.suffix == ".py" and entry.is_file())
    for initial, alike in groupby(sorted(modules, key=lambda path: (_initial(path.name), path)), _initial_of):
        files = list(alike)
        for number, start in enumerate(range(0, len(files), MODULES_PER_GROUP), 1):
            name = f"modules-{initial}-{number}"
            groups.append(_group(name, False, files[start : start + MODULES_PER_GROUP]))
    count = sum(len(group.files) for group in groups)
    if not 0 < count <= MAX_FILES:
        raise ValueError(f"{source} holds {count:,} Python files; 1 to {MAX_FILES:,} can be analysed")
    return tuple(sorted(groups, key=lambda group: group.name))


def _is_source(path: Path) -> bool:
    return path.name not in _NOT_SOURCES and not path.name.startswith(".") and not path.is_symlink()


def _python_files(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if _is_source(entry):
            if entry.is_dir():
                yield from _python_files(entry)
            elif entry.suffix == ".py" and entry.is_file():
                yield entry


def _group(name: str, is_package: bool, files: list[Path]) -> SourceGroup:
    size_bytes = sum(path.stat().st_size for path in files)
    initial = _initial(name) if is_package else _initial(files[0].name)
    return SourceGroup(name[:_MAX_NAME_CHARACTERS], initial, is_package, tuple(files), size_bytes)


def _initial_of(path: Path) -> str:
    return _initial(path.name)


def _initial(name: str) -> str:
    first = name.lstrip("_")[:1].lower()
    return first if first.isascii() and first.isalnum() else "other"
