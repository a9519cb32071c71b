"""The authorizer of bearer tokens that an issuer of the deployment's own gives. With a user pool it does not exist.

It checks a token's signature, issuer, audience, times and use, and passes on the claims that the API's function reads.
That function decides what the caller may do. The issuer and the audience are variables of the API's stage. Sources:
RFC 7519 (JWT), RFC 7517 (JWK), RFC 8725 (best practices) and OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import jwt

ALGORITHMS = ("RS256", "ES256")
SCOPES = ("read", "submit", "operate")
GROUPS = ("viewer", "client", "operator")
FETCH_SECONDS = 3.0
MOST_BYTES = 256 * 1024
KEYS_SECONDS = 3_600.0
# Tokens with unknown keys can't make the function fetch the issuer's keys more often than this.
LEAST_SECONDS_BETWEEN_FETCHES = 30.0
LEEWAY_SECONDS = 10
_BEARER = re.compile(r"Bearer ([\w.-]{1,10000})", re.ASCII)
_ACCESS = "access"
# Claims that only ID tokens have: they tie one to a sign-in. Source: OpenID Connect Core 1.0, sections 2 and 3.3.2.11.
_OF_ID_TOKENS = ("at_hash", "c_hash", "nonce")

Fetch = Callable[[str], Any]
logger = logging.getLogger(__name__)


class Refused(Exception):
    """A token that is not accepted. The message is for the log alone."""


class IssuerUnreachable(Exception):
    """The issuer's keys could not be fetched. The gateway answers 500, and the caller may try again."""


