"""A run of the console's function: it serves one file. It loads no client of AWS, because it asks nothing of it."""

from __future__ import annotations

import re
from typing import Any

from tidegate.console.bundle import Bundle
from tidegate.console.page import FOLDER, config_from
from tidegate.console.serving import Asked, serve

_BEFORE = re.compile(rf"^.*?/{FOLDER}(?=/|$)")


def handle(event: dict[str, Any], bundle: Bundle | None, nonce: str) -> dict[str, Any]:
    """Answers one REST API proxy event.

    The path is the event's own: `requestContext.path` lacks the prefix that the local AWS adds, and the page's base
    needs none. The answer is text; the gateway compresses it.
    """
    asked = Asked(event["httpMethod"], _BEFORE.sub("", event["path"], count=1))
    served = serve(bundle, asked, config_from(event.get("stageVariables") or {}), nonce)
    return {
        "statusCode": served.status,
        "headers": dict(served.headers),
        "body": served.content.decode(),
        "isBase64Encoded": False,
    }
