"""Webhooks: addresses outside that are told of events, with the events that each wants, and how deliveries are retried.

A delivery follows the Standard Webhooks specification, version 1: the headers `webhook-id`, `webhook-timestamp` and
`webhook-signature`, and secrets that begin with `whsec_`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from tidegate.domain.events import EventType
from tidegate.domain.job import NO_TAGS
from tidegate.domain.progress import WorkflowState
from tidegate.domain.states import TERMINAL, State
from tidegate.domain.workers import WorkerState

SECRET_BYTES: Final = 32
OLD_SECRET_HOURS: Final = 24  # that a replaced secret still signs
LOG_DAYS: Final = 7  # that the log keeps an attempt
# The delays after the first, the second, … attempt. The last attempt is made about a day after the first.
DELAYS_SECONDS: Final = (10, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 14_400, 14_400, 14_400, 14_400)
ATTEMPTS: Final = len(DELAYS_SECONDS) + 1
TEST_EVENT: Final = "webhook.test"
NOTED_SUCCESS_MS: Final = 600_000  # a later success is noted at most this often
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # the beginning of every secret
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of event: its type, the states that its subject may have, and whether that has a job type and a pool."""

    event: EventType
    states: frozenset[str]
    has_type: bool = False
    has_pool: bool = False


_OPEN_WORKFLOWS: Final = frozenset({str(WorkflowState.RUNNING), str(WorkflowState.HELD)})
_KINDS: Final = (
    _Kind(EventType.JOB_ENDED, frozenset(map(str, TERMINAL)), has_type=True, has_pool=True),
    _Kind(EventType.WORKFLOW_ENDED, frozenset(map(str, WorkflowState)) - _OPEN_WORKFLOWS),
    _Kind(
        EventType.DEADLINE_AT_RISK,
        frozenset(map(str, frozenset(State) - TERMINAL)),
        has_type=True,
        has_pool=True,
    ),
    _Kind(EventType.DEADLINE_AT_RISK, _OPEN_WORKFLOWS),
    _Kind(EventType.WORKER_LOST, frozenset({str(WorkerState.LOST)}), has_pool=True),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """The events that a webhook wants: those for which every filter that is not empty holds.

    An event that lacks the field of a filter does not fit: a workflow has no type and no pool, a worker no type.
    """

    events: frozenset[EventType] = frozenset(EventType)
    types: frozenset[str] = frozenset()
    pools: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)

    def fits_none(self) -> str | None:
        """Returns the name of the filter because of which no event can ever fit, None if some can.

        Filters of this deployment's own names are not judged: a pool or a type may be deployed later.
        """
        left = [kind for kind in _KINDS if kind.event in self.events]
        for name, holds in (
            ("types", lambda kind: not self.types or kind.has_type),
            ("pools", lambda kind: not self.pools or kind.has_pool),
            ("states", lambda kind: not self.states or bool(self.states & kind.states)),
        ):
            left = [kind for kind in left if holds(kind)]
            if not left:
                return name
        return None

    def fits(self, event: SeenEvent) -> bool:
        """Tells whether every filter holds for an event."""
        subject = event.subject
        tags = subject.get("tags")
        return (
            event.type in self.events
            and (not self.types or subject.get("type") in self.types)
            and (not self.pools or subject.get("pool") in self.pools)
            and (not self.states or subject.get("state") in self.states)
            and all(isinstance(tags, Mapping) and tags.get(name) == self.tags[name] for name in self.tags)
        )


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event as it came from the bus. `at` is its time on the wire. `facts` is what it tells beside id and time."""

    event_id: str
    type: EventType
    at: str
    facts: Mapping[str, Any]

    @property
    def subject(self) -> Mapping[str, Any]:
        """Returns the facts of the job, the workflow or the worker that the event is about."""
        for name in ("job", "workflow", "worker"):
            subject = self.facts.get(name)
            if isinstance(subject, Mapping):
                return subject
        return {}


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that signs deliveries. `until_ms` is when a replaced one stops to, None for the present one.

    `asked` is made of the idempotency key of the request that made it, None without one.
    """

    text: str = field(repr=False)
    until_ms: int | None = None
    asked: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address outside that is told of events.

    `disabled_reason` says why it is told of none at present, None while it is enabled. `last_success_at_ms` is noted at
    most once in `NOTED_SUCCESS_MS`. `version` counts the changes of callers. Times are in milliseconds since the epoch.
    """

    webhook_id: str
    url: str
    description: str | None
    filter: Filter
    secrets: tuple[Secret, ...]
    created_by: str
    created_at_ms: int
    changed_by: str
    changed_at_ms: int
    disabled_reason: str | None = None
    last_success_at_ms: int | None = None
    version: int = 1

    @property
    def is_enabled(self) -> bool:
        """Tells whether the webhook is told of events."""
        return self.disabled_reason is None

    def rotated(self, new: Secret, now_ms: int) -> Webhook:
        """Returns the webhook with a new secret. The one before it signs on for `OLD_SECRET_HOURS`, no other does."""
        until_ms = now_ms + OLD_SECRET_HOURS * 3_600_000
        return replace(self, secrets=(new, *(replace(each, until_ms=until_ms) for each in self.secrets[:1])))

    def signing(self, now_ms: int) -> tuple[Secret, ...]:
        """Returns the secrets that sign at `now_ms`, the present one first."""
        return tuple(each for each in self.secrets if each.until_ms is None or each.until_ms > now_ms)


class Outcome(StrEnum):
    """The outcome of one attempt to deliver an event."""

    DELIVERED = "delivered"
    RETRIED = "retried"  # it failed, and another attempt follows
    GIVEN_UP = "given-up"  # it failed, and no further attempt follows
    TESTED = "tested"  # it was a test, which is never repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    """One attempt to deliver an event, as the log keeps it. It never holds what was sent or answered.

    `attempt_id` is a ULID of the time of the attempt. `status` is that of the answer; without an answer `fault` is the
    reason in one word. `took_ms` is the time from the lookup of the host to the end of the answer.
    """

    webhook_id: str
    attempt_id: str
    event_id: str
    event_type: str
    number: int
    at_ms: int
    took_ms: int
    outcome: Outcome
    status: int | None = None
    fault: str | None = None


def new_secret(random_bytes: bytes, asked: str | None = None) -> Secret:
    """Returns the secret made of `SECRET_BYTES` random bytes. `asked` is kept with it."""
    if len(random_bytes) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes")
    return Secret(_SECRET_PREFIX + base64.b64encode(random_bytes).decode("ascii"), asked=asked)


def signature(secret: Secret, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Returns the signature `v1,…` of a message, which was sent at `timestamp_s` (seconds since the epoch).

    Source: Standard Webhooks 1.0.0, "Signature scheme".
    """
    key = base64.b64decode(secret.text.removeprefix(_SECRET_PREFIX))
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")