def fetch_json(url: str) -> Any:
    """Returns the JSON at an https URL. It follows no redirect, and bounds the time and the size."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise IssuerUnreachable(f"{url} is no https URL")
    connection = HTTPSConnection(parts.hostname, parts.port, timeout=FETCH_SECONDS)
    try:
        connection.request("GET", parts.path or "/", headers={"Accept": "application/json"})
        answer = connection.getresponse()
        body = answer.read(MOST_BYTES + 1)
        if answer.status != 200 or len(body) > MOST_BYTES:
            raise IssuerUnreachable(f"{url} answered {answer.status} with {len(body)} bytes")
        return json.loads(body)
    except (OSError, HTTPException, ValueError) as error:
        raise IssuerUnreachable(f"{url} gave no keys: {type(error).__name__}") from error
    finally:
        connection.close()


@dataclass(slots=True)
class IssuerKeys:
    """The public keys of an issuer by their ids, fetched when they are needed and kept for an hour.

    A key that is not among them makes it fetch again, because issuers change their keys. `fetch` gets the JSON at a
    URL, `now` is a clock that only rises, in seconds.
    """

    issuer: str
    fetch: Fetch = fetch_json
    now: Callable[[], float] = time.monotonic
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _tried_at: float | None = None
    _fetched_at: float | None = None

    def find(self, key_id: str) -> jwt.PyJWK:
        """Returns a key. Raises Refused if the issuer has none of this id, IssuerUnreachable if it does not answer."""
        now = self.now()
        is_old = self._fetched_at is None or now - self._fetched_at >= KEYS_SECONDS
        may_fetch = self._tried_at is None or now - self._tried_at >= LEAST_SECONDS_BETWEEN_FETCHES
        if (is_old or key_id not in self._keys) and may_fetch:
            self._tried_at = now
            self._keys = self._fetched()
            self._fetched_at = now
        elif is_old:
            raise IssuerUnreachable("the issuer's keys were asked for a moment ago, without an answer")
        if key_id not in self._keys:
            raise Refused("the issuer has no such key")
        return self._keys[key_id]

    def _fetched(self) -> dict[str, jwt.PyJWK]:
        configuration = self.fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(configuration, Mapping) or configuration.get("issuer") != self.issuer:
            raise IssuerUnreachable("the issuer's configuration names another issuer")
        found = self.fetch(str(configuration.get("jwks_uri")))
        keys = found.get("keys") if isinstance(found, Mapping) else None
        return dict(_read_keys(keys if isinstance(keys, list) else []))


def _read_keys(keys: list[Any]) -> list[tuple[str, jwt.PyJWK]]:
    """Returns the keys for signatures of a known kind. Others are left out."""
    read = []
    for each in keys:
        if isinstance(each, Mapping) and each.get("use", "sig") == "sig" and isinstance(each.get("kid"), str):
            try:
                key = jwt.PyJWK(dict(each))
            except jwt.PyJWTError:
                continue
            if key.algorithm_name in ALGORITHMS:
                read.append((each["kid"], key))
    return read


def claims_of(token: str, keys: IssuerKeys, audience: str) -> Mapping[str, Any]:
    """Returns the claims of an access token for this audience. Raises Refused or IssuerUnreachable."""
    try:
        header = jwt.get_unverified_header(token)
        key_id, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in ALGORITHMS or not isinstance(key_id, str):
            raise Refused("the token is signed in another way, or names no key")
        claims: Mapping[str, Any] = jwt.decode(
            token,
            keys.find(key_id),
            algorithms=list(ALGORITHMS),
            issuer=keys.issuer,
            audience=audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["aud", "exp", "iss", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise Refused(type(error).__name__) from error
    if claims.get("token_use", _ACCESS) != _ACCESS or any(name in claims for name in _OF_ID_TOKENS):
        raise Refused("the token is no access token")
    return claims


def context_of(claims: Mapping[str, Any], audience: str) -> dict[str, str]:
    """Returns what the API's function reads: the claims of a user pool's access token, by the same names.

    Scopes may be named `tidegate/read`, `tidegate:read`, `tidegate.read` or `<audience>/read`. Groups are named
    `tidegate-viewer` and so on, because an issuer's other groups may well be called `operator`.
    """
    scopes = set(_texts(claims.get("scope")) + _texts(claims.get("scp")))
    groups = set(_texts(claims.get("groups")) + _texts(claims.get("roles")))
    known = {each: (f"tidegate/{each}", f"tidegate:{each}", f"tidegate.{each}") for each in SCOPES}
    names = (claims.get("preferred_username"), claims.get("email"), claims.get("name"))
    return {
        "token_use": _ACCESS,
        "iss": str(claims["iss"]),
        "sub": str(claims["sub"]),
        "scope": " ".join(
            f"tidegate/{each}"
            for each, spelled in known.items()
            if scopes.intersection((*spelled, f"{audience}/{each}"))
        ),
        "groups": ",".join(each for each in GROUPS if f"tidegate-{each}" in groups),
        "username": next((name for name in names if isinstance(name, str)), ""),
    }


def _texts(claim: Any) -> list[str]:
    """Returns a claim's values, which issuers write as a list or in one text with blanks between."""
    if isinstance(claim, str):
        return claim.split()
    return [each for each in claim if isinstance(each, str)] if isinstance(claim, list) else []


@cache
def _keys_of(issuer: str) -> IssuerKeys:
    return IssuerKeys(issuer)


def lambda_handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers an event of a REQUEST authorizer. A token that is not accepted becomes the gateway's 401."""
    return authorize(event, _keys_of(event["stageVariables"]["issuer"]))


def authorize(event: Mapping[str, Any], keys: IssuerKeys) -> dict[str, Any]:
    """Returns the policy and the claims for the caller of a request.

    The gateway keeps the answer for other requests with the same token, so the policy names the whole stage.
    """
    sent = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    audience = event["stageVariables"]["audience"]
    bearer = _BEARER.fullmatch(sent.get("authorization") or "")
    try:
        if bearer is None:
            raise Refused("the request carries no bearer token")
        context = context_of(claims_of(bearer[1], keys, audience), audience)
    except Refused as refused:
        logger.info("token refused: %s", refused)
        raise Exception("Unauthorized") from None  # the gateway answers 401 to exactly this text
    stage = "/".join(event["methodArn"].split("/")[:2])
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{stage}/*"}
    return {
        "principalId": context["sub"],
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }
