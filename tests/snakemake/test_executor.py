"""Snakemake runs its rules by the executor plugin, on a deployment in memory with the real target and runner."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness.examples.world import served
from tests.harness.processes import hears_interrupts
from tests.harness.snakemake.deployment import SnakemakeDeployment, failed_rule
from tests.harness.tracked import ROOT
from tidegate.domain.states import State

PYTHON = ROOT / ".venv-snakemake" / "bin" / "python"
CLIENTS = os.pathsep.join(str(ROOT / "clients" / name) for name in ("snakemake", "python"))
TIMEOUT_SECONDS = 300
RULES = 200
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="Snakemake's own environment is not there: make test-snakemake"
    ),
]


def environment(url: str) -> dict[str, str]:
    """Returns the variables of a Snakemake process. They name no proxy, because the API is on the loopback."""
    return {
        "PATH": f"{PYTHON.parent}:/usr/bin:/bin",
        "HOME": os.environ["HOME"],
        "PYTHONPATH": CLIENTS,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "TIDEGATE_TEST_API_URL": url,
        "TIDEGATE_TEST_REGION": "us-east-1",
    }


def runner(root: Path) -> list[str]:
    """Returns the command of the target, as an operator writes it."""
    module = "snakemake_executor_plugin_tidegate.run"
    return ["env", f"PYTHONPATH={CLIENTS}", str(PYTHON), "-m", module, "--root", str(root)]


@contextmanager
def deployment(folder: Path, **options: Any) -> Iterator[tuple[SnakemakeDeployment, str]]:
    """Yields a deployment in memory and the address of its API. Workflows may lie in `folder`."""
    jobs = folder / "job-code"
    jobs.mkdir()
    made = SnakemakeDeployment(jobs, runner(folder), **options)
    with served(made) as url:
        yield made, url


def command(url: str, *arguments: str) -> list[str]:
    """Returns the command line of Snakemake."""
    return [
        *(str(PYTHON), "-m", "snakemake", "--executor", "tidegate", "--tidegate-api-url", url),
        *("--tidegate-region", "us-east-1", "--seconds-between-status-checks", "0", "--nocolor"),
        *("--max-status-checks-per-second", "100"),
        *arguments,
    ]


def run(url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(url, *arguments),
        cwd=folder,
        env=environment(url),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def make_outputs(parameters: Mapping[str, Any]) -> None:
    """Stands for the Snakemake process of a rule: makes its output, unless its number is to fail."""
    arguments = parameters["arguments"]
    target = arguments[arguments.index("--target-jobs") + 1]
    number = re.search(r"n=(\d+)", target)
    name = "total.txt" if number is None else f"out/{number[1]}.txt"
    if number is not None and (Path(parameters["directory"]) / f"fail-{number[1]}").exists():
        raise failed_rule(f"rule {number[1]} failed")
    path = Path(parameters["directory"]) / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("made")


def write_many(folder: Path) -> None:
    """Writes a workflow of RULES rules, and one that waits for them all."""
    (folder / "Snakefile").write_text(f"""\
rule total:
    input: expand("out/{{n}}.txt", n=range({RULES - 1}))
    output: "total.txt"
    shell: "cat {{input}} > {{output}}"

rule part:
    output: "out/{{n}}.txt"
    threads: lambda wildcards: 4 if int(wildcards.n) % 10 == 0 else 1
    priority: 7
    resources: runtime=3
    shell: "echo {{wildcards.n}} > {{output}}"
