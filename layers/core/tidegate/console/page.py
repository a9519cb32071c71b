"""The console's page: its base address, its configuration, and the policy that its browser holds it to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tidegate.domain.roles import Scope
from tidegate.domain.version import VERSION

FOLDER = "console"
API = "../"
"""The address before `/v1/...`, relative to the page's base: page and API have the same origin everywhere."""

CALLBACK = "/signed-in"
"""The path behind `/console` to which the issuer sends the window of a sign-in."""

_SCOPES = ("openid", *(f"tidegate/{scope}" for scope in Scope))
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_OWN_TAG = re.compile(r"<(script|style|link)(?=[\s>])")
# JSON inside HTML: no character of these may end the element or begin another one.
_ESCAPED = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class SignIn:
    """How people sign in: the issuer of the tokens, the client that the console is, and the scopes that it asks for.

    `pages` is the address of the issuer's sign-in pages and token endpoint, where it differs from the issuer.
    """

    issuer: str
    client_id: str
    scopes: tuple[str, ...]
    pages: str | None = None

    @property
    def origins(self) -> tuple[str, ...]:
        """Returns the origins that the page calls to sign in. An address that is none is left out, and so refused."""
        found = [_origin(address) for address in (self.issuer, self.pages or "")]
        return tuple(dict.fromkeys(origin for origin in found if origin))


@dataclass(frozen=True, slots=True)
class PageConfig:
    """The facts that the page must know. Without `sign_in` nobody signs in; `page_token` goes with each call."""

    stack: str
    sign_in: SignIn | None = None
    page_token: str | None = field(default=None, repr=False)

    def to_json(self) -> str:
        """Returns the configuration as JSON that may stand inside an element of HTML."""
        sign_in = self.sign_in
        found = {
            "apiUrl": API,
            "stack": self.stack,
            "version": VERSION,
            "pageToken": self.page_token,
            "signIn": sign_in
            and {
                "issuer": sign_in.issuer,
                "clientId": sign_in.client_id,
                "scopes": sign_in.scopes,
                "pages": sign_in.pages,
            },
        }
        return json.dumps(found, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPED)


def config_from(variables: Mapping[str, str]) -> PageConfig:
    """Returns the configuration that the variables of a stage of the API hold.

    They are `stack`, and for sign-in `issuer`, `client_id` and `sign_in_pages`.
    """
    sign_in = None
    if variables.get("issuer") and variables.get("client_id"):
        pages = variables.get("sign_in_pages") or None
        sign_in = SignIn(variables["issuer"], variables["client_id"], _SCOPES, pages)
    return PageConfig(variables.get("stack") or "tidegate", sign_in)


def base_of(path: str) -> str:
    """Returns the address of the console's folder, relative to a page at `path`.

    `path` is what stands behind `/console`: empty, or with a slash at its beginning. It is only counted, so no text of
    a request gets into the page, and any prefix before `/console` may change on the way.
    """
    return f"{FOLDER}/" if not path else "../" * (path.count("/") - 1) or "./"


def render(page: str, path: str, config: PageConfig, nonce: str) -> str:
    """Returns the page with its base, its configuration, and the nonce on each element that runs or styles."""
    marked = _OWN_TAG.sub(rf'<\1 nonce="{nonce}"', page)
    base = f'<head><base href="{base_of(path)}"><meta property="csp-nonce" nonce="{nonce}">'
    element = (
        f'<script type="application/json" id="config" nonce="{nonce}">{config.to_json()}</script></head>'
    )
    return marked.replace("<head>", base, 1).replace("</head>", element, 1)


def opener_policy(path: str, config: PageConfig) -> str:
    """Returns the page's Cross-Origin-Opener-Policy.

    People sign in in a window of its own, which must find its way back to the page that opened it. A browser parts the
    two if the page's policy is `same-origin`, or if that window comes back from the issuer to a page with any policy.
    Source: HTML Standard, cross-origin opener policies.
    """
    if config.sign_in is None:
        return "same-origin"
    return "unsafe-none" if path == CALLBACK else "same-origin-allow-popups"


def policy(config: PageConfig, nonce: str) -> str:
    """Returns the page's Content-Security-Policy.

    A script runs only with the nonce, or loaded by one that has it. So a file of another sender on the same origin, as
    on the local AWS, is no script of this page.
    """
    origins = config.sign_in.origins if config.sign_in else ()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}' 'strict-dynamic'",
            "worker-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data:",
            " ".join(("connect-src 'self'", *origins)),
            "base-uri 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _origin(address: str) -> str | None:
    """Returns the origin of an address, None unless it is one that may stand in a policy."""
    parts = urlsplit(address)
    found = f"{parts.scheme}://{parts.netloc}"
    return found if _ORIGIN.fullmatch(found) else None
