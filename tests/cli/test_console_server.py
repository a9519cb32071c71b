"""The console's server on loopback: real connections, a deployment that a function answers for."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ClientError, NoCredentialsError, UnauthorizedSSOTokenError

from tests.harness.cli.samples import API_URL, target
from tests.harness.console.built import CONTENTS, SCRIPT, build_in
from tidegate.console.bundle import load_bundle
from tidegate_cli.console import forward, server
from tidegate_cli.console.gate import PAGE_HEADER
from tidegate_cli.console.server import Console, serving
from tidegate_cli.errors import OptionError
from tidegate_cli.target import Target
from tidegate_client.wire import MAX_BODY_BYTES

Answer = Callable[[httpx.Request], httpx.Response]


class Page:
    """A browser that has loaded the console's page, and calls the API as the page does."""

    def __init__(self, served: Console) -> None:
        self.address = served.address
        self.http = httpx.Client(trust_env=False, timeout=10)
        text = self.http.get(served.address).raise_for_status().text
        self.config = json.loads(text.partition('id="config"')[2].partition(">")[2].partition("</script>")[0])
        self.api = urljoin(served.address, self.config["apiUrl"])

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        sent = {PAGE_HEADER: self.config["pageToken"], **(headers or {})}
        return self.http.request(method, f"{self.api}v1{path}", headers=sent, content=content)


@contextmanager
def console(tmp_path: Path, answer: Answer, to: Target | None = None) -> Iterator[Console]:
    bundle = load_bundle(build_in(tmp_path))
    assert bundle is not None
    with serving(bundle, to or target(), transport=httpx.MockTransport(answer)) as served:
        yield served


def empty(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={})


def test_the_page_and_its_files_are_served(tmp_path: Path) -> None:
    with console(tmp_path, empty) as served:
        page = Page(served)
        assert page.config["stack"] == "abc123.execute-api.eu-west-1.amazonaws.com"
        assert page.config["signIn"] is None
        script = page.http.get(f"{served.address}{SCRIPT}")
        assert (script.text, script.headers["content-encoding"]) == (CONTENTS[SCRIPT], "gzip")
        assert page.http.get(f"{served.address}jobs/x").headers["cache-control"] == "no-store"
        assert page.http.head(served.address).content == b""


def test_a_call_goes_on_signed_and_without_the_pages_own_headers(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"job_id": "x"}, headers={"etag": '"1"', "set-cookie": "a=b"})

    with console(tmp_path, answer) as served:
        found = Page(served).call(
            "POST",
            "/jobs?q=a+b",
            content=b'{"type":"x"}',
            headers={
                "content-type": "application/json",
                "idempotency-key": "k",
                "cookie": "c=d",
                "x-other": "1",
            },
        )
    (request,) = seen
    assert str(request.url) == f"{API_URL}/v1/jobs?q=a%20b"
    assert request.content == b'{"type":"x"}'
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "content-type;host;idempotency-key" in request.headers["authorization"]
    assert not {"cookie", "x-other", "origin", "x-tidegate-console"} & set(request.headers)
    assert (found.status_code, found.json(), found.headers["etag"]) == (201, {"job_id": "x"}, '"1"')
    assert "set-cookie" not in found.headers
    assert found.headers["cache-control"] == "no-store"


