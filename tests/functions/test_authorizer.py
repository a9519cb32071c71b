"""The authorizer of an issuer of one's own accepts its access tokens, and nothing else."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.harness.functions.api_calls import Api
from tidegate.domain.roles import Role, Scope
from tidegate_authorizer import keys as issuer_keys
from tidegate_authorizer import tokens
from tidegate_authorizer.authorize import authorize
from tidegate_authorizer.keys import IssuerKeys, IssuerUnreachable

ISSUER = "https://issuer.example.com/tenant"
AUDIENCE = "https://tidegate.example.com"
RSA_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
FORGER = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
JWKS_URL = f"{ISSUER}/keys"
METHOD = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live/GET/v1/jobs"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def jwk(key: Key, key_id: str, **changes: object) -> dict[str, Any]:
    algorithm = (
        jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    )
    public: Any = key.public_key()
    return {**json.loads(algorithm.to_jwk(public)), "kid": key_id, "use": "sig", **changes}


class Issuer:
    """An issuer in memory, which counts what is fetched of it."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.fetched: list[str] = []
        self.is_down = False
        self.configuration: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": JWKS_URL}
        self.keys: list[Any] = [jwk(RSA_KEY, "rsa"), jwk(EC_KEY, "ec")]

    def fetch(self, url: str) -> Any:
        self.fetched.append(url)
        if self.is_down:
            raise IssuerUnreachable("down")
        return {
            f"{ISSUER}/.well-known/openid-configuration": self.configuration,
            JWKS_URL: {"keys": self.keys},
        }[url]

    def known(self) -> IssuerKeys:
        return IssuerKeys(ISSUER, self.fetch, lambda: self.now)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def token(key: Any = RSA_KEY, key_id: str | None = "rsa", algorithm: str = "RS256", **changes: object) -> str:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ann-1",
        "iat": int(time.time()),
        "exp": int(time.time()) + 600,
        "scope": "openid tidegate:read tidegate:submit",
        "groups": ["tidegate-client", "staff", "operator"],
        "preferred_username": "ann",
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    headers = {"kid": key_id} if key_id else {}
    return jwt.encode(kept, key, algorithm=algorithm, headers=headers)


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


def test_keys_of_both_kinds_are_known(issuer: Issuer) -> None:
    assert allowed(issuer, token(EC_KEY, "ec", "ES256"))["principalId"] == "ann-1"


def _with_none() -> str:
    _head, body, _ = token().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"rsa"}').rstrip(b"=").decode()
    return f"{none}.{body}."


def _by_the_public_key() -> str:
    """Returns a token whose HMAC has the issuer's public key as its secret: a confusion of algorithms."""
    public = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _head, body, _ = token().split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa"}').rstrip(b"=").decode()
    signature = hmac.digest(public, f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _with_other_claims() -> str:
    head, _, signature = token().split(".")
    _, body, _ = token(groups=["tidegate-operator"]).split(".")
    return f"{head}.{body}.{signature}"


def _before(seconds: int) -> int:
    return int(time.time()) - seconds


BAD: dict[str, Callable[[], str]] = {
    "forged": lambda: token(FORGER),
    "claims changed after it was signed": _with_other_claims,
    "no signature": _with_none,
    "signed with the public key": _by_the_public_key,
    "a key of another kind": lambda: token(EC_KEY, "rsa", "ES256"),
    "an algorithm that is not taken": lambda: token(algorithm="RS512"),
    "an unknown key": lambda: token(key_id="other"),
    "no key's id": lambda: token(key_id=None),
    "expired": lambda: token(exp=_before(60)),
    "without an end": lambda: token(exp=None),
    "not yet good": lambda: token(nbf=_before(-60)),
    "issued in the future": lambda: token(iat=_before(-60)),
    "another issuer": lambda: token(iss="https://issuer.example.com/other"),
    "no issuer": lambda: token(iss=None),
    "another audience": lambda: token(aud="https://other.example.com"),
    "other audiences": lambda: token(aud=["a", "b"]),
    "no audience": lambda: token(aud=None),
    "no subject": lambda: token(sub=None),
    "an ID token by its use": lambda: token(token_use="id"),
    "an ID token by its nonce": lambda: token(nonce="n-1"),
    "an ID token by a hash": lambda: token(at_hash="h"),
    "no token": lambda: "x.y.z",
    "half a token": lambda: token()[:100],
    "far too long": lambda: "x" * 10_001,
    "empty": lambda: "",
}


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


@pytest.mark.parametrize("url", ["http://issuer.example.com", "file:///etc/passwd", "https://", "issuer"])
def test_only_https_is_fetched(url: str) -> None:
    with pytest.raises(IssuerUnreachable):
        issuer_keys.fetch_json(url)
