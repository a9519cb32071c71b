"""Errors: one readable message, or one line of JSON of a stable shape. The command line checks ids before any call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.cli.samples import WORKFLOW
from tests.harness.cli.screens import always, answer_with, tidegate
from tidegate_cli import ids
from tidegate_cli.commands import submit
from tidegate_cli.errors import ApiProblem, CliError, UsageError
from tidegate_cli.problems import CODES, output_of

FIELDS = {"type", "code", "title", "detail", "errors", "exit_code"}
ROOT = Path(__file__).resolve().parents[2]


def problem_of(*arguments: str, stdin: str | None = None) -> dict[str, Any]:
    """Returns the problem that a command prints under `-o json`: the last line of standard error, and no other."""
    result = tidegate(*arguments, stdin=stdin)
    assert result.stdout == ""
    problem: dict[str, Any] = json.loads(result.stderr.splitlines()[-1])
    assert problem.keys() - {"status"} == FIELDS
    assert problem["exit_code"] == result.exit_code
    assert problem["type"].endswith(f":{problem['code']}")
    return problem


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code", "field"),
    [
        (("jobs", "get", "a/b", "-o", "json"), "malformed-id", 2, "job_id"),
        (("-o", "json", "workflows", "get", f"{WORKFLOW}.3"), "malformed-id", 2, "workflow_id"),
        (("jobs", "list", "--limit", "-5", "--output=json"), "usage", 2, "--limit"),
        (("jobs", "list", "--state", "x", "-ojson"), "usage", 2, "--state"),
        (("jobs", "list", "--nonsense", "-o", "json"), "usage", 2, "--nonsense"),
        (("jobs", "lst", "-o", "json"), "usage", 2, None),
        (("jobs", "get", "-o", "json"), "usage", 2, "JOB_ID"),
        (("submit", "/nowhere.json", "-o", "json"), "malformed-file", 2, None),
        (("jobs", "list", "-o", "json"), "usage", 2, None),
        (("local", "logs", "dispatch", "-o", "json"), "usage", 2, "FUNCTION"),
        (("types", "limit", "a", "0", "-o", "json"), "usage", 2, "N"),
        (("--profile", "a", "local", "status", "-o", "json"), "usage", 2, "--profile"),
        (("--aws-profile", "a", "local", "status", "-o", "json"), "usage", 2, "--aws-profile"),
        (("--region", "a", "demo", "-o", "json"), "usage", 2, "--region"),
    ],
)
def test_errors_of_the_client_have_the_shape_of_the_apis(
    arguments: tuple[str, ...], code: str, exit_code: int, field: str | None
) -> None:
    problem = problem_of(*arguments)
    assert (problem["code"], problem["exit_code"]) == (code, exit_code)
    assert [error["field"] for error in problem["errors"]] == ([] if field is None else [field])


def test_a_refusal_of_the_api_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {
        "type": "urn:tidegate:problem:invalid-request",
        "title": "The request is not valid",
        "status": 422,
        "detail": "priority: is 0",
        "errors": [{"field": "priority", "message": "is 0"}],
    }
    answer_with(monkeypatch, always(refused, 422))
    problem = problem_of("submit", "-", "-o", "json", stdin='{"type": "x"}')
    assert problem == {**refused, "code": "invalid-request", "exit_code": 1}


def test_a_fault_of_no_field_is_told_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = {"field": "", "message": "this deployment has no webhooks"}
    answer_with(monkeypatch, always({"title": "The request is not valid", "errors": [fault]}, 422))
    told = tidegate("webhooks", "create", "https://example.com/x").stderr
    assert told == "tidegate: The request is not valid (422)\n  this deployment has no webhooks\n"


def test_a_refusal_of_the_gateway_names_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, always({"message": "Forbidden"}, 403))
    problem = problem_of("jobs", "get", WORKFLOW, "-o", "json")
    assert (problem["code"], problem["status"], problem["detail"]) == ("http-403", 403, "Forbidden")


def test_no_answer_and_a_bug_and_an_interruption_are_problems_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    answer_with(monkeypatch, gone)
    assert problem_of("types", "list", "-o", "json")["code"] == "unreachable"
    for error, code, exit_code in (
        (ZeroDivisionError(), "internal", 1),
        (KeyboardInterrupt(), "interrupted", 130),
    ):
        monkeypatch.setattr(submit, "read_document", _raising(error))
        problem = problem_of("submit", "-", "-o", "json")
        assert (problem["code"], problem["exit_code"]) == (code, exit_code)


def _raising(error: BaseException) -> Callable[..., object]:
    def raise_it(*_: object, **__: object) -> object:
        raise error

    return raise_it


def test_text_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, always({}))
    result = tidegate("jobs", "get", "a/b")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("tidegate: job id 'a/b' is malformed: a job's id is like")


@pytest.mark.parametrize(
    "text", ["a/b", "..", "a%2Fb", f"{WORKFLOW}/cancel", " ", "ü", f"{WORKFLOW}.00", "1" * 300]
)
@pytest.mark.parametrize(
    "command",
    [
        ("jobs", "get"),
        ("jobs", "cancel"),
        ("jobs", "retry"),
        ("workflows", "get"),
        ("workflows", "cancel"),
        ("workflows", "rerun"),
        ("jobs", "list", "--workflow"),
        ("follow",),
        ("wait",),
    ],
    ids=" ".join,
)
def test_an_id_that_is_none_is_refused_before_any_call(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], text: str
) -> None:
    seen = answer_with(monkeypatch, always({}))
    result = tidegate(*command, text)
    assert (result.exit_code, seen) == (2, [])
    assert "is malformed" in result.stderr


@pytest.mark.parametrize(
    ("check", "text", "hint"),
    [
        (ids.job_id, WORKFLOW.lower() + ".3", f"did you mean {WORKFLOW}.3?"),
        (ids.workflow_id, f" {WORKFLOW}\n", f"did you mean {WORKFLOW}?"),
        (ids.workflow_id, f"{WORKFLOW}.3", f"its workflow is {WORKFLOW}"),
        (ids.pool_name, "a/b", "`tidegate pools list`"),
        (ids.type_name, "a b", "`tidegate types list`"),
        (ids.worker_id, "a/b", "`tidegate workers list`"),
    ],
)
def test_a_malformed_id_is_told_its_fix(check: Callable[[str], str], text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(text)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("jbos",), "Did you mean 'jobs'?"),
        (("jobs", "lits"), "Did you mean 'list'?"),
        (("jobs", "list", "--sate", "RUNNING"), "--state"),
        (("jobs", "list", "--state", "RUNING"), "did you mean 'RUNNING'?"),
        (("jobs", "list", "--state", "done"), "PENDING, SCHEDULED, READY"),
        (("workers", "list", "--state", "ACTVE"), "did you mean 'ACTIVE'?"),
        (("local", "logs", "dispatch"), "did you mean 'dispatcher'?"),
    ],
)
def test_a_slip_of_the_keys_is_told_what_was_meant(arguments: tuple[str, ...], hint: str) -> None:
    result = tidegate(*arguments)
    assert result.exit_code == 2
    assert hint in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("pools", "pause", "esc"),
        ("pools", "redrive", "esc"),
        ("jobs", "list", "--state", "RUNNING", "--pool", "esc"),
        ("jobs", "list", "--workflow", WORKFLOW, "--pool", "esc"),
        ("workers", "list", "--pool", "esc"),
        ("submit", "examples/job.json", "--pool", "esc"),
        ("run", "examples/job.json", "--pool", "esc"),
    ],
    ids=" ".join,
)
def test_an_unknown_name_is_told_what_the_api_says_of_it_at_one_call(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    message = "unknown pool 'esc'; pools are ecs, lambda; did you mean 'ecs'?"
    refused = {"title": "Not found", "errors": [{"field": "pool", "message": message}]}
    seen = answer_with(monkeypatch, always(refused, 404))
    monkeypatch.chdir(ROOT)
    result = tidegate(*arguments)
    assert (result.exit_code, len(seen)) == (1, 1)
    assert f"  pool: {message}\n" in result.stderr


def test_a_run_says_that_its_submission_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter((httpx.Response(504), httpx.Response(422, json={"title": "The request is not valid"})))
    answer_with(monkeypatch, lambda _request: next(answers))
    result = tidegate("run", "-", stdin='{"type": "x"}')
    assert result.exit_code == 1
    assert "no answer yet (the API answered 504): asking again" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("-o", "json", "x"), "json"),
        (("x", "--output=yaml"), "yaml"),
        (("x", "-ojson"), "json"),
        (("-o", "json", "x", "-o", "text"), "text"),
        (("x", "-o"), "text"),
        (("x", "-o", "xml"), "text"),
        (("x",), "text"),
    ],
)
def test_the_last_option_says_the_form_of_output(arguments: tuple[str, ...], wanted: str) -> None:
    assert output_of(arguments) == wanted


def test_the_page_of_the_command_line_lists_every_code() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert not [code for code in sorted(CODES) if f"`{code}`" not in page]


def test_every_error_of_the_command_line_has_a_code_of_the_list() -> None:
    kinds, found = [CliError], set()
    while kinds:  # ends when all classes are found
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        found.add(kind.code)
    found.remove(ApiProblem.code)  # these have the API's own codes
    assert found <= CODES