def test_an_answer_that_did_not_change_stays_one(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(304 if request.headers.get("if-none-match") == '"1"' else 200)

    with console(tmp_path, answer) as served:
        assert Page(served).call("GET", "/jobs", headers={"if-none-match": '"1"'}).status_code == 304


def test_a_refusal_of_the_deployment_comes_back_as_it_is(tmp_path: Path) -> None:
    with console(
        tmp_path, lambda _: httpx.Response(403, json={"message": "no"}, headers={"retry-after": "3"})
    ) as served:
        found = Page(served).call("DELETE", "/pools/x/limit")
    assert (found.status_code, found.json(), found.headers["retry-after"]) == (403, {"message": "no"}, "3")


def test_what_was_not_let_in_reaches_no_deployment(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    with console(tmp_path, answer) as served:
        page = Page(served)
        path, bare = f"{page.api}v1/jobs", page.http
        token = {PAGE_HEADER: page.config["pageToken"]}
        assert bare.get(path).status_code == 401
        assert bare.get(path, headers={**token, "origin": "https://evil.example"}).status_code == 403
        assert bare.get(path, headers={**token, "host": "evil.example"}).status_code == 421
        assert bare.options(path, headers={**token}).status_code == 405
        assert bare.get(urljoin(served.address, "/v1/jobs"), headers=token).status_code == 404
        preflight = {"origin": "https://evil.example", "access-control-request-method": "POST"}
        refused = bare.options(path, headers=preflight)
        assert not [name for name in refused.headers if name.startswith("access-control")]
        assert refused.headers["content-type"] == "application/problem+json"


def test_the_ticket_opens_the_console_once(tmp_path: Path) -> None:
    with console(tmp_path, empty) as served, httpx.Client(trust_env=False) as browser:
        first = browser.get(served.opening)
        assert first.status_code == 303
        assert urljoin(served.address, first.headers["location"]) == served.address
        again = browser.get(served.opening)
        assert (again.status_code, "somebody else has its address" in again.json()["detail"]) == (410, True)


def raw(served: Console, text: bytes) -> bytes:
    """Sends bytes, and returns all that comes back."""
    port = httpx.URL(served.address).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def head_of(page: Page, *lines: str) -> bytes:
    url = httpx.URL(page.api)
    head = [
        f"POST {url.path}v1/jobs HTTP/1.1",
        f"Host: 127.0.0.1:{url.port}",
        f"{PAGE_HEADER}: {page.config['pageToken']}",
        *lines,
    ]
    return "\r\n".join([*head, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("Content-Length: 1", "Content-Length: 2"), 411),
        (("Content-Length: -1",), 411),
        (("Content-Length: 1_0",), 411),
        (("Content-Length: ²",), 411),
        (("Transfer-Encoding: chunked",), 411),
        ((f"Content-Length: {MAX_BODY_BYTES + 1}",), 413),
        (("Content-Length: " + "9" * 5_000,), 413),
        (("Idempotency-Key: caf\xe9",), 400),
    ],
)
def test_a_malformed_or_large_body_is_refused(tmp_path: Path, lines: tuple[str, ...], status: int) -> None:
    with console(tmp_path, empty) as served:
        answered = raw(served, head_of(Page(served), *lines) + b"GET / HTTP/1.1\r\n\r\n")
    assert answered.startswith(f"HTTP/1.0 {status} ".encode())
    assert answered.count(b"HTTP/1.0") == 1  # nothing behind the head counts as a request


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET http://127.0.0.1:{port}{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}", b"HTTP/1.0 404 "),
        ("GET http://evil.example{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}", b"HTTP/1.0 404 "),
        ("CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1:{port}", b"HTTP/1.0 501 "),
        ("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example", b"HTTP/1.0 421 "),
        ("GET {path} HTTP/1.1\r\nHost: localhost.:{port}", b"HTTP/1.0 421 "),
        ("GET {path} HTTP/1.1\r\nX-Forwarded-Host: 127.0.0.1:{port}", b"HTTP/1.0 421 "),
        ("GET {path} HTTP/1.0", b"HTTP/1.0 421 "),
        ("GET {path}", b'{"type"'),  # HTTP/0.9 knows no headers; this is the problem that names the host
        ("GET {path} HTTP/2.0\r\nHost: 127.0.0.1:{port}", b"<!DOCTYPE HTML>"),
        ("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n" + "X: y\r\n" * 200, b"HTTP/1.0 431 "),
        ("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}", b"HTTP/1.0 200 "),
    ],
)
def test_a_request_of_another_form_is_refused(tmp_path: Path, head: str, status: bytes) -> None:
    with console(tmp_path, empty) as served:
        url = httpx.URL(served.address)
        answered = raw(served, head.format(port=url.port, path=url.path).encode() + b"\r\n\r\n")
    assert answered.startswith(status), answered[:80]
    assert (b"pageToken" in answered) is (status == b"HTTP/1.0 200 ")


