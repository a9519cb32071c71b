"""Waits on this machine's loopback for a browser that comes back from a sign-in."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tidegate_cli.errors import CliError, UsageError

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address holds the code
}
_PAGE = (
    "<!doctype html><title>tidegate</title><h1>{}</h1><p>You may close this page and return to your terminal."
)


class _Handler(BaseHTTPRequestHandler):
    """Keeps the parameters of the one request that comes back from the sign-in."""

    server: _Server
    timeout = 5.0  # of one connection
    server_version, sys_version = "tidegate", ""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        found = {name: values[0] for name, values in parse_qs(address.query).items()}
        is_expected = secrets.compare_digest(found.get("state", "").encode(), self.server.state.encode())
        if self.headers.get("Host") != self.server.name or address.path != "/" or not is_expected:
            self._answer(404, "There is nothing here")
            return
        self.server.came = found
        self._answer(200, "You are signed in" if "code" in found else "You are not signed in")

    def _answer(self, status: int, text: str) -> None:
        body = _PAGE.format(text).encode()
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Logs nothing, because the address holds the code."""


class _Server(HTTPServer):
    state = ""  # `wait` sets it before it lets any request in
    came: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        return f"localhost:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing about a browser that went away, whose trace would tear up the terminal."""


@contextmanager
def loopback(
    ports: Sequence[int], show: Callable[[str], None], *, seconds: float
) -> Iterator[tuple[str, Callable[[str, str], Mapping[str, str]]]]:
    """Listens on the first free port while the block runs.

    Yields the address to come back to, and a function that shows a page and waits for the browser to come back with a
    state. Requests without that state, as any page can send them, change nothing. The function raises CliError after
    `seconds`. Raises UsageError if no port is free.
    """
    server = _listen(ports)

    def wait(page: str, state: str) -> Mapping[str, str]:
        server.state = state
        show(page)
        until = time.monotonic() + seconds
        while server.came is None and (left := until - time.monotonic()) > 0:
            server.timeout = left
            server.handle_request()
        if server.came is None:
            raise CliError(f"nobody signed in within {seconds:g} seconds")
        return server.came

    try:
        yield f"http://{server.name}/", wait
    finally:
        server.server_close()


def _listen(ports: Sequence[int]) -> _Server:
    for port in ports:
        try:
            return _Server(("127.0.0.1", port), _Handler)
        except OSError:
            continue
    raise UsageError(
        f"another program uses the ports {', '.join(map(str, ports))}; end it, and sign in again"
    )
