"""People sign in at the local stack's user pool. The API for bearer tokens allows what their scope and role allow."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

import tidegate_client as tg
from tests.harness.e2e.command_line import tidegate, tidegate_json
from tidegate_cli.sign_in import PORTS
from tidegate_client.auth import Bearer
from tidegate_devstack import StackInfo

BACK = f"http://localhost:{PORTS[0]}/"
ALL = "openid tidegate/read tidegate/submit tidegate/operate"
_FIELD = re.compile(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"')


@pytest.fixture(scope="module")
def http(stack: StackInfo) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.endpoint_url, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def said(stack: StackInfo, http: httpx.Client) -> dict[str, Any]:
    answer = http.get(f"{stack.oauth_api_url}/sign-in")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def passwords(stack_home: Path, stack: StackInfo) -> dict[str, str]:
    del stack  # it must be up
    return {
        role: tidegate_json(stack_home, "local", "users", "add", f"e2e-{role}", "--role", role)["password"]
        for role in ("viewer", "client", "operator")
    }


def tokens(
    http: httpx.Client, said: dict[str, Any], name: str, password: str, scope: str = ALL
) -> dict[str, Any]:
    """Signs a person in as a browser does, and returns the tokens."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": said["client_id"],
        "redirect_uri": BACK,
        "scope": scope,
        "state": "s-1",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    page = http.get("/oauth2/authorize", params=query, headers={"sec-fetch-site": "none"})
    assert page.status_code == 200, page.text
    form = {name: html.unescape(value) for name, value in _FIELD.findall(page.text)}
    own = {"origin": str(http.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    sent = http.post("/login", data={**form, "username": name, "password": password}, headers=own)
    assert sent.status_code == 302, sent.text
    came = parse_qs(urlsplit(sent.headers["location"]).query)
    assert came["state"] == ["s-1"]
    given = {
        "grant_type": "authorization_code",
        "client_id": said["client_id"],
        "code": came["code"][0],
        "redirect_uri": BACK,
    }
    assert http.post("/oauth2/token", data={**given, "code_verifier": "x" * 64}).status_code == 400
    again = http.post("/login", data={**form, "username": name, "password": password}, headers=own)
    given["code"] = parse_qs(urlsplit(again.headers["location"]).query)["code"][0]
    answer = http.post("/oauth2/token", data={**given, "code_verifier": verifier})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_api_says_how_to_sign_in(stack: StackInfo, said: dict[str, Any]) -> None:
    assert said["client_id"] == stack.outputs["SignInClientId"]
    assert said["issuer"].endswith(stack.outputs["UserPoolId"])
    assert said["scopes"] == ALL.split()


def test_nobody_signs_in_with_a_guess(
    http: httpx.Client, said: dict[str, Any], passwords: dict[str, str]
) -> None:
    del passwords
    with pytest.raises(AssertionError, match="Incorrect"):
        tokens(http, said, "e2e-operator", "guess")


@pytest.mark.parametrize("role", ["viewer", "client", "operator"])
def test_a_role_allows_what_it_should(
    stack: StackInfo, http: httpx.Client, said: dict[str, Any], passwords: dict[str, str], role: str
) -> None:
    access = tokens(http, said, f"e2e-{role}", passwords[role])["access_token"]
    assert stack.oauth_api_url
    with tg.Client(stack.oauth_api_url, auth=Bearer(access), trust_env=False) as client:
        me = client.get_me()
        assert (me.kind, me.display, me.role) == ("oauth", f"e2e-{role}", role)
        assert client.list_pools()
        asked: list[Callable[[], object]] = [
            lambda: client.submit_job({"type": "tidegate.noop"}),
            lambda: client.pause_pool("ecs"),
        ]
        for number, ask in enumerate(asked, start=1):
            if ["viewer", "client", "operator"].index(role) >= number:
                ask()
            else:
                with pytest.raises(tg.ApiError) as refused:
                    ask()
                assert (refused.value.status, refused.value.code) == (403, "missing-role")
        if role == "operator":
            client.resume_pool("ecs")


def test_the_gateway_refuses_other_scopes_and_other_tokens(
    stack: StackInfo, http: httpx.Client, said: dict[str, Any], passwords: dict[str, str]
) -> None:
    whole = tokens(http, said, "e2e-operator", passwords["operator"])
    read = tokens(http, said, "e2e-operator", passwords["operator"], "openid tidegate/read")["access_token"]
    other = tokens(http, said, "e2e-operator", passwords["operator"], "openid")["access_token"]
    head, body, signature = str(whole["access_token"]).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "x"}).encode()).rstrip(b"=").decode()
    pause, listing = ("POST", "/v1/pools/ecs/pause"), ("GET", "/v1/jobs")

    def status(call: tuple[str, str], token: str | None) -> int:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return http.request(call[0], f"{stack.oauth_api_url}{call[1]}", headers=headers).status_code

    assert status(listing, read) == 200
    assert status(pause, read) == 401
    for token in (None, "x.y.z", whole["id_token"], other, f"{head}.{forged}.{signature}"):
        assert (status(listing, token), status(pause, token)) == (401, 401)
    # Neither API takes what the other one asks for.
    signed = {"authorization": f"Bearer {whole['access_token']}"}
    assert http.get(f"{stack.api_url}/v1/jobs", headers=signed).status_code == 403


def test_the_people_are_listed_and_removed(
    stack_home: Path, http: httpx.Client, said: dict[str, Any], passwords: dict[str, str]
) -> None:
    del passwords
    password = tidegate_json(stack_home, "local", "users", "add", "e2e-gone")["password"]
    listed = {
        each["name"]: each["roles"] for each in tidegate_json(stack_home, "local", "users", "list")["users"]
    }
    assert listed["e2e-gone"] == ["viewer"]
    tidegate_json(stack_home, "local", "users", "add", "e2e-gone", "--role", "client")
    again = {
        each["name"]: each["roles"] for each in tidegate_json(stack_home, "local", "users", "list")["users"]
    }
    assert again["e2e-gone"] == ["client"]  # one role, the last that was named
    assert listed["e2e-operator"] == ["operator"]
    assert tidegate(stack_home, "local", "users", "remove", "e2e-gone").returncode == 0
    with pytest.raises(AssertionError, match="Incorrect"):
        tokens(http, said, "e2e-gone", password)
    assert "nobody is called" in tidegate(stack_home, "local", "users", "remove", "e2e-gone").stderr
