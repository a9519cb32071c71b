"""Every file of examples/ is accepted by the API as it is, and is on the page of examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functions.api_calls import Api
from tidegate.domain.dependency import DependencyType
from tidegate_cli.documents import Document, read_document

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = sorted(file for file in EXAMPLES.iterdir() if file.suffix in (".json", ".yaml"))
JOBS = {"job.json": 1, "retry.yaml": 1, "not-before.yaml": 1, "concurrency-key.yaml": 4, "shares.yaml": 4}
JOBS |= {"workflow.json": 6, "critical-path.yaml": 3, "trace.json": 4}


def read(name: str) -> Document:
    return read_document(str(EXAMPLES / name), speed=None, pool=None, priority=None)


def test_the_examples_are_those_that_are_known() -> None:
    assert {file.name for file in FILES} == JOBS.keys()


@pytest.mark.parametrize("name", JOBS)
def test_the_api_accepts_an_example(name: str) -> None:
    document = read(name)
    answer = Api().call("POST", "/v1/workflows" if document.is_workflow else "/v1/jobs", document.body)
    assert answer.status == 201, answer.body
    assert len(answer.body.get("job_ids", "1")) == JOBS[name]


@pytest.mark.parametrize("name", JOBS)
def test_the_page_of_examples_has_each_with_a_command(name: str) -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert f"[{name}]({name})" in page
    assert f"examples/{name}" in page


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
