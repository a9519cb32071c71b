"""Text chosen by a caller or by job code tries to control an operator's terminal, or to look like other text."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from tests.harness.cli.samples import job_json
from tests.harness.functions.api_calls import Api
from tidegate.domain.texts import is_plain, plain_message
from tidegate.jobs.context import progress_from
from tidegate_cli.commands.root import app
from tidegate_cli.options import Session
from tidegate_cli.structured import Output
from tidegate_cli.views import job_view, printable_lines

HOSTILE = [
    "\x00",
    "\x1b",
    "\x7f",
    "\x80",
    "\x9b",  # begins a command, as ESC [ does
    "\x9d",  # sets the window's title
    "\x9f",
    "\xad",
    "\u061c",
    "\u180e",
    "\u200b",
    "\u200e",
    "\u200f",
    "\u2028",
    "\u202a",
    "\u202e",  # the terminal shows the rest of the line backwards
    "\u2060",
    "\u2066",
    "\u2069",
    "\ufeff",
    "\ufff9",
    "\U000e0041",
]
HARMLESS = ["naïve", "日本語", "\u0645\u06cc\u200c\u0645", "👩\u200d🔬", "שלום", "a\u0301"]


def _job(**changes: Any) -> dict[str, Any]:
    return {"type": "tidegate.noop", **changes}


@pytest.mark.parametrize("mark", HOSTILE, ids=ascii)
@pytest.mark.parametrize(
    ("field", "where"),
    [
        ("name", lambda text: {"name": text}),
        ("concurrency_key", lambda text: {"concurrency_key": text}),
        ("tags", lambda text: {"tags": {"team": text}}),
        ("tags", lambda text: {"tags": {text: "data"}}),
        ("requires", lambda text: {"requires": [text]}),
        ("share", lambda text: {"share": {"name": text}}),
        ("retry", lambda text: {"retry": {"never_on": [text]}}),
    ],
)
def test_a_submission_that_holds_one_is_refused(mark: str, field: str, where: Any) -> None:
    answer = Api().call("POST", "/v1/jobs", _job(**where(f"pay{mark}load")))
    assert answer.status == 422
    assert all(named.startswith(field) for named in answer.fields)


@pytest.mark.parametrize("mark", HOSTILE, ids=ascii)
def test_a_key_in_a_workflow_is_refused(mark: str) -> None:
    answer = Api().call("POST", "/v1/workflows", {"jobs": [_job(key=f"a{mark}b")]})
    assert (answer.status, answer.fields) == (422, ["jobs[0].key"])


@pytest.mark.parametrize("text", HARMLESS)
def test_texts_of_any_language_are_taken(text: str) -> None:
    assert Api().call("POST", "/v1/jobs", _job(name=text, tags={text: text})).status == 201
    assert is_plain(text)
    assert plain_message(text) == text


@pytest.mark.parametrize("mark", HOSTILE, ids=ascii)
def test_what_job_code_says_holds_none(mark: str) -> None:
    assert not is_plain(mark)
    assert progress_from(0.5, f"a{mark}b").message == "a?b"


@pytest.mark.parametrize("mark", HOSTILE, ids=ascii)
def test_a_terminal_is_sent_none_by_any_way_out(mark: str, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = f"a{mark}b"
    Session().tell(f"{hostile}\nnext line")
    Session(Output.JSON).show({"name": hostile, hostile: 1})
    job = job_view(job_json(0, name=hostile, key=None, error={"code": hostile, "message": hostile}))
    said = capsys.readouterr()
    for text in (said.out, said.err, job.label, job.error, printable_lines(hostile)):
        assert mark not in text
    assert said.err.count("\n") == 2
    assert json.loads(said.out) == {"name": hostile, hostile: 1}, "as JSON it is the same"
    Session(Output.YAML).show({"name": hostile, hostile: 1})
    said = capsys.readouterr()
    assert mark not in said.out
    assert yaml.safe_load(said.out) == {"name": hostile, hostile: 1}, "as YAML too"


def test_an_error_message_is_sent_without_any() -> None:
    result = CliRunner().invoke(app, ["submit", "no-such-\x9b2J\u202efile.json"])
    assert result.exit_code == 2
    assert "\x9b" not in result.output
    assert "\u202e" not in result.output
