"""The sample jobs that read files are asked for files outside of the folder that they may read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.jobs.executors import CLOCK, Beats, assignment
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.jobs.loader import load_registry
from tidegate.ports import Outcome, OutcomeKind
from tidegate_samples.text.tree import ROOT_VARIABLE


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "root"
    (folder / "inside").mkdir(parents=True)
    (folder / "inside" / "mine.py").write_text("mine = 1\n", encoding="utf-8")
    secret = tmp_path / "root-secret"
    secret.mkdir()
    (secret / "secret.py").write_text("password = 'x'\n", encoding="utf-8")
    (folder / "link").symlink_to(secret)
    (folder / "inside" / "linked.py").symlink_to(secret / "secret.py")
    (folder / "inside" / "linked").symlink_to(secret)
    monkeypatch.setenv(ROOT_VARIABLE, str(folder))
    return folder


def _list(source: str | None) -> Outcome:
    executor = InlineExecutor(load_registry(), CLOCK, heartbeat_seconds=15)
    parameters = {} if source is None else {"source": source}
    return executor.execute(assignment("text.list_packages", parameters), Beats())


@pytest.mark.parametrize(
    "source_of",
    [
        lambda root: "/etc",
        lambda root: "..",
        lambda root: "../root-secret",
        lambda root: f"{root}-secret",
        lambda root: f"{root}/inside/../../root-secret",
        lambda root: "link",
        lambda root: f"{root}/link",
        lambda root: f"/proc/{os.getpid()}/cwd",
        lambda root: "/no/such/folder",
    ],
)
def test_a_folder_outside_of_the_root_is_refused(source_of: Callable[[Path], str], root: Path) -> None:
    outcome = _list(source_of(root))
    assert (outcome.kind, outcome.retryable) == (OutcomeKind.FAILED, False)
    assert "is outside of the folder that samples may read" in outcome.message
    assert "secret.py" not in outcome.message


@pytest.mark.parametrize("source", ["inside", None, "inside/../inside"])
def test_what_lies_in_the_root_is_read_and_no_link_in_it_is_followed(source: str | None, root: Path) -> None:
    outcome = _list(source)
    assert outcome.kind is OutcomeKind.SUCCEEDED, outcome
    assert isinstance(outcome.result, dict)
    assert outcome.result["files"] == 1


def test_without_a_root_only_the_standard_library_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    assert "is outside" in _list(str(tmp_path)).message
    assert "is outside" in _list("/").message


def test_what_is_no_file_is_not_opened(root: Path) -> None:
    os.mkfifo(root / "inside" / "pipe.py")  # opening it would wait for a writer
    assert _list("inside").kind is OutcomeKind.SUCCEEDED