def headers_of(webhook: Webhook, message_id: str, body: bytes, now_ms: int) -> dict[str, str]:
    """Returns the headers of a delivery that is sent at `now_ms`. While secrets rotate, it carries two signatures."""
    timestamp_s = now_ms // 1_000
    signatures = [signature(each, message_id, timestamp_s, body) for each in webhook.signing(now_ms)]
    return {
        "content-type": "application/json",
        "user-agent": "tidegate-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }


def body_of(event: SeenEvent) -> bytes:
    """Returns the body that tells of an event. Every attempt sends the same bytes."""
    return body_with(event.type, event.at, event.facts)


def body_with(event_type: str, at: str, facts: Mapping[str, Any]) -> bytes:
    """Returns a body of a type, a time on the wire, and data."""
    told = {"type": event_type, "timestamp": at, "data": dict(facts)}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def delay_seconds(attempt: int, jitter: float) -> int | None:
    """Returns how long to wait after an attempt that failed, counted from 1; None after the last one.

    `jitter` (0-1) adds up to a tenth, so that deliveries that failed together do not come back together.
    """
    if attempt > len(DELAYS_SECONDS):
        return None
    delay = DELAYS_SECONDS[max(attempt, 1) - 1]
    return delay + int(delay * jitter / 10)


def read_event(detail_type: object, detail: object) -> SeenEvent:
    """Returns the event that the bus passed on. Raises ValueError for one that tidegate did not put there."""
    if not isinstance(detail, Mapping):
        raise ValueError("the event has no detail")
    event_id, at = detail.get("id"), detail.get("at")
    if not (
        isinstance(event_id, str) and isinstance(at, str) and event_id.isascii() and event_id.isprintable()
    ):
        raise ValueError("the event has no id or no time")
    facts = {name: value for name, value in detail.items() if name not in ("id", "at")}
    return SeenEvent(event_id, EventType(str(detail_type)), at, MappingProxyType(facts))


def log_expires_at_s(at_ms: int) -> int:
    """Returns when the log may forget an attempt of `at_ms`, in seconds since the epoch."""
    return at_ms // 1_000 + LOG_DAYS * _DAY_SECONDS
