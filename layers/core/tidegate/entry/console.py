"""A run of the console's function: it serves one file. It loads no client of AWS, because it asks nothing of it."""

from __future__ import annotations

import re
from typing import Any

from tidegate.console.bundle import Bundle
from tidegate.console.page import FOLDER, config_from
from tidegate.console.serving import Asked, serve

_BEFORE = re.compile(rf"^.*?/{FOLDER}(?=/|$)")
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?")


def handle(event: dict[str, Any], bundle: Bundle | None, nonce: str) -> dict[str, Any]:
    """Answers one REST API proxy event.

    The path is the event's own: `requestContext.path` lacks the prefix that the local AWS adds, and the page's base
    needs none. The answer is text; the gateway compresses it.
    """
    asked = Asked(event["httpMethod"], _BEFORE.sub("", event["path"], count=1))
    variables = {**(event.get("stageVariables") or {}), **_of_the_local_stack(event)}
    served = serve(bundle, asked, config_from(variables), nonce)
    return {
        "statusCode": served.status,
        "headers": dict(served.headers),
        "body": served.content.decode(),
        "isBase64Encoded": False,
    }


def _of_the_local_stack(event: dict[str, Any]) -> dict[str, str]:
    """Returns where people sign in on the local AWS: beside the API, whatever the stack's domain is called."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    host = headers.get("host", "")
    return {"sign_in_pages": f"http://{host}"} if _LOOPBACK.fullmatch(host) else {}
