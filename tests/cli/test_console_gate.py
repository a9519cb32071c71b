"""Only the user's browser gets anything of the console on loopback: foreign hosts, sites and processes get nothing."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_cli.console.gate import (
    MAX_PARAMETERS,
    MAX_TARGET_CHARACTERS,
    Call,
    File,
    Incoming,
    Opening,
    Refusal,
    Secrets,
    address_of,
    judge,
    opening_of,
)

KNOWN = Secrets("the-address", "the-token", "the-ticket")
PORT = 8123
HOST = f"127.0.0.1:{PORT}"
PAGE = Incoming("GET", "/the-address/console/", (HOST,))
CALL = Incoming("GET", "/the-address/v1/jobs", (HOST,), f"http://{HOST}", "the-token")


def refused(incoming: Incoming) -> HTTPStatus:
    found = judge(incoming, PORT, KNOWN)
    assert isinstance(found, Refusal), found
    return found.status


def request_of(target: str, method: str = "GET") -> str:
    found = judge(replace(CALL, target=f"/the-address{target}", method=method), PORT, KNOWN)
    assert isinstance(found, Call), found
    return f"{found.request.method} {found.request.target}"


def test_secrets_are_new_each_time_and_stand_in_no_trace() -> None:
    drawn = [Secrets.draw() for _ in range(2)]
    values = {value for each in drawn for value in (each.address, each.token, each.ticket)}
    assert len(values) == 6
    assert min(map(len, values)) >= 32
    assert repr(drawn[0]) == "Secrets()"


@pytest.mark.parametrize(
    ("path", "behind"),
    [
        ("/console", ""),
        ("/console/", "/"),
        ("/console/jobs/x?tab=log", "/jobs/x"),
        ("/console/../v1", "/../v1"),
    ],
)
def test_a_file_is_asked_for_by_what_stands_behind_its_folder(path: str, behind: str) -> None:
    assert judge(replace(PAGE, target=f"/the-address{path}"), PORT, KNOWN) == File(behind)


@pytest.mark.parametrize(
    "hosts",
    [(), ("evil.example",), (f"evil.example:{PORT}",), ("127.0.0.1",), ("127.0.0.1:9",), (HOST, HOST), ("",)],
)
@pytest.mark.parametrize("incoming", [PAGE, CALL])
def test_a_foreign_host_is_refused(incoming: Incoming, hosts: tuple[str, ...]) -> None:
    assert refused(replace(incoming, hosts=hosts)) == HTTPStatus.MISDIRECTED_REQUEST


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", f"https://{HOST}", "http://127.0.0.1:9", f"http://localhost:{PORT}"],
)
@pytest.mark.parametrize("incoming", [PAGE, CALL])
def test_a_foreign_origin_is_refused(incoming: Incoming, origin: str) -> None:
    assert refused(replace(incoming, origin=origin)) == HTTPStatus.FORBIDDEN


def test_localhost_is_this_host_too() -> None:
    hosts = (f"LocalHost:{PORT}",)
    assert isinstance(judge(replace(PAGE, hosts=hosts), PORT, KNOWN), File)
    assert isinstance(judge(replace(CALL, hosts=hosts, origin=f"http://localhost:{PORT}"), PORT, KNOWN), Call)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "",
        "*",
        "/console/",
        "/v1/jobs",
        "/other/console/",
        "/the-addres/console/",
        "//the-address/console/",
        "/é/",
    ],
)
def test_without_the_address_of_the_run_nothing_is_there(target: str) -> None:
    assert refused(replace(PAGE, target=target)) == HTTPStatus.NOT_FOUND
    assert refused(replace(CALL, target=target)) == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("token", ["", "x", "the-toke", "the-tokens", "THE-TOKEN", "thé-token"])
def test_without_the_token_of_the_run_nothing_is_called(token: str) -> None:
    assert refused(replace(CALL, token=token)) == HTTPStatus.UNAUTHORIZED


def test_the_address_alone_calls_nothing_and_the_token_alone_neither() -> None:
    assert refused(replace(CALL, token="the-address")) == HTTPStatus.UNAUTHORIZED
    assert refused(replace(CALL, target="/the-token/v1/jobs")) == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "CONNECT", "TRACE", "get", ""])
def test_another_method_calls_nothing(method: str) -> None:
    assert refused(replace(CALL, method=method)) == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_files_are_only_read(method: str) -> None:
    assert refused(replace(PAGE, method=method)) == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v2/jobs", "/consolex", "/_aws/x", "/../v1/jobs"])
def test_nothing_else_is_served(path: str) -> None:
    assert refused(replace(CALL, target=f"/the-address{path}")) == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    "path",
    [
        "/v1/..",
        "/v1/../../secret",
        "/v1/%2e%2e/x",
        "/v1/.",
        "/v1//jobs",
        "/v1/jobs/",
        "/v1/jobs/%ff",
        "/v1/jobs?q=%ff",
    ],
)
def test_no_path_leads_out_of_the_api(path: str) -> None:
    assert refused(replace(CALL, target=f"/the-address{path}")) == HTTPStatus.BAD_REQUEST


def test_an_address_is_bounded() -> None:
    long = "/the-address/v1/jobs?q=" + "a" * MAX_TARGET_CHARACTERS
    many = "/the-address/v1/jobs?" + "a=1&" * (MAX_PARAMETERS + 1)
    assert refused(replace(CALL, target=long)) == HTTPStatus.REQUEST_URI_TOO_LONG
    assert refused(replace(CALL, target=many)) == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("/v1/jobs?state=READY&state=FAILED&q=", "/v1/jobs?state=READY&state=FAILED&q="),
        ("/v1/jobs?q=a+b*%2F(c)%c3%a9", "/v1/jobs?q=a%20b%2A%2F%28c%29%C3%A9"),
        ("/v1/pools/a%2fb@c", "/v1/pools/a%2Fb%40c"),
        ("/v1/jobs/01J.3", "/v1/jobs/01J.3"),
    ],
)
def test_a_call_is_encoded_the_way_it_is_signed(given: str, sent: str) -> None:
    assert request_of(given) == f"GET {sent}"
    assert request_of(given, "POST") == f"POST {sent}"


@given(st.text(max_size=60))
def test_a_call_stays_below_the_api_whatever_the_path(rest: str) -> None:
    found = judge(replace(CALL, target=f"/the-address/v1/{rest}"), PORT, KNOWN)
    if isinstance(found, Call):
        parts = found.request.path.split("/")
        assert parts[:2] == ["", "v1"]
        assert all(part.strip(".") for part in parts[2:])
        assert found.request.target.isascii()


def test_the_ticket_leads_to_the_address() -> None:
    opening = opening_of(PORT, KNOWN)
    assert judge(replace(PAGE, target=opening.removeprefix(f"http://{HOST}")), PORT, KNOWN) == Opening()
    assert "the-address" not in opening
    assert refused(replace(PAGE, target="/open/another")) == HTTPStatus.NOT_FOUND
    assert refused(replace(PAGE, target="/open/the-ticket", method="POST")) == HTTPStatus.NOT_FOUND
    assert address_of(PORT, KNOWN) == f"http://{HOST}/the-address/console/"
