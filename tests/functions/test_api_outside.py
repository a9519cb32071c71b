"""Jobs outside are heard from and finished, and approvals decided, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.functions.api_calls import ANN, NOW, NOW_MS, UNKNOWN_ID, Api
from tests.harness.usecases.handing_over import hand_over
from tidegate.domain.outside import FinishToken, HandedOver

BEN = "arn:aws:iam::123456789012:user/ben"
HOUR = HandedOver(timeout_seconds=3_600, lease_seconds=60, message="renders on the farm")


@pytest.fixture
def api() -> Api:
    return Api()


def outside(api: Api, **fields: Any) -> tuple[str, FinishToken]:
    """Submits a job that its code hands over; returns the job's path and its token."""
    job, token = hand_over(api.services, api.submit(**fields), NOW_MS, HOUR)
    return f"/v1/jobs/{job.job_id}", token


def problem(code: str) -> str:
    return f"urn:tidegate:problem:{code}"


def test_a_job_says_that_it_is_outside_until_it_is_finished(api: Api) -> None:
    path, token = outside(api)
    shown = api.call("GET", path).body
    assert shown["outside"] == {
        "since": NOW,
        "lease_expires_at": "2026-12-01T08:01:00.000Z",
        "until": "2026-12-01T09:00:00.000Z",
    }
    assert (shown["state"], shown["progress"]["message"]) == ("RUNNING", "renders on the farm")
    answer = api.call("POST", f"{path}/finish", {"token": token.text, "result": {"frames": 240}}, arn=BEN)
    assert (answer.status, answer.body["state"], answer.body["result"]) == (200, "SUCCEEDED", {"frames": 240})
    assert answer.body["outside"] is None
    assert answer.body["history"][-1]["actor"] == "ben"
    again = api.call("POST", f"{path}/finish", {"token": token.text, "result": {"frames": 240}}, arn=BEN)
    assert (again.status, again.body) == (200, answer.body)


def test_a_job_is_listed_while_it_is_outside(api: Api) -> None:
    path, _ = outside(api)
    for query in ({"state": "RUNNING"}, {"state": "RUNNING", "type": "tidegate.noop"}, {"state": "ALL"}):
        (row,) = api.call("GET", "/v1/jobs", query=query).body["jobs"]
        assert path.endswith(row["job_id"])
        assert row["outside"]["until"] == "2026-12-01T09:00:00.000Z"
    assert api.call("GET", "/v1/jobs", query={"state": "QUEUED"}).body["jobs"] == []


def test_why_says_that_a_job_is_outside(api: Api) -> None:
    path, _ = outside(api)
    answer = api.call("GET", f"{path}/why").body
    assert answer["sentence"].startswith("It is outside: its code handed it over at ")


def test_a_failure_is_told_with_its_code(api: Api) -> None:
    path, token = outside(api, max_retries=0)
    error = {"code": "no-room", "message": "the farm has no room", "retryable": True}
    answer = api.call("POST", f"{path}/finish", {"token": token.text, "error": error})
    assert (answer.status, answer.body["state"]) == (200, "FAILED")
    assert (answer.body["error"]["code"], answer.body["error"]["message"]) == (
        "no-room",
        "the farm has no room",
    )


def test_a_heartbeat_extends_the_lease_and_tells_progress(api: Api) -> None:
    path, token = outside(api)
    body = {"token": token.text, "progress": {"fraction": 0.5, "message": "half"}}
    answer = api.call("POST", f"{path}/heartbeat", body)
    assert answer.status == 200
    assert answer.body == {
        "job_id": token.job_id,
        "attempt": 1,
        "outside": {
            "since": NOW,
            "lease_expires_at": "2026-12-01T08:01:00.000Z",
            "until": "2026-12-01T09:00:00.000Z",
        },
    }
    assert api.call("GET", path).body["progress"] == {"fraction": 0.5, "message": "half"}
    assert api.call("POST", f"{path}/heartbeat", {"token": token.text}).status == 200


