"""The API says what jobs and workflows cost."""

from __future__ import annotations

import pytest

from tests.harness.functions.api_calls import UNKNOWN_ID, Api
from tests.harness.template import parameters
from tidegate.domain.costs.prices import LIST_PRICES

FLOW = {
    "tags": {"team": "data"},
    "jobs": [
        {"key": "a", "type": "tidegate.noop", "share": {"name": "urgent", "weight": 2}},
        {"key": "b", "type": "tidegate.noop", "depends_on": [{"key": "a"}]},
    ],
}


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_job_that_waits_has_cost_its_submission(api: Api) -> None:
    found = api.call("GET", f"/v1/jobs/{api.submit(tags={'team': 'data'})}/cost").body
    assert (found["state"], found["tags"], found["prices"]) == (
        "READY",
        {"team": "data"},
        "2026-11, us-east-1",
    )
    assert (found["useful"]["write_units"], found["useful"]["api_calls"]) == (2.0, 1)
    # two write units, a call and an invocation
    assert found["useful"]["dollars"] == pytest.approx((2 * 0.625 + 3.50 + 0.20) / 1e6)
    assert found["wasted"]["dollars"] == 0


def test_a_workflow_is_summed_by_type_share_and_tag_page_by_page(api: Api) -> None:
    path = f"/v1/workflows/{api.call('POST', '/v1/workflows', FLOW).body['workflow_id']}/cost"
    whole = api.call("GET", path).body
    assert (whole["jobs"], whole["looked_at"], whole["cursor"]) == (2, 2, None)
    assert [(group["name"], group["jobs"]) for group in whole["by_share"]] == [("", 1), ("urgent", 1)]
    assert [(group["name"], group["jobs"]) for group in whole["by_tag"]] == [("team=data", 2)]
    assert whole["by_type"][0]["useful"] == whole["useful"]
    first = api.call("GET", path, query={"limit": "1"}).body
    last = api.call("GET", path, query={"limit": "1", "cursor": first["cursor"]}).body
    assert last["cursor"] is None
    assert (whole["own"], last["own"]["write_units"]) == (first["own"], 0)
    sums = [page["useful"]["write_units"] for page in (first, last)]
    assert sum(sums) == whole["useful"]["write_units"]


@pytest.mark.parametrize("kind", ["jobs", "workflows"])
def test_what_is_unknown_is_not_found(api: Api, kind: str) -> None:
    assert api.call("GET", f"/v1/{kind}/{UNKNOWN_ID}/cost").status == 404


def test_the_machines_of_the_list_prices_are_the_templates_defaults() -> None:
    names = ("WorkerMemoryMegabytes", "EcsCpu", "EcsMemoryMegabytes", "EcsSlots")
    defaults = [parameters()[name]["Default"] for name in names]
    machines = (LIST_PRICES.function_gb, LIST_PRICES.task_vcpus, LIST_PRICES.task_gb)
    assert defaults == [*(each * 1_024 for each in machines), LIST_PRICES.task_slots]
