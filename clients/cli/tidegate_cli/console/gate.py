"""Decides what a request to the console on this machine may do, before anything of it is carried out.

The server signs calls with the user's AWS credentials, so nobody else may make it sign. Two secrets, drawn for each
run, see to that:

- The address that is printed holds the first one, and without it nothing is served. So a process of another user can't
  load the page, and find the second one there. The address that opens the browser stands in the list of processes for
  all to see; it holds a ticket instead, which leads to the address once.
- The page holds the second one in its configuration, and sends it with each call in a header. A page of another site
  can't read it, and a browser lets no other site send that header.

The names in `Host` and `Origin` must be this server's own, so a foreign name that leads to this machine (DNS rebinding)
gets nothing. A process of the same user could read the credentials themselves, so it is not kept out.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

from tidegate.console.page import FOLDER
from tidegate.contracts.routes import ROUTES
from tidegate_client.errors import InvalidArgument
from tidegate_client.wire import Request, request

MAX_TARGET_CHARACTERS = 16_384
MAX_PARAMETERS = 200
PRINTED = "open the address that the command printed; each run has its own"
USED = "this address was used before; if not by you, end `tidegate console`, because somebody else has its address"
_CALLS = frozenset(route.method for route in ROUTES)
_FILES = frozenset({"GET", "HEAD"})
_TICKET = "open"
PAGE_HEADER = "X-Tidegate-Console"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The words of one run: a part of the address, the token of the page, and the ticket that opens the browser."""

    address: str = field(repr=False)
    token: str = field(repr=False)
    ticket: str = field(repr=False)

    @classmethod
    def draw(cls) -> Secrets:
        """Returns new ones."""
        return cls(*(secrets.token_urlsafe(24) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class Incoming:
    """The head of a request. `hosts` are all headers Host, of which there must be one; `token` is PAGE_HEADER."""

    method: str
    target: str
    hosts: tuple[str, ...]
    origin: str | None = None
    token: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A request for a file. `path` is what stands behind `/console`."""

    path: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API, encoded as it is signed. Its body is still to be read."""

    request: Request


@dataclass(frozen=True, slots=True)
class Opening:
    """A request with the ticket, which leads to the address."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is refused."""

    status: HTTPStatus
    detail: str


def judge(incoming: Incoming, port: int, known: Secrets) -> File | Call | Opening | Refusal:
    """Returns what a request asks for, or why it is refused."""
    own = {f"127.0.0.1:{port}", f"localhost:{port}"}
    if len(incoming.hosts) != 1 or incoming.hosts[0].lower() not in own:
        return Refusal(
            HTTPStatus.MISDIRECTED_REQUEST, "this is not the host that the console is served under"
        )
    if incoming.origin is not None and incoming.origin != f"http://{incoming.hosts[0].lower()}":
        return Refusal(HTTPStatus.FORBIDDEN, "no other site may call the console")
    if len(incoming.target) > MAX_TARGET_CHARACTERS:
        return Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "the address is too long")
    path, _, query = incoming.target.partition("?")
    first, _, rest = path.removeprefix("/").partition("/")
    if first == _TICKET and _same(rest, known.ticket) and incoming.method == "GET":
        return Opening()
    if not path.startswith("/") or not _same(first, known.address):
        return Refusal(HTTPStatus.NOT_FOUND, PRINTED)
    part, slash, inner = rest.partition("/")
    if part == FOLDER:
        return File(slash + inner) if incoming.method in _FILES else _refused(incoming.method)
    if part != "v1" or not inner:
        return Refusal(HTTPStatus.NOT_FOUND, "only the console and the API under /v1 are served")
    if not _same(incoming.token, known.token):
        return Refusal(HTTPStatus.UNAUTHORIZED, f"the token of this run is missing; {PRINTED}")
    if incoming.method not in _CALLS:
        return _refused(incoming.method)
    return _call(incoming.method, inner, query)


def opening_of(port: int, known: Secrets) -> str:
    """Returns the address that opens a browser. It can be used once."""
    return f"http://127.0.0.1:{port}/{_TICKET}/{known.ticket}"


def address_of(port: int, known: Secrets) -> str:
    """Returns the console's address."""
    return f"http://127.0.0.1:{port}/{known.address}/{FOLDER}/"


def _call(method: str, path: str, query: str) -> Call | Refusal:
    """Returns a call with path and query encoded anew, because a signature allows one encoding only."""
    try:
        parts = [unquote(part, errors="strict") for part in path.split("/")]
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
        bare = request(method, "/v1" + "/{}" * len(parts), *parts)
    except (InvalidArgument, ValueError) as error:
        return Refusal(HTTPStatus.BAD_REQUEST, f"the address can't be read: {error}")
    return Call(Request(method, bare.path, tuple(pairs)))


def _refused(method: str) -> Refusal:
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"nothing here takes {method[:16]}")


def _same(given: str, known: str) -> bool:
    """Compares in a time that says nothing about the secret."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), known.encode())
