"""`tidegate types check` loads job code before it is deployed, and names its errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_every_command import tidegate
from tidegate_devstack import LocalStackError, job_code

HEAD = "from tidegate.jobs import JobContext, Parameters, job\nclass P(Parameters): pass\n"
GOOD = HEAD + "@job('good.run')\ndef run(parameters: P, context: JobContext) -> None: ...\n"
ASYNC = HEAD + "@job('good.later')\nasync def run(parameters: P, context: JobContext) -> None: ...\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "layers" / "jobs" / "tidegate_jobs"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "good.py").write_text(GOOD)
    return package.parent


def write(folder: Path, name: str, text: str) -> None:
    path = folder / "tidegate_jobs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def check(folder: Path) -> tuple[int, dict[str, Any]]:
    result = tidegate("types", "check", str(folder), "--output", "json")
    found: dict[str, Any] = json.loads(result.stdout)
    return result.exit_code, found


def test_good_code_is_loaded_with_its_types(folder: Path) -> None:
    write(folder, "later.py", ASYNC)
    code, found = check(folder)
    assert (code, found["ok"], found["faults"]) == (0, True, [])
    assert {"good.run", "good.later", "tidegate.noop"} <= {each["type"] for each in found["types"]}
    shown = tidegate("types", "check", str(folder))
    assert (shown.exit_code, "job types can be loaded" in shown.stdout) == (0, True)


@pytest.mark.parametrize(
    ("text", "line", "cause", "fix"),
    [
        ("x = 1\ndef f(:\n", 2, "SyntaxError", "syntax"),
        ("\nimport no_such_library\n", 2, "No module named 'no_such_library'", "dev/requirements/jobs.in"),
        ("\n\n1 / 0\n", 3, "ZeroDivisionError", "fix the module"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit", "__main__"),
        (HEAD + "@job('Bad Name')\ndef f(a: P, b: JobContext) -> None: ...\n", 3, "name of a job type", ""),
        (HEAD + "@job('gen.run')\ndef f(a: P, b: JobContext):\n  yield 1\n", 3, "is a generator", "correct"),
        (
            HEAD + "@job('gen.run')\nasync def f(a: P, b: JobContext):\n  yield 1\n",
            3,
            "is a generator",
            "correct",
        ),
        (GOOD, 3, "registered twice", "correct"),
    ],
)
def test_a_broken_module_is_named_with_its_line_cause_and_fix(
    folder: Path, text: str, line: int, cause: str, fix: str
) -> None:
    write(folder, "worse.py", text)
    code, found = check(folder)
    assert (code, found["ok"]) == (1, False)
    (fault,) = found["faults"]
    assert (fault["module"], fault["file"]) == ("tidegate_jobs.worse", "tidegate_jobs/worse.py")
    assert fault["line"] == line
    assert cause in fault["cause"]
    assert fix in fault["fix"]
    assert "good.run" in {each["type"] for each in found["types"]}, "the others are loaded all the same"
    shown = tidegate("types", "check", str(folder))
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert f"tidegate_jobs.worse (tidegate_jobs/worse.py:{line}): " in shown.stderr


def test_every_broken_module_is_named_at_once_packages_included(folder: Path) -> None:
    write(folder, "one.py", "1 / 0")
    write(folder, "two.py", "def")
    write(folder, "deep/__init__.py", "1 / 0")
    write(folder, "deep/inner.py", GOOD.replace("good.run", "good.inner"))
    _, found = check(folder)
    assert [fault["module"] for fault in found["faults"]] == [
        "tidegate_jobs.deep", "tidegate_jobs.one", "tidegate_jobs.two",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["import os\nos._exit(7)\n", "import os, signal\nos.kill(os.getpid(), 9)\n"])
def test_code_that_ends_the_process_is_a_fault(folder: Path, text: str) -> None:
    write(folder, "worse.py", text)
    code, found = check(folder)
    assert code == 1
    assert "ended with code" in found["faults"][0]["cause"]


def test_what_code_prints_as_it_is_loaded_is_no_part_of_the_answer(folder: Path) -> None:
    write(folder, "loud.py", "print('{}')\n")
    assert check(folder)[0] == 0


def test_code_is_loaded_without_the_callers_keys(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    write(folder, "nosy.py", "import os\nassert 'AWS_SECRET_ACCESS_KEY' not in os.environ\n")
    assert check(folder)[0] == 0


def test_a_package_that_the_build_installs_is_no_fault_of_the_source(folder: Path) -> None:
    write(folder, "needy.py", "import no_such_library\n")
    write(folder, "typo.py", "import tidegate_jobs.goood\n")
    (folder / "requirements.txt").write_text("# made\nno-such-library==1.0 \\\n    --hash=sha256:0\n")
    code, found = check(folder)
    assert code == 1
    assert [fault["module"] for fault in found["unchecked"]] == ["tidegate_jobs.needy"]
    assert [fault["module"] for fault in found["faults"]] == ["tidegate_jobs.typo"]


def test_a_folder_that_is_not_there_is_a_mistake_of_usage(tmp_path: Path) -> None:
    assert tidegate("types", "check", str(tmp_path / "none")).exit_code == 2


def test_broken_code_is_neither_built_nor_deployed(folder: Path, tmp_path: Path) -> None:
    assert job_code.check_source(tmp_path)
    write(folder, "worse.py", "import no_such_library\n")
    with pytest.raises(LocalStackError, match=r"tidegate_jobs/worse\.py:1.*no_such_library"):
        job_code.check_source(tmp_path)
    (folder / "requirements.txt").write_text("no-such-library==1.0\n")
    assert not job_code.check_source(tmp_path), "the built layer has to be looked at"
    layer = tmp_path / "build" / "JobsLayer"
    layer.mkdir(parents=True)
    (folder / "requirements.txt").unlink()
    folder.rename(layer / "python")
    with pytest.raises(LocalStackError, match="no_such_library"):
        job_code.check_layer(tmp_path / "build")


def test_a_folder_that_does_not_exist_is_an_error_of_usage(tmp_path: Path) -> None:
    result = tidegate("types", "check", str(tmp_path / "none"), "--output", "json")
    problem = json.loads(result.stderr)
    assert (result.exit_code, problem["code"]) == (2, "usage")
    assert problem["detail"] == f"there is no folder {tmp_path / 'none'}"


def test_a_folder_without_job_code_is_an_error_of_usage(tmp_path: Path) -> None:
    result = tidegate("types", "check", str(tmp_path), "--output", "json")
    problem = json.loads(result.stderr)
    assert (result.exit_code, problem["code"]) == (2, "usage")
    assert problem["detail"].startswith(f"{tmp_path} does not hold the package tidegate_jobs")


TARGETS = """
version: 1
targets:
  reports.render: {command: [sh, -c, "cat"]}
  reports.call: {lambda: {function: "arn:aws:lambda:eu-west-1:123456789012:function:render"}}
