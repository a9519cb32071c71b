"""The forms of results and problems: text, JSON and YAML; completion; colour."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from tests.harness.cli.samples import WORKFLOW, job_json
from tests.harness.cli.screens import Screen, always, answer_with, tidegate
from tidegate_cli.structured import Output, as_one_of_many

ANSWER = {
    "pools": [{"name": "ecs", "kind": "worker", "at": "2026-12-01T08:00:00Z", "note": "Füße\n\x1b[31m"}]
}


def test_yaml_holds_what_json_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, always(ANSWER))
    as_json = json.loads(tidegate("pools", "list", "-o", "json").stdout)
    text = tidegate("pools", "list", "-o", "yaml").stdout
    assert yaml.safe_load(text) == as_json == ANSWER
    assert "\x1b" not in text


def test_yaml_keeps_letters_and_the_order_of_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, always(job_json(0, name="Füße")))
    text = tidegate("--output", "yaml", "jobs", "get", f"{WORKFLOW}.0").stdout
    assert "name: Füße\n" in text
    assert text.startswith("job_id: ")


def test_a_problem_comes_in_the_form_of_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, always({"title": "Not found", "status": 404}, 404))
    found: list[dict[str, Any]] = []
    for form, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        result = tidegate("pools", "pause", "ecs", "-o", form)
        assert (result.exit_code, result.stdout) == (1, "")
        found.append(read(result.stderr))
    assert found[0] == found[1]
    assert found[0]["status"] == 404


def test_a_problem_in_yaml_begins_a_document() -> None:
    assert tidegate("jobs", "lst", "-o", "yaml").stderr.startswith("---\ntype: urn:tidegate:problem:usage\n")


def test_an_unknown_form_is_refused_with_the_forms() -> None:
    result = tidegate("pools", "list", "-o", "xml")
    assert result.exit_code == 2
    assert "yaml" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(shell: str) -> None:
    command = [sys.executable, "-m", "tidegate_cli", "--show-completion", shell]
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "_TIDEGATE_COMPLETE" in ended.stdout


def test_no_color_takes_the_colours_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def printed() -> str:
        screen = Screen()
        Console(file=screen).print("a job", style="red")
        return screen.getvalue()

    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[31m" in printed()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in printed()


def test_documents_that_follow_each_other_can_be_parted() -> None:
    made: list[dict[str, Any]] = [{"number": 1, "text": "a\nb"}, {"number": 2, "text": "---"}]
    text = "".join(as_one_of_many(each, Output.YAML) for each in made)
    assert list(yaml.safe_load_all(text)) == made
    lines = "".join(as_one_of_many(each, Output.JSON) for each in made).splitlines()
    assert [json.loads(line) for line in lines] == made
