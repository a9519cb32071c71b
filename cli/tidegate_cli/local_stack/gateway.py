"""What the emulator's front lacks: the gateway's own answers, and calls that count as made by TLS.

- Of a definition's `mock` integrations the emulator by itself keeps no answer, so it says `{}` to everything.
- On AWS every endpoint is one with TLS, and policies may refuse calls without it (`aws:SecureTransport`). The emulator
  listens on loopback without TLS and stands for that endpoint. A request that says of itself that it came without, by
  `X-Forwarded-Proto: http`, counts as one without.

A version of the emulator that lacks these functions, or passes other arguments, fails the end-to-end tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ministack import app
from ministack.services import apigateway_v1

Scope = Mapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

_import_operation = apigateway_v1._import_operation


def answer_as_aws_does() -> None:
    """Puts both right in this process."""
    apigateway_v1._import_operation = _import_with_answers
    app.app = as_if_by_tls(app.app)


def as_if_by_tls(inner: Application) -> Application:
    """The application `inner`, to which each HTTP request counts as made by TLS unless it says otherwise."""

    async def called(scope: Scope, receive: Any, send: Any) -> None:
        await inner({**scope, "scheme": "https"} if scope["type"] == "http" else scope, receive, send)

    return called


def _import_with_answers(
    api_id: str, resource_id: str, method: str, operation: Mapping[str, Any], *more: Any
) -> None:
    _import_operation(api_id, resource_id, method, operation, *more)
    stated = operation.get("x-amazon-apigateway-integration", {})
    if str(stated.get("type", "")).upper() != "MOCK":
        return
    integration = apigateway_v1._resources[api_id][resource_id]["resourceMethods"][method][
        "methodIntegration"
    ]
    integration["requestTemplates"] = dict(stated.get("requestTemplates", {}))
    for pattern, answer in stated.get("responses", {}).items():
        # `default` is what answers where no other pattern matches.
        integration["integrationResponses"][str(answer["statusCode"])] = {
            **answer,
            "selectionPattern": "" if pattern == "default" else pattern,
        }