""")


def test_the_tests_that_snakemake_ships_pass(tmp_path: Path) -> None:
    with deployment(tmp_path) as (made, url):
        ended = subprocess.run(
            [
                *(str(PYTHON), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest"),
                *("--rootdir", str(tmp_path), "-c", "/dev/null", f"--basetemp={tmp_path / 'base'}"),
                str(ROOT / "tests" / "snakemake" / "shipped_tests.py"),
            ],
            cwd=tmp_path,
            env=environment(url),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-4_000:] + ended.stderr[-2_000:]
        assert "2 passed" in ended.stdout
        assert {job.state for job in made.world.jobs.values()} == {State.SUCCEEDED}
        assert len(made.world.jobs) >= 4


def test_200_rules_run_with_their_priorities_and_requirements(tmp_path: Path) -> None:
    write_many(tmp_path)
    with deployment(tmp_path, capabilities=frozenset({"large"})) as (made, url):
        made.stand_in = make_outputs
        ended = run(url, tmp_path, "--jobs", "500", "--tidegate-cores", "4=large")
        assert ended.returncode == 0, ended.stderr[-4_000:]
        jobs = list(made.world.jobs.values())
        calls = made.calls
    assert len(jobs) == RULES
    assert (tmp_path / "total.txt").exists()
    assert {job.state for job in jobs} == {State.SUCCEEDED}
    parts = [job for job in jobs if job.name == "part"]
    assert {job.priority for job in parts} == {107}
    assert {job.timeout_seconds for job in parts} == {180}
    assert sum("large" in job.requires for job in jobs) == 20
    assert {(job.tags["snakemake.threads"], "large" in job.requires) for job in parts} == {
        ("1", False),
        ("4", True),
    }
    assert len({job.workflow_id for job in parts}) <= 3  # they were submitted together
    assert calls <= 6 * RULES


def test_a_rule_that_fails_is_reported_with_its_job_and_what_it_needs_is_not_run(tmp_path: Path) -> None:
    write_many(tmp_path)
    (tmp_path / "fail-17").touch()
    with deployment(tmp_path) as (made, url):
        made.stand_in = make_outputs
        ended = run(url, tmp_path, "--jobs", "500", "--keep-going", "--retries", "1")
        failed = [job for job in made.world.jobs.values() if job.state is State.FAILED]
        names = {job.name for job in made.world.jobs.values()}
    assert ended.returncode == 1
    assert sorted(job.tags["snakemake.attempt"] for job in failed) == ["1", "2"]  # Snakemake's own retry
    for job in failed:
        assert f"tidegate's job {job.job_id} ended FAILED (exit-code-1): rule 17 failed" in ended.stderr
    assert names == {"part"}


def test_a_real_rule_that_fails_fails_its_job(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(
        'rule a:\n    output: "a.txt"\n    log: "a.log"\n    shell: "echo broken > {log}; exit 5"\n'
    )
    with deployment(tmp_path) as (made, url):
        ended = run(url, tmp_path, "--jobs", "1")
        (job,) = made.world.jobs.values()
    assert ended.returncode == 1
    assert job.state is State.FAILED
    assert "a.log" in ended.stderr
    assert (tmp_path / "a.log").read_text() == "broken\n"


def test_a_workflow_that_is_interrupted_cancels_its_jobs(tmp_path: Path) -> None:
    write_many(tmp_path)
    with deployment(tmp_path) as (made, url):
        made.stand_in = make_outputs
        assert made.call("POST", "/v1/pools/ecs/pause").status == 200
        started = command(url, "--jobs", "5")
        with (
            hears_interrupts(),
            subprocess.Popen(started, cwd=tmp_path, env=environment(url), stderr=subprocess.PIPE) as process,
        ):
            try:
                _until(lambda: len(made.world.jobs) == 5)
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=TIMEOUT_SECONDS)
            finally:
                process.kill()
        assert process.returncode != 0
        assert {job.state for job in made.world.jobs.values()} == {State.CANCELLED}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--tidegate-cores", "many"), "--tidegate-cores has 'many'"),
        (("--tidegate-timeout-seconds", "0"), "--tidegate-timeout-seconds is 0"),
        (("--tidegate-type", "no.such"), "unknown job type 'no.such'"),
        (("--shared-fs-usage", "input-output", "persistence"), "needs a file system that Snakemake and"),
    ],
)
def test_settings_that_can_not_work_are_named(tmp_path: Path, option: tuple[str, ...], said: str) -> None:
    (tmp_path / "Snakefile").write_text('rule a:\n    output: "a.txt"\n    shell: "touch {output}"\n')
    with deployment(tmp_path) as (made, url):
        ended = run(url, tmp_path, "--jobs", "1", *option)
        assert ended.returncode == 1
        assert said in ended.stderr
        assert not made.world.jobs


def _until(holds: Any) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
