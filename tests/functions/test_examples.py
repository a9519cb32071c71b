"""Every file of examples/ says how to run it, is on the page of examples, has a test, and the API accepts it."""

from __future__ import annotations

import ast
import re
from itertools import takewhile
from pathlib import Path

import pytest

from tests.harness.examples.world import Deployment
from tidegate.domain.dependency import DependencyType
from tidegate_cli.documents.submissions import Document, read_document
from tidegate_cli.documents.timetables import read_timetable

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PAGE = (EXAMPLES / "README.md").read_text(encoding="utf-8")
FILES = sorted(
    str(file.relative_to(EXAMPLES))
    for file in EXAMPLES.rglob("*.*")
    if file.suffix in (".json", ".mf", ".py", ".sh", ".yaml") and file.name != "__init__.py"
)
JOB_TYPES = [name for name in FILES if name.startswith("job_types/")]
"""Files that are deployed with the job code: tests/examples checks them as `tidegate types check` does."""
TIMETABLES = ["timetable.yaml"]
IMPORTS = [name for name in FILES if name.startswith("imports/")]
"""Files of other tools: tests/examples imports them and runs what they become."""
DOCUMENTS = [
    name
    for name in FILES
    if name.endswith((".json", ".yaml")) and name not in JOB_TYPES + TIMETABLES + IMPORTS
]
COMMAND = re.compile(r"`((?:tidegate|python|examples/)[^`]*)`")


def read(name: str) -> Document:
    return read_document(str(EXAMPLES / name), speed=None, pool=None, priority=None)


def introduction(name: str) -> str:
    """The docstring or the comment that a file begins with, without the line that names its interpreter."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    if name.endswith(".py"):
        return ast.get_docstring(ast.parse(text)) or ""
    lines = text.removeprefix("#!/bin/sh\n").splitlines()
    return "\n".join(line.removeprefix("# ") for line in takewhile(lambda line: line.startswith("#"), lines))


def test_there_are_examples() -> None:
    assert len(DOCUMENTS) > 10
    assert len(JOB_TYPES) > 3


@pytest.mark.parametrize("name", FILES)
def test_every_example_is_run_by_a_test(name: str) -> None:
    tests = [file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "examples").glob("test_*.py")]
    assert any(f'"{Path(name).name}"' in text for text in tests), f"no test in tests/examples names {name}"


@pytest.mark.parametrize("name", FILES)
def test_the_page_of_examples_has_each_with_a_command(name: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| [{name}]({name})")]
    if name not in JOB_TYPES:
        assert any(f"examples/{name}" in command for command in COMMAND.findall(row))


def test_the_page_of_examples_names_nothing_else() -> None:
    linked = re.findall(r"^\| \[[^]]+\]\(([^)]+)\)", PAGE, re.MULTILINE)
    assert sorted(linked) == FILES


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".json")])
def test_an_example_says_how_to_run_it(name: str) -> None:
    said = introduction(name)
    if name in JOB_TYPES:
        assert "Copy this file into layers/jobs/tidegate_jobs and run `tidegate local up`." in said
        assert "tidegate submit - --wait" in said or "tidegate run examples/" in said
    else:
        assert re.search(rf"\b[Rr]un:? .*examples/{re.escape(name)}|Then: tidegate run examples/{name}", said)
    assert (f"tidegate timetables create examples/{name}" in said) is (name in TIMETABLES)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_api_accepts_an_example(name: str) -> None:
    document = read(name)
    answer = Deployment().call("POST", "/v1/workflows" if document.is_workflow else "/v1/jobs", document.body)
    assert answer.status == 201, answer.body
    if document.is_workflow:
        assert answer.body["job_ids"].keys() == {job["key"] for job in document.body["jobs"]}


@pytest.mark.parametrize("name", TIMETABLES)
def test_the_api_accepts_a_timetable(name: str) -> None:
    body = read_timetable(str(EXAMPLES / name), needs_template=True)
    answer = Deployment().call("POST", "/v1/timetables", body)
    assert (answer.status, answer.body["state"]) == (201, "ACTIVE"), answer.body


def test_the_workflow_shows_every_type_of_dependency() -> None:
    jobs = read("workflow.json").body["jobs"]
    types = {edge.get("type", "MUST_SUCCEED") for job in jobs for edge in job.get("depends_on", ())}
    assert types == set(DependencyType)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("retry.yaml", "retry"),
        ("not-before.yaml", "not_before"),
        ("critical-path.yaml", "critical_path_weight"),
    ],
)
def test_an_example_shows_what_it_is_for(name: str, field: str) -> None:
    assert field in read(name).body
    assert all("share" in job for job in read("shares.yaml").body["jobs"])
    assert all("concurrency_key" in job for job in read("concurrency-key.yaml").body["jobs"])
