"""`tidegate login` and `tidegate logout`, and commands of a person who is signed in."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from filelock import FileLock

from tests.harness.cli.screens import tidegate
from tidegate_cli import loopback, options, sign_in, tokens
from tidegate_cli.client import Client
from tidegate_cli.errors import CliError, UsageError
from tidegate_cli.target import fresh_token
from tidegate_cli.tokens import Tokens

API = "https://abc123.execute-api.eu-central-1.amazonaws.com/live"
ISSUER = "https://issuer.example.com/tenant"
SCOPES = ["openid", "tidegate/read", "tidegate/submit", "tidegate/operate"]


class Issuer:
    """An API, its issuer and the browser of a person, in memory."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.asked: dict[str, str] = {}
        self.comes_back: dict[str, str] = {"code": "c-1"}
        self.refuses = False
        self.lasts: Any = 3_600
        self.configuration = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "revocation_endpoint": f"{ISSUER}/revoke",
        }
        self.said: Any = {"issuer": ISSUER, "client_id": "people", "scopes": SCOPES}

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        match str(request.url):
            case url if url == f"{API}/sign-in":
                return httpx.Response(200 if self.said else 403, json=self.said)
            case url if url == f"{ISSUER}/.well-known/openid-configuration":
                return httpx.Response(200, json=self.configuration)
            case url if url == f"{ISSUER}/token":
                return self._give(self.form(request))
            case url if url == f"{ISSUER}/revoke":
                return httpx.Response(200)
        return httpx.Response(404)

    @staticmethod
    def form(request: httpx.Request) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}

    def _give(self, form: Mapping[str, str]) -> httpx.Response:
        if self.refuses:
            return httpx.Response(400, json={"error": "invalid_grant"})
        if form["grant_type"] == "refresh_token":
            return httpx.Response(200, json={"access_token": "renewed", "expires_in": self.lasts})
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        assert proof.rstrip(b"=").decode() == self.asked["code_challenge"]
        assert form["redirect_uri"] == self.asked["redirect_uri"]
        assert "client_secret" not in form
        return httpx.Response(
            200, json={"access_token": "access", "refresh_token": "refresh", "expires_in": self.lasts}
        )

    def open(self, page: str) -> bool:
        """Stands for the browser: it signs the person in, and comes back."""
        assert page.startswith(f"{ISSUER}/authorize?")
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
        back = {"state": self.asked["state"], **self.comes_back}
        port = urlsplit(self.asked["redirect_uri"]).port

        def come() -> None:
            host = {"Host": f"localhost:{port}"}
            address = f"http://127.0.0.1:{port}"
            own = f"/?state={back['state']}&code=y"
            for path, headers in (
                ("/favicon.ico", host),
                ("/?code=y", host),
                ("/?state=&code=y", host),
                ("/?state=forged&code=y", host),  # any page can send this to the browser's own machine
                (f"/x{own[1:]}", host),
                (own, {"Host": "evil.example.com"}),
            ):
                assert httpx.get(f"{address}{path}", headers=headers, trust_env=False).status_code == 404
            httpx.get(f"{address}/", params=back, headers=host, trust_env=False)

        threading.Thread(target=come, daemon=True).start()
        return True


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Issuer:
    found = Issuer()
    transport = httpx.MockTransport(found.answer)
    monkeypatch.setattr(sign_in, "http_for", lambda _: httpx.Client(transport=transport))
    monkeypatch.setattr("webbrowser.open", found.open)
    return found


def saved(**changes: Any) -> Tokens:
    given = {
        "api_url": API,
        "client_id": "people",
        "token_url": f"{ISSUER}/token",
        "revoke_url": f"{ISSUER}/revoke",
        "access_token": "access",
        "refresh_token": "refresh",
        "expires_at": time.time() + 3_600,
        **changes,
    }
    return Tokens(**given)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"display": "ann"})

    transport = httpx.MockTransport(answer)
    monkeypatch.setattr(options, "Client", lambda target: Client(target, transport=transport))
    return requests


def test_a_person_signs_in_with_a_code_and_a_proof(issuer: Issuer) -> None:
    result = tidegate("login", "--api-url", f"{API}/v1/")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"you are signed in; try `tidegate --api-url {API} me`\n"
    assert issuer.asked["response_type"] == "code"
    assert issuer.asked["code_challenge_method"] == "S256"
    assert issuer.asked["scope"] == " ".join(SCOPES)
    assert issuer.asked["redirect_uri"] in [f"http://localhost:{port}/" for port in sign_in.PORTS]
    assert len(issuer.asked["state"]) >= 32
    found = tokens.read_tokens(API)
    assert found is not None
    assert (found.access_token, found.refresh_token) == ("access", "refresh")
    assert found.are_fresh(time.time())


