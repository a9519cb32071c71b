"""Nobody finishes a job outside without its token: none is guessed, replayed, read or taken from another job."""

from __future__ import annotations

import base64
import logging
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.functions.api_calls import NOW_MS, Api
from tests.harness.usecases.handing_over import hand_over
from tidegate.adapters.system import SystemEntropy
from tidegate.domain.outside import FinishToken, HandedOver
from tidegate.domain.states import State
from tidegate.domain.transitions import ReadyIfDue, Stamp

HOUR = HandedOver(timeout_seconds=3_600, lease_seconds=60)
EVE = "arn:aws:iam::123456789012:user/eve"
API = Api()
JOB, TOKEN = hand_over(API.services, API.submit(), NOW_MS, HOUR)
PATH = f"/v1/jobs/{JOB.job_id}"
CHANGED = st.builds(
    replace,
    st.just(TOKEN),
    job_id=st.sampled_from([JOB.job_id, JOB.job_id.lower(), f"{JOB.job_id}.0"]) | st.text(max_size=30),
    attempt=st.integers(-1, 5),
    secret=st.sampled_from([TOKEN.secret.upper(), TOKEN.secret[:-1], f"{TOKEN.secret}0", ""])
    | st.text(max_size=40),
)
TEXTS = st.text(max_size=300) | st.binary(max_size=100).map(
    lambda raw: base64.urlsafe_b64encode(raw).decode()
)


def finish(text: object, api: Api = API, path: str = PATH) -> Any:
    return api.call("POST", f"{path}/finish", {"token": text, "result": "forged"}, arn=EVE)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(text=TEXTS | CHANGED.map(lambda token: token.text))
def test_no_text_but_the_token_finishes_a_job(text: str) -> None:
    if text == TOKEN.text:
        return
    answer = finish(text)
    assert answer.status in (403, 409, 422), answer.body
    assert API.job(JOB.job_id).is_outside


def test_forms_that_decode_to_the_same_are_no_tokens() -> None:
    """Base64 has several texts for some values. Only the one that was handed out counts."""
    for text in (f"{TOKEN.text}=", f"{TOKEN.text}\n", TOKEN.text.swapcase(), f" {TOKEN.text}"):
        assert finish(text).status in (403, 422)
    assert API.job(JOB.job_id).is_outside


def test_a_token_is_good_for_one_attempt_and_is_not_replayed() -> None:
    api = Api()
    first, token = hand_over(api.services, api.submit(max_retries=3), NOW_MS, HOUR)
    path = f"/v1/jobs/{first.job_id}"
    error = {"token": token.text, "error": {"code": "x", "retry_after_seconds": 0}}
    assert api.call("POST", f"{path}/finish", error).body["state"] == "SCHEDULED"
    scheduled = api.job(first.job_id)
    stamp = Stamp((scheduled.due_at_ms or NOW_MS) + 1, "dispatcher")
    api.services.jobs.apply(ReadyIfDue(scheduled, stamp))
    second, fresh = hand_over(api.services, first.job_id, stamp.now_ms, HOUR)
    assert (second.attempt, fresh.secret == token.secret) == (2, False)
    for text in (token.text, replace(token, attempt=2).text, replace(fresh, attempt=1).text):
        assert finish(text, api, path).status in (403, 409)
    assert api.job(first.job_id).is_outside
    assert finish(fresh.text, api, path).body["state"] == State.SUCCEEDED


def test_the_holder_of_one_token_can_not_touch_another_job() -> None:
    api = Api()
    mine, token = hand_over(api.services, api.submit(), NOW_MS, HOUR)
    other, _ = hand_over(api.services, api.submit(), NOW_MS, HOUR)
    for act in ("finish", "heartbeat"):
        for text in (token.text, replace(token, job_id=other.job_id).text):
            assert api.call("POST", f"/v1/jobs/{other.job_id}/{act}", {"token": text}).status == 403
    assert api.job(other.job_id) == other
    assert api.job(mine.job_id) == mine


def test_no_answer_tells_the_secret_or_the_digest(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api = Api()
    job, token = hand_over(api.services, api.submit(), NOW_MS, HOUR)
    path = f"/v1/jobs/{job.job_id}"
    parts = ("", "/why", "/cost", "/logs", "/chain", "/dependencies", "/dependents", "/forecast")
    told = [api.call("GET", f"{path}{part}") for part in parts]
    told += [api.call("GET", "/v1/jobs", query={"state": "RUNNING", "fields": "full"})]
    told += [api.call("POST", f"{path}/{act}", {"token": token.text}) for act in ("heartbeat", "finish")]
    told += [api.call("POST", f"{path}/finish", {"token": token.text, "error": {"code": "late"}})]
    told += [api.call("GET", "/v1/audit", query={"subject": f"job#{job.job_id}"}), api.call("GET", path)]
    assert all(answer.status in (200, 409) for answer in told), [answer.status for answer in told]
    everything = " ".join(str((answer.headers, answer.body)) for answer in told) + caplog.text
    for secret in (token.text, token.secret, token.digest):
        assert secret not in everything
        assert secret not in str(api.world.acts)


def test_a_token_alone_allows_nothing() -> None:
    """A caller with a token of the right attempt but without the scope is refused, as is one without a caller."""
    claims = {"iss": "https://issuer.example.com", "sub": "eve", "token_use": "access"}
    for scope, status in (("tidegate/read", 403), ("", 403)):
        answer = API.call(
            "POST",
            f"{PATH}/finish",
            {"token": TOKEN.text},
            authorizer={"claims": {**claims, "scope": scope, "cognito:groups": "client"}},
        )
        assert answer.status == status
    assert API.call("POST", f"{PATH}/finish", {"token": TOKEN.text}, authorizer={}).status == 401
    assert API.job(JOB.job_id).is_outside


def test_secrets_of_attempts_never_meet() -> None:
    entropy = SystemEntropy()
    secrets = {entropy.secret() for _ in range(2_000)}
    assert len(secrets) == 2_000
    assert {len(secret) for secret in secrets} == {32}
    assert len(FinishToken("0" * 26 + ".9999", 999_999, secrets.pop()).text) < 256
