"""The API says why a job is not running."""

from __future__ import annotations

import json
import re

import pytest

from tests.harness.domain.documents import read_document, table_rows
from tests.harness.functions.api_calls import NOW, NOW_MS, UNKNOWN_ID, Api
from tidegate.domain.why.facts import Action, Code
from tidegate.usecases.dispatch.tick import tick

PAGE = read_document("reference/why.md")
FLOW = {
    "jobs": [
        {"key": "extract", "type": "tidegate.noop"},
        {"key": "load", "type": "tidegate.noop", "depends_on": [{"key": "extract"}]},
    ]
}


@pytest.fixture
def api() -> Api:
    return Api()


def test_the_page_shows_what_the_api_answers(api: Api) -> None:
    (shown,) = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
    api.call("POST", "/v1/workflows", FLOW, key="nightly-2026-12-01")
    assert api.call("GET", f"/v1/jobs/{shown['job_id']}/why").body == shown


def test_the_page_lists_every_fact_and_every_change() -> None:
    rows = table_rows(PAGE, "code")
    assert [row[0].strip("`") for row in rows] == list(Code)
    named = set(re.findall(r"`([a-z-]+)`", " ".join(row[3] for row in rows)))
    assert named == set(Action)


def test_rules_and_places_are_told_with_their_changes(api: Api) -> None:
    first, second = api.submit(), api.submit(priority=1)
    api.call("POST", "/v1/pools/lambda/pause")
    api.call("PUT", "/v1/types/tidegate.noop/limit", {"max_running": 1})
    answer = api.call("GET", f"/v1/jobs/{second}/why").body
    assert [fact["code"] for fact in answer["facts"]] == ["pool-paused", "type-limit"]
    assert answer["facts"][1]["change"]["max_running"] == 2
    assert answer["sentence"] == (
        "To start it, all of these are needed: resume pool lambda; raise the limit of type tidegate.noop to 2."
    )
    assert [fact["code"] for fact in api.call("GET", f"/v1/jobs/{first}/why").body["facts"]] == [
        "pool-paused"
    ]


def test_times_are_times(api: Api) -> None:
    job_id = api.submit(not_before="2026-12-02T08:00:00Z")
    (fact,) = api.call("GET", f"/v1/jobs/{job_id}/why").body["facts"]
    assert (fact["code"], fact["evidence"]) == ("not-before", {"due_at": "2026-12-02T08:00:00.000Z"})
    assert fact["change"]["at"] == "2026-12-02T08:00:00.000Z"


def test_a_process_pool_without_workers_says_what_it_offers(api: Api) -> None:
    job_id = api.submit(requires=["gpu"])
    (fact,) = api.call("GET", f"/v1/jobs/{job_id}/why").body["facts"]
    assert fact["message"] == "Pool ecs, which offers gpu, has no live worker."
    assert (fact["change"]["pool"], fact["change"]["slots"]) == ("ecs", 1)


def test_a_job_that_runs_is_said_to_run(api: Api) -> None:
    job_id = api.submit()
    api.run(job_id)
    answer = api.call("GET", f"/v1/jobs/{job_id}/why").body
    assert (answer["state"], answer["facts"], answer["complete"]) == ("RUNNING", [], True)
    assert answer["sentence"].endswith(f"claimed it at {NOW[:19]}Z, attempt 1.")


def test_an_unknown_job_is_not_found(api: Api) -> None:
    assert api.call("GET", f"/v1/jobs/{UNKNOWN_ID}/why").status == 404
    assert api.call("GET", "/v1/jobs/nonsense/why").status == 404


@pytest.mark.parametrize("namespace", [None, "team-a"])
def test_a_concurrency_key_is_shown_as_its_caller_wrote_it(api: Api, namespace: str | None) -> None:
    given = {"concurrency_key": "customer/7"} | ({"namespace": namespace} if namespace else {})
    jobs = [api.submit(**given) for _ in range(2)]
    tick(api.services, now_ms=NOW_MS)
    (held,) = (job_id for job_id in jobs if api.job(job_id).held_in)
    stored = str(api.job(held).concurrency_key)
    assert stored != "customer/7"
    (fact,) = api.call("GET", f"/v1/jobs/{held}/why").body["facts"]
    assert (fact["code"], fact["evidence"]["concurrency_key"]) == ("key-limit", "customer/7")
    assert "concurrency key 'customer/7'" in fact["message"]
    for path in (f"/v1/jobs/{held}", f"/v1/jobs/{held}/why", f"/v1/jobs/{held}/chain", "/v1/jobs"):
        assert stored not in json.dumps(api.call("GET", path).body), path
