"""The job that a rule becomes, and the runner that takes its parameters. Neither needs Snakemake."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.harness.tracked import ROOT

PACKAGE = ROOT / "clients" / "snakemake" / "snakemake_executor_plugin_tidegate"


def module(name: str) -> ModuleType:
    """Loads one module of the plugin without its package, which imports Snakemake."""
    spec = importlib.util.spec_from_file_location(f"plugin_{name}", PACKAGE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


submission = module("submission")
runner = module("run")


def rule(**changes: Any) -> Any:
    values = {
        "key": "1",
        "name": "map reads",
        "threads": 1,
        "priority": 0,
        "attempt": 1,
        "arguments": ("--snakefile", "/w/Snakefile"),
        "directory": "/w",
    }
    return submission.Rule(**{**values, **changes})


def test_a_rule_becomes_a_job_that_tidegate_does_not_retry() -> None:
    shape = submission.shape_of("snakemake.rule", "ecs", "16=huge,4=large", 600)
    assert submission.job_of(rule(threads=5, priority=3), shape, "r1") == {
        "key": "1",
        "name": "map reads",
        "type": "snakemake.rule",
        "parameters": {"directory": "/w", "arguments": ["--snakefile", "/w/Snakefile"]},
        "priority": 103,
        "max_retries": 0,
        "timeout_seconds": 600,
        "tags": {
            "snakemake.run": "r1",
            "snakemake.rule": "map reads",
            "snakemake.threads": "5",
            "snakemake.attempt": "1",
        },
        "requires": ["large"],
        "pool": "ecs",
    }


@pytest.mark.parametrize(
    ("threads", "expected"), [(1, None), (3, None), (4, "large"), (15, "large"), (16, "huge"), (99, "huge")]
)
def test_threads_require_the_highest_step_not_above_them(threads: int, expected: str | None) -> None:
    shape = submission.shape_of("t", None, "16=huge,4=large", 600)
    assert submission.capability_for(threads, shape) == expected


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("priority", 10**9, {"priority": 1_000}),
        ("priority", -(10**9), {"priority": 1}),
        ("runtime_minutes", 0.5, {"timeout_seconds": 30}),
        ("runtime_minutes", 10**6, {"timeout_seconds": 43_200}),
        ("name", "a\x1bb" + "c" * 400, {"name": "a?b" + "c" * 253}),
    ],
)
def test_values_are_kept_within_tidegates_bounds(field: str, value: Any, expected: dict[str, Any]) -> None:
    job = submission.job_of(rule(**{field: value}), submission.Shape(), "r")
    assert {name: job[name] for name in expected} == expected


@pytest.mark.parametrize("cores", ["x", "4", "4=", "=a", "4=a=b", "-1=a"])
def test_steps_that_can_not_be_read_are_named(cores: str) -> None:
    with pytest.raises(submission.BadSettings, match="--tidegate-cores"):
        submission.shape_of("t", None, cores, 600)


def test_a_submission_has_a_bound_of_jobs_and_of_bytes() -> None:
    jobs = [{"key": str(number)} for number in range(1_201)]
    assert [len(batch) for batch in submission.batches(jobs, [1] * 1_201)] == [500, 500, 201]
    assert [len(batch) for batch in submission.batches(jobs[:4], [1_500_000] * 4)] == [1, 1, 1, 1]
    assert submission.batches([], []) == []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "Snakefile").touch()
    return tmp_path


def test_the_arguments_reach_snakemake_as_words(root: Path) -> None:
    arguments = ["--snakefile", str(root / "w" / "Snakefile"), "--config", "a=$(touch x); b='c d'"]
    text = json.dumps({"directory": str(root / "w"), "arguments": arguments})
    assert runner.command_of(text, [root]) == (
        [sys.executable, "-m", "snakemake", *arguments],
        (root / "w").resolve(),
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"directory": "/etc"}, "the directory '/etc' is not inside"),
        ({"directory": "w"}, "not inside"),
        ({"arguments": ["--snakefile", "/etc/passwd"]}, "the Snakefile '/etc/passwd' is not inside"),
        ({"arguments": ["--snakefile", "../../Snakefile"]}, "not inside"),
        ({"arguments": []}, "must begin with --snakefile"),
        ({"arguments": ["--version"]}, "must begin with --snakefile"),
        ({"arguments": "--snakefile"}, "a list of texts"),
        ({"arguments": ["--snakefile", "a\0b"]}, "NUL"),
        ({"arguments": ["--snakefile", 3]}, "must be texts"),
        ({"more": 1}, "as the executor plugin sends them"),
    ],
)
def test_parameters_of_another_shape_are_refused(root: Path, changes: dict[str, Any], said: str) -> None:
    value = {
        "directory": str(root / "w"),
        "arguments": ["--snakefile", str(root / "w" / "Snakefile")],
        **changes,
    }
    with pytest.raises(runner.Refused, match=said):
        runner.command_of(json.dumps(value), [root])


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, "{"])
def test_no_json_is_refused(root: Path, text: str) -> None:
    with pytest.raises(runner.Refused):
        runner.command_of(text, [root])


def test_a_snakefile_that_a_link_leads_outside_is_refused(root: Path) -> None:
    (root / "w" / "link").symlink_to("/etc/passwd")
    text = json.dumps({"directory": str(root / "w"), "arguments": ["--snakefile", str(root / "w" / "link")]})
    with pytest.raises(runner.Refused, match="not inside"):
        runner.command_of(text, [root])


def test_a_second_snakefile_is_refused(root: Path) -> None:
    good = str(root / "w" / "Snakefile")
    arguments = ["--snakefile", good, "--snakefile", "/etc/passwd"]
    with pytest.raises(runner.Refused, match="must begin"):
        runner.command_of(json.dumps({"directory": str(root / "w"), "arguments": arguments}), [root])
