"""Workers in an order of their own, and the jobs of one worker, over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.harness.functions.api_calls import NOW_MS, Api
from tidegate.domain.job import JobFailure
from tidegate.domain.states import State
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady, Ending, FinishIfAttemptHolds, Stamp
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.usecases.read.worker_jobs import MOST_ENDED

SESSION = "01KATDPGZ8M5B6W2Y3Q7RVXN4C"


@pytest.fixture
def api() -> Api:
    return Api()


def join(
    api: Api, worker_id: str, *, slots: int, running: int, seen_before_ms: int = 0, fault: str = ""
) -> None:
    spec = WorkerSpec("ecs", worker_id, "host", slots)
    worker = replace(
        begin(spec, SESSION, NOW_MS), running=running, heartbeat_at_ms=NOW_MS - seen_before_ms, fault=fault
    )
    api.services.workers.register_if_free(worker, silent_since_ms=0)


def listed(api: Api, **query: str) -> list[str]:
    answer = api.call("GET", "/v1/workers", query=query)
    assert (answer.status, answer.body["complete"]) == (200, True), answer.body
    return [worker["worker_id"] for worker in answer.body["workers"]]


def claim(api: Api, worker_id: str, *, at_ms: int = NOW_MS, **fields: object) -> str:
    job_id = api.submit(**fields)
    job = api.job(job_id)
    api.services.jobs.apply(DispatchIfReady(job_id, job.pool, Stamp(at_ms, "dispatcher")))
    api.services.jobs.apply(ClaimIfQueued(job_id, 0, worker_id, at_ms + 60_000, Stamp(at_ms, worker_id)))
    return job_id


def end(api: Api, job_id: str, *, at_ms: int, failure: JobFailure | None = None) -> None:
    ending = Ending(State.FAILED if failure else State.SUCCEEDED, failure=failure)
    stamp = Stamp(at_ms, "worker")
    api.services.jobs.apply(FinishIfAttemptHolds(api.job(job_id), 1, ending, stamp))


def jobs(api: Api, worker: str, **query: str) -> dict[str, Any]:
    answer = api.call("GET", f"/v1/workers/{worker}/jobs", query=query)
    assert answer.status == 200, answer.body
    return answer.body


def test_workers_are_listed_by_load_by_free_slots_and_by_when_they_were_seen(api: Api) -> None:
    join(api, "a-half", slots=8, running=4, seen_before_ms=1_000)
    join(api, "b-full", slots=2, running=2, seen_before_ms=500)
    join(api, "c-idle", slots=3, running=0)
    join(api, "d-silent", slots=9, running=0, seen_before_ms=600_000)
    join(api, "e-faulty", slots=9, running=0, seen_before_ms=2_000, fault="no space left")
    assert listed(api, order="load")[:3] == ["b-full", "a-half", "c-idle"]
    assert listed(api, order="free")[:3] == ["a-half", "c-idle", "b-full"]
    assert listed(api, order="seen") == ["c-idle", "b-full", "a-half", "e-faulty", "d-silent"]
    assert listed(api, order="seen", limit="2", state="ACTIVE") == ["c-idle", "b-full"]


@pytest.mark.parametrize(
    ("query", "field"), [({"order": "size"}, "order"), ({"order": "load", "cursor": "x"}, "cursor")]
)
def test_a_wrong_order_is_named(api: Api, query: dict[str, str], field: str) -> None:
    answer = api.call("GET", "/v1/workers", query=query)
    assert (answer.status, answer.fields) == (422, [field])


def test_the_jobs_of_a_worker_are_those_that_it_runs_and_ran_lately(api: Api) -> None:
    first = claim(api, "lambda-1a2b3c4d", at_ms=NOW_MS - 9_000)
    second = claim(api, "lambda-1a2b3c4d", at_ms=NOW_MS - 8_000)
    runs = claim(api, "lambda-1a2b3c4d", at_ms=NOW_MS - 7_000)
    other = claim(api, "lambda-9f9f9f9f")
    end(api, second, at_ms=NOW_MS - 6_000, failure=JobFailure("broken", "it broke"))
    end(api, first, at_ms=NOW_MS - 5_000)
    found = jobs(api, "lambda/lambda-1a2b3c4d")
    assert [job["job_id"] for job in found["running"]] == [runs]
    assert [(job["job_id"], job["error_code"]) for job in found["ended"]] == [
        (first, None),
        (second, "broken"),
    ]
    assert (found["complete"], found["ended_since"]) == (True, None)
    assert other not in str(found)


def test_at_most_the_limit_of_ended_jobs_is_shown_and_said(api: Api) -> None:
    for step in range(3):
        end(api, claim(api, "w", at_ms=NOW_MS), at_ms=NOW_MS + step)
    found = jobs(api, "lambda/w", limit="2")
    assert [job["finished_at"][-4:] for job in found["ended"]] == ["002Z", "001Z"]
    assert found["ended_since"] == found["ended"][-1]["finished_at"]


def test_it_says_since_when_it_looked_at_ended_jobs(api: Api) -> None:
    mine = claim(api, "w")
    end(api, mine, at_ms=NOW_MS)
    for step in range(MOST_ENDED):
        end(api, claim(api, "another"), at_ms=NOW_MS + 1 + step)
    found = jobs(api, "lambda/w")
    assert found["ended"] == []
    assert found["ended_since"] is not None


def test_an_unknown_pool_is_not_found(api: Api) -> None:
    assert api.call("GET", "/v1/workers/none/w/jobs").status == 404


def test_a_type_has_its_description_and_the_schema_of_its_parameters(api: Api) -> None:
    found = api.call("GET", "/v1/types/tidegate.sleep").body
    assert found["description"] == "Sleeps for `seconds`."
    assert found["parameters_schema"]["required"] == ["seconds"]
    listed_types = api.call("GET", "/v1/types").body["types"]
    assert {each["type"]: each["description"] for each in listed_types}["tidegate.sleep"] == found[
        "description"
    ]
    assert all("parameters_schema" not in each for each in listed_types)
