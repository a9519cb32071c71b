"""The workflow builder: its body is the API's, and its faults are found before anything is sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tidegate.contracts.requests import read_workflow
from tidegate.domain.dependency import DependencyType
from tidegate.domain.limits import (
    MAX_BODY_BYTES,
    MAX_DEPENDENCIES_PER_JOB,
    MAX_IDEMPOTENCY_KEY_CHARACTERS,
    MAX_JOBS_PER_WORKFLOW,
)
from tidegate_client import Earlier, InvalidWorkflow, Workflow, wire
from tidegate_client.workflow import MAX_DEPENDENCIES, MAX_JOBS

EARLIER = "01JD3V8Q5S2Y6W9K4M7N0P1R2T"
DAY = datetime(2026, 12, 1, tzinfo=UTC)


def test_every_kind_of_dependency_reaches_the_api() -> None:
    with Workflow("nightly", priority=700, tags={"team": "data"}, finish_by=DAY) as nightly:
        extract = nightly.job("extract", "etl.extract", parameters={"day": "2026-12-01"})
        load = nightly.job(
            "load", after=[extract, Earlier(EARLIER)], not_before=DAY, finish_by=DAY + timedelta(hours=1)
        )
        watch = nightly.job("watch", after_start=extract)
        nightly.job(
            "report", after_end=[load, watch], when={extract: "upstream.result.rows > 0"}, max_retries=1
        )
    request, _ = read_workflow(json.dumps(nightly.as_json()))
    assert (request.name, request.priority, request.tags) == ("nightly", 700, {"team": "data"})
    day_ms = int(DAY.timestamp()) * 1_000
    assert request.finish_by_ms == day_ms
    assert (request.jobs[1].not_before_ms, request.jobs[1].finish_by_ms) == (day_ms, day_ms + 3_600_000)
    assert [job.type for job in request.jobs] == ["etl.extract", "load", "watch", "report"]
    edges = {
        job.key: [(each.key or each.job_id, each.type) for each in job.depends_on] for job in request.jobs
    }
    assert edges == {
        "extract": [],
        "load": [("extract", DependencyType.MUST_SUCCEED), (EARLIER, DependencyType.MUST_SUCCEED)],
        "watch": [("extract", DependencyType.MUST_START)],
        "report": [
            ("load", DependencyType.MUST_COMPLETE),
            ("watch", DependencyType.MUST_COMPLETE),
            ("extract", DependencyType.CONDITIONAL),
        ],
    }
    assert request.jobs[3].depends_on[2].condition == "upstream.result.rows > 0"


def test_a_key_may_name_a_job_that_is_added_later() -> None:
    with Workflow() as workflow:
        workflow.job("load", after="extract")
        workflow.job("extract")
    assert workflow.as_json()["jobs"][0]["depends_on"] == [{"key": "extract", "type": "MUST_SUCCEED"}]


def test_a_cycle_is_named_with_its_jobs() -> None:
    workflow = Workflow()
    workflow.job("a", after="c")
    workflow.job("b", after="a")
    workflow.job("c", after="b")
    with pytest.raises(InvalidWorkflow, match=r"cycle: '.' → '.' → '.' → '.'"):
        workflow.check()


def test_an_upstream_that_is_no_job_is_named_with_the_nearest_key() -> None:
    def build() -> None:
        with Workflow() as workflow:
            workflow.job("extract")
            workflow.job("load", after="extrakt")

    with pytest.raises(InvalidWorkflow, match=r"'load' depends on 'extrakt', .*did you mean 'extract'"):
        build()


def test_every_fault_is_named_at_once() -> None:
    workflow = Workflow()
    workflow.job("a", after="x")
    workflow.job("b", after="y")
    with pytest.raises(InvalidWorkflow) as raised:
        workflow.as_json()
    assert len(raised.value.faults) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [({"priorty": 5}, "did you mean 'priority'"), ({"depends_on": []}, "no option 'depends_on'")],
)
def test_an_unknown_option_is_refused_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidWorkflow, match=said):
        Workflow().job("a", **options)


def test_an_unknown_option_of_the_workflow_is_refused() -> None:
    options: dict[str, Any] = {"tag": {}}
    with pytest.raises(InvalidWorkflow, match="did you mean 'tags'"):
        Workflow("nightly", **options)


def test_a_key_is_given_once() -> None:
    workflow = Workflow()
    workflow.job("a")
    with pytest.raises(InvalidWorkflow, match="taken"):
        workflow.job("a")


def test_a_job_of_another_workflow_is_refused() -> None:
    other = Workflow().job("a")
    with pytest.raises(InvalidWorkflow, match="another workflow"):
        Workflow().job("b", after=other)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match="zone"):
        Workflow().job("a", not_before=datetime(2026, 12, 1))  # noqa: DTZ001
    with pytest.raises(InvalidWorkflow, match="finish_by has no zone"):
        Workflow(finish_by=datetime(2026, 12, 1))  # noqa: DTZ001


def test_an_empty_workflow_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match="no job"):
        Workflow("empty").check()


def test_an_error_in_the_block_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), Workflow():
        raise ZeroDivisionError


def test_the_bounds_are_the_engine_s() -> None:
    assert (MAX_JOBS, MAX_DEPENDENCIES) == (MAX_JOBS_PER_WORKFLOW, MAX_DEPENDENCIES_PER_JOB)
    assert wire.MAX_KEY_CHARACTERS == MAX_IDEMPOTENCY_KEY_CHARACTERS
    assert wire.MAX_BODY_BYTES == MAX_BODY_BYTES