def test_tokens_are_the_user_s_alone_and_shown_nowhere(issuer: Issuer) -> None:
    result = tidegate("login", "--api-url", API, "-o", "json")
    file = Path(json.loads(result.stdout)["file"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert "refresh" not in result.output
    assert "access" not in repr(tokens.read_tokens(API))
    file.chmod(0o644)
    refused = tidegate("logout", "--api-url", API)
    assert refused.exit_code == 2
    assert f"other users can read {file}" in refused.stderr


def test_commands_of_the_same_deployment_then_use_the_token(
    issuer: Issuer, heard: list[httpx.Request]
) -> None:
    tokens.save_tokens(saved())
    assert tidegate("--api-url", API, "me").exit_code == 0
    assert heard[0].headers["Authorization"] == "Bearer access"
    assert issuer.requests == []


def test_a_profile_with_both_apis_uses_tokens_while_signed_in(heard: list[httpx.Request]) -> None:
    arguments = (
        "--api-url",
        "https://iam.example.com/live",
        "--oauth-api-url",
        f"{API}/",
        "--region",
        "eu-west-1",
    )
    assert tidegate("profiles", "set", "prod", *arguments).exit_code == 0
    assert "no AWS credentials" in tidegate("--profile", "prod", "me").stderr
    tokens.save_tokens(saved())
    assert tidegate("--profile", "prod", "me").exit_code == 0
    assert str(heard[0].url) == f"{API}/v1/me"
    assert heard[0].headers["Authorization"] == "Bearer access"


def test_a_token_that_ends_soon_is_renewed_first_and_kept(issuer: Issuer, heard: list[httpx.Request]) -> None:
    tokens.save_tokens(saved(expires_at=time.time() + 30))
    assert tidegate("--api-url", API, "me").exit_code == 0
    assert heard[0].headers["Authorization"] == "Bearer renewed"
    assert issuer.form(issuer.requests[0]) == {
        "grant_type": "refresh_token",
        "client_id": "people",
        "refresh_token": "refresh",
    }
    found = tokens.read_tokens(API)
    assert found is not None
    assert (found.access_token, found.refresh_token) == ("renewed", "refresh")


@pytest.mark.parametrize("changes", [{"refresh_token": None}, {}])
def test_a_sign_in_that_ended_says_how_to_go_on(
    issuer: Issuer, heard: list[httpx.Request], changes: dict[str, Any]
) -> None:
    issuer.refuses = True
    tokens.save_tokens(saved(expires_at=time.time() - 1, **changes))
    result = tidegate("--api-url", API, "me")
    assert result.exit_code == 2
    assert f"has ended; sign in again with `tidegate login --api-url {API}`" in result.stderr
    assert heard == []


def test_a_person_signs_out_here_and_at_the_issuer(issuer: Issuer) -> None:
    tokens.save_tokens(saved())
    assert tidegate("logout", "--api-url", API).stdout == "you are signed out\n"
    assert issuer.form(issuer.requests[0]) == {"token": "refresh", "client_id": "people"}
    assert tokens.read_tokens(API) is None
    assert tidegate("logout", "--api-url", API).stdout == f"you were not signed in at {API}\n"
    tokens.save_tokens(saved(revoke_url=None))
    assert "the issuer keeps the sign-in" in tidegate("logout", "--api-url", API).stdout


@pytest.mark.parametrize(
    ("back", "why"),
    [
        ({"error": "access_denied", "error_description": "not today"}, "nobody was signed in: not today"),
        ({"error": "access_denied"}, "nobody was signed in: access_denied"),
        ({}, "nobody was signed in: no code"),
    ],
)
def test_a_browser_that_comes_back_without_a_code_signs_nobody_in(
    issuer: Issuer, back: dict[str, str], why: str
) -> None:
    issuer.comes_back = back
    result = tidegate("login", "--api-url", API)
    assert result.exit_code == 1
    assert why in result.stderr
    assert tokens.read_tokens(API) is None


def test_a_browser_with_another_state_ends_no_sign_in() -> None:
    with loopback.loopback([0], lambda _: None, seconds=0.5) as (address, wait):
        port = urlsplit(address).port
        url = f"http://127.0.0.1:{port}/?state=forged&code=c"
        come = threading.Thread(
            target=lambda: httpx.get(url, headers={"Host": f"localhost:{port}"}, trust_env=False), daemon=True
        )
        come.start()
        with pytest.raises(CliError, match="nobody signed in within"):
            wait("https://issuer.example.com", "expected")
        come.join()


def test_requests_at_the_same_time_renew_a_sign_in_once(issuer: Issuer) -> None:
    tokens.save_tokens(saved(expires_at=time.time() - 1))
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(lambda _: fresh_token(API), range(8)))
    assert found == ["renewed"] * 8
    assert len(issuer.requests) == 1  # a refresh token that comes twice may end the sign-in
    file = tokens.tokens_file()
    assert file.with_name(f"{file.name}.lock").stat().st_mode & 0o077 == 0


def test_a_command_that_keeps_the_tokens_for_long_is_named(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_LOCK_SECONDS", 0.05)
    tokens.save_tokens(saved(expires_at=time.time() - 1))
    file = tokens.tokens_file()
    with FileLock(file.with_name(f"{file.name}.lock")):
        result = tidegate("logout", "--api-url", API)
    assert result.exit_code == 1
    assert "another command holds" in result.stderr
    assert tokens.read_tokens(API) is not None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "takes no bearer tokens"),
        ({"issuer": ISSUER}, "takes no bearer tokens"),
        ([], "takes no bearer tokens"),
    ],
)
def test_an_api_without_sign_in_says_so(issuer: Issuer, said: Any, why: str) -> None:
    issuer.said = said
    assert why in tidegate("login", "--api-url", API).stderr


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"issuer": "https://issuer.example.com/other"}, "says that it is another issuer"),
        ({"token_endpoint": "http://issuer.example.com/token"}, "is no https URL"),
        ({"token_endpoint": "http://localhost:1/token"}, "is no https URL"),
        ({"revocation_endpoint": "http://127.0.0.1:1/revoke"}, "is no https URL"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "is no https URL"),
    ],
)
def test_an_issuer_that_can_t_be_trusted_is_refused(
    issuer: Issuer, changes: dict[str, str], why: str
) -> None:
    issuer.configuration.update(changes)
    assert why in tidegate("login", "--api-url", API).stderr


