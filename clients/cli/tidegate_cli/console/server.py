"""The server of the console on loopback. It takes one request a connection, and bounds connections, time and sizes."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import urlsplit

import httpx

from tidegate.console.bundle import Bundle
from tidegate.console.page import PageConfig
from tidegate.console.serving import Asked, Served, serve, takes_gzip
from tidegate_cli.console.forward import PASSED_ON, Forwarder, problem
from tidegate_cli.console.gate import (
    PAGE_HEADER,
    USED,
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
from tidegate_cli.errors import OptionError
from tidegate_cli.target import Target
from tidegate_client.wire import MAX_BODY_BYTES

MAX_CONNECTIONS = 32
IDLE_SECONDS = 30
_LOOPBACK = "127.0.0.1"
_WAKE_SECONDS = 0.1
_LINGER_SECONDS, _LINGER_READS, _READ_BYTES = 0.5, 64, 65_536


@dataclass(frozen=True, slots=True)
class Console:
    """A console that is served. `opening` leads a browser to the address, once."""

    address: str
    opening: str


@dataclass(slots=True)
class _Parts:
    """The parts that the requests of one server share."""

    bundle: Bundle
    config: PageConfig
    known: Secrets
    forwarder: Forwarder
    ticket: threading.Lock = field(default_factory=threading.Lock)  # held for good once the ticket was used


@contextmanager
def serving(
    bundle: Bundle, target: Target, port: int | None = None, *, transport: httpx.BaseTransport | None = None
) -> Iterator[Console]:
    """Serves the console of a deployment within the block, on a free port unless one is given.

    `transport` is for tests. Raises OptionError if the port can't be used.
    """
    known = Secrets.draw()
    stack = "the local stack" if target.local else target.name or urlsplit(target.api_url).netloc
    parts = _Parts(
        bundle, PageConfig(stack, page_token=known.token), known, Forwarder(target, transport=transport)
    )
    try:
        server = _Server(parts, port or 0)
    except OSError as error:
        parts.forwarder.close()
        raise OptionError(
            "--port", f"{port} can't be used ({error}): name another, or leave it out"
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(_WAKE_SECONDS,), name="console", daemon=True)
    thread.start()
    try:
        yield Console(address_of(server.server_port, known), opening_of(server.server_port, known))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        parts.forwarder.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a call that still waits for its answer does not hold up the end
    allow_reuse_address = True

    def __init__(self, parts: _Parts, port: int) -> None:
        self.parts = parts
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__((_LOOPBACK, port), _Handler)

    def server_bind(self) -> None:
        """Binds without asking for this machine's name, which may wait for a name server."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = _LOOPBACK, int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing about a browser that went away, whose trace would tear up the terminal."""


class _Handler(BaseHTTPRequestHandler):
    """One request. HTTP/1.0 closes the connection after it, so no request hides behind another one's body."""

    server: _Server
    timeout = IDLE_SECONDS
    server_version, sys_version = "tidegate", ""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parameter's name of the base class
        """Logs nothing: the address is a secret."""

    def _handle(self) -> None:
        parts = self.server.parts
        hosts = tuple(self.headers.get_all("Host") or ())
        origin, token = self.headers.get("Origin"), self.headers.get(PAGE_HEADER, "")
        incoming = Incoming(self.command, self.path, hosts, origin, token)
        found = judge(incoming, self.server.server_port, parts.known)
        if isinstance(found, Opening):
            found = Opening() if parts.ticket.acquire(blocking=False) else Refusal(HTTPStatus.GONE, USED)
        try:
            served = self._answer(found)
        except TimeoutError:
            served = problem(HTTPStatus.REQUEST_TIMEOUT, f"the body paused for {IDLE_SECONDS} seconds")
        except Exception as error:  # noqa: BLE001 - the page gets a reason instead of a lost connection
            detail = f"the console failed to answer ({type(error).__name__})"
            served = problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
        self._send(served)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _handle  # noqa: N815

    def _answer(self, found: File | Call | Opening | Refusal) -> Served:
        parts = self.server.parts
        match found:
            case File(path):
                asked = Asked(self.command, path, takes_gzip(self.headers.get("Accept-Encoding", "")))
                return serve(parts.bundle, asked, parts.config, secrets.token_urlsafe(16))
            case Call(request):
                body = self._body()
                if isinstance(body, Refusal):
                    return problem(body.status, body.detail)
                headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
                if not all(value.isascii() and value.isprintable() for value in headers.values()):
                    return problem(HTTPStatus.BAD_REQUEST, "a header holds characters that none may have")
                return parts.forwarder.forward(request, headers, body)
            case Opening():
                place = f"/{parts.known.address}/console/"
                headers = {"Location": place, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
                return Served(int(HTTPStatus.SEE_OTHER), headers, b"")
            case Refusal(status, detail):
                return problem(status, detail)

    def _body(self) -> bytes | Refusal:
        sizes = self.headers.get_all("Content-Length") or ["0"]
        if (
            len(sizes) != 1
            or not (sizes[0].isascii() and sizes[0].isdecimal())
            or "Transfer-Encoding" in self.headers
        ):
            return Refusal(HTTPStatus.LENGTH_REQUIRED, "a body needs one Content-Length")
        if len(sizes[0]) > len(str(MAX_BODY_BYTES)) or int(sizes[0]) > MAX_BODY_BYTES:
            return Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MAX_BODY_BYTES:,} bytes"
            )
        body = self.rfile.read(int(sizes[0]))
        return body if len(body) == int(sizes[0]) else Refusal(HTTPStatus.BAD_REQUEST, "the body is cut off")

    def _send(self, served: Served) -> None:
        self.send_response(served.status)
        for name, value in served.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(served.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(served.content)
        self._end()

    def _end(self) -> None:
        """Ends the answer, then reads away a little of a body that was refused, or the answer would be lost with it."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(_LINGER_SECONDS)
        for _ in range(_LINGER_READS):
            if not self.connection.recv(_READ_BYTES):
                return
