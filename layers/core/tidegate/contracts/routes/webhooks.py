"""The routes of webhooks."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from tidegate.contracts.requests import NoOptionsIn
from tidegate.contracts.route import CURSOR, LIMIT, Route
from tidegate.contracts.routes.jobs import IDEMPOTENCY_KEY
from tidegate.contracts.webhooks import (
    DeliveryPageOut,
    NewSecretOut,
    TestedOut,
    WebhookChangeIn,
    WebhookIn,
    WebhookList,
    WebhookOut,
)
from tidegate.domain.errors import IdempotencyConflict, NotFound
from tidegate.domain.roles import Role

_ALL = "/v1/webhooks"
_ONE = "/v1/webhooks/{webhook_id}"
_SAFE_TO_REPEAT = replace(
    IDEMPOTENCY_KEY, says="makes the request safe to repeat: a repeated one returns the first answer"
)
_WEBHOOK = {HTTPStatus.OK: WebhookOut}

ROUTES = (
    Route("GET", _ALL, Role.VIEWER, "lists the webhooks", {HTTPStatus.OK: WebhookList}),
    Route(
        "POST",
        _ALL,
        Role.OPERATOR,
        "makes a webhook and shows its secret once",
        {HTTPStatus.CREATED: NewSecretOut},
        body=WebhookIn,
        needs_body=True,
        headers=(_SAFE_TO_REPEAT,),
        errors=(IdempotencyConflict,),
    ),
    Route("GET", _ONE, Role.VIEWER, "reads one webhook", _WEBHOOK, errors=(NotFound,)),
    Route(
        "PATCH",
        _ONE,
        Role.OPERATOR,
        "changes the address, the description or the filters of a webhook",
        _WEBHOOK,
        body=WebhookChangeIn,
        needs_body=True,
        errors=(NotFound,),
    ),
    Route(
        "DELETE",
        _ONE,
        Role.OPERATOR,
        "removes a webhook",
        _WEBHOOK,
        body=NoOptionsIn,
        errors=(NotFound,),
    ),
    Route(
        "POST",
        f"{_ONE}/rotate",
        Role.OPERATOR,
        "gives a webhook a new secret and shows it once",
        {HTTPStatus.OK: NewSecretOut},
        body=NoOptionsIn,
        headers=(_SAFE_TO_REPEAT,),
        errors=(NotFound,),
    ),
    Route(
        "POST",
        f"{_ONE}/enable",
        Role.OPERATOR,
        "enables a webhook",
        _WEBHOOK,
        body=NoOptionsIn,
        errors=(NotFound,),
    ),
    Route(
        "POST",
        f"{_ONE}/disable",
        Role.OPERATOR,
        "disables a webhook",
        _WEBHOOK,
        body=NoOptionsIn,
        errors=(NotFound,),
    ),
    Route(
        "POST",
        f"{_ONE}/test",
        Role.OPERATOR,
        "sends a test delivery to a webhook and says what its receiver answered",
        {HTTPStatus.OK: TestedOut},
        body=NoOptionsIn,
        errors=(NotFound,),
    ),
    Route(
        "GET",
        f"{_ONE}/deliveries",
        Role.VIEWER,
        "lists the attempts to deliver events to a webhook",
        {HTTPStatus.OK: DeliveryPageOut},
        parameters=(LIMIT, CURSOR),
        errors=(NotFound,),
    ),
)
