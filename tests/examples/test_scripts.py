"""Every script of examples/ runs as its first lines say, against the API in memory over HTTP."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.examples.world import EXAMPLES, Deployment, served

TIMEOUT_SECONDS = 60
Run = Callable[[str], list[str]]


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


@pytest.fixture
def run(deployment: Deployment, tmp_path: Path) -> Iterator[Run]:
    """Runs a script to its end, which must be good; returns the lines that it printed."""
    with served(deployment) as api_url:
        environment = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "API_URL": api_url,
            "TIDEGATE_API_URL": api_url,
            "TIDEGATE_HOME": str(tmp_path / "home"),
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "NO_PROXY": "127.0.0.1",
        }

        def run_script(name: str) -> list[str]:
            command = [sys.executable] if name.endswith(".py") else []
            ended = subprocess.run(
                [*command, str(EXAMPLES / name)],
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
            assert ended.returncode == 0, ended.stderr
            return ended.stdout.splitlines()

        yield run_script


def test_a_job_is_submitted_once_from_python(run: Run, deployment: Deployment) -> None:
    first, second = run("submit.py")
    (job_id,) = deployment.world.jobs
    assert (first, second) == (f"first: {job_id}", f"second: {job_id}")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_workflow_is_submitted_once_with_curl(run: Run, deployment: Deployment) -> None:
    first, second = run("submit.sh")
    assert first.removeprefix("first: ") == second.removeprefix("second: ")
    assert len(deployment.world.jobs) == 6


def test_the_reason_why_a_job_waits_is_told(run: Run) -> None:
    lines = run("why.sh")
    assert lines[0].endswith(".1 is PENDING")
    assert lines[1].startswith("  upstream: Upstream extract (")
    assert lines[2].startswith("To start it, wait until upstream extract (")


def test_the_jobs_around_a_job_are_shown(run: Run) -> None:
    text = "\n".join(run("chain.sh"))
    assert "long-1" in text
    assert "long-2" in text
    assert "flowchart" in text


def test_a_workflow_is_found_by_its_tag_and_watched_to_its_end(run: Run, deployment: Deployment) -> None:
    lines = run("workflows.sh")
    assert lines[0] == "flowchart LR"
    (submission,) = deployment.world.submissions.values()
    assert any(submission.submission_id in line and "nightly" in line for line in lines)
    assert lines[-1].split() == [submission.submission_id, "SUCCEEDED", "3"]


def test_rules_hold_a_job_back_and_are_taken_off(run: Run, deployment: Deployment) -> None:
    lines = run("rules.sh")
    assert any("tidegate.sleep, which is paused or at its limit" in line for line in lines)
    (job,) = deployment.world.jobs.values()
    assert job.state == "SUCCEEDED"
    rules = deployment.call("GET", "/v1/types/tidegate.sleep").body
    assert (rules["paused"], rules["max_running"]) == (False, None)


def test_an_approval_is_asked_for_and_given(run: Run, deployment: Deployment) -> None:
    lines = run("approval.sh")
    assert "Publish the figures?" in lines[0]
    assert any("It waits for an approval since " in line for line in lines)
    asked, publish = sorted(deployment.world.jobs.values(), key=lambda job: job.job_id)
    assert f"{asked.job_id} is SUCCEEDED" in lines
    assert isinstance(asked.result, dict)
    assert (asked.result["approved"], asked.result["comment"]) == (True, "figures checked")
    assert publish.state == "SUCCEEDED"


def test_a_workflow_on_hold_is_changed_and_goes_on(run: Run, deployment: Deployment) -> None:
    lines = run("acts.sh")
    assert any("HELD" in line and "nightly" in line for line in lines)
    assert any("would be, 2 cancelled, 1 asked to stop" in line for line in lines)
    jobs = {job.key: job for job in deployment.world.jobs.values()}
    assert {key: job.state.value for key, job in jobs.items()} == {
        "extract": "SUCCEEDED",
        "load": "SUCCEEDED",
        "mail": "SKIPPED",
    }
    assert (jobs["load"].priority, jobs["load"].description) == (900, "asked for by the auditors")


def test_who_asked_for_what_is_shown(run: Run) -> None:
    text = "\n".join(run("who.sh"))
    assert "job.submit" in text
    assert "job.cancel" in text


def test_the_workers_and_the_jobs_of_one_are_shown(run: Run, deployment: Deployment) -> None:
    (job_id,) = {word for line in run("workers.sh") for word in line.split()} & set(deployment.world.jobs)
    assert deployment.world.jobs[job_id].state == "SUCCEEDED"


def test_a_part_of_a_workflow_is_run_again(run: Run, deployment: Deployment) -> None:
    assert "the workflow failed with exit code 3" in run("rerun.sh")
    jobs = {job.key: job for job in deployment.world.jobs.values()}
    assert {job.state.value for job in jobs.values()} == {"SUCCEEDED"}
    assert (jobs["extract"].attempt, jobs["load"].attempt) == (1, 2)
