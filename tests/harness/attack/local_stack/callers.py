"""Callers that attack a local stack: signed and unsigned ones, and another user."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tidegate_devstack.model import ACCESS_KEY_ID
from tidegate_devstack.places import Places
from tidegate_devstack.root_key import read_root_secret

REGION = "us-east-1"
NOBODY = 65_534
JSON_10 = "application/x-amz-json-1.0"
LIST_TABLES = {"x-amz-target": "DynamoDB_20120810.ListTables", "content-type": JSON_10}
SESSION = boto3.Session(region_name=REGION)  # one session reads service descriptions once
TABLE = "kept"
ROLE = "lesser"
FUNCTION = "shows"
ACCOUNT = "000000000000"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
GUESSED = {
    "the key's name": (ACCESS_KEY_ID, ACCESS_KEY_ID),
    "another secret": (ACCESS_KEY_ID, "x" * 40),
    "test": ("test", "test"),
    "an account": (ACCOUNT, "test"),
    "a key that is none": ("AKIAAAAAAAAAAAAAAAAA", "x" * 40),
}


@dataclass(frozen=True)
class LocalAws:
    """The emulator under attack."""

    places: Places
    port: int
    pid: int
    url: str

    @property
    def root(self) -> Credentials:
        return Credentials(ACCESS_KEY_ID, read_root_secret(self.places))

    def client(self, service: str, keys: Credentials | None = None) -> Any:
        """Makes a client of the root, or with other keys. It never retries."""
        keys = keys or self.root
        make: Any = SESSION.client
        return make(
            service,
            endpoint_url=self.url,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token,
        )

    def is_whole(self) -> bool:
        """Says whether the table still exists. A reset removes it."""
        return TABLE in self.client("dynamodb").list_tables()["TableNames"]


@dataclass(frozen=True)
class Attempt:
    """One request, with every header given."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    def send(self, url: str) -> httpx.Response:
        """Sends the request as it is. Only the parts that HTTP needs are added."""
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            request = client.build_request(self.method, self.path, headers=self.headers, content=self.body)
            for name in ("accept", "accept-encoding", "user-agent"):
                if name not in self.headers:
                    del request.headers[name]
            return client.send(request)


ASKS = Attempt("POST", "/", LIST_TABLES, b"{}")


def signed(
    url: str,
    keys: Credentials,
    attempt: Attempt,
    *,
    service: str = "dynamodb",
) -> Attempt:
    """Returns the same request with a valid signature of `keys`. Its headers stay, and are signed."""
    request = AWSRequest(attempt.method, url + attempt.path, dict(attempt.headers), attempt.body)
    SigV4Auth(keys, service, REGION).add_auth(request)
    return Attempt(attempt.method, attempt.path, dict(request.headers.items()), attempt.body)


def as_nobody(work: Callable[[], Any]) -> Any:
    """Runs `work` in a child process of user nobody, and returns its result, which must fit into JSON.

    The caller must be root.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # The child must never run on into the parent's code.
        try:
            os.close(reading)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writing, json.dumps({"found": work()}).encode())
        except BaseException as error:  # noqa: BLE001 - the parent reports it
            os.write(writing, json.dumps({"error": repr(error)}).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        told = json.loads(answer.read())
    os.waitpid(child, 0)
    assert "error" not in told, told["error"]
    return told["found"]


def denied(work: Callable[[], object]) -> str:
    """Returns the name of the error that `work` ends with, or "" if it ends without one."""
    try:
        work()
    except OSError as error:
        return type(error).__name__
    return ""


def code_of(work: Any) -> str:
    """Returns the code of the error with which AWS answers a boto3 call."""
    with pytest.raises(ClientError) as caught:
        work()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    return str(caught.value.response["Error"]["Code"])
