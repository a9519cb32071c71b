"""The API shows the jobs around a job."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest

from tests.harness.domain.documents import read_document
from tests.harness.functions.api_calls import NOW, NOW_MS, UNKNOWN_ID, Api
from tidegate.domain import limits
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FinishIfAttemptHolds, Stamp
from tidegate.usecases.release.release import release

PAGE = read_document("reference/chains.md")
API_PAGE = read_document("reference/api.md")


@pytest.fixture
def api() -> Api:
    return Api()


def _flow(api: Api, *jobs: dict[str, Any]) -> dict[str, str]:
    body = {"jobs": [{"type": "tidegate.noop", **each} for each in jobs]}
    found: dict[str, str] = api.call("POST", "/v1/workflows", body).body["job_ids"]
    return found


def _end(api: Api, job_id: str) -> None:
    api.run(job_id)
    job = api.job(job_id)
    ending = Ending(State.SUCCEEDED, began_at_ms=NOW_MS)
    ended = api.services.jobs.apply(FinishIfAttemptHolds(job, 1, ending, Stamp(NOW_MS, "worker-1")))
    release(api.services, [ended], NOW_MS)


def test_the_page_shows_what_the_api_answers(api: Api) -> None:
    request = json.loads(re.findall(r"```json\n(.*?)```", API_PAGE, re.DOTALL)[0])
    api.call("POST", "/v1/workflows", request, key="nightly-2026-12-01")
    (shown,) = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
    assert api.call("GET", f"/v1/jobs/{shown['job_id']}/dependencies").body == shown


def test_each_edge_says_whether_and_when_it_was_satisfied(api: Api) -> None:
    ids = _flow(
        api,
        {"key": "a"},
        {"key": "b"},
        {"key": "c", "depends_on": [{"key": "a"}, {"key": "b", "type": "MUST_COMPLETE"}]},
    )
    _end(api, ids["a"])
    first, second = api.call("GET", f"/v1/jobs/{ids['c']}/dependencies").body["dependencies"]
    assert (first["key"], first["state"], first["satisfied"], first["satisfied_at"]) == (
        "a",
        "SUCCEEDED",
        True,
        NOW,
    )
    assert (second["key"], second["satisfied"], second["satisfied_at"]) == ("b", False, None)
    _end(api, ids["b"])
    answer = api.call("GET", f"/v1/jobs/{ids['c']}/dependencies").body
    assert [each["satisfied"] for each in answer["dependencies"]] == [True, True]


def test_dependencies_and_dependents_are_paged(api: Api) -> None:
    uppers = [{"key": f"up{number}"} for number in range(5)]
    lowers = [{"key": f"down{number}", "depends_on": [{"key": "mid"}]} for number in range(5)]
    mid = {"key": "mid", "depends_on": [{"key": each["key"]} for each in uppers]}
    ids = _flow(api, *uppers, mid, *lowers)
    later = api.submit(depends_on=[{"job_id": ids["mid"]}])
    for what, expected in (
        ("dependencies", [ids[f"up{number}"] for number in range(5)]),
        ("dependents", [*(ids[f"down{number}"] for number in range(5)), later]),
    ):
        found: list[str] = []
        query = {"limit": "2"}
        page: dict[str, Any] = {}
        for _ in range(3):
            page = api.call("GET", f"/v1/jobs/{ids['mid']}/{what}", query=query).body
            found += [each["job_id"] for each in page[what]]
            query = {"limit": "2", "cursor": page["cursor"]}
        assert (found, page["cursor"]) == (expected, None)


def test_a_cursor_of_another_job_is_refused(api: Api) -> None:
    ids = _flow(api, {"key": "a"}, {"key": "b"}, {"key": "c", "depends_on": [{"key": "a"}, {"key": "b"}]})
    for what, job_id, other in (("dependencies", ids["c"], ids["a"]), ("dependents", ids["a"], ids["b"])):
        cursor = api.call("GET", f"/v1/jobs/{job_id}/{what}", query={"limit": "1"}).body["cursor"] or "e30"
        for wrong in (cursor, "x", "bnVsbA"):
            answer = api.call("GET", f"/v1/jobs/{other}/{what}", query={"cursor": wrong})
            assert (answer.status, answer.fields) == (422, ["cursor"])


def test_a_chain_goes_up_and_down_within_its_bounds(api: Api) -> None:
    names = "abcde"
    ids = _flow(
        api,
        {"key": "a"},
        *({"key": key, "depends_on": [{"key": above}]} for above, key in itertools.pairwise(names)),
    )

    def keys(**query: str) -> tuple[str, bool]:
        answer = api.call("GET", f"/v1/jobs/{ids['c']}/chain", query=query).body
        return "".join(job["key"] for job in answer["jobs"]), answer["more"]

    assert keys() == ("cbade", False)
    assert keys(direction="up") == ("cba", False)
    assert keys(direction="down") == ("cde", False)
    assert keys(direction="down", depth="1") == ("cd", True)
    assert keys(depth="2") == ("cbade", False)
    assert keys(limit="2") == ("cb", True)
    answer = api.call("GET", f"/v1/jobs/{ids['c']}/chain", query={"direction": "up"}).body
    assert answer["edges"] == [
        {"upstream_id": ids["b"], "downstream_id": ids["c"], "type": "MUST_SUCCEED"},
        {"upstream_id": ids["a"], "downstream_id": ids["b"], "type": "MUST_SUCCEED"},
    ]


def test_a_chain_is_drawn(api: Api) -> None:
    ids = _flow(api, {"key": 'a"<b>'}, {"key": "b\\", "depends_on": [{"key": 'a"<b>'}]})

    def drawn(form: str) -> str | None:
        path = f"/v1/jobs/{ids['b' + chr(92)]}/chain"
        text: str | None = api.call("GET", path, query={"format": form}).body["drawing"]
        return text

    assert drawn("json") is None
    assert drawn("mermaid") == (
        'flowchart TD\n  n0["b\\<br/>PENDING"]\n  n1["a#quot;#lt;b#gt;<br/>READY"]\n  n1 -->|MUST_SUCCEED| n0\n'
    )
    assert drawn("dot") == (
        'digraph chain {\n  node [shape=box];\n  n0 [label="b\\\\\\nPENDING"];\n  n1 [label="a\\"<b>\\nREADY"];\n'
        '  n1 -> n0 [label="MUST_SUCCEED"];\n}\n'
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("direction", "left"), ("format", "svg"), ("depth", "0"), ("depth", "51"), ("limit", "x")),
        *((name, "") for name in ("direction", "format", "depth", "limit")),
    ],
)
def test_a_wrong_parameter_of_a_chain_is_named(api: Api, name: str, value: str) -> None:
    answer = api.call("GET", f"/v1/jobs/{api.submit()}/chain", query={name: value})
    assert (answer.status, answer.fields) == (422, [name])


def test_a_job_without_any_is_alone_and_an_unknown_one_is_not_found(api: Api) -> None:
    job_id = api.submit()
    assert api.call("GET", f"/v1/jobs/{job_id}/dependencies").body["dependencies"] == []
    assert api.call("GET", f"/v1/jobs/{job_id}/dependents").body["dependents"] == []
    for what in ("dependencies", "dependents", "chain"):
        assert api.call("GET", f"/v1/jobs/{UNKNOWN_ID}/{what}").status == 404


def test_a_name_that_spells_a_character_is_drawn_as_it_is(api: Api) -> None:
    job_id = api.submit(name="#lt;b#gt; & #35;")
    drawing = api.call("GET", f"/v1/jobs/{job_id}/chain", query={"format": "mermaid"}).body["drawing"]
    assert '["#35;lt;b#35;gt; #amp; #35;35;<br/>READY"]' in drawing


@pytest.mark.parametrize("form", ["json", "mermaid", "dot"])
def test_the_largest_chain_fits_an_answer(api: Api, form: str) -> None:
    """Each of 250 jobs depends on all of 245 jobs that stand in 49 levels one behind the other."""
    levels = [[f"{level}-{place}" for place in range(5)] for level in range(49)]
    flow: list[dict[str, Any]] = [{"key": "root"}]
    for before, level in itertools.pairwise([["root"], *levels]):
        flow += [{"key": key, "depends_on": [{"key": each} for each in before]} for key in level]
    everything = [{"key": each["key"]} for each in flow]
    flow += [{"key": f"end-{place}", "depends_on": everything} for place in range(250)]
    ids = _flow(api, *flow)
    answer = api.call(
        "GET", f"/v1/jobs/{ids['root']}/chain", query={"limit": "500", "depth": "50", "format": form}
    )
    assert answer.status == 200
    assert (len(answer.body["jobs"]), len(answer.body["edges"])) == (496, limits.MAX_CHAIN_EDGES)
    assert answer.body["more"]
    assert answer.carried_bytes < 6_000_000
