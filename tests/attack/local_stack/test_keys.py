"""Attacks on a local stack with a guessed key, an altered key or a key of a lesser role."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import time
from typing import Any

import httpx
import pytest
from botocore import UNSIGNED, auth
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.harness.attack.local_stack.callers import (
    ACCOUNT,
    ASKS,
    FUNCTION,
    FUNCTION_ARN,
    GUESSED,
    LIST_TABLES,
    REGION,
    ROLE_ARN,
    SESSION,
    TABLE,
    Attempt,
    LocalAws,
    code_of,
    signed,
)
from tidegate_devstack.model import ACCESS_KEY_ID
from tidegate_devstack.root_key import read_root_secret, root_session

CALLS = {
    "dynamodb": lambda client: client.list_tables(),
    "sqs": lambda client: client.list_queues(),
    "s3": lambda client: client.list_buckets(),
    "sts": lambda client: client.get_caller_identity(),
    "iam": lambda client: client.create_user(UserName="intruder"),
    "lambda": lambda client: client.invoke(FunctionName=FUNCTION),
    "cloudformation": lambda client: client.delete_stack(StackName="tidegate"),
    "logs": lambda client: client.describe_log_groups(),
    "scheduler": lambda client: client.list_schedules(),
    "events": lambda client: client.list_rules(),
    "apigateway": lambda client: client.get_rest_apis(),
    "cloudwatch": lambda client: client.list_metrics(),
    "dynamodbstreams": lambda client: client.list_streams(),
}


@pytest.mark.parametrize("service", CALLS)
def test_every_service_asks_for_the_homes_secret(aws: LocalAws, service: str) -> None:
    refusals = {
        name: code_of(lambda: CALLS[service](aws.client(service, Credentials(*keys))))  # noqa: B023 - called at once
        for name, keys in GUESSED.items()
    }
    assert {refusals["the key's name"], refusals["another secret"]} <= {
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
    }
    unknown = {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}
    assert {refusals[name] for name in ("test", "an account", "a key that is none")} <= unknown
    make: Any = SESSION.client
    client = make(service, endpoint_url=aws.url, config=Config(signature_version=UNSIGNED))
    code_of(lambda: CALLS[service](client))
    if service not in ("iam", "cloudformation"):
        CALLS[service](aws.client(service))


def test_a_key_of_the_root_by_another_name_is_none_with_the_secret_either(aws: LocalAws) -> None:
    secret = read_root_secret(aws.places)
    for name in ("test", ACCOUNT):
        code_of(aws.client("dynamodb", Credentials(name, secret)).list_tables)
    code_of(aws.client("dynamodb", Credentials(ACCESS_KEY_ID, secret, "token")).list_tables)


def test_a_signature_is_good_for_its_own_request_alone(aws: LocalAws) -> None:
    right = signed(aws.url, aws.root, ASKS)
    assert right.send(aws.url).status_code == 200
    deletes = {**right.headers, "x-amz-target": "DynamoDB_20120810.DeleteTable"}
    named = re.sub(
        r"Credential=([^/]+)/", r"Credential=AKIAAAAAAAAAAAAAAAAA/", right.headers["Authorization"]
    )
    no_host = right.headers["Authorization"].replace("host;", "")
    wrong = {
        "another body": Attempt("POST", "/", right.headers, b'{"Limit": 1}'),
        "another path": Attempt("POST", "/kept", right.headers, b"{}"),
        "another method": Attempt("PUT", "/", right.headers, b"{}"),
        "another query": Attempt("POST", "/?a=b", right.headers, b"{}"),
        "another operation": Attempt("POST", "/", deletes, b"{}"),
        "another key": Attempt("POST", "/", {**right.headers, "Authorization": named}, b"{}"),
        "the host not signed": Attempt("POST", "/", {**right.headers, "Authorization": no_host}, b"{}"),
        "no date": Attempt("POST", "/", {k: v for k, v in right.headers.items() if k != "X-Amz-Date"}, b"{}"),
    }
    for name, attempt in wrong.items():
        assert attempt.send(aws.url).status_code in (400, 403), name
    assert aws.is_whole()


def test_a_body_has_the_hash_that_was_signed(aws: LocalAws) -> None:
    stated = {**LIST_TABLES, "x-amz-content-sha256": hashlib.sha256(b"{}").hexdigest()}
    right = signed(aws.url, aws.root, Attempt("POST", "/", stated, b"{}"))
    assert right.send(aws.url).status_code == 200
    assert Attempt("POST", "/", right.headers, b'{"Limit": 1}').send(aws.url).status_code in (400, 403)


def test_a_signature_gets_old(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Any = auth.get_current_datetime  # type: ignore[attr-defined]  # botocore declares no type for it
    monkeypatch.setattr(
        auth, "get_current_datetime", lambda *a, **k: real(*a, **k) - dt.timedelta(minutes=16)
    )
    assert signed(aws.url, aws.root, ASKS).send(aws.url).status_code in (400, 403)


def test_an_address_can_be_signed_for_a_time(aws: LocalAws) -> None:
    storage = root_session(aws.places).client(
        "s3", endpoint_url=aws.url, config=Config(signature_version="s3v4")
    )
    storage.create_bucket(Bucket="objects")
    storage.put_object(Bucket="objects", Key="one", Body=b"text")
    url = storage.generate_presigned_url(
        "get_object", Params={"Bucket": "objects", "Key": "one"}, ExpiresIn=60
    )
    soon = storage.generate_presigned_url(
        "get_object", Params={"Bucket": "objects", "Key": "one"}, ExpiresIn=1
    )
    assert httpx.get(url, trust_env=False).text == "text"
    assert httpx.get(url.replace("/one?", "/two?"), trust_env=False).status_code == 403
    assert httpx.get(url.partition("?")[0], trust_env=False).status_code == 403
    assert httpx.get(url + "&X-Amz-Credential=x", trust_env=False).status_code in (400, 403)
    time.sleep(2.1)
    assert httpx.get(soon, trust_env=False).status_code in (400, 403)


def test_a_lesser_key_may_what_its_policy_says(aws: LocalAws, lesser: Credentials) -> None:
    assert TABLE in aws.client("dynamodb", lesser).list_tables()["TableNames"]
    assert (
        code_of(lambda: aws.client("dynamodb", lesser).delete_table(TableName=TABLE))
        == "AccessDeniedException"
    )
    wrong = Credentials(lesser.access_key, "x" * 40, lesser.token)
    code_of(aws.client("dynamodb", wrong).list_tables)
    code_of(aws.client("dynamodb", Credentials(lesser.access_key, lesser.secret_key)).list_tables)


def test_a_lesser_key_can_not_speak_for_the_root(aws: LocalAws, lesser: Credentials) -> None:
    deletes = {"x-amz-target": "DynamoDB_20120810.DeleteTable", "content-type": LIST_TABLES["content-type"]}
    attempt = Attempt("POST", "/", deletes, json.dumps({"TableName": TABLE}).encode())
    own = signed(aws.url, lesser, attempt)
    scope = re.search(r"Credential=[^/]+(/[^,]+)", own.headers["Authorization"])
    assert scope is not None
    root_first = own.headers["Authorization"].replace(
        "Credential=", f"Credential={ACCESS_KEY_ID}{scope[1]}, Credential="
    )
    assert Attempt("POST", "/", {**own.headers, "Authorization": root_first}, attempt.body).send(
        aws.url
    ).status_code in (400, 403)
    for named in (f"X-Amz-Credential={ACCESS_KEY_ID}{scope[1]}", f"AWSAccessKeyId={ACCESS_KEY_ID}"):
        mixed = signed(aws.url, lesser, Attempt("POST", f"/?{named}", deletes, attempt.body))
        assert mixed.send(aws.url).status_code in (400, 403)
    request = AWSRequest("POST", f"{aws.url}/?x-amz-credential={ACCESS_KEY_ID}", deletes, attempt.body)
    SigV4QueryAuth(lesser, "dynamodb", REGION).add_auth(request)
    path = str(request.url).removeprefix(aws.url)
    assert Attempt("POST", path, deletes, attempt.body).send(aws.url).status_code in (400, 403)
    assert aws.is_whole()


def test_a_functions_keys_can_not_be_worked_out(aws: LocalAws, shown: dict[str, Any]) -> None:
    seen = shown["environment"]
    digest = hashlib.sha256(f"{FUNCTION_ARN}:{ROLE_ARN}".encode()).hexdigest()
    guessed = Credentials(
        f"ASIA{digest[:16].upper()}",
        hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    )
    code_of(aws.client("dynamodb", guessed).list_tables)
    own = Credentials(seen["AWS_ACCESS_KEY_ID"], seen["AWS_SECRET_ACCESS_KEY"], seen["AWS_SESSION_TOKEN"])
    assert TABLE in aws.client("dynamodb", own).list_tables()["TableNames"]
    assert code_of(aws.client("iam", own).list_users) == "AccessDenied"


def test_a_function_gets_neither_the_root_key_nor_open_files(aws: LocalAws, shown: dict[str, Any]) -> None:
    secret = read_root_secret(aws.places)
    assert not [
        name for name, value in shown["environment"].items() if secret in value or value == ACCESS_KEY_ID
    ]
    assert shown["umask"] == 0o077


@pytest.fixture(scope="module")
def api_path(aws: LocalAws) -> str:
    """Creates an API with a method under AWS_IAM and a method that is open to all, as the template has them."""
    client = aws.client("apigateway")
    api = client.create_rest_api(name="api")["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    for name, kind in (("jobs", "AWS_IAM"), ("health", "NONE")):
        resource = client.create_resource(restApiId=api, parentId=root, pathPart=name)["id"]
        method = {"restApiId": api, "resourceId": resource, "httpMethod": "GET"}
        client.put_method(**method, authorizationType=kind)
        client.put_integration(
            **method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
        )
        client.put_method_response(**method, statusCode="200")
        client.put_integration_response(**method, statusCode="200", selectionPattern="")
    client.create_deployment(restApiId=api, stageName="live")
    return f"{api}/live"


def test_a_method_under_iam_asks_for_a_right_signature(aws: LocalAws, api_path: str) -> None:
    for path in (f"/_aws/execute-api/{api_path}/jobs", f"/restapis/{api_path}/_user_request_/jobs"):
        get = Attempt("GET", path, {})
        unsigned = get.send(aws.url)
        assert (unsigned.status_code, unsigned.json()) == (403, {"message": "Missing Authentication Token"})
        for keys in (Credentials(*GUESSED["the key's name"]), Credentials(*GUESSED["test"])):
            assert signed(aws.url, keys, get, service="execute-api").send(aws.url).status_code == 403
        assert Attempt("GET", path, {"authorization": "Bearer x"}).send(aws.url).status_code == 403
        assert signed(aws.url, aws.root, get, service="execute-api").send(aws.url).status_code == 200


def test_a_method_for_all_is_open_to_all_but_browsers(aws: LocalAws, api_path: str) -> None:
    get = Attempt("GET", f"/_aws/execute-api/{api_path}/health", {})
    assert get.send(aws.url).status_code == 200
    assert Attempt("GET", get.path, {"origin": "https://evil.example"}).send(aws.url).status_code == 403
    # The caller that a request names must be the one that signed it.
    guessed = signed(aws.url, Credentials(*GUESSED["the key's name"]), get, service="execute-api")
    assert guessed.send(aws.url).status_code == 403
