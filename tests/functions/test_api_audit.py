"""Every act of a caller is recorded before it is carried out and after it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.determined import StandingClock
from tests.harness.functions.api_calls import ANN, NOW, NOW_MS, UNKNOWN_ID, Api
from tidegate.domain.audit import Act, Outcome
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.states import State
from tidegate.domain.version import VERSION
from tidegate.domain.workers import WorkerSpec, begin

LATER_MS = NOW_MS + 60_000


@pytest.fixture
def api() -> Api:
    return Api()


def later(api: Api) -> None:
    api.deps = replace(api.deps, clock=StandingClock(LATER_MS))


def only_act(api: Api) -> Act:
    (act,) = api.world.acts.values()
    return act


def test_a_cancelled_job_is_recorded_as_it_was_and_as_it_is(api: Api) -> None:
    job_id = api.submit()
    later(api)
    assert api.call("POST", f"/v1/jobs/{job_id}/cancel").status == 200
    act = only_act(api)
    assert (act.act, act.subject, act.outcome, act.code) == (
        "job.cancel", f"job#{job_id}", Outcome.DONE, None
    )  # fmt: skip
    assert (act.at_ms, act.ended_at_ms) == (LATER_MS, LATER_MS)
    assert (act.caller.subject, act.caller.display, act.caller.kind) == (ANN, "ann@example.com", "iam")
    assert act.before == {"state": "READY"}
    assert act.after == {"state": "CANCELLED", "reopened": 0, "cancel_requested": False}


def test_a_retried_job_is_recorded(api: Api) -> None:
    job_id = api.submit()
    api.call("POST", f"/v1/jobs/{job_id}/cancel")
    api.world.acts.clear()
    later(api)
    assert api.call("POST", f"/v1/jobs/{job_id}/retry").status == 200
    act = only_act(api)
    assert act.before == {"state": "CANCELLED"}
    assert act.after == {"state": "READY", "reopened": 1, "cancel_requested": False, "reopened_jobs": 1}


def test_a_refused_act_is_recorded_with_the_problem_s_code(api: Api) -> None:
    assert api.call("POST", f"/v1/jobs/{UNKNOWN_ID}/cancel").status == 404
    act = only_act(api)
    assert (act.outcome, act.code, act.before, act.after) == (Outcome.REFUSED, "not-found", {}, {})


def test_an_act_that_a_service_failed_is_recorded_as_failed(api: Api) -> None:
    job_id = api.submit()

    def fail(request: str) -> None:
        if request not in ("ask_audit", "conclude_audit"):
            raise ServiceUnavailable("no answer")

    api.world.on_request = fail
    assert api.call("POST", f"/v1/jobs/{job_id}/cancel").status == 503
    assert (only_act(api).outcome, only_act(api).code) == (Outcome.FAILED, "unavailable")


@pytest.mark.parametrize("error", [ServiceUnavailable("no answer"), ServiceRefused("no permission")])
def test_an_act_that_cannot_be_recorded_is_refused_and_nothing_is_done(api: Api, error: Exception) -> None:
    job_id = api.submit()

    def fail(request: str) -> None:
        if request == "ask_audit":
            raise error

    api.world.on_request = fail
    answer = api.call("POST", f"/v1/jobs/{job_id}/cancel")
    assert (answer.status, answer.body["type"]) == (503, "urn:tidegate:problem:unavailable")
    assert api.job(job_id).state is State.READY
    assert api.world.acts == {}


def test_an_act_whose_outcome_cannot_be_recorded_is_answered_and_shows_as_asked(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = api.submit()

    def fail(request: str) -> None:
        if request == "conclude_audit":
            raise ServiceUnavailable("no answer")

    api.world.on_request = fail
    assert api.call("POST", f"/v1/jobs/{job_id}/cancel").status == 200
    assert only_act(api).outcome is Outcome.ASKED
    assert "the outcome of an act was not recorded" in caplog.text


def test_rules_are_recorded_with_their_values(api: Api) -> None:
    calls = [
        ("POST", "/v1/pools/ecs/pause", None, {"paused": False}, {"paused": True}),
        ("POST", "/v1/pools/ecs/resume", None, {"paused": True}, {"paused": False}),
        (
            "PUT", "/v1/types/tidegate.noop/limit", {"max_running": 3},
            {"paused": False, "max_running": None}, {"paused": False, "max_running": 3},
        ),
        (
            "POST", "/v1/types/tidegate.noop/pause", None,
            {"paused": False, "max_running": 3}, {"paused": True, "max_running": 3},
        ),
    ]  # fmt: skip
    for method, path, body, before, after in calls:
        api.world.acts.clear()
        assert api.call(method, path, body).status == 200
        act = only_act(api)
        assert (act.before, act.after, act.outcome) == (before, after, Outcome.DONE), path
        assert act.subject == "#".join(path.split("/")[2:4]).replace("pools", "pool").replace("types", "type")


def test_a_drain_is_recorded(api: Api) -> None:
    api.services.workers.register_if_free(
        begin(WorkerSpec("ecs", "w", "host", slots=1), "S", NOW_MS), silent_since_ms=0
    )
    assert api.call("POST", "/v1/workers/ecs/w/drain").status == 202
    act = only_act(api)
    assert (act.act, act.subject, act.before, act.after) == (
        "worker.drain", "worker#ecs#w", {"state": "ACTIVE"}, {"state": "DRAINING"}
    )  # fmt: skip


def test_acts_on_many_jobs_are_recorded_with_their_counts(api: Api) -> None:
    jobs = [{"key": "a", "type": "tidegate.noop"}, {"key": "b", "type": "tidegate.noop"}]
    workflow_id = api.call("POST", "/v1/workflows", {"jobs": jobs}).body["workflow_id"]
    seen = []
    for path in ("cancel", "rerun"):
        api.world.acts.clear()
        assert api.call("POST", f"/v1/workflows/{workflow_id}/{path}").status == 200
        seen.append((only_act(api).act, only_act(api).subject, only_act(api).after))
    assert seen == [
        ("workflow.cancel", f"workflow#{workflow_id}", {"cancelled": 2, "asked": 0, "left": 0}),
        ("workflow.rerun", f"workflow#{workflow_id}", {"reopened_jobs": 2, "complete": True}),
    ]
    api.world.acts.clear()
    assert api.call("POST", "/v1/pools/ecs/redrive").status == 200
    assert only_act(api).after == {"redriven": 0, "looked_at": 0}


def test_what_is_malformed_is_refused_before_anything_is_recorded(api: Api) -> None:
    assert api.call("POST", "/v1/jobs/no-id/cancel").status == 404
    assert api.call("POST", "/v1/pools/ecs/pause", {"why": 1}).status == 422
    assert api.world.acts == {}


def test_a_caller_reads_who_it_is_and_whom_it_talks_to(api: Api) -> None:
    answer = api.call("GET", "/v1/me")
    assert (answer.status, answer.body) == (
        200,
        {
            "subject": ANN,
            "display": "ann@example.com",
            "kind": "iam",
            "role": None,
            "scopes": None,
            "version": VERSION,
            "stage": "live",
            "stack": "tidegate",
        },
    )


def test_the_version_is_that_of_the_project() -> None:
    text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["project"]["version"] == VERSION


def test_acts_are_listed_by_subject_with_the_submission_last(api: Api) -> None:
    job_id = api.submit()
    later(api)
    api.call("POST", f"/v1/jobs/{job_id}/cancel")
    answer = api.call("GET", "/v1/audit", query={"subject": f"job#{job_id}"})
    assert answer.status == 200
    cancelled, submitted = answer.body["acts"]
    caller = {"subject": ANN, "display": "ann@example.com", "kind": "iam"}
    assert cancelled == {
        "id": only_act(api).act_id,
        "at": "2026-12-01T08:01:00.000Z",
        "act": "job.cancel",
        "subject": f"job#{job_id}",
        "route": "POST /v1/jobs/{job_id}/cancel",
        "caller": caller,
        "outcome": "done",
        "code": None,
        "ended_at": "2026-12-01T08:01:00.000Z",
        "before": {"state": "READY"},
        "after": {"state": "CANCELLED", "reopened": 0, "cancel_requested": False},
    }
    assert (submitted["act"], submitted["caller"], submitted["at"]) == ("job.submit", caller, NOW)
    assert answer.body["cursor"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-12-01T08:00:00"}, "to"),
        ({"from": "2026-12-02T00:00:00Z", "to": "2026-12-01T00:00:00Z"}, "from"),
        ({"subject": ""}, "subject"),
        ({"caller": "x" * 2_049}, "caller"),
        ({"cursor": "x"}, "cursor"),
        ({"limit": "0"}, "limit"),
    ],
)
def test_a_bad_search_is_refused_by_the_field_s_name(api: Api, query: dict[str, str], field: str) -> None:
    answer = api.call("GET", "/v1/audit", query=query)
    assert (answer.status, answer.fields) == (422, [field])
