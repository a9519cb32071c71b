"""Adds two things that the emulator's API Gateway lacks: the gateway's own answers, and calls that count as TLS.

- The emulator ignores the answers of a definition's `mock` integrations, and answers `{}` to each such call.
- Endpoints of AWS use TLS, and policies may refuse calls without it (`aws:SecureTransport`). The emulator stands for
  such an endpoint, but listens on the loopback without TLS. So each call counts as made by TLS, unless its header
  `X-Forwarded-Proto: http` says otherwise.

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
    """Patches the emulator of this process with both."""
    # Patches ministack: `apigateway_v1._import_operation`, because it drops the answers of `mock` integrations.
    apigateway_v1._import_operation = _import_with_answers
    # Patches ministack: `app.app`, the ASGI application, because it counts calls on the loopback as made without TLS.
    app.app = as_if_by_tls(app.app)


def as_if_by_tls(inner: Application) -> Application:
    """Returns an application that passes requests on to `inner` with the scheme https."""

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
        # `default` answers if no other pattern matches.
        integration["integrationResponses"][str(answer["statusCode"])] = {
            **answer,
            "selectionPattern": "" if pattern == "default" else pattern,
        }
