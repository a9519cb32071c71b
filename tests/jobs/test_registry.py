from __future__ import annotations

import datetime
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from tidegate.domain import limits
from tidegate.jobs import JobContext, Parameters
from tidegate.jobs.attempt import run_attempt
from tidegate.jobs.context import StopRequest
from tidegate.jobs.loader import load_registry
from tidegate.jobs.registry import RegistrationError, Registry


class Row(Parameters):
    size: int = Field(ge=1)


class Load(Parameters):
    path: str
    rows: tuple[Row, ...] = ()


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    day: datetime.date


def code(parameters: Load, context: JobContext) -> None:
    """Loads rows.

    And more."""


def other_code(parameters: Load, context: JobContext) -> None: ...


def strict_code(parameters: Strict, context: JobContext) -> None: ...


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    made.job("text.load")(code)
    return made


def test_a_registered_function_is_found_with_its_model(registry: Registry) -> None:
    found = registry.find("text.load")
    assert found is not None
    assert (found.function, found.parameters, found.description) == (code, Load, "Loads rows.")


def test_types_are_sorted(registry: Registry) -> None:
    registry.job("a.first")(other_code)
    assert registry.types() == ["a.first", "text.load"]


def test_upstreams_are_read_only_where_asked_for(registry: Registry) -> None:
    registry.job("text.merge", reads_upstreams=True)(other_code)
    assert [registry.reads_upstreams(name) for name in ("text.load", "text.merge", "none")] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("parameters", "path", "message"),
    [
        ({}, "path", "is required"),
        ({"path": "a", "speed": 2}, "speed", "is not a parameter of this job type"),
        ({"path": 4}, "path", "valid string"),
        ({"path": "a", "rows": [{"size": 1}, {"size": 0}]}, "rows[1].size", "greater than or equal to 1"),
    ],
)
def test_violations_name_the_field(
    registry: Registry, parameters: dict[str, object], path: str, message: str
) -> None:
    ((found_path, found_message),) = registry.violations("text.load", parameters)  # type: ignore[arg-type] # JSON
    assert found_path == path
    assert message in found_message


def test_good_parameters_have_no_violations(registry: Registry) -> None:
    assert registry.violations("text.load", {"path": "a", "rows": [{"size": 1}]}) == []


def test_parameters_count_as_json_for_strict_models(registry: Registry) -> None:
    registry.job("text.dated")(strict_code)
    assert registry.violations("text.dated", {"day": "2026-11-24"}) == []


def test_a_name_is_taken_once(registry: Registry) -> None:
    with pytest.raises(RegistrationError, match=r"registered twice.*test_registry\.code.*other_code"):
        registry.job("text.load")(other_code)


def test_the_same_code_may_be_imported_again(registry: Registry) -> None:
    registry.job("text.load")(code)
    assert registry.types() == ["text.load"]


@pytest.mark.parametrize(
    "name", ["", "Text", "text.", ".text", "a b", "7a", "a" * (limits.MAX_TYPE_CHARACTERS + 1)]
)
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(RegistrationError, match="can't be the name of a job type"):
        Registry().job(name)(code)


def _one(parameters: Load) -> None: ...


def _three(parameters: Load, context: JobContext, more: int) -> None: ...


def _many(*parameters: Load) -> None: ...


def _bare(parameters, context):  # type: ignore[no-untyped-def] # the case under test
    ...


def _no_model(parameters: dict[str, str], context: JobContext) -> None: ...


def _no_context(parameters: Load, context: str) -> None: ...


def _unknown(parameters: Missing, context: JobContext) -> None: ...  # type: ignore[name-defined] # noqa: F821 - the case under test


def _generator(parameters: Load, context: JobContext) -> Iterator[int]:
    yield 1


async def _async_generator(parameters: Load, context: JobContext) -> AsyncIterator[int]:
    yield 1


class _WithCall:
    def __call__(self, parameters: Load, context: JobContext) -> None: ...


@pytest.mark.parametrize("given", [_WithCall(), _WithCall, partial(_three, more=1)])
@pytest.mark.parametrize(
    ("name", "message"), [("text.bad", "is no function"), ("Bad name", "can't be the name")]
)
def test_what_can_be_called_and_is_no_function_is_refused(
    given: Callable[..., object], name: str, message: str
) -> None:
    with pytest.raises(RegistrationError, match=message):
        Registry().job(name)(given)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_one, "must take exactly"),
        (_three, "must take exactly"),
        (_many, "must take exactly"),
        (_bare, "annotate 'parameters' with a pydantic model"),
        (_no_model, "annotate 'parameters' with a pydantic model"),
        (_no_context, "annotate 'context' with JobContext"),
        (_unknown, "'Missing' is not defined"),
        (_generator, "is a generator"),
        (_async_generator, "is a generator"),
    ],
)
def test_bad_signatures_are_refused(function: Callable[..., object], message: str) -> None:
    with pytest.raises(RegistrationError, match=message) as error:
        Registry().job("text.bad")(function)
    assert function.__name__ in str(error.value)


def test_a_decorator_without_a_name_is_refused_and_does_not_pass_over_the_code() -> None:
    with pytest.raises(RegistrationError, match="@job on _generator names no job type"):
        Registry().job(_generator)  # type: ignore[arg-type] # the case under test