@pytest.mark.parametrize("lasts", [None, "long"])
def test_an_answer_without_an_end_is_no_token(issuer: Issuer, lasts: Any) -> None:
    issuer.lasts = lasts
    assert "did not say how long" in tidegate("login", "--api-url", API).stderr


@pytest.mark.parametrize("command", ["login", "logout"])
def test_an_address_without_tls_is_refused(issuer: Issuer, command: str) -> None:
    http = "http://api.example.com/live"
    assert "is no https URL" in tidegate(command, "--api-url", http).stderr
    assert tidegate("profiles", "set", "bare", "--api-url", API, "--oauth-api-url", http).exit_code == 0
    assert "is no https URL" in tidegate("--profile", "bare", command).stderr
    assert issuer.requests == []


def test_an_issuer_without_tls_is_not_asked(issuer: Issuer) -> None:
    issuer.said = {"issuer": "http://issuer.example.com", "client_id": "people", "scopes": SCOPES}
    assert "is no https URL" in tidegate("login", "--api-url", API).stderr
    assert [request.url.scheme for request in issuer.requests] == ["https"]


def test_no_secret_of_a_sign_in_is_printed_or_logged(
    issuer: Issuer, heard: list[httpx.Request], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    issuer.comes_back = {"code": "code-of-ann"}
    outputs = [tidegate("login", "--api-url", API).output]
    verifier = issuer.form(issuer.requests[-1])["code_verifier"]
    tokens.save_tokens(saved(access_token="token-of-ann", refresh_token="refresh-of-ann"))
    outputs += [
        tidegate("--api-url", API, "me").output,
        tidegate("--api-url", API, "-o", "json", "me").output,
    ]
    issuer.refuses = True
    tokens.save_tokens(saved(access_token="token-of-ann", refresh_token="refresh-of-ann", expires_at=0))
    outputs += [tidegate("--api-url", API, "me").output, tidegate("logout", "--api-url", API).output]
    assert heard[0].headers["Authorization"] == "Bearer token-of-ann"
    said = [record.getMessage() for record in caplog.records]
    by_the_browser = [each for each in said if "http://127.0.0.1" in each]  # the test's own requests
    text = "\n".join(outputs + [each for each in said if each not in by_the_browser])
    assert "you are signed in" in text
    assert not [each for each in ("code-of-ann", verifier, "token-of-ann", "refresh-of-ann") if each in text]


def test_without_a_deployment_it_says_what_to_name() -> None:
    result = tidegate("login")
    assert result.exit_code == 2
    assert "no API to sign in to" in result.stderr


def test_ports_that_are_all_taken_are_named() -> None:
    with (
        loopback.loopback([0], lambda _: None, seconds=1) as (address, _),
        pytest.raises(UsageError, match=str(urlsplit(address).port)),
        loopback.loopback([urlsplit(address).port or 0], lambda _: None, seconds=1),
    ):
        pass


def test_nobody_is_waited_for_for_ever() -> None:
    with (
        loopback.loopback([0], lambda _: None, seconds=0.05) as (_, wait),
        pytest.raises(CliError, match="nobody signed in within"),
    ):
        wait("https://issuer.example.com", "expected")
