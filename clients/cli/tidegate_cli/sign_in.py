"""Signs a person in with a browser: code + PKCE over a loopback address. Sources: RFC 7636, RFC 8252, RFC 6749."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from tidegate_cli.errors import ApiUnreachable, CliError, UsageError
from tidegate_cli.tokens import Tokens, has_loopback_host

# The ports on which `tidegate login` may wait for the browser. The client of the user pool knows exactly these.
PORTS = (48211, 48212, 48213)
_TIMEOUT_SECONDS = 10.0
_CONFIGURATION = "/.well-known/openid-configuration"

Wait = Callable[[str, str], Mapping[str, str]]
"""Shows the person a page, and returns the parameters with which the browser comes back. The second argument is the
state that they must hold, so that no page of another site ends the sign-in, or passes off a code as this one's."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """The place where people sign in for one API, as the API and the issuer say it."""

    api_url: str
    issuer: str
    client_id: str
    scopes: tuple[str, ...]
    authorize_url: str
    token_url: str
    revoke_url: str | None


class Ended(UsageError):
    """The sign-in has ended, or the issuer took it back."""


def find_issuer(api_url: str, http: httpx.Client) -> Issuer:
    """Returns how to sign in for an API. Raises UsageError if it takes no tokens, ApiUnreachable without an answer."""
    said = _get(http, f"{api_url}/sign-in")
    try:
        issuer, client_id, scopes = said["issuer"], said["client_id"], tuple(map(str, said["scopes"]))
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"{api_url} takes no bearer tokens: name the stack's output OAuthApiUrl, which a stack has with "
            "OAuthApi=true"
        ) from error
    place = issuer.rstrip("/")
    if has_loopback_host(api_url):  # the local stack's pool is served beside the API
        root = urlsplit(api_url)
        place = f"{root.scheme}://{root.netloc}/{issuer.rpartition('/')[2]}"
    found = _get(http, f"{_safe(place, api_url)}{_CONFIGURATION}")
    if found.get("issuer") != issuer:
        raise CliError(f"{place} says that it is another issuer than {issuer}")
    revoke = found.get("revocation_endpoint")
    return Issuer(
        api_url,
        issuer,
        client_id,
        scopes,
        _safe(str(found.get("authorization_endpoint")), api_url),
        _safe(str(found.get("token_endpoint")), api_url),
        _safe(revoke, api_url) if isinstance(revoke, str) else None,
    )


def sign_in(issuer: Issuer, http: httpx.Client, back: str, wait: Wait, *, now: float) -> Tokens:
    """Returns the tokens of the person who signs in at the page that `wait` shows.

    `back` is the loopback address that the browser comes back to. `now` is the time in seconds since the epoch. Raises
    CliError if the person or the issuer refuses.
    """
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": issuer.client_id,
        "redirect_uri": back,
        "scope": " ".join(issuer.scopes),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    came = wait(f"{issuer.authorize_url}?{urlencode(query)}", state)
    if "code" not in came:
        raise CliError(
            f"nobody was signed in: {came.get('error_description') or came.get('error') or 'no code'}"
        )
    form = {
        "grant_type": "authorization_code",
        "client_id": issuer.client_id,
        "code": came["code"],
        "redirect_uri": back,
        "code_verifier": verifier,
    }
    return _tokens(issuer, _post(http, issuer.token_url, form), None, now)


def renew(tokens: Tokens, http: httpx.Client, *, now: float) -> Tokens:
    """Returns fresh tokens for the same sign-in. Raises Ended if it has none, ApiUnreachable without an answer."""
    if tokens.refresh_token is None:
        raise Ended(_ended(tokens.api_url))
    form = {
        "grant_type": "refresh_token",
        "client_id": tokens.client_id,
        "refresh_token": tokens.refresh_token,
    }
    try:
        answer = _post(http, tokens.token_url, form)
    except CliError as error:
        if isinstance(error, ApiUnreachable):
            raise
        raise Ended(_ended(tokens.api_url)) from error
    issuer = Issuer(tokens.api_url, "", tokens.client_id, (), "", tokens.token_url, tokens.revoke_url)
    return _tokens(issuer, answer, tokens.refresh_token, now)


def revoke(tokens: Tokens, http: httpx.Client) -> bool:
    """Asks the issuer to forget the sign-in. Returns False if it can't be asked, or does not answer."""
    if tokens.revoke_url is None or tokens.refresh_token is None:
        return False
    form = {"token": tokens.refresh_token, "client_id": tokens.client_id}
    try:
        return http.post(tokens.revoke_url, data=form).is_success
    except httpx.HTTPError:
        return False


def http_for(api_url: str, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Returns a client for the API and its issuer, with bounded waits. A proxy can't reach this machine's loopback."""
    return httpx.Client(
        timeout=_TIMEOUT_SECONDS, trust_env=not has_loopback_host(api_url), transport=transport
    )


def _ended(api_url: str) -> str:
    return f"your sign-in at {api_url} has ended; sign in again with `tidegate login --api-url {api_url}`"


def _safe(url: str, api_url: str) -> str:
    """Returns a URL of the issuer's. Raises CliError if secrets would travel there without TLS.

    Only an API on this machine has an issuer here.
    """
    if urlsplit(url).scheme != "https" and not (has_loopback_host(url) and has_loopback_host(api_url)):
        raise CliError(f"the issuer names {url[:200]!r}, which is no https URL")
    return url


def _tokens(issuer: Issuer, answer: Mapping[str, Any], kept: str | None, now: float) -> Tokens:
    access, lasts = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(access, str) or not isinstance(lasts, int | float):
        raise CliError("the issuer gave no access token, or did not say how long it is good")
    refresh = answer.get("refresh_token") or kept
    return Tokens(
        issuer.api_url,
        issuer.client_id,
        issuer.token_url,
        issuer.revoke_url,
        access,
        refresh if isinstance(refresh, str) else None,
        now + lasts,
    )


def _get(http: httpx.Client, url: str) -> Mapping[str, Any]:
    try:
        answer = http.get(url)
    except httpx.HTTPError as error:
        raise ApiUnreachable(f"{url} does not answer: {error}") from error
    return _object(answer) if answer.is_success else {}


def _post(http: httpx.Client, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        answer = http.post(url, data=form)
    except httpx.HTTPError as error:
        raise ApiUnreachable(f"{url} does not answer: {error}") from error
    found = _object(answer)
    if answer.status_code >= 500:
        raise ApiUnreachable(f"{url} failed with {answer.status_code}")
    if not answer.is_success:
        raise CliError(
            f"the issuer refused: {found.get('error_description') or found.get('error') or 'no reason'}"
        )
    return found


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
