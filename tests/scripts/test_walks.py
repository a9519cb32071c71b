"""The walks through the code get no longer: ceilings that may only fall."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dev.scripts.audit import ROOT
from dev.scripts.walks import Call, Count, count

# Calls, files and changes of file, as counted. A change that shortens a walk lowers its line.
CEILINGS = {
    "job-put": Count(121, 29, 47),
    "record-sqs": Count(255, 39, 137),
    "message-done": Count(169, 24, 69),
}


def run_script(*options: str) -> str:
    command = [sys.executable, "-m", "dev.scripts.walks", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300).stdout


@pytest.fixture(scope="module")
def sizes() -> dict[str, Count]:
    found = json.loads(run_script("--output", "json"))
    return {name: Count(**size) for name, size in found.items()}


def test_a_change_of_file_is_counted_each_time() -> None:
    calls = [Call("a.py", "f"), Call("a.py", "g"), Call("b.py", "h"), Call("a.py", "f")]
    assert count(calls) == Count(calls=4, files=2, changes=2)
    assert count([]) == Count(0, 0, 0)


@pytest.mark.parametrize("walk", CEILINGS)
def test_no_walk_is_longer_than_it_was(sizes: dict[str, Count], walk: str) -> None:
    size, ceiling = sizes[walk], CEILINGS[walk]
    hint = f"see `python -m dev.scripts.walks --calls {walk}`"
    assert size.calls <= ceiling.calls, hint
    assert size.files <= ceiling.files, hint
    assert size.changes <= ceiling.changes, hint


def test_the_ceilings_are_for_all_walks(sizes: dict[str, Count]) -> None:
    assert sizes.keys() == CEILINGS.keys()
    assert all(size.calls > 0 for size in sizes.values())


def test_the_help_has_an_example() -> None:
    assert "python -m dev.scripts.walks --output json" in run_script("--help")
