"""The picture in docs/explanation/architecture.md stays true: allowed imports, no clock in the core, few entries."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.functions.loaded import loaded_by
from tests.harness.tracked import ROOT, tracked

CORE = "layers/core/tidegate"
FUNCTIONS = ("api", "console", "dispatcher", "reaper", "recorder", "webhooks", "worker")
LONGEST_ENTRY_POINT = 30
SIMULATOR = {
    "memory": frozenset[str](),
    "system": {"memory"},
    "workflows": {"memory", "system"},
    "people": {"memory", "system", "workflows"},
    "checks": {"memory", "system"},
    "interleavings": {"memory", "workflows", "people"},
    "why": {"memory", "interleavings"},
}
"""The parts of the simulator, and the parts that each may import."""


def _below(folder: str) -> list[Path]:
    """Returns the paths of the files below a folder, relative to it."""
    return [file.relative_to(ROOT / folder) for file in tracked(folder)]


def _folders(folder: str) -> set[str]:
    return {path.parts[0] for path in _below(folder) if len(path.parts) > 1}


def _files(folder: str) -> set[str]:
    return {path.name for path in _below(folder) if len(path.parts) == 1 and path.name != "__init__.py"}


def _imported(source: Path) -> Iterator[str]:
    """Yields the name of each module that a file imports anywhere in its code."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


def test_imports_go_in_the_decided_directions() -> None:
    # It runs in a process of its own, because the linter silences every existing logger.
    command = [str(Path(sys.executable).with_name("lint-imports"))]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout


def test_nobody_asks_for_the_time_or_chance_but_the_system_adapter() -> None:
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "layers/core", "functions"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout


def test_functions_do_not_import_each_other_or_the_adapters() -> None:
    for source in tracked("functions/*.py"):
        text = source.read_text(encoding="utf-8")
        assert "tidegate.adapters" not in text, f"{source.relative_to(ROOT)} must go through bootstrap"
        assert "from functions" not in text, f"{source.relative_to(ROOT)} must not import another function"


def test_entry_points_are_thin() -> None:
    for source in tracked("functions/*.py"):
        lines = len(source.read_text(encoding="utf-8").splitlines())
        assert lines <= LONGEST_ENTRY_POINT, f"{source.relative_to(ROOT)} has {lines} lines"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_loads_no_run_of_another_function(function: str) -> None:
    of_one = {path.name for path in _below(f"{CORE}/entry")} & {f"{each}.py" for each in FUNCTIONS}
    loaded = {path.name for path in loaded_by(function) if path.parent == Path(CORE, "entry")}
    assert loaded & of_one == of_one & {f"{function}.py"}
    assert (Path(CORE, "api", "app.py") in loaded_by(function)) == (function == "api")


@pytest.mark.parametrize("room", ["domain", "ports", "usecases"])
def test_inner_rooms_need_the_standard_library_only(room: str) -> None:
    for source in tracked(f"{CORE}/{room}/*.py"):
        roots = {name.partition(".")[0] for name in _imported(source)}
        foreign = roots - sys.stdlib_module_names - {"tidegate"}
        assert not foreign, f"{source.relative_to(ROOT)} imports {', '.join(sorted(foreign))}"


@pytest.mark.parametrize("folder", ["clients", "dev", "examples", "functions", "layers", "worker"])
def test_nothing_but_tests_imports_from_tests(folder: str) -> None:
    for source in tracked(f"{folder}/*.py"):
        from_tests = [name for name in _imported(source) if name.partition(".")[0] == "tests"]
        assert not from_tests, f"{source.relative_to(ROOT)} imports {', '.join(from_tests)}"


@pytest.mark.parametrize("part", SIMULATOR)
def test_parts_of_the_simulator_import_only_parts_below_them(part: str) -> None:
    for source in tracked(f"dev/simulator/{part}/*.py"):
        imported = [name.split(".") for name in _imported(source) if name.startswith("dev.simulator.")]
        foreign = {names[2] for names in imported} - SIMULATOR[part] - {part}
        assert not foreign, f"{source.relative_to(ROOT)} imports {', '.join(sorted(foreign))}"


def test_a_first_look_shows_few_entries() -> None:
    top = {name for name in _folders(".") if not name.startswith(".")}
    assert len(top) <= 10, sorted(top)
    usecases = f"{CORE}/usecases"
    assert len(_folders(usecases)) <= 16, sorted(_folders(usecases))
    assert len(_files(usecases)) <= 3, sorted(_files(usecases))
    adapters = f"{CORE}/adapters"
    entries = _folders(adapters) | _files(adapters)
    # Each of the seven is one foreign thing: AWS's calls, its tables, the processes of job code, expressions, the
    # calendar with its time zones, the network outside, the machine. None is part of another.
    assert len(entries) <= 7, sorted(entries)
    assert _folders("dev/simulator") == SIMULATOR.keys()
    assert len(_files("dev/simulator")) <= 6, sorted(_files("dev/simulator"))


def test_each_folder_of_code_says_what_it_is_for() -> None:
    for source in tracked("*/__init__.py", ":!tests"):
        said = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8")))
        assert said, f"{source.relative_to(ROOT)} has no docstring"
