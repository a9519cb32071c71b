"""The commands `tidegate login` and `tidegate logout`, for people without AWS credentials."""

from __future__ import annotations

import os
import time
import webbrowser
from typing import Annotated

import typer

from tidegate_cli import sign_in, tokens
from tidegate_cli.errors import OptionError, UsageError
from tidegate_cli.loopback import loopback
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, session_of
from tidegate_cli.profiles import find_profile
from tidegate_cli.target import API_URL_VARIABLE, recorded_stack, refuse_aws_options
from tidegate_cli.views import printable

_WAIT_SECONDS = 300.0


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command("login")(login)
    app.command("logout")(logout)


def login(
    context: typer.Context,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page, or print its address alone.")
    ] = True,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Sign in with a browser, without AWS credentials.

    The deployment must take bearer tokens. Commands that name it then need no AWS credentials. The tokens are kept in
    your configuration folder, and renewed until the sign-in ends.

    Example: tidegate login --api-url https://abc123.execute-api.eu-central-1.amazonaws.com/live
    """
    session = session_of(context, output, api_url)
    url = _url(session, "login")

    def show(page: str) -> None:
        opened = browser and webbrowser.open(page)
        session.tell(f"{'your browser shows' if opened else 'open'} {page}")

    with sign_in.http_for(url) as http, loopback(sign_in.PORTS, show, seconds=_WAIT_SECONDS) as (back, wait):
        found = sign_in.sign_in(sign_in.find_issuer(url, http), http, back, wait, now=time.time())
    tokens.save_tokens(found)
    if session.is_structured:
        session.show({"api_url": url, "file": str(tokens.tokens_file())})
    else:
        named = f"--profile {session.profile}" if session.profile else f"--api-url {url}"
        _say(session, f"you are signed in; try `tidegate {named} me`")


def logout(context: typer.Context, output: OutputOption = None, api_url: ApiUrlOption = None) -> None:
    """Forget a sign-in, here and at its issuer.

    Example: tidegate logout --api-url https://abc123.execute-api.eu-central-1.amazonaws.com/live
    """
    session = session_of(context, output, api_url)
    url = _url(session, "logout")
    removed = tokens.remove_tokens(url)
    revoked = False
    if removed is not None:
        with sign_in.http_for(url) as http:
            revoked = sign_in.revoke(removed, http)
    if session.is_structured:
        session.show({"api_url": url, "was_signed_in": removed is not None, "revoked": revoked})
    elif removed is None:
        _say(session, f"you were not signed in at {url}")
    else:
        _say(
            session,
            "you are signed out" if revoked else "your tokens are removed; the issuer keeps the sign-in",
        )


def _url(session: Session, command: str) -> str:
    """Returns the address of the API for bearer tokens that the options choose."""
    refuse_aws_options(
        session.aws_profile, session.region, f"means nothing for `tidegate {command}`: leave it out"
    )
    if session.profile is not None:
        if session.api_url is not None:
            raise OptionError("--profile", "means nothing beside --api-url: leave one of them out")
        saved = find_profile(session.profile)
        return _without_eavesdroppers(saved.oauth_api_url or saved.api_url, "--profile")
    url = session.api_url or os.environ.get(API_URL_VARIABLE)
    if url:
        return _without_eavesdroppers(url.rstrip("/").removesuffix("/v1"), "--api-url")
    local = recorded_stack()
    if local is None or local.oauth_api_url is None:
        raise UsageError(
            "no API to sign in to: name one with --api-url (the stack's output OAuthApiUrl), with --profile or "
            f"with {API_URL_VARIABLE}, or start the local stack with `tidegate local up`"
        )
    return local.oauth_api_url


def _without_eavesdroppers(url: str, option: str) -> str:
    """Returns a URL to which tokens may go. Raises OptionError if they would travel there without TLS."""
    if not url.startswith("https://") and not tokens.has_loopback_host(url):
        raise OptionError(
            option, f"names {url!r}, which is no https URL; name the stack's output OAuthApiUrl"
        )
    return url


def _say(session: Session, line: str) -> None:
    session.out.print(printable(line), markup=False, highlight=False, soft_wrap=True)
