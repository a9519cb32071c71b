"""Tags the answers of GET, so that a client need not get again what it has already. Source: RFC 9110, section 13."""

from __future__ import annotations

import hashlib
import re
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

# A client may keep an answer, but nobody in between may, and it asks each time whether the answer still holds.
_KEPT_IF_ASKED = "private, no-cache"
_TAG_BYTES = 16
_TAG = re.compile(r'(?:W/)?("[^"]*")|\*')


def answer_conditionally(app: APIGatewayRestResolver) -> None:
    """Makes the resolver tag each answer of GET, and answer 304 without a body where the client has it already.

    A route that sets `Cache-Control` itself keeps it. The tag is a hash of the body. It costs no call, but the answer
    is read as for any request.
    """
    app.use(middlewares=[_answer])


def _answer(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[str]:
    response: Response[str] = next_middleware(app)
    if app.current_event.http_method != "GET" or response.status_code != HTTPStatus.OK:
        return response
    tag = tag_of(response.body or "")
    response.headers.setdefault("Cache-Control", _KEPT_IF_ASKED)
    response.headers["ETag"] = tag
    if not has_tag(app.current_event.headers.get("If-None-Match"), tag):
        return response
    kept = {name: value for name, value in response.headers.items() if name != "Content-Type"}
    return Response(HTTPStatus.NOT_MODIFIED, body="", headers=kept)


def tag_of(body: str) -> str:
    """Returns the entity tag of a body: the same for the same text, another one for any other."""
    return f'"{hashlib.blake2b(body.encode(), digest_size=_TAG_BYTES).hexdigest()}"'


def has_tag(condition: str | None, tag: str) -> bool:
    """Tells whether the value of If-None-Match names `tag`, or any. The comparison is weak, as RFC 9110 13.1.2 says."""
    return any(found[0] == "*" or found[1] == tag for found in _TAG.finditer(condition or ""))
