"""A type that only a worker has: it is announced, submitted and run, and nothing is deployed for it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.looks import becomes, job_state
from tests.harness.e2e.worker_processes import worker

CODE = '''
from pydantic import Field

from tidegate.jobs import JobContext, Parameters, job


class Rows(Parameters):
    rows: int = Field(ge=1)


@job("announced.count")
def count(parameters: Rows, context: JobContext) -> dict[str, int]:
    """Counts rows."""
    return {"rows": parameters.rows}
'''


@pytest.mark.usefixtures("stack")
def test_a_new_type_needs_its_worker_only(stack_home: Path, tmp_path: Path) -> None:
    package = tmp_path / "code" / "tidegate_jobs"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "counting.py").write_text(CODE, encoding="utf-8")
    asked = json.dumps({"type": "announced.count", "parameters": {"rows": 3}})
    refused = tidegate(stack_home, "submit", "-", stdin=asked)
    assert refused.returncode != 0
    assert "a worker that has it starts" in refused.stderr
    path = os.pathsep.join(filter(None, (str(package.parent), os.environ.get("PYTHONPATH", ""))))
    with worker(stack_home, tmp_path / "log", "--slots", "1", variables={"PYTHONPATH": path}) as running:
        becomes(lambda: tidegate(stack_home, "types", "get", "announced.count").returncode, 0)
        shown = tidegate_json(stack_home, "types", "get", "announced.count")
        assert (shown["source"], shown["announced"]["pool"]) == ("announced", "ecs")
        assert shown["description"] == "Counts rows."
        wrong = json.dumps({"type": "announced.count", "parameters": {"rows": 0}})
        refused = tidegate(stack_home, "submit", "-", stdin=wrong)
        assert "Input should be greater than or equal to 1" in refused.stderr
        job_id = str(tidegate_json(stack_home, "submit", "-", stdin=asked)["job_id"])
        becomes(job_state(stack_home, job_id), "SUCCEEDED")
        ended = tidegate_json(stack_home, "jobs", "get", job_id)
        assert (ended["pool"], ended["result"]) == ("ecs", {"rows": 3})
        running.tell(signal.SIGTERM)
        assert running.ended() == 0
