"""Webhooks on the wire: the bodies that make and change them, and the answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from typing_extensions import TypedDict

from tidegate.contracts.requests import BodyIn, Description, JobTypeName, PoolName, Tags, read_options
from tidegate.contracts.times import Time, to_wire
from tidegate.domain import limits
from tidegate.domain.errors import MalformedBody
from tidegate.domain.events import EventType
from tidegate.domain.progress import WorkflowState
from tidegate.domain.states import State
from tidegate.domain.texts import plain_message
from tidegate.domain.webhooks import DeliveryAttempt, Filter, Outcome, Webhook
from tidegate.domain.workers import WorkerState

_STATES = tuple(dict.fromkeys(str(each) for kind in (State, WorkflowState, WorkerState) for each in kind))


def _state(text: str) -> str:
    if text not in _STATES:
        raise ValueError(f"must be one of {', '.join(_STATES)}")
    return text


Url = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=limits.MAX_WEBHOOK_URL_CHARACTERS)
]
_Few = Field(max_length=limits.MAX_WEBHOOK_FILTER_NAMES, json_schema_extra={"uniqueItems": False})
EventTypes = Annotated[frozenset[EventType], _Few]
JobTypes = Annotated[frozenset[JobTypeName], _Few]
Pools = Annotated[frozenset[PoolName], _Few]
SubjectState = Annotated[
    str,
    StringConstraints(strict=True),
    AfterValidator(_state),
    Field(json_schema_extra={"enum": list(_STATES)}),
]
SubjectStates = Annotated[frozenset[SubjectState], _Few]


class FilterIn(BodyIn):
    """The events that a webhook wants: those for which every filter holds. An empty filter always holds."""

    events: EventTypes = frozenset()
    types: JobTypes = frozenset()
    pools: Pools = frozenset()
    states: SubjectStates = frozenset()
    tags: Tags = Field(default_factory=dict)


class WebhookIn(FilterIn):
    """A new webhook. `url` is an https address of the public internet; `description` is for people."""

    url: Url
    description: Description | None = None


class WebhookChangeIn(FilterIn):
    """The new values of a webhook. A field that is left out stays as it is; an empty filter always holds."""

    url: Url = ""
    description: Description | None = None

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(
                "must name at least one of url, description, events, types, pools, states and tags"
            )
        return self


class WebhookOut(TypedDict):
    """A webhook, without its secrets.

    `disabled_reason` is null while it is enabled. `old_secret_until` is when the replaced secret stops to sign, null
    where none signs. `last_success_at` is exact to ten minutes. `changed_by` is empty if tidegate itself disabled it.
    """

    id: str
    url: str
    description: str | None
    enabled: bool
    disabled_reason: str | None
    events: list[EventType]
    types: list[str]
    pools: list[str]
    states: list[str]
    tags: dict[str, str]
    last_success_at: Time | None
    old_secret_until: Time | None
    created_by: str
    created_at: Time | None
    changed_by: str
    changed_at: Time | None


class NewSecretOut(TypedDict):
    """A webhook with its new secret, which no later answer shows."""

    webhook: WebhookOut
    secret: str


class WebhookList(TypedDict):
    """All webhooks, oldest first."""

    webhooks: list[WebhookOut]


class DeliveryOut(TypedDict):
    """One attempt to deliver an event. `status` is the receiver's; without an answer `fault` says why none came."""

    id: str
    event_id: str
    event_type: str
    attempt: int
    at: Time | None
    took_seconds: float
    outcome: Outcome
    status: int | None
    fault: str | None


class DeliveryPageOut(TypedDict):
    """A page of the attempts to deliver to a webhook, latest first."""

    deliveries: list[DeliveryOut]
    cursor: str | None


class TestedOut(TypedDict):
    """The outcome of a test delivery. `answer` is the beginning of the receiver's answer, `message` why none came."""

    delivery: DeliveryOut
    succeeded: bool
    answer: str | None
    message: str | None


