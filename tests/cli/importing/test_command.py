"""`tidegate import` writes two files, and names all that it could not carry over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_every_command import tidegate
from tidegate_cli.documents.submissions import read_document

DAG = "JOB A sub/a.sub\nJOB B sub/a.sub\nPARENT A CHILD B\nFROB A\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.sub").write_text("executable = /bin/true\n")
    (tmp_path / "Work 1.dag").write_text(DAG)
    return tmp_path


def run(folder: Path, *more: str, name: str = "Work 1.dag", form: str = "dagman") -> Any:
    return tidegate("import", form, str(folder / name), "--out", str(folder / "out"), *more)


def test_two_files_are_written_and_the_workflow_is_one_that_submit_takes(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 0, result.stderr
    document = read_document(str(folder / "out" / "workflow.yaml"), speed=None, pool=None, priority=None)
    assert document.is_workflow
    assert [job["key"] for job in document.body["jobs"]] == ["A", "B"]
    targets = yaml.safe_load((folder / "out" / "targets.yaml").read_text())
    assert targets == {"version": 1, "targets": {"work-1.a": {"command": ["/bin/true"]}}}
    assert "workflow.yaml: 2; targets in" in result.stdout
    assert f"{folder / 'Work 1.dag'}:4: FROB A: left out: it has no counterpart; to do: see" in result.stderr


def test_the_answer_for_programs_has_every_note(folder: Path) -> None:
    found = json.loads(run(folder, "--output", "json", "--timeout-seconds", "60").stdout)
    assert (found["job_count"], found["target_count"], found["notes_left_off"]) == (2, 1, 0)
    assert found["workflow"] == str(folder / "out" / "workflow.yaml")
    assert found["notes"][0] == {
        "file": str(folder / "Work 1.dag"),
        "line": 4,
        "construct": "FROB A",
        "effect": "left-out",
        "why": "it has no counterpart",
        "do": "see whether the workflow needs it",
    }


def test_files_that_are_there_stay_unless_force_is_given(folder: Path) -> None:
    assert run(folder).exit_code == 0
    (folder / "out" / "targets.yaml").write_text("mine")
    refused = run(folder)
    assert refused.exit_code == 1
    assert "workflow.yaml is there already" in refused.stderr
    assert (folder / "out" / "targets.yaml").read_text() == "mine"
    assert run(folder, "--force").exit_code == 0
    assert (folder / "out" / "targets.yaml").read_text() != "mine"


def test_strict_writes_nothing_if_anything_differs(folder: Path) -> None:
    result = run(folder, "--strict")
    assert result.exit_code == 1
    assert "FROB A" in result.stderr
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--set", "x"), "write NAME=VALUE"),
        (("--set", "x=1", "--set", "x=2"), "gives 'x' twice"),
        (("--prefix", "Work"), "such as 'work'"),
        (("--folder", "data"), "write the whole path"),
        (("--timeout-seconds", "0"), "--timeout-seconds"),
    ],
)
def test_bad_options_are_named_and_nothing_is_written(
    folder: Path, options: tuple[str, ...], said: str
) -> None:
    result = run(folder, *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (folder / "out").exists()


def test_files_outside_the_folder_are_not_read(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    (folder / "secret.sub").write_text("executable = /bin/secret\n")
    (inner / "w.dag").write_text("JOB A ../secret.sub\n")
    (inner / "link.sub").symlink_to(folder / "secret.sub")
    (inner / "l.dag").write_text("JOB A link.sub\n")
    for name in ("inner/w.dag", "inner/l.dag"):
        result = run(folder, name=name)
        assert result.exit_code == 2
        assert "there is no file" in result.stderr
        assert "secret.sub'" not in result.stderr.replace("../secret.sub'", "")


@pytest.mark.parametrize("form", ["argo", "github", "makeflow", "dagman"])
@pytest.mark.parametrize(
    "text", ["", "\x00\xff", "{", "a: [", "- 1\n- 2\n", "jobs: 3\nkind: Workflow\nspec: 1\n"]
)
def test_no_file_gives_a_traceback(folder: Path, form: str, text: str) -> None:
    (folder / "odd").write_text(text)
    result = run(folder, name="odd", form=form)
    assert result.exit_code in (1, 2)
    assert "unexpected" not in result.stderr
    assert not (folder / "out").exists()
