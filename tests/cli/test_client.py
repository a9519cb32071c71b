"""The client: signatures, retries, pages, problems."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.harness.cli.samples import API_URL, WORKFLOW, client_of, job_json, workflow_json
from tidegate_cli.errors import ApiProblem, ApiUnreachable, CliError, UsageError

BODY = {"type": "tidegate.noop", "parameters": {"name": "Füße"}}
ACCEPTED = {"job_id": WORKFLOW}


def test_every_request_is_signed_for_execute_api_as_botocore_would() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json=ACCEPTED)

    client_of(handler).submit_job(BODY, "key 1")
    request = seen[0]
    given = request.headers["authorization"]
    assert "/eu-west-1/execute-api/aws4_request" in given
    assert "SignedHeaders=content-type;host;idempotency-key;x-amz-date" in given
    again = AWSRequest(
        "POST",
        f"{API_URL}/v1/jobs",
        data=request.content,
        headers={name: request.headers[name] for name in ("host", "content-type", "idempotency-key")},
    )
    signer = SigV4Auth(Credentials("AKIDEXAMPLE", "secret"), "execute-api", "eu-west-1")
    again.context["timestamp"] = request.headers["x-amz-date"]
    again.headers["X-Amz-Date"] = request.headers["x-amz-date"]
    signature = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert given.endswith(f"Signature={signature}")


def test_a_query_is_encoded_the_way_it_is_signed() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"jobs": [], "cursor": None})

    list(client_of(handler).list_jobs({"state": "READY", "pool": "a b/c+d="}, limit=7))
    assert seen[0].url.query == b"state=READY&pool=a%20b%2Fc%2Bd%3D&limit=7"


def test_a_submission_keeps_one_idempotency_key_over_its_retries() -> None:
    keys: list[str] = []
    responses: Iterator[httpx.Response | Exception] = iter(
        [httpx.Response(503), httpx.ConnectError("refused"), httpx.Response(201, json=ACCEPTED)]
    )
    pauses: list[float] = []

    def handler(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        following = next(responses)
        if isinstance(following, Exception):
            raise following
        return following

    accepted = client_of(handler, pauses).submit_job(BODY)
    assert accepted.id == WORKFLOW
    assert keys == [accepted.idempotency_key] * 3
    assert len(pauses) == 2


@pytest.mark.parametrize("key", ["", "a\nb", "é", " a", "x" * 129])
def test_a_key_that_no_header_can_hold_is_refused_and_nothing_is_sent(key: str) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json=ACCEPTED)

    client = client_of(handler)
    for submit in (client.submit_job, client.submit_workflow):
        with pytest.raises(UsageError, match="idempotency key"):
            submit(BODY, key)
    assert seen == []


def test_retries_are_bounded_and_the_message_says_what_to_do() -> None:
    pauses: list[float] = []

    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("timed out")

    with pytest.raises(ApiUnreachable, match=r"no answer from https://abc123.*check --api-url"):
        client_of(handler, pauses).get_job(WORKFLOW)
    assert len(pauses) == 4
    assert all(0 <= pause <= 5 for pause in pauses)


def test_a_pause_that_the_api_asks_for_is_kept_within_bounds() -> None:
    asked = iter(["2", "86400", "Wed, 21 Oct 2026 07:28:00 GMT"])
    pauses: list[float] = []

    def handler(request: httpx.Request) -> httpx.Response:
        following = next(asked, None)
        if following is None:
            return httpx.Response(200, json=job_json(0))
        return httpx.Response(503, headers={"retry-after": following})

    client_of(handler, pauses).get_job(WORKFLOW)
    assert 2 <= pauses[0] < 5
    assert pauses[1] == 5
    assert pauses[2] < 5


def test_a_refusal_is_not_repeated_and_names_the_fields() -> None:
    calls: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        problem = {
            "type": "about:blank",
            "title": "Invalid request",
            "status": 400,
            "detail": "2 fields are wrong",
            "errors": [
                {"field": "jobs[3].priority", "message": "is 1001; 1 to 1000 are allowed"},
                {"field": "jobs[4].type", "message": "unknown"},
            ],
        }
        return httpx.Response(400, json=problem, headers={"content-type": "application/problem+json"})

    with pytest.raises(ApiProblem) as caught:
        client_of(handler).submit_workflow({"jobs": []})
    assert str(caught.value).splitlines() == [
        "Invalid request (400)",
        "  jobs[3].priority: is 1001; 1 to 1000 are allowed",
        "  jobs[4].type: unknown",
    ]
    assert calls == ["POST"]


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (httpx.Response(403, json={"message": "Missing Authentication Token"}), "Forbidden (403): Missing"),
        (httpx.Response(413, text="<html>"), "Request Entity Too Large (413)"),
        (
            httpx.Response(404, json={"title": "Not found", "detail": "there is no job"}),
            "Not found (404): there",
        ),
        (httpx.Response(409, json=["odd"]), "Conflict (409)"),
    ],
)
def test_refusals_of_any_shape_become_one_message(response: httpx.Response, message: str) -> None:
    with pytest.raises(ApiProblem, match=re.escape(message)):
        client_of(lambda request: response).get_job(WORKFLOW)


@pytest.mark.parametrize("text", ["<html>hello</html>", "[1, 2]", '{"job_id": "x"}', '{"jobs": 3}'])
def test_an_answer_that_is_none_of_tidegates_is_said_so(text: str) -> None:
    with pytest.raises(CliError, match="API"):
        client_of(lambda request: httpx.Response(200, text=text)).get_workflow(WORKFLOW)
    with pytest.raises(CliError, match="API"):
        client_of(lambda request: httpx.Response(200, text=text)).get_job(WORKFLOW)


def test_a_workflow_is_read_over_all_of_its_pages() -> None:
    cursors: list[str | None] = []

    def handler(request: httpx.Request) -> httpx.Response:
        cursor = request.url.params.get("cursor")
        cursors.append(cursor)
        at = int(cursor or 0)
        page = [job_json(at), job_json(at + 1)]
        return httpx.Response(200, json=workflow_json(page, str(at + 2) if at < 4 else None))

    found = client_of(handler).get_workflow(WORKFLOW)
    assert [job.key for job in found.jobs] == ["k0", "k1", "k2", "k3", "k4", "k5"]
    assert cursors == [None, "2", "4"]
    assert len(found.as_json()["jobs"]) == 6
    assert found.name == "flow"


def test_a_listing_goes_over_short_pages_and_stops_at_its_limit() -> None:
    sizes: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sizes.append(request.url.params["limit"])
        return httpx.Response(200, json={"jobs": [job_json(len(sizes))], "cursor": "more"})

    assert len(list(client_of(handler).list_jobs({"state": "READY"}, limit=3))) == 3
    assert sizes == ["3", "2", "1"]


def test_the_body_goes_out_as_compact_utf8() -> None:
    seen: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.content)
        return httpx.Response(201, json=ACCEPTED)

    client_of(handler).submit_job(BODY)
    assert json.loads(seen[0]) == BODY
    assert "Füße".encode() in seen[0]
    assert b": " not in seen[0]


@pytest.mark.parametrize(
    "text", ["", " ", ".", "..", "a/b", "a%2Fb", "a b", "a?b=c", "../v1/pools", "a\\b", "a\n"]
)
def test_what_can_not_be_a_part_of_a_path_is_not_sent(text: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    client = client_of(handler)
    calls: tuple[Callable[[], object], ...] = (
        lambda: client.retry_job(text),
        lambda: client.cancel_job(text),
        lambda: client.rerun_workflow(text),
        lambda: client.redrive_pool(text, limit=1),
        lambda: client.drain_worker("ecs", text),
    )
    for call in calls:
        with pytest.raises(UsageError, match="is malformed"):
            call()


def test_a_path_that_the_gateway_does_not_know_is_not_taken_for_a_missing_signature() -> None:
    answer = httpx.Response(403, json={"message": "Missing Authentication Token"})
    with pytest.raises(ApiProblem, match="no such path; is --api-url the stack's output ApiUrl"):
        client_of(lambda _request: answer).list_pools()


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (401, "Unauthorized", "takes bearer tokens: sign in with `tidegate login`"),
        (403, "The security token included in the request is expired", "is expired: log in to AWS again"),
    ],
)
def test_a_refusal_of_the_credentials_says_how_to_go_on(status: int, message: str, hint: str) -> None:
    with pytest.raises(ApiProblem, match=hint):
        client_of(lambda _: httpx.Response(status, json={"message": message})).list_pools()


def test_a_body_that_the_gateway_would_refuse_is_not_sent() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise AssertionError("it was sent")

    body = {**BODY, "parameters": {"text": '"' * 2_000_000}}  # 4 MB on the wire, 8 MB in the function's event
    with pytest.raises(UsageError, match=r"4,0.* as sent.*submit the work as several workflows"):
        client_of(handler).submit_job(body)


def test_the_gateways_own_413_says_what_to_do() -> None:
    client = client_of(lambda _: httpx.Response(413, json={"message": "Request Too Long"}))
    with pytest.raises(
        ApiProblem, match="Request Too Long: the gateway takes about 5 MB; submit the work as"
    ):
        client.submit_job(BODY)


def test_a_number_that_nothing_holds_is_named_and_nothing_is_sent() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request)

    body = json.loads('{"jobs": [{"parameters": {"x": [1, 1e400]}}]}')
    with pytest.raises(UsageError, match=r"jobs\[0\]\.parameters\.x\[1\]: is too large a number"):
        client_of(handler).submit_workflow(body)


def test_a_call_that_changes_something_is_not_repeated_silently() -> None:
    answers = [httpx.Response(504), httpx.Response(429), httpx.Response(200, json={"reopened": 1})]
    client, heard = client_of(lambda _: answers.pop(0)), list[str]()
    client.on_repeat = heard.append
    client.rerun_workflow(WORKFLOW)
    assert (heard, client.repeats) == (["the API answered 504"], 1)
