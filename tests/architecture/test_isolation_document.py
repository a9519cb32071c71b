"""docs/explanation/isolation.md lists the variables that job code gets, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.architecture.test_template_pools import ON
from tests.harness.domain.documents import read_document, table_rows
from tests.harness.template import Resolved
from tidegate.adapters.executors.environment import ALWAYS_PASSED, VARIABLE, job_environment
from tidegate.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = read_document("explanation/isolation.md")


def test_the_page_lists_each_variable_that_is_passed() -> None:
    assert [row[0].strip("`") for row in table_rows(DOCUMENT, "variable")] == sorted(ALWAYS_PASSED)


def test_the_page_counts_the_variables_that_tidegate_sets() -> None:
    (number, paragraph) = re.findall(r"tidegate sets (\w+) itself:(.*?)\n\n", DOCUMENT, re.DOTALL)[0]
    at_start = job_environment({}, ()).at_start(with_keys=False)
    # The code's folder and the attempt's folder are added when the process and the attempt begin.
    expected = {"PYTHONPATH", "TMPDIR", *at_start}
    assert set(re.findall(r"`([A-Z_0-9]+)(?:=\w+)?`", paragraph)) == expected
    assert number == {4: "four", 5: "five", 6: "six"}[len(expected)]


def test_the_page_names_the_options_of_an_operator() -> None:
    for option in (VARIABLE, "TIDEGATE_REUSE_JOB_PROCESSES"):
        assert option in DOCUMENT
        assert option in read_settings.__code__.co_consts


def test_nothing_that_is_not_hidden_starts_the_worker_in_its_container() -> None:
    """A shell or an init process would hold the worker's variables, and job code could read them there."""
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", (ROOT / "worker" / "Dockerfile").read_text(), re.MULTILINE)
    assert json.loads(entry)[:3] == ["python", "-m", "tidegate_worker"]
    task = Resolved(**ON).properties("EcsTaskDefinition")
    (container,) = task["ContainerDefinitions"]
    assert not {"EntryPoint", "LinuxParameters"} & container.keys()
    assert "PidMode" not in task
