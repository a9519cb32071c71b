"""The package installs alone: it imports httpx and pydantic, botocore for signatures only, and nothing of tidegate."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.harness.tracked import ROOT, tracked

FOLDER = "clients/python"
PROJECT = tomllib.loads((ROOT / FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]


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