def test_acts_from_outside_are_recorded_without_the_token_and_heartbeats_are_not(api: Api) -> None:
    path, token = outside(api)
    api.call("POST", f"{path}/heartbeat", {"token": token.text})
    api.call("POST", f"{path}/finish", {"token": token.text, "result": "kept"}, arn=BEN)
    acts = api.call("GET", "/v1/audit", query={"subject": f"job#{token.job_id}"})
    told = [(act["act"], act["outcome"], act["caller"]["subject"]) for act in acts.body["acts"]]
    assert told[0] == ("job.finish", "done", BEN)
    assert "job.heartbeat" not in [act["act"] for act in acts.body["acts"]]
    assert token.text not in str(acts.body)
    assert token.secret not in str(acts.body)


@pytest.mark.parametrize("act", ["finish", "heartbeat"])
def test_a_wrong_token_is_refused_and_changes_nothing(api: Api, act: str) -> None:
    path, token = outside(api)
    other_path, other = outside(api)
    before = api.contents()
    for text in (other.text, "AAAA", FinishToken(token.job_id, 1, "0" * 32).text):
        answer = api.call("POST", f"{path}/{act}", {"token": text})
        assert (answer.status, answer.body["type"]) == (403, problem("wrong-token"))
        assert text not in str(answer.body)
    assert api.call("POST", f"{other_path}/{act}", {"token": token.text}).status == 403
    assert api.contents() == before


