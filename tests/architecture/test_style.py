"""Bounds on files, functions and the README, and calls that are forbidden."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.tracked import ROOT, tracked

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_README_LINES = 150


def _functions(source: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_there_are_files_to_check() -> None:
    assert len(tracked("*.py")) > 50


def test_files_are_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in tracked("*.py")
    }
    too_long = {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES}
    assert not too_long


def test_functions_are_short() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for path in tracked("*.py")
        for function in _functions(path)
        if (function.end_lineno or 0) - function.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert not too_long


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MAX_README_LINES


@pytest.mark.parametrize("call", ["scan", "scan_paginator"])
def test_nothing_scans_a_table(call: str) -> None:
    for path in tracked("layers/*.py", "functions/*.py", "worker/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr != call, f"{path.relative_to(ROOT)}:{node.lineno} scans"


def test_no_policy_allows_scan_or_a_wildcard_action() -> None:
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    assert "dynamodb:Scan" not in template
    # Requests to a queue without TLS are denied all actions: those are the only wildcards. Without TLS nobody may
    # publish to the topic of the alarms either.
    denied = re.findall(r'Effect: Deny\n +Principal: "\*"\n +Action: (.+)', template)
    assert len(denied) == template.count("Effect: Deny")
    assert set(denied) == {"sqs:*", "sns:Publish"}
    assert denied.count("sqs:*") == template.count("sqs:*")
    for service in ("dynamodb", "lambda", "sns", "states", "s3"):
        assert f"{service}:*" not in template
