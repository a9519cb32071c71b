"""The authorizer of an issuer of one's own accepts its access tokens, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.harness.functions.api_calls import Api
from tests.harness.functions.signed_tokens import (
    AUDIENCE,
    EC_KEY,
    FORGER,
    ISSUER,
    JWKS_URL,
    RSA_KEY,
    Issuer,
    bad_tokens_of_the_issuer,
    before,
    jwk,
    token,
)
from tidegate.domain.roles import Role, Scope
from tidegate_authorizer import keys as issuer_keys
from tidegate_authorizer import tokens
from tidegate_authorizer.authorize import authorize
from tidegate_authorizer.keys import IssuerUnreachable

METHOD = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live/GET/v1/jobs"
BAD = bad_tokens_of_the_issuer()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def event(authorization: str | None) -> dict[str, Any]:
    headers = {} if authorization is None else {"authorization": authorization}
    return {
        "type": "REQUEST",
        "methodArn": METHOD,
        "headers": headers,
        "stageVariables": {"issuer": ISSUER, "audience": AUDIENCE, "callers": "oauth"},
    }


def allowed(issuer: Issuer, bearer: str) -> Mapping[str, Any]:
    return authorize(event(f"Bearer {bearer}"), issuer.known())


def test_an_access_token_is_accepted_for_the_whole_stage(issuer: Issuer) -> None:
    answer = allowed(issuer, token())
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live/*",
    }
    assert answer["context"] == {
        "token_use": "access",
        "iss": ISSUER,
        "sub": "ann-1",
        "scope": "tidegate/read tidegate/submit",
        "groups": "client",
        "username": "ann",
    }


def test_the_api_s_function_reads_what_the_authorizer_passes_on(issuer: Issuer) -> None:
    answer = allowed(issuer, token())
    me = Api().call("GET", "/v1/me", authorizer={**answer["context"], "principalId": answer["principalId"]})
    assert (me.status, me.body["subject"]) == (200, f"{ISSUER}#ann-1")
    assert (me.body["display"], me.body["role"], me.body["scopes"]) == ("ann", "client", ["read", "submit"])


@pytest.mark.parametrize(("claim", "seconds"), [("exp", 1), ("nbf", -1), ("iat", -1)])
def test_clocks_may_differ_by_ten_seconds(issuer: Issuer, claim: str, seconds: int) -> None:
    within: dict[str, Any] = {claim: before(seconds * 7)}
    beyond: dict[str, Any] = {claim: before(seconds * 13)}
    assert allowed(issuer, token(**within))
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        allowed(issuer, token(**beyond))


def test_keys_of_both_kinds_are_known(issuer: Issuer) -> None:
    assert allowed(issuer, token(EC_KEY, "ec", "ES256"))["principalId"] == "ann-1"


@pytest.mark.parametrize("bad", BAD)
def test_any_other_token_is_refused(issuer: Issuer, bad: str) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        allowed(issuer, BAD[bad]())


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "bearer", "Bearer", f"Token {token()}"])
def test_a_request_without_a_bearer_token_is_refused(issuer: Issuer, header: str | None) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(event(header), issuer.known())
    assert issuer.fetched == []


def test_a_refusal_says_nothing_of_the_token(issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    sent = token(FORGER, groups=["secret-group"])
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        allowed(issuer, sent)
    assert [record.getMessage() for record in caplog.records] == ["token refused: InvalidSignatureError"]


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("spelled", ["tidegate/{}", "tidegate:{}", "tidegate.{}", AUDIENCE + "/{}"])
@pytest.mark.parametrize("claim", ["scope", "scp"])
def test_scopes_are_read_however_the_issuer_writes_them(
    issuer: Issuer, claim: str, spelled: str, scope: Scope
) -> None:
    text = spelled.format(scope)
    for value in (f"openid {text}", ["openid", text]):
        changes: dict[str, Any] = {"scope": None, claim: value}
        assert allowed(issuer, token(**changes))["context"]["scope"] == f"tidegate/{scope}"


@pytest.mark.parametrize("scope", ["read submit operate", "other/read", "xtidegate/read", "TIDEGATE/READ"])
def test_scopes_of_others_are_none_of_tidegate_s(issuer: Issuer, scope: str) -> None:
    assert allowed(issuer, token(scope=scope))["context"]["scope"] == ""


def test_the_names_of_scopes_and_groups_are_those_of_the_domain() -> None:
    assert (tuple(Scope), tuple(Role)) == (tokens.SCOPES, tokens.GROUPS)


def test_keys_are_fetched_once_an_hour(issuer: Issuer) -> None:
    keys = issuer.known()
    for _ in range(3):
        authorize(event(f"Bearer {token()}"), keys)
    assert len(issuer.fetched) == 2
    issuer.now += issuer_keys.KEYS_SECONDS
    authorize(event(f"Bearer {token()}"), keys)
    assert len(issuer.fetched) == 4


def test_a_new_key_of_the_issuer_is_found_and_an_old_one_forgotten(issuer: Issuer) -> None:
    keys = issuer.known()
    authorize(event(f"Bearer {token()}"), keys)
    issuer.keys = [jwk(RSA_KEY, "next")]
    issuer.now += issuer_keys.LEAST_SECONDS_BETWEEN_FETCHES
    authorize(event(f"Bearer {token(key_id='next')}"), keys)
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(event(f"Bearer {token()}"), keys)


def test_unknown_keys_don_t_make_it_ask_the_issuer_each_time(issuer: Issuer) -> None:
    keys = issuer.known()
    for number in range(50):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorize(event(f"Bearer {token(key_id=f'k{number}')}"), keys)
    assert len(issuer.fetched) == 2


def test_an_issuer_that_does_not_answer_is_no_fault_of_the_token(issuer: Issuer) -> None:
    issuer.is_down = True
    keys = issuer.known()
    for _ in range(2):
        with pytest.raises(IssuerUnreachable):
            authorize(event(f"Bearer {token()}"), keys)
    assert len(issuer.fetched) == 1
    issuer.is_down = False
    issuer.now += issuer_keys.LEAST_SECONDS_BETWEEN_FETCHES
    assert authorize(event(f"Bearer {token()}"), keys)["principalId"] == "ann-1"


@pytest.mark.parametrize("configuration", [{}, [], {"issuer": f"{ISSUER}/", "jwks_uri": JWKS_URL}])
def test_a_configuration_of_another_issuer_is_not_believed(issuer: Issuer, configuration: Any) -> None:
    issuer.configuration = configuration
    with pytest.raises(IssuerUnreachable):
        allowed(issuer, token())


@pytest.mark.parametrize(
    "key",
    [
        jwk(RSA_KEY, "rsa", use="enc"),
        jwk(RSA_KEY, "rsa", alg="RS512"),
        {**jwk(RSA_KEY, "rsa"), "kid": 7},
        {"kid": "rsa", "kty": "oct", "k": "c2VjcmV0"},
        {"kid": "rsa", "kty": "new"},
        "rsa",
        None,
    ],
)
def test_keys_for_other_uses_are_left_out(issuer: Issuer, key: Any) -> None:
    issuer.keys = [key, jwk(EC_KEY, "ec")]
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        allowed(issuer, token())
    assert allowed(issuer, token(EC_KEY, "ec", "ES256"))


class Connection:
    """A connection to an issuer that answers the same to everything. It notes what is asked of which host."""

    def __init__(self, status: int, content: bytes, asked: list[str]) -> None:
        self.status = status
        self._content, self._asked = content, asked

    def to(self, host: str, port: int | None, timeout: float) -> Connection:
        assert timeout <= 5
        self._asked.append(f"{host}:{port or 443}")
        return self

    def request(self, method: str, target: str, headers: Mapping[str, str]) -> None:
        assert (method, headers) == ("GET", {"Accept": "application/json"})
        self._asked.append(target)

    def getresponse(self) -> Connection:
        return self

    def read(self, most: int) -> bytes:
        return self._content[:most]

    def close(self) -> None:
        self._asked.append("closed")


@pytest.mark.parametrize(
    ("url", "place", "target"),
    [
        ("https://issuer.example.com", "issuer.example.com:443", "/"),
        ("https://issuer.example.com:8443/keys", "issuer.example.com:8443", "/keys"),
        (
            "https://issuer.example.com/keys?p=b2c_1_sign_in",
            "issuer.example.com:443",
            "/keys?p=b2c_1_sign_in",
        ),
        ("https://issuer.example.com?p=1#x", "issuer.example.com:443", "/?p=1"),
    ],
)
def test_an_address_is_fetched_as_the_issuer_spells_it(
    monkeypatch: pytest.MonkeyPatch, url: str, place: str, target: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(issuer_keys, "HTTPSConnection", Connection(200, b'{"keys": []}', asked).to)
    assert issuer_keys.fetch_json(url) == {"keys": []}
    assert asked == [place, target, "closed"]


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (302, b"{}"),
        (404, b"{}"),
        (500, b""),
        (200, b"no json"),
        (200, b"\xff"),
        (200, b" " * (issuer_keys.MOST_BYTES + 1)),
    ],
)
def test_another_answer_of_the_issuer_gives_no_keys(
    monkeypatch: pytest.MonkeyPatch, status: int, content: bytes
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(issuer_keys, "HTTPSConnection", Connection(status, content, asked).to)
    with pytest.raises(IssuerUnreachable):
        issuer_keys.fetch_json("https://issuer.example.com/keys")
    assert asked[-1] == "closed"


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example.com",
        "file:///etc/passwd",
        "https://",
        "issuer",
        "https://issuer.example.com:port",
        "https://[",
        "None",
    ],
)
def test_only_https_is_fetched(url: str) -> None:
    with pytest.raises(IssuerUnreachable):
        issuer_keys.fetch_json(url)
