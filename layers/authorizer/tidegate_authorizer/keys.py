"""The public keys of an issuer. Sources: RFC 7517 (JWK), OpenID Connect Discovery 1.0."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import jwt

ALGORITHMS = ("RS256", "ES256")
FETCH_SECONDS = 3.0
MOST_BYTES = 256 * 1024
KEYS_SECONDS = 3_600.0
# Tokens with unknown keys can't make the function fetch the issuer's keys more often than this.
LEAST_SECONDS_BETWEEN_FETCHES = 30.0

Fetch = Callable[[str], Any]


class Refused(Exception):
    """A token that is not accepted. The message is for the log alone."""


class IssuerUnreachable(Exception):
    """The issuer's keys could not be fetched. The gateway answers 500, and the caller may try again."""


def fetch_json(url: str) -> Any:
    """Returns the JSON at an https URL. It follows no redirect, and bounds the time and the size."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:  # such as a port that is no number
        raise IssuerUnreachable(f"{url} is no URL") from error
    if parts.scheme != "https" or not host:
        raise IssuerUnreachable(f"{url} is no https URL")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = HTTPSConnection(host, port, timeout=FETCH_SECONDS)
    try:
        connection.request("GET", target, headers={"Accept": "application/json"})
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