def read_webhook(body: str) -> tuple[str, str | None, Filter]:
    """Returns the URL, the description and the filter of a new webhook. Raises MalformedBody or InvalidRequest."""
    asked = read_options(WebhookIn, _given(body))
    return asked.url, asked.description, _changed(Filter(), asked)


def read_webhook_change(body: str) -> WebhookChangeIn:
    """Returns the new values of a webhook. Raises MalformedBody or InvalidRequest."""
    return read_options(WebhookChangeIn, _given(body))


def amended(webhook: Webhook, asked: WebhookChangeIn) -> Webhook:
    """Returns a webhook with the values that a body gives it."""
    given = {name: getattr(asked, name) for name in ("url", "description") if name in asked.model_fields_set}
    return replace(webhook, **given, filter=_changed(webhook.filter, asked))


def _given(body: str) -> str:
    if not body:
        raise MalformedBody("the request has no body; send a JSON object")
    return body


def _changed(standing: Filter, asked: FilterIn) -> Filter:
    given: dict[str, Any] = {
        name: getattr(asked, name) for name in FilterIn.model_fields if name in asked.model_fields_set
    }
    if "events" in given:
        given["events"] = given["events"] or frozenset(EventType)
    return replace(standing, **given)


def webhook_out(webhook: Webhook, now_ms: int) -> WebhookOut:
    """Returns a webhook as callers read it at `now_ms`, without its secrets."""
    wanted = webhook.filter
    old = [each.until_ms for each in webhook.signing(now_ms) if each.until_ms is not None]
    return {
        "id": webhook.webhook_id,
        "url": webhook.url,
        "description": webhook.description,
        "enabled": webhook.is_enabled,
        "disabled_reason": webhook.disabled_reason,
        "events": sorted(wanted.events),
        "types": sorted(wanted.types),
        "pools": sorted(wanted.pools),
        "states": sorted(wanted.states),
        "tags": dict(sorted(wanted.tags.items())),
        "last_success_at": to_wire(webhook.last_success_at_ms),
        "old_secret_until": to_wire(max(old, default=None)),
        "created_by": webhook.created_by,
        "created_at": to_wire(webhook.created_at_ms),
        "changed_by": webhook.changed_by,
        "changed_at": to_wire(webhook.changed_at_ms),
    }


def new_secret_out(webhook: Webhook, now_ms: int, asked: str | None = None) -> NewSecretOut:
    """Returns a webhook with the secret that the request `asked` made, else the present one.

    A repeated request learns its own secret, never that of another rotation that came after it.
    """
    own = (each for each in webhook.secrets if asked is not None and each.asked == asked)
    secret = next(own, webhook.secrets[0])
    return {"webhook": webhook_out(webhook, now_ms), "secret": secret.text}


def webhooks_out(webhooks: Iterable[Webhook], now_ms: int) -> WebhookList:
    """Returns webhooks as callers read them at `now_ms`."""
    return {"webhooks": [webhook_out(each, now_ms) for each in webhooks]}


def delivery_out(attempt: DeliveryAttempt) -> DeliveryOut:
    """Returns an attempt to deliver as callers read it."""
    return {
        "id": attempt.attempt_id,
        "event_id": attempt.event_id,
        "event_type": attempt.event_type,
        "attempt": attempt.number,
        "at": to_wire(attempt.at_ms),
        "took_seconds": attempt.took_ms / 1_000,
        "outcome": attempt.outcome,
        "status": attempt.status,
        "fault": attempt.fault,
    }


def tested_out(
    attempt: DeliveryAttempt, *, succeeded: bool, said: bytes | None, message: str | None
) -> TestedOut:
    """Returns the outcome of a test delivery. `said` is the beginning of the answer's body, None without an answer."""
    return {
        "delivery": delivery_out(attempt),
        "succeeded": succeeded,
        "answer": None if said is None else plain_message(said.decode("utf-8", "replace")),
        "message": message,
    }
