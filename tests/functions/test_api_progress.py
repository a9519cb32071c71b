"""The routes that list workflows and show their graphs and states, from what the recorder keeps."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from typing import Any

import pytest

from dev.simulator.workflows.graphs import layered
from dev.simulator.workflows.traces import read_trace, sample_files
from tests.harness.domain.job_samples import SAMPLES
from tests.harness.functions.api_calls import NOW_MS, UNKNOWN_ID, Answer, Api
from tidegate.contracts.responses import fits_in_answer, to_json
from tidegate.contracts.workflow_responses import LETTERS, graph_out
from tidegate.domain.limits import MAX_BODY_BYTES, MAX_DEPENDENCIES_PER_JOB
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.workflow_graph import graph_of
from tidegate.usecases.record.record import record

GRAPH_BYTES = 60_000  # with gzip, of 9,000 jobs
STATES_BYTES = 4_000  # with gzip, of 10,000 jobs
FLOW = {
    "name": "nightly",
    "jobs": [
        {"key": "a", "type": "tidegate.noop", "estimated_duration_seconds": 2},
        {"key": "b", "type": "tidegate.sleep", "parameters": {"seconds": 1}, "depends_on": [{"key": "a"}]},
        {
            "key": "c",
            "type": "tidegate.noop",
            "estimated_duration_seconds": 3,
            "depends_on": [{"key": "b", "type": "MUST_START"}, {"key": "a"}],
        },
    ],
}


@pytest.fixture
def api() -> Api:
    return Api()


def submitted(api: Api, body: object = FLOW) -> str:
    answer = api.call("POST", "/v1/workflows", body)
    assert answer.status == 201, answer.body
    return str(answer.body["workflow_id"])


def recorded(api: Api) -> None:
    """Lets the recorder hear of every change so far."""
    record(api.services, [change.new for change in api.world.changes if change.concerns_recorder])
    api.world.changes.clear()


def ok(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    return answer.body


def test_the_graph_of_a_workflow_stays_as_it_was_submitted(api: Api) -> None:
    workflow_id = submitted(api)
    answer = api.call("GET", f"/v1/workflows/{workflow_id}/graph")
    assert ok(answer) == {
        "workflow_id": workflow_id,
        "job_count": 3,
        "keys": ["a", "b", "c"],
        "types": ["tidegate.noop", "tidegate.sleep"],
        "type_of": [0, 1, 0],
        "estimates": [2.0, None, 3.0],
        "parents": [[], [1], [1, 2]],
        "edge_types": [[2, 0, "MUST_START"]],
        "outside": [],
        "critical_path": [0, 1, 2],
        "critical_path_seconds": 5.0,
    }
    assert "immutable" in answer.headers["Cache-Control"]


def test_a_graph_names_edges_from_jobs_of_earlier_submissions(api: Api) -> None:
    earlier = api.submit()
    job = {"key": "a", "type": "tidegate.noop", "depends_on": [{"job_id": earlier, "type": "MUST_COMPLETE"}]}
    workflow_id = submitted(api, {"jobs": [job]})
    graph = ok(api.call("GET", f"/v1/workflows/{workflow_id}/graph"))
    assert graph["outside"] == [[0, earlier, "MUST_COMPLETE"]]
    assert graph["critical_path_seconds"] is None


def test_states_come_as_letters_and_then_as_changes(api: Api) -> None:
    workflow_id = submitted(api)
    path = f"/v1/workflows/{workflow_id}/states"
    before = ok(api.call("GET", path))
    assert (before["states"], before["version"], before["changes"]) == ("PPP", "0", {})
    recorded(api)
    first = ok(api.call("GET", path, query={"since": before["version"]}))
    assert (first["states"], first["changes"], first["state"]) == (None, {"R": [0]}, "RUNNING")
    assert first["counts"] == {"PENDING": 2, "READY": 1}
    api.run(f"{workflow_id}.0")
    recorded(api)
    second = ok(api.call("GET", path, query={"since": first["version"]}))
    assert second["changes"] == {"A": [0]}
    assert second["started_at"] is not None
    assert ok(api.call("GET", path, query={"since": second["version"]}))["changes"] == {}
    assert ok(api.call("GET", path))["states"] == "APP"


def test_a_workflow_says_how_it_stands(api: Api) -> None:
    workflow_id = submitted(api)
    api.call("POST", f"/v1/workflows/{workflow_id}/cancel")
    recorded(api)
    workflow = ok(api.call("GET", f"/v1/workflows/{workflow_id}"))
    (row,) = ok(api.call("GET", "/v1/workflows"))["workflows"]
    for found in (workflow, row):
        assert (found["state"], found["counts"]) == ("CANCELLED", {"CANCELLED": 3})
        assert found["started_at"] is None
        assert found["ended_at"] is not None
        assert found["critical_path_seconds"] == 5.0
    assert (row["name"], row["job_count"], row["submitted_by"]) == ("nightly", 3, workflow["submitted_by"])


def test_workflows_are_listed_by_filters_that_combine(api: Api) -> None:
    first = submitted(api)
    second = submitted(api, {**FLOW, "name": "hourly", "tags": {"team": "data", "tier": "1"}})
    api.call("POST", f"/v1/workflows/{first}/cancel")
    recorded(api)

    def listed(**query: str) -> set[str]:
        found = ok(api.call("GET", "/v1/workflows", query=query))
        return {row["workflow_id"] for row in found["workflows"]}

    assert listed() == {first, second}
    assert listed(state="CANCELLED") == listed(name="night") == {first}
    assert listed(state="RUNNING") == {second}
    assert listed(state="RUNNING,CANCELLED", name="hour") == {second}
    assert listed(state="SUCCEEDED") == listed(submitted_by="nobody") == set()
    assert listed(tag="team=data") == listed(tag="tier=1", name="hour") == {second}
    assert listed(tag="team=ops") == listed(tag="team=data", name="night") == set()
    assert listed(to="2026-11-30T00:00:00Z") == listed(**{"from": "2027-01-01T00:00:00Z"}) == set()
    row = ok(api.call("GET", "/v1/workflows", query={"tag": "team=data"}))["workflows"][0]
    assert (
        row["tags"] == ok(api.call("GET", f"/v1/workflows/{second}"))["tags"] == {"team": "data", "tier": "1"}
    )
    assert listed(submitted_by=row["submitted_by"]) == {first, second}


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/v1/workflows", {"state": "DONE"}, "state"),
        ("/v1/workflows", {"state": "RUNNING,"}, "state"),
        ("/v1/workflows", {"from": "yesterday"}, "from"),
        ("/v1/workflows", {"to": "2026-12-01"}, "to"),
        ("/v1/workflows", {"tag": "team"}, "tag"),
        ("/v1/workflows", {"tag": "=x"}, "tag"),
        ("/v1/workflows", {"limit": "0"}, "limit"),
        ("/v1/workflows", {"cursor": "x"}, "cursor"),
        ("states", {"since": "1.1"}, "since"),
        ("states", {"since": "x"}, "since"),
        ("states", {"since": ""}, "since"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(
    api: Api, path: str, query: dict[str, str], field: str
) -> None:
    if path == "states":
        path = f"/v1/workflows/{submitted(api)}/states"
    answer = api.call("GET", path, query=query)
    assert (answer.status, answer.fields) == (422, [field])


def test_the_critical_path_goes_by_measured_durations_and_then_by_estimates(api: Api) -> None:
    workflow_id = submitted(api)
    path = f"/v1/workflows/{workflow_id}/critical-path"
    before = ok(api.call("GET", path))
    assert (before["seconds"], before["measured_seconds"], before["version"]) == (5.0, 0.0, "0")
    assert before["known_by"] == ["ESTIMATED", "UNKNOWN", "ESTIMATED"]
    ended = replace(
        SAMPLES[State.SUCCEEDED],
        job_id=f"{workflow_id}.0",
        started_at_ms=NOW_MS,
        finished_at_ms=NOW_MS + 60_000,
        history=(),
    )
    record(api.services, [ended])
    after = ok(api.call("GET", path))
    assert after["jobs"] == [0, 1, 2]
    assert after["keys"] == ["a", "b", "c"]
    assert after["states"] == ["SUCCEEDED", "PENDING", "PENDING"]
    assert after["known_by"] == ["MEASURED", "UNKNOWN", "ESTIMATED"]
    assert after["job_seconds"][0] == pytest.approx(60, rel=0.037)
    assert after["measured_seconds"] == after["job_seconds"][0] == after["seconds"] - 3.0
    reopened = replace(ended, state=State.PENDING, reopened=1, started_at_ms=None, finished_at_ms=None)
    record(api.services, [reopened])
    assert ok(api.call("GET", path))["known_by"][0] == "ESTIMATED"


@pytest.mark.parametrize("part", ["", "/graph", "/states", "/critical-path"])
def test_a_workflow_that_does_not_exist_is_not_found(api: Api, part: str) -> None:
    assert api.call("GET", f"/v1/workflows/{UNKNOWN_ID}{part}").status == 404
    assert api.call("GET", f"/v1/workflows/nonsense{part}").status == 404


def test_a_workflow_from_before_graphs_were_stored_has_no_graph(api: Api) -> None:
    workflow_id = submitted(api)
    api.world.graphs.clear()
    assert api.call("GET", f"/v1/workflows/{workflow_id}/graph").status == 404
    assert api.call("GET", f"/v1/workflows/{workflow_id}/critical-path").status == 404
    assert ok(api.call("GET", f"/v1/workflows/{workflow_id}/states"))["states"] == "PPP"


def test_no_call_reads_the_jobs(api: Api) -> None:
    workflow_id = submitted(api)
    recorded(api)
    api.world.requests.clear()
    api.call("GET", f"/v1/workflows/{workflow_id}/states")
    api.call("GET", f"/v1/workflows/{workflow_id}/graph")
    api.call("GET", f"/v1/workflows/{workflow_id}/critical-path")
    api.call("GET", "/v1/workflows")
    assert dict(api.world.requests) == {
        "get_submission": 3,
        "load_all_segments": 2,
        "load_graph": 2,
        "page_of_workflows": api.world.requests["page_of_workflows"],
        "get_workflows": 1,
        "load_segments": 1,
    }
    assert api.world.requests["page_of_workflows"] <= 10


# --- sizes -----------------------------------------------------------------------------------------------


def gzipped(body: Any) -> int:
    return len(gzip.compress(to_json(body).encode(), 6))


def copies(jobs: tuple[JobRequest, ...], count: int) -> WorkflowRequest:
    """Makes a workflow of as many copies of these jobs as fit, each with estimates of its own."""
    draw = random.Random(1)
    made: list[JobRequest] = []
    for number in range(count // len(jobs)):
        for job in jobs:
            edges = tuple(replace(edge, key=f"{edge.key}-{number}") for edge in job.depends_on)
            seconds = round((job.estimated_duration_seconds or 1.0) * draw.uniform(0.8, 1.2), 3)
            made.append(
                replace(job, key=f"{job.key}-{number}", estimated_duration_seconds=seconds, depends_on=edges)
            )
    return WorkflowRequest(jobs=tuple(made))


def test_a_drawn_graph_of_9000_jobs_is_small() -> None:
    assert gzipped(graph_out(UNKNOWN_ID, graph_of(layered(9_000, 1)))) <= GRAPH_BYTES


@pytest.mark.skipif(not sample_files(), reason="the recorded workflows are not beside the repository")
def test_recorded_graphs_of_9000_jobs_are_small() -> None:
    for file in sample_files():
        graph = graph_of(copies(read_trace(file).jobs, 9_000))
        assert len(graph.keys) > 8_900
        assert gzipped(graph_out(UNKNOWN_ID, graph)) <= GRAPH_BYTES, file.name


@pytest.mark.parametrize("share_ended", [0.0, 0.3, 0.7, 1.0])
def test_the_states_of_10000_jobs_are_small(api: Api, share_ended: float) -> None:
    """Most ended jobs succeeded, some jobs are under way, and which ones is by chance."""
    jobs = [{"key": str(index), "type": "tidegate.noop"} for index in range(10_000)]
    workflow_id = submitted(api, {"jobs": jobs})
    draw = random.Random(2)
    ends = draw.choices(
        (State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED, State.TIMED_OUT),
        (80, 6, 6, 4, 4),
        k=10_000,
    )
    opens = draw.choices((State.PENDING, State.READY, State.QUEUED, State.RUNNING), (85, 5, 5, 5), k=10_000)
    seen = [
        replace(SAMPLES[end if draw.random() < share_ended else start], job_id=f"{workflow_id}.{index}")
        for index, (end, start) in enumerate(zip(ends, opens, strict=True))
    ]
    record(api.services, seen)
    body = ok(api.call("GET", f"/v1/workflows/{workflow_id}/states"))
    assert body["states"] == "".join(LETTERS[job.state] for job in seen)
    assert gzipped(body) <= STATES_BYTES
    assert len(json.dumps(body["version"])) < 100


def test_the_graph_of_the_largest_request_fits_an_answer() -> None:
    """The shortest edge to an earlier job makes the most of them."""
    edge = json.dumps(json.dumps({"job_id": UNKNOWN_ID}, separators=(",", ":")))[1:-1] + ","
    jobs = MAX_BODY_BYTES // len(edge) // MAX_DEPENDENCIES_PER_JOB + 1
    depends_on = tuple(DependencyRequest(job_id=UNKNOWN_ID) for _ in range(MAX_DEPENDENCIES_PER_JOB))
    request = WorkflowRequest(
        jobs=tuple(JobRequest(type="t", key=f"k{place}", depends_on=depends_on) for place in range(jobs))
    )
    assert fits_in_answer(to_json(graph_out(UNKNOWN_ID, graph_of(request))))


@pytest.mark.parametrize(("kind", "shown"), [("MUST_SUCCEED", []), ("MUST_START", ["MUST_START"])])
def test_an_edge_to_an_earlier_job_names_its_type_unless_it_is_the_usual_one(
    api: Api, kind: str, shown: list[str]
) -> None:
    earlier = api.submit()
    job = {"key": "a", "type": "tidegate.noop", "depends_on": [{"job_id": earlier, "type": kind}]}
    graph = ok(api.call("GET", f"/v1/workflows/{submitted(api, {'jobs': [job]})}/graph"))
    assert graph["outside"] == [[0, earlier, *shown]]


def test_a_range_that_ends_before_it_begins_is_refused(api: Api) -> None:
    query = {"from": "2026-12-02T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
    answer = api.call("GET", "/v1/workflows", query=query)
    assert (answer.status, answer.fields) == (422, ["to"])
