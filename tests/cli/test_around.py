"""The commands that show the jobs around a job."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.cli.test_commands import tidegate
from tests.cli.test_recovery_commands import Requests, api
from tests.harness.cli.samples import WORKFLOW

__all__ = ["api"]
JOB = f"{WORKFLOW}.1"
PATH = f"/live/v1/jobs/{JOB}"
EDGE = {"job_id": f"{WORKFLOW}.0", "key": "a", "state": "READY", "type": "MUST_START", "satisfied": False}
CHAIN = {
    "job_id": JOB,
    "jobs": [
        {"job_id": JOB, "key": "b", "name": None, "type": "t", "state": "PENDING"},
        {"job_id": f"{WORKFLOW}.0", "key": "a", "name": None, "type": "t", "state": "READY"},
    ],
    "edges": [{"upstream_id": f"{WORKFLOW}.0", "downstream_id": JOB, "type": "MUST_START"}],
    "more": True,
}


@pytest.mark.parametrize("what", ["dependencies", "dependents"])
def test_edges_are_a_table_or_json(api: Requests, what: str) -> None:
    api({("GET", f"{PATH}/{what}"): httpx.Response(200, json={what: [EDGE], "cursor": None})})
    shown = tidegate("jobs", what, JOB).stdout
    assert f"{WORKFLOW}.0" in shown
    assert "MUST_START" in shown
    raw = json.loads(tidegate("jobs", what, JOB, "--output", "json").stdout)
    assert raw == {"job_id": JOB, what: [EDGE]}


def test_a_chain_has_four_forms_and_says_that_there_is_more(api: Requests) -> None:
    seen = api({("GET", f"{PATH}/chain"): httpx.Response(200, json=CHAIN)})
    text = tidegate("jobs", "chain", JOB, "--direction", "up", "--depth", "3")
    assert "PENDING" in text.stdout
    assert "there are more jobs" in text.stderr
    assert dict(seen[-1].url.params) == {"direction": "up", "depth": "3", "limit": "100"}
    assert json.loads(tidegate("jobs", "chain", JOB, "--format", "json").stdout) == CHAIN
    assert "n1 -->|MUST_START| n0" in tidegate("jobs", "chain", JOB, "--format", "mermaid").stdout
    assert tidegate("jobs", "chain", JOB, "--format", "dot").stdout.startswith("digraph chain {")
