"""Options without effect beside the others, or useless to any call, are refused with the fix before any call."""

from __future__ import annotations

import json

import pytest

from tests.harness.cli.samples import WORKFLOW
from tests.harness.cli.screens import always, answer_with, tidegate

JOB = '{"type": "tidegate.noop"}'
FLOW = '{"jobs": [{"key": "a", "type": "tidegate.noop"}]}'
TRACE = """{"workflow": {"specification": {"tasks": [{"id": "a"}]},
"execution": {"tasks": [{"id": "a", "runtimeInSeconds": 5}]}}}"""
URL = ("--api-url", "https://abc.execute-api.eu-west-1.amazonaws.com/live")


@pytest.mark.parametrize(
    ("arguments", "stdin", "option", "fix"),
    [
        (("submit", "-", "--timeout-seconds", "5"), JOB, "--timeout-seconds", "add --wait"),
        (("submit", "-", "--speed", "5"), JOB, "--speed", "leave it out"),
        (("run", "-", "--speed", "5"), FLOW, "--speed", "leave it out"),
        (("submit", "-", "--critical-path-weight", "5"), JOB, "--critical-path-weight", "leave it out"),
        (("run", "-", "--workers", "2"), FLOW, "--workers", "the slots of each worker"),
        (("run", "-", "--slots", "2", *URL), FLOW, "--slots", "run `tidegate worker` by itself"),
        ((*URL, "local", "status"), None, "--api-url", "leave it out"),
        ((*URL, "local", "logs"), None, "--api-url", "leave it out"),
        ((*URL, "local", "up"), None, "--api-url", "leave it out"),
        ((*URL, "local", "down"), None, "--api-url", "leave it out"),
        ((*URL, "local", "env"), None, "--api-url", "leave it out"),
        ((*URL, "demo"), None, "--api-url", "leave it out"),
        ((*URL, "worker", "--pool", "ecs"), None, "--api-url", "leave it out"),
        (("-o", "json", "worker", "--pool", "ecs"), None, "--output", "leave it out"),
        (("worker", "--pool", "ecs", "--take-over"), None, "--take-over", "name the worker to take over"),
        (
            ("jobs", "list", "--workflow", WORKFLOW, "--pool", "e", "--limit", "0"),
            None,
            "--limit",
            "1",
        ),
        (("run", "-", "--speed", "nan"), TRACE, "--speed", "above 0"),
        (("run", "-", "--speed", "1e400"), TRACE, "--speed", "above 0"),
        (("wait", WORKFLOW, "--timeout-seconds", "inf"), None, "--timeout-seconds", "31622400"),
        (("submit", "-", "--wait", "--timeout-seconds", "nan"), JOB, "--timeout-seconds", "31622400"),
        (("local", "logs", "--since-seconds", "1e400"), None, "--since-seconds", "31622400"),
        (("pools", "redrive", "ecs", "--limit", "-1"), None, "--limit", "1"),
        (("submit", "-", "--priority", "-1"), JOB, "--priority", "1"),
        (("submit", "-", "--critical-path-weight", "nan"), FLOW, "--critical-path-weight", "1000"),
    ],
)
def test_an_option_that_means_nothing_is_refused_with_the_fix(
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    stdin: str | None,
    option: str,
    fix: str,
) -> None:
    seen = answer_with(monkeypatch, always({}))
    result = tidegate(*arguments, stdin=stdin)
    assert (result.exit_code, seen) == (2, [])
    assert option in result.stderr
    assert fix in result.stderr
    if "worker" in arguments:
        return
    problem = json.loads(tidegate("-o", "json", *arguments, stdin=stdin).stderr.splitlines()[-1])
    assert [error["field"] for error in problem["errors"]] == [option]


@pytest.mark.parametrize(
    ("arguments", "option", "times"),
    [
        (("submit", "-", "--pool", "ecs", "--pool", "lambda"), "--pool", 2),
        (("jobs", "list", "--limit", "3", "--limit", "3"), "--limit", 2),
        (("jobs", "list", "-o", "json", "--output", "text", "-o", "text"), "--output", 3),
        (("worker", "--pool", "ecs", "--slots=2", "--slots", "4"), "--slots", 2),
        (("--region", "eu-west-1", "--region", "us-east-1", "jobs", "list"), "--region", 2),
        (("local", "up", "--executions", "8", "--executions", "9"), "--executions", 2),
    ],
)
def test_an_option_that_takes_one_value_is_not_passed_over_where_it_is_given_twice(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], option: str, times: int
) -> None:
    seen = answer_with(monkeypatch, always({}))
    result = tidegate(*arguments, stdin=JOB)
    assert (result.exit_code, result.stdout, seen) == (2, "", [])
    assert f"{option} is given {times} times; give it once" in result.stderr


def test_an_option_that_gathers_values_and_one_of_another_level_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = answer_with(monkeypatch, always({"jobs": [], "cursor": None}))
    states = ("--state", "READY", "--state", "RUNNING")
    result = tidegate("-o", "text", "jobs", "list", *states, "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"jobs": []})
    assert [request.url.params["state"] for request in seen] == ["READY", "RUNNING"]
