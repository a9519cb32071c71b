"""Attacks on a local stack by a page in a browser of the same machine, with the exact requests that browsers send."""

from __future__ import annotations

import pytest

from tests.harness.attack.local_stack.callers import LIST_TABLES, Attempt, LocalAws, signed

RESET = "/_ministack/reset"
BROWSERS = {
    # a form that a page submits by itself: no preflight, any Content-Type of forms
    "form": Attempt(
        "POST",
        RESET,
        {
            "content-type": "text/plain",
            "origin": "https://evil.example",
            "sec-fetch-site": "cross-site",
            "sec-fetch-mode": "navigate",
            "sec-fetch-dest": "document",
        },
    ),
    "form of a sandboxed frame": Attempt(
        "POST", "/", {**LIST_TABLES, "content-type": "text/plain", "origin": "null"}, b'{"a=":"b"}'
    ),
    # fetch(..., {mode: "no-cors"}): a POST has an Origin, a GET has none
    "no-cors POST": Attempt(
        "POST",
        "/",
        {"content-type": "text/plain", "origin": "https://evil.example", "sec-fetch-mode": "no-cors"},
    ),
    "no-cors GET": Attempt(
        "GET",
        "/kept/x",
        {"referer": "https://evil.example/", "sec-fetch-site": "cross-site", "sec-fetch-dest": "empty"},
    ),
    "image of an old browser": Attempt("GET", "/kept/x", {"referer": "http://evil.example/"}),
    "preflight": Attempt(
        "OPTIONS",
        "/",
        {
            "origin": "https://evil.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "x-amz-target",
        },
    ),
    "page of this very address": Attempt("POST", RESET, {"sec-fetch-site": "same-origin"}),
    "address typed in": Attempt(
        "GET", "/_ministack/health", {"sec-fetch-site": "none", "sec-fetch-user": "?1"}
    ),
    # a name of the attacker's that now leads to 127.0.0.1: the browser sees one origin in all of this
    "rebound name": Attempt("POST", RESET, {"host": "evil.example"}),
    "rebound name, another service": Attempt("POST", "/", {**LIST_TABLES, "host": "evil.example"}, b"{}"),
    "rebound name, virtual host of S3": Attempt("GET", "/x", {"host": "kept.s3.amazonaws.com"}),
    "rebound name, virtual host of the API": Attempt(
        "GET", "/live/v1/jobs", {"host": "id.execute-api.localhost"}
    ),
}


@pytest.mark.parametrize("name", BROWSERS)
def test_a_browser_gets_nothing_and_changes_nothing(aws: LocalAws, name: str) -> None:
    answer = BROWSERS[name].send(aws.url)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert aws.is_whole()


@pytest.mark.parametrize("name", BROWSERS)
def test_a_browser_gets_nothing_with_a_right_signature_either(aws: LocalAws, name: str) -> None:
    assert signed(aws.url, aws.root, BROWSERS[name]).send(aws.url).status_code == 403
    assert aws.is_whole()


def test_a_websocket_is_refused(aws: LocalAws) -> None:
    upgrade = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    for more in ({}, {"origin": "https://evil.example"}):
        answer = Attempt("GET", "/_aws/execute-api/id/live", {**upgrade, **more}).send(aws.url)
        assert answer.status_code == 403