def test_every_module_of_the_package_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code_of = (
        "from tidegate.jobs import JobContext, Parameters, job\n"
        "class P(Parameters): pass\n"
        "@job('{name}')\n"
        "def run(parameters: P, context: JobContext) -> None: ...\n"
    )
    _write(tmp_path / "loaded_jobs" / "__init__.py", "")
    _write(tmp_path / "loaded_jobs" / "flat.py", code_of.format(name="loaded.flat"))
    _write(tmp_path / "loaded_jobs" / "deep" / "__init__.py", "")
    _write(tmp_path / "loaded_jobs" / "deep" / "er.py", code_of.format(name="loaded.deep"))
    monkeypatch.syspath_prepend(tmp_path)
    types = load_registry("loaded_jobs").types()
    assert {"loaded.flat", "loaded.deep", "tidegate.noop", "tidegate.sleep", "trace.task"} <= set(types)


def test_without_a_package_the_built_in_types_are_there() -> None:
    assert "tidegate.noop" in load_registry("no_such_jobs").types()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_library", r"broken_jobs\.worse.*no_such_library.*layers/jobs/requirements\.txt"),
        ("1 / 0", r"broken_jobs\.worse.*ZeroDivisionError"),
        ("def", r"broken_jobs\.worse.*SyntaxError"),
        ("raise SystemExit(3)", r"broken_jobs\.worse.*SystemExit: 3"),
        ("class Stop(BaseException): ...\nraise Stop('here')", r"broken_jobs\.worse.*Stop: here"),
        (
            "from tidegate.jobs import job\n@job('Bad Name')\ndef f(a, b): ...",
            "can't be the name of a job type",
        ),
    ],
)
def test_a_module_that_can_not_be_imported_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    _write(tmp_path / "broken_jobs" / "__init__.py", "")
    _write(tmp_path / "broken_jobs" / "worse.py", text)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("broken_jobs", "broken_jobs.worse"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    with pytest.raises(RegistrationError, match=message):
        load_registry("broken_jobs")


GOOD_CODE = """
from pydantic import BaseModel
from tidegate.jobs import job, JobContext

class P(BaseModel): ...

@job("partly.good")
def run(parameters: P, context: JobContext) -> None: ...
"""


@pytest.mark.parametrize("good", [True, False])
def test_a_worker_does_without_a_broken_module_and_not_without_any(tmp_path: Path, good: bool) -> None:
    _write(tmp_path / "partly" / "__init__.py", "")
    _write(tmp_path / "partly" / "worse.py", "import no_such_library")
    if good:
        _write(tmp_path / "partly" / "fine.py", GOOD_CODE)
    told = _asked_for_partly(tmp_path)
    if good:
        assert (told.returncode, told.stdout.strip()) == (0, "['partly.good']"), told.stderr
    else:
        assert told.returncode == 1
        assert "job code in partly.worse" in told.stderr or "module partly.worse failed" in told.stderr


def test_a_broken_module_does_not_take_away_the_types_of_those_that_it_imports(tmp_path: Path) -> None:
    _write(tmp_path / "partly" / "__init__.py", "")
    _write(tmp_path / "partly" / "broken.py", "from partly import fine\nimport no_such_library")
    _write(tmp_path / "partly" / "fine.py", GOOD_CODE)
    told = _asked_for_partly(tmp_path)
    assert (told.returncode, told.stdout.strip()) == (0, "['partly.good']"), told.stderr


def test_a_broken_package_takes_away_the_types_of_the_modules_that_it_holds(tmp_path: Path) -> None:
    _write(tmp_path / "partly" / "__init__.py", "")
    _write(tmp_path / "partly" / "deep" / "__init__.py", "from partly.deep import inner\n1 / 0")
    _write(tmp_path / "partly" / "deep" / "inner.py", GOOD_CODE.replace("partly.good", "partly.inner"))
    _write(tmp_path / "partly" / "fine.py", GOOD_CODE)
    told = _asked_for_partly(tmp_path)
    assert (told.returncode, told.stdout.strip()) == (0, "['partly.good']"), told.stderr


def _asked_for_partly(folder: Path) -> subprocess.CompletedProcess[str]:
    """Loads the package `partly` of a folder in a new process, because this one's registry holds other tests' types."""
    asked = (
        "from tidegate.jobs.loader import load_for_worker\n"
        "print([name for name in load_for_worker('partly').types() if name.startswith('partly')])"
    )
    return subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_failure_with_half_characters_can_be_stored() -> None:
    registry = Registry()

    @registry.job("test.half")
    def read(parameters: Parameters, context: JobContext) -> None:
        raise FileNotFoundError("caf\udce9.txt")

    context = JobContext(
        job_id="J",
        attempt=1,
        remaining_seconds=lambda: 1.0,
        report_progress=lambda progress: None,
        stop=StopRequest(),
    )
    found = registry.find("test.half")
    assert found is not None
    assert run_attempt(found, {}, context).message == "caf?.txt"


class Unbounded(Parameters):
    most: float = float("inf")


class Halved(Parameters):
    name: str = "\ud800"


class Long(Parameters):
    text: str = "x" * limits.MAX_SCHEMA_BYTES


@pytest.mark.parametrize("model", [Unbounded, Halved, Long])
def test_a_schema_that_no_answer_can_hold_is_left_out(model: type[BaseModel]) -> None:
    def run(parameters: BaseModel, context: JobContext) -> None:
        """Runs."""

    run.__annotations__["parameters"] = model
    registry = Registry()
    registry.job("test.run")(run)
    described = registry.described("test.run")
    assert described is not None
    assert (described.description, described.parameters_schema) == ("Runs.", None)
