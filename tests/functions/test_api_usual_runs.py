"""The API shows where an estimate comes from, and which running job straggles behind its type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.functions.api_calls import NOW_MS, Api
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.histogram import histogram_of
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import DAY_MS, Counted, Span, floor_to

MIDNIGHT = floor_to(NOW_MS, DAY_MS)
TYPE = "tidegate.noop"


@pytest.fixture
def api() -> Api:
    """Makes an API whose statistics tell of 200 jobs, half of which ran for 2 s and half for 4 s."""
    api = Api()
    figures = Figures(succeeded=200, run=histogram_of([2_000, 4_000] * 100))
    rollup = Rollup({TYPE: figures})
    counted = Counted(MIDNIGHT - DAY_MS, MIDNIGHT, rollup)
    api.services.statistics.put("lambda", Span.DAY, counted, expires_at_s=0)
    return api


def submit(api: Api, **fields: object) -> Job:
    return api.job(api.call("POST", "/v1/jobs", {"type": TYPE, **fields}).body["job_id"])


def test_an_estimate_says_that_statistics_made_it(api: Api) -> None:
    shown = api.call("GET", f"/v1/jobs/{submit(api).job_id}").body
    assert shown["estimated_duration_seconds"] == pytest.approx(2.0, rel=0.05)
    assert (shown["estimate_source"], shown["straggler"]) == ("statistics", None)
    own = submit(api, estimated_duration_seconds=9)
    (row,) = [each for each in api.call("GET", "/v1/jobs").body["jobs"] if each["job_id"] == own.job_id]
    assert (row["estimated_duration_seconds"], row["estimate_source"]) == (9.0, "caller")
    other = submit(api, type="tidegate.sleep", parameters={"seconds": 1})
    assert api.call("GET", f"/v1/jobs/{other.job_id}").body["estimate_source"] is None


@pytest.mark.parametrize("fields", ["full", "slim"])
def test_a_job_beyond_the_99th_percentile_of_its_type_straggles(api: Api, fields: str) -> None:
    job = submit(api)
    for ran_seconds, straggles in ((3, False), (5, True)):
        began_at_ms = NOW_MS - ran_seconds * 1_000
        running = replace(job, state=State.RUNNING, started_at_ms=began_at_ms, began_at_ms=began_at_ms)
        api.world.write(running)
        straggler = api.call("GET", f"/v1/jobs/{job.job_id}", query={"fields": fields}).body["straggler"]
        assert straggler == (
            {"runs": 200, "p99_seconds": pytest.approx(4.0, rel=0.05)} if straggles else None
        )
        told = api.call("GET", f"/v1/jobs/{job.job_id}/why").body
        assert [(each["code"], each["evidence"]["age_seconds"]) for each in told["facts"]] == (
            [("straggler", 5.0)] if straggles else []
        )


def test_a_list_has_the_stragglers_alone_and_looks_at_running_jobs_alone(api: Api) -> None:
    jobs = [submit(api) for _ in range(3)]
    for job, ran_seconds in zip(jobs, (3, 5, 6), strict=True):
        began_at_ms = NOW_MS - ran_seconds * 1_000
        api.world.write(replace(job, state=State.RUNNING, started_at_ms=began_at_ms, began_at_ms=began_at_ms))
    submit(api)
    slow = {job.job_id for job in jobs[1:]}
    for filters in ({}, {"state": "ALL"}, {"state": "READY,RUNNING", "type": TYPE}):
        page = api.call("GET", "/v1/jobs", query={"straggler": "true", **filters}).body
        assert ({job["job_id"] for job in page["jobs"]}, page["cursor"]) == (slow, None)
        assert page["looked_at"] == 3, "READY jobs are not looked at"
    none = api.call("GET", "/v1/jobs", query={"straggler": "true", "type": "tidegate.sleep"}).body
    assert none["jobs"] == []
    refused = api.call("GET", "/v1/jobs", query={"straggler": "true", "state": "READY,SUCCEEDED"})
    assert "is for RUNNING jobs" in refused.message("straggler")


def test_a_page_of_stragglers_is_bounded_and_the_next_one_goes_on(api: Api) -> None:
    for _ in range(3):
        job = submit(api)
        api.world.write(replace(job, state=State.RUNNING, started_at_ms=NOW_MS - 9_000))
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = api.call("GET", "/v1/jobs", query={"straggler": "true", "limit": "1", **cursor}).body
        found += [job["job_id"] for job in page["jobs"]]
        cursor = {"cursor": page["cursor"]} if page["cursor"] else {}
    assert len(set(found)) == 3