def test_a_body_that_pauses_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server._Handler, "timeout", 0.2)
    with console(tmp_path, empty) as served:
        answered = raw(served, head_of(Page(served), "Content-Length: 100") + b"half of it")
    assert answered.startswith(b"HTTP/1.0 408 ")


def test_an_answer_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "MAX_ANSWER_BYTES", 10)
    with console(tmp_path, lambda _: httpx.Response(200, content=b"x" * 11)) as served:
        found = Page(served).call("GET", "/jobs")
    assert (found.status_code, "too large" in found.json()["detail"]) == (502, True)


def test_a_deployment_that_does_not_answer_is_a_problem(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with console(tmp_path, answer) as served:
        found = Page(served).call("GET", "/jobs")
    assert found.status_code == 502
    assert found.json()["detail"] == f"no answer from {API_URL} (refused): check the network"


@pytest.mark.parametrize(
    "error",
    [
        NoCredentialsError(),
        UnauthorizedSSOTokenError(),
        ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "AssumeRole"),
        RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_credentials_that_ran_out_are_a_problem_that_says_so(tmp_path: Path, error: Exception) -> None:
    class Gone(Credentials):
        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            raise error

    with console(tmp_path, empty, Target(API_URL, "eu-west-1", Gone("a", "b"))) as served:
        found = Page(served).call("GET", "/jobs")
    assert (found.status_code, "log in again" in found.json()["detail"]) == (502, True)


def test_credentials_that_the_deployment_finds_expired_are_a_problem_that_says_so(tmp_path: Path) -> None:
    message = {"message": "The security token included in the request is expired"}
    with console(tmp_path, lambda _: httpx.Response(403, json=message)) as served:
        found = Page(served).call("GET", "/jobs")
    assert (found.status_code, found.json()["detail"]) == (502, forward.WITHOUT_CREDENTIALS)


def test_a_sign_in_that_ended_is_a_problem_that_says_so(tmp_path: Path) -> None:
    with console(tmp_path, empty, Target(API_URL, "eu-west-1", None)) as served:
        found = Page(served).call("GET", "/jobs")
    assert (found.status_code, "tidegate login" in found.json()["detail"]) == (502, True)


def test_an_error_that_nobody_foresaw_is_a_problem_too(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    with console(tmp_path, answer) as served:
        found = Page(served).call("GET", "/jobs/s3cr3t")
    assert found.status_code == 500
    assert found.json()["detail"] == "the console failed to answer (AssertionError)"


def test_nothing_is_printed_or_logged_of_what_is_asked(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="tidegate")
    with console(tmp_path, empty) as served:
        page = Page(served)
        page.call("POST", "/jobs", content=b"s3cr3t", headers={"idempotency-key": "s3cr3t"})
        page.http.get(f"{page.api}v1/jobs")
        for text in (
            b"NONSENSE\r\n\r\n",
            b"BREW / HTTP/1.1\r\n\r\n",
            b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        ):
            raw(served, text)
    assert tuple(capfd.readouterr()) == ("", "")
    assert caplog.text == ""


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    bundle = load_bundle(build_in(tmp_path))
    assert bundle is not None
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(OptionError, match=f"--port {port} can't be used"),
            serving(bundle, target(), port),
        ):
            raise AssertionError


def test_connections_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 1)
    with console(tmp_path, empty) as served:
        port = httpx.URL(served.address).port or 0
        with socket.create_connection(("127.0.0.1", port), timeout=10) as first:
            first.sendall(b"GET / HTTP/1.1\r\n")  # it never ends its head
            with socket.create_connection(("127.0.0.1", port), timeout=10) as second:
                assert second.recv(1) == b""


def test_the_end_of_the_block_ends_the_server(tmp_path: Path) -> None:
    with console(tmp_path, empty) as served:
        pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.address, trust_env=False)
