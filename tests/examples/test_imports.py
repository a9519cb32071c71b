"""Every file of examples/imports is imported by the command of its first lines, and its commands do what it shows."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_every_command import tidegate
from tests.harness.cli.importing import edges, must_submit
from tests.harness.examples.world import EXAMPLES
from tidegate_cli.importing.documents import Imported

FOLDER = EXAMPLES / "imports"
DIAMOND, WORDS = "diamond.yaml", "words.mf"
COMMAND = re.compile(r"^# Run: tidegate (import .*?)\. ", re.MULTILINE)
TIMEOUT_SECONDS = 30


def imported(name: str, tmp_path: Path) -> Imported:
    """Runs the command that a file names, with folders of this test; returns the files that it wrote."""
    (shown,) = COMMAND.findall((FOLDER / name).read_text(encoding="utf-8"))
    places = {
        f"examples/imports/{name}": str(FOLDER / name),
        "imported": str(tmp_path / "imported"),
        "/data": str(tmp_path / "data"),
    }
    words = [places.get(word, word) for word in shlex.split(shown)]
    result = tidegate(*words, "--output", "json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert [note["construct"] for note in answer["notes"]] == ["the folder of the commands"]
    made = {
        each: yaml.safe_load((tmp_path / "imported" / f"{each}.yaml").read_text(encoding="utf-8"))
        for each in ("workflow", "targets")
    }
    return Imported(**made)


def run_all(made: Imported, folder: Path) -> dict[str, str]:
    """Runs the command of each job after those of its upstreams; returns the standard output of each by key."""
    waiting: list[dict[str, Any]] = list(made.workflow["jobs"])
    printed: dict[str, str] = {}
    while waiting:
        ready = [job for job in waiting if all(edge["key"] in printed for edge in job.get("depends_on", ()))]
        assert ready, "the jobs wait for each other"
        for job in ready:
            ended = subprocess.run(
                made.targets["targets"][job["type"]]["command"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=True,
            )
            printed[job["key"]] = ended.stdout.strip()
            waiting.remove(job)
    return printed


def test_a_diamond_of_argo_keeps_its_edges_and_no_value_becomes_text_of_a_shell(tmp_path: Path) -> None:
    made = imported(DIAMOND, tmp_path)
    assert edges(made) == {
        ("extract", "count"),
        ("extract", "check"),
        ("count", "report"),
        ("check", "report"),
    }
    assert {job["timeout_seconds"] for job in made.workflow["jobs"]} == {60}
    must_submit(made)
    assert run_all(made, tmp_path) == {
        "extract": "rows of $(date)",
        "count": "counted",
        "check": "checked",
        "report": "done",
    }


def test_the_rules_of_a_makeflow_run_in_the_order_of_their_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    made = imported(WORDS, tmp_path)
    assert edges(made) == {("letter.txt", "words.txt"), ("poem.txt", "words.txt")}
    must_submit(made)
    run_all(made, tmp_path)
    assert (tmp_path / "data" / "words.txt").read_text().strip() == "9"


@pytest.mark.parametrize("name", ["diamond.yaml", "words.mf"])
def test_the_guide_names_the_example(name: str) -> None:
    guide = (EXAMPLES.parent / "docs" / "guides" / "import-a-workflow.md").read_text(encoding="utf-8")
    assert f"(../../examples/imports/{name})" in guide
