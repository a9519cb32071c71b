"""Snakemake's own tests for executors pass on a local stack, with a worker process that runs the rules."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.e2e.test_first_job_type import _copy_project, _environment
from tests.harness.tracked import ROOT
from tests.snakemake.test_executor import PYTHON, environment, runner
from tidegate_devstack import down

TIMEOUT_SECONDS = 300
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="Snakemake's own environment is not there: make test-snakemake"
    ),
]


def test_the_tests_that_snakemake_ships_pass_on_the_local_stack(tmp_path: Path) -> None:
    project, home, work = tmp_path / "project", tmp_path / "home", tmp_path / "work"
    work.mkdir()
    _copy_project(project)
    targets = {"version": 1, "targets": {"snakemake.rule": {"command": runner(work)}}}
    (project / "layers" / "jobs" / "tidegate_jobs" / "targets.yaml").write_text(yaml.safe_dump(targets))
    variables = _environment(project, home)
    try:
        _run(project, variables, "local", "up")
        status = json.loads(_run(project, variables, "local", "status", "--output", "json"))
        settings = _settings(_run(project, variables, "local", "env"))
        with subprocess.Popen(
            [sys.executable, "-m", "tidegate_cli", "worker", "--pool", "ecs", "--slots", "2"],
            cwd=project,
            env=variables,
        ) as worker:
            try:
                _run_shipped_tests(work, status["api_url"], settings)
                worker.terminate()
                worker.wait(timeout=TIMEOUT_SECONDS)
            finally:
                worker.kill()
    finally:
        down(lambda line: None, home=home, wipe=True)


def _run_shipped_tests(work: Path, url: str, settings: dict[str, str]) -> None:
    ended = subprocess.run(
        [
            *(str(PYTHON), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest"),
            *("--rootdir", str(work), "-c", "/dev/null", f"--basetemp={work / 'base'}"),
            str(ROOT / "tests" / "snakemake" / "shipped_tests.py"),
        ],
        cwd=work,
        env={**environment(url), **settings, "TIDEGATE_TEST_REGION": settings["AWS_REGION"]},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-6_000:] + ended.stderr[-2_000:]
    assert "2 passed" in ended.stdout


def _run(project: Path, variables: dict[str, str], *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "tidegate_cli", *arguments],
        cwd=project,
        env=variables,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def _settings(text: str) -> dict[str, str]:
    """Reads the lines `export NAME=value` of `tidegate local env`."""
    lines = [line.removeprefix("export ") for line in text.splitlines() if "=" in line]
    pairs = [line.partition("=") for line in lines]
    return {name: value.strip("'\"") for name, _, value in pairs if name.startswith("AWS_")}
