"""Job code in the function's own process: its files and settings are gone when the attempt has ended."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.harness.jobs.executors import CLOCK, Beats, assignment
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.jobs.loader import load_registry
from tidegate.ports import Outcome, OutcomeKind


def _run(job_type: str, parameters: dict[str, str] | None = None) -> Outcome:
    executor = InlineExecutor(
        load_registry("tests.harness.attack.isolation_jobs"), CLOCK, heartbeat_seconds=15
    )
    return executor.execute(assignment(job_type, dict(parameters or {})), Beats())


def test_an_attempt_in_the_function_leaves_no_file() -> None:
    before = Path.cwd()
    left = _run("attack.leave-files").result
    assert isinstance(left, dict)
    assert not Path(str(left["folder"])).exists()
    assert Path.cwd() == before
    found = _run("attack.find-files").result
    assert isinstance(found, dict)
    assert (found["found"], found["mode"]) == ([], 0o700)


def test_what_it_sets_in_the_process_is_put_right(tmp_path: Path) -> None:
    before = (Path.cwd(), dict(os.environ), tempfile.gettempdir())
    assert _run("attack.move-away", {"path": str(tmp_path)}).kind is OutcomeKind.SUCCEEDED
    assert (Path.cwd(), dict(os.environ), tempfile.gettempdir()) == before


def test_an_attempt_that_gets_no_folder_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not-there"))
    outcome = _run("attack.environment")
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNABLE, "no-folder")