"""


def test_targets_are_checked_as_well(folder: Path) -> None:
    write(folder, "targets.yaml", TARGETS)
    code, found = check(folder)
    assert (code, found["ok"]) == (0, True)
    by_type = {each["type"]: each["code"] for each in found["types"]}
    assert by_type["reports.render"] == by_type["reports.call"] == "tidegate_jobs/targets.yaml"
    assert by_type["good.run"] == "tidegate_jobs.good.run"
    assert found["targets"] == [
        {"type": "reports.call", "arns": ["arn:aws:lambda:eu-west-1:123456789012:function:render"]},
        {"type": "reports.render", "arns": []},
    ]
    shown = tidegate("types", "check", str(folder))
    assert shown.exit_code == 0
    assert "2 of them are targets, which run in pools of worker processes only" in shown.stdout
    assert "TargetArns=arn:aws:lambda:eu-west-1:123456789012:function:render" in shown.stdout


def test_a_faulty_target_is_named_and_nothing_is_built(folder: Path, tmp_path: Path) -> None:
    write(folder, "targets.yaml", TARGETS + "  reports.wrong: {command: [sh], exit_codes: {0: {}}}\n")
    code, found = check(folder)
    assert (code, found["ok"]) == (1, False)
    (fault,) = found["faults"]
    assert fault["module"] == "tidegate_jobs/targets.yaml reports.wrong"
    assert fault["file"] == "tidegate_jobs/targets.yaml"
    assert "targets.reports.wrong.exit_codes.0 must be an exit code from 1 to 255" in fault["cause"]
    assert "reports.render" in {each["type"] for each in found["types"]}
    with pytest.raises(LocalStackError, match=r"reports\.wrong"):
        job_code.check_source(tmp_path)
