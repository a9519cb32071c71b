"""One broken module of job code removes its own types, and nothing else."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.functions.api_calls import Api
from tidegate import bootstrap
from tidegate.jobs import loader
from tidegate.jobs.loader import load_registry, load_what_works
from tidegate.jobs.registry import REGISTRY, Registry

HEAD = "from tidegate.jobs import JobContext, Parameters, job\nclass P(Parameters): pass\n"
CODE = "@job('{name}')\ndef run(parameters: P, context: JobContext) -> None: ...\n"
PACKAGE = "half_broken_jobs"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Registers types of a good module, of a module that fails after a registration, and of one that fails at once."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "good.py").write_text(HEAD + CODE.format(name="half.good"))
    (folder / "late.py").write_text(HEAD + CODE.format(name="half.late") + "1 / 0\n")
    (folder / "wrong.py").write_text("def f(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(REGISTRY, "_types", {name: REGISTRY.find(name) for name in load_registry().types()})
    monkeypatch.setattr(REGISTRY, "_faults", {})
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    return load_what_works(PACKAGE)


@pytest.fixture
def api(registry: Registry) -> Api:
    made = Api()
    made.services = replace(made.services, registry=registry)
    made.deps = replace(made.deps, services=made.services)
    return made


def test_the_others_are_served(api: Api) -> None:
    api.submit()
    api.submit(type="half.good")
    found = api.call("GET", "/v1/types").body["types"]
    assert {"half.good", "tidegate.noop"} <= {each["type"] for each in found}


@pytest.mark.parametrize("job_type", ["half.late", "half.wrong"])
def test_a_submission_of_a_type_that_is_missing_names_the_fault(api: Api, job_type: str) -> None:
    answer = api.call("POST", "/v1/jobs", {"type": job_type})
    assert (answer.status, answer.fields) == (422, ["type"])
    said = answer.message("type")
    assert f"unknown job type {job_type!r}" in said
    assert (
        f"module {PACKAGE}.wrong failed to import: SyntaxError: invalid syntax ({PACKAGE}/wrong.py:1)" in said
    )
    assert f"module {PACKAGE}.late failed to import: ZeroDivisionError" in said
    assert "fix it and deploy again" in said


def test_a_function_starts_and_logs_what_it_could_not_load(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loader, "load_what_works", lambda support: registry)
    assert bootstrap._load_what_works() is registry
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert f"{PACKAGE}.late" in caplog.text


def test_without_a_fault_a_type_that_is_new_has_to_be_deployed() -> None:
    answer = Api().call("POST", "/v1/jobs", {"type": "tidegate.nop"})
    said = answer.message("type")
    assert "did you mean 'tidegate.noop'?" in said
    assert "once its code is deployed" in said
