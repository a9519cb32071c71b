"""The package installs alone: it imports httpx and pydantic, botocore for signatures only, and nothing of tidegate."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.harness.tracked import ROOT, tracked

FOLDER = "clients/python"
PROJECT = tomllib.loads((ROOT / FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]

PROGRAM = """
import sys
sys.path.append(sys.argv[1])
import httpx
from tidegate_client import Client

def answer(request):
    return httpx.Response(201, json={"job_id": "01JD3V8Q5S2Y6W9K4M7N0P1R2T"})

with Client("https://api.test", transport=httpx.MockTransport(answer)) as client:
    print(client.submit_job({"type": "text.count"}).id)
try:
    import tidegate_client.sigv4
except ModuleNotFoundError as error:
    print(error.name, "is missing")
"""
"""Submits a job, and looks for the extra that is not installed."""


def _foreign(source: Path) -> set[str]:
    roots: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            roots.add(node.module.partition(".")[0])
    return roots - sys.stdlib_module_names - {"tidegate_client"}


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[><=]", each)[0] for each in requirements}


def test_it_imports_only_the_packages_that_it_declares() -> None:
    sources = tracked(f"{FOLDER}/*.py")
    assert len(sources) > 10
    signing = _names(PROJECT["optional-dependencies"]["aws"])
    for source in sources:
        allowed = _names(PROJECT["dependencies"]) | (signing if source.name == "sigv4.py" else set())
        assert not _foreign(source) - allowed, source


def test_it_ships_its_types() -> None:
    assert (ROOT / FOLDER / "tidegate_client" / "py.typed").exists()


def test_it_has_the_version_of_the_project() -> None:
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert PROJECT["version"] == whole["version"]
    assert PROJECT["requires-python"] == whole["requires-python"]


@pytest.mark.parametrize(
    "source", [each for each in tracked(f"{FOLDER}/*.py") if each.name != "sigv4.py"], ids=str
)
def test_signing_is_imported_by_those_who_sign(source: Path) -> None:
    imported = [
        node.module
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    ]
    assert "tidegate_client.sigv4" not in imported


def _closure(names: set[str]) -> set[str]:
    """Returns the packages and all that they need here, without extras."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found.add(name)
            needed = [Requirement(each) for each in distribution(name).requires or ()]
            waiting += [
                each.name for each in needed if not each.marker or each.marker.evaluate({"extra": ""})
            ]
    return found


def _link(package: str, folder: Path) -> None:
    """Links the files of an installed package into a folder, where it can be imported from."""
    installed = distribution(package)
    roots = {
        file.parts[0] for file in installed.files or () if not file.parts[0].startswith((".", "__pycache__"))
    }
    for root in roots:
        (folder / root).symlink_to(str(installed.locate_file(root)))


def test_it_installs_and_works_with_its_own_dependencies_alone(tmp_path: Path) -> None:
    """Builds and installs the package as pip does, beside nothing but what its pyproject.toml names."""
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(
        ROOT / FOLDER, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    )
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
    ]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, timeout=300)
    assert (target / "tidegate_client" / "py.typed").exists()
    for package in _closure(_names(PROJECT["dependencies"])):
        _link(package, target)
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM, str(target)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["01JD3V8Q5S2Y6W9K4M7N0P1R2T", "botocore is missing"]