@pytest.mark.parametrize("act", ["finish", "heartbeat"])
def test_the_token_of_an_attempt_that_has_ended_is_refused(api: Api, act: str) -> None:
    path, token = outside(api)
    api.call("POST", f"{path}/cancel")
    answer = api.call("POST", f"{path}/{act}", {"token": token.text})
    assert (answer.status, answer.body["type"]) == (409, problem("not-outside"))
    assert "is CANCELLED: attempt 1 of the token has ended; stop that work" in answer.body["detail"]


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("finish", {}, "token"),
        ("finish", {"token": 5}, "token"),
        ("finish", {"token": ""}, "token"),
        ("finish", {"token": "a b"}, "token"),
        ("finish", {"token": "a" * 257}, "token"),
        ("finish", {"token": "a", "results": 1}, "results"),
        ("finish", {"token": "a", "result": "x" * 4_095}, "result"),
        ("finish", {"token": "a", "result": 1, "error": {"code": "x"}}, ""),
        ("finish", {"token": "a", "error": {}}, "error.code"),
        ("finish", {"token": "a", "error": {"code": "x" * 65}}, "error.code"),
        ("finish", {"token": "a", "error": {"code": "a\nb"}}, "error.code"),
        ("finish", {"token": "a", "error": {"code": "x", "message": "x" * 501}}, "error.message"),
        (
            "finish",
            {"token": "a", "error": {"code": "x", "retry_after_seconds": -1}},
            "error.retry_after_seconds",
        ),
        ("finish", {"token": "a", "error": {"code": "x", "retryable": "no"}}, "error.retryable"),
        ("heartbeat", {"token": "a", "progress": {"fraction": 1.1}}, "progress.fraction"),
        (
            "heartbeat",
            {"token": "a", "progress": {"fraction": 0.1, "message": "x" * 201}},
            "progress.message",
        ),
        ("heartbeat", {"token": "a", "progress": {}}, "progress.fraction"),
        ("heartbeat", {}, "token"),
        ("approve", {"comment": "x" * 201}, "comment"),
        ("approve", {"comment": "a\u202eb"}, "comment"),
        ("reject", {"reason": "x"}, "reason"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_written(
    api: Api, act: str, body: dict[str, object], field: str
) -> None:
    path, _ = outside(api)
    before = api.contents()
    answer = api.call("POST", f"{path}/{act}", body)
    assert (answer.status, answer.fields) == (422, [field])
    assert api.contents() == before


def test_no_number_that_json_lacks_is_taken(api: Api) -> None:
    path, token = outside(api)
    answer = api.call("POST", f"{path}/finish", f'{{"token": "{token.text}", "result": [NaN]}}')
    assert answer.status in (400, 422)
    assert api.job(token.job_id).is_outside


def test_a_result_of_exactly_the_limit_is_taken(api: Api) -> None:
    path, token = outside(api)
    answer = api.call("POST", f"{path}/finish", {"token": token.text, "result": "x" * 4_094})
    assert (answer.status, answer.body["result"]) == (200, "x" * 4_094)


@pytest.mark.parametrize("act", ["finish", "heartbeat"])
def test_a_body_is_needed_and_the_job_must_be_there(api: Api, act: str) -> None:
    path = f"/v1/jobs/{UNKNOWN_ID}/{act}"
    assert api.call("POST", path).status == 400
    token = FinishToken(UNKNOWN_ID, 1, "0" * 32)
    assert api.call("POST", path, {"token": token.text}).status == 404


# --- approvals ---------------------------------------------------------------------------------------


def approval(api: Api, **parameters: Any) -> str:
    """Submits an approval as BEN, which then waits; returns its path."""
    body = {"type": "tidegate.approval", "parameters": {"title": "Publish?", **parameters}}
    job_id = api.call("POST", "/v1/jobs", body, arn=BEN).body["job_id"]
    hand_over(api.services, job_id, NOW_MS, HandedOver(86_400, message="Publish?"))
    return f"/v1/jobs/{job_id}"


def test_an_approval_is_approved_by_an_operator_and_recorded(api: Api) -> None:
    path = approval(api)
    answer = api.call("POST", f"{path}/approve", {"comment": "figures checked"})
    assert (answer.status, answer.body["state"]) == (200, "SUCCEEDED")
    assert answer.body["result"] == {"approved": True, "by": ANN, "comment": "figures checked", "at": NOW}
    acts = api.call("GET", "/v1/audit", query={"subject": f"job#{path.rpartition('/')[2]}"}).body["acts"]
    assert (acts[0]["act"], acts[0]["outcome"], acts[0]["caller"]["subject"]) == ("job.approve", "done", ANN)
    assert "figures checked" not in str(acts)


def test_an_approval_is_rejected_without_a_body(api: Api) -> None:
    answer = api.call("POST", f"{approval(api)}/reject")
    assert (answer.status, answer.body["state"], answer.body["error"]["code"]) == (200, "FAILED", "rejected")
    assert answer.body["error"]["message"] == "ann@example.com rejected it"


def test_others_may_not_decide(api: Api) -> None:
    path = approval(api)
    answer = api.call("POST", f"{path}/approve", arn=BEN)
    assert (answer.status, answer.body["type"]) == (403, problem("not-an-approver"))
    assert "you submitted it" in answer.body["detail"]
    eve = "arn:aws:iam::123456789012:user/eve"
    assert api.call("POST", f"{path}/reject", arn=eve).status == 403
    assert api.call("POST", f"{approval(api, approvers=[eve])}/reject", arn=eve).status == 200
    role = "arn:aws:iam::123456789012:role/team/Finance"  # as IAM shows it; a session's ARN has no path
    session = "arn:aws:sts::123456789012:assumed-role/Finance/eve"
    assert api.call("POST", f"{approval(api, approvers=[role])}/approve", arn=session).status == 200


def test_another_job_and_a_decided_one_are_refused(api: Api) -> None:
    noop, _ = outside(api)
    answer = api.call("POST", f"{noop}/approve")
    assert (answer.status, answer.body["type"]) == (409, problem("not-an-approval"))
    path = approval(api)
    api.call("POST", f"{path}/approve")
    answer = api.call("POST", f"{path}/reject")
    assert (answer.status, answer.body["type"]) == (409, problem("not-outside"))
    assert api.call("POST", f"/v1/jobs/{UNKNOWN_ID}/approve").status == 404


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "parameters.title"),
        ({"title": ""}, "parameters.title"),
        ({"title": "x" * 201}, "parameters.title"),
        ({"title": "x", "details": "x" * 2_001}, "parameters.details"),
        ({"title": "x", "approvers": ["a"] * 21}, "parameters.approvers"),
        ({"title": "x", "approvers": [""]}, "parameters.approvers[0]"),
        ({"title": "x", "timeout_seconds": 0}, "parameters.timeout_seconds"),
        ({"title": "x", "timeout_seconds": 2_592_001}, "parameters.timeout_seconds"),
    ],
)
def test_an_approval_that_asks_nothing_is_refused(api: Api, parameters: dict[str, Any], field: str) -> None:
    answer = api.call("POST", "/v1/jobs", {"type": "tidegate.approval", "parameters": parameters})
    assert (answer.status, answer.fields) == (422, [field])
