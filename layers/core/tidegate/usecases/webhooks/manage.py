"""Makes, shows, changes and removes webhooks. IAM lets only operators call the routes that change them.

Every function may raise NotFound for an unknown id, and ServiceUnavailable. No answer but that of `create` and `rotate`
may show a secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tidegate.domain import limits
from tidegate.domain.addresses import Reach, target_of
from tidegate.domain.callers import Caller
from tidegate.domain.errors import IdempotencyConflict, InvalidRequest, NotFound, ServiceUnavailable
from tidegate.domain.webhooks import (
    SECRET_BYTES,
    DeliveryAttempt,
    Filter,
    Secret,
    Webhook,
    new_secret,
)
from tidegate.usecases.services import Services

_TRIES = 5  # a refused write means that another operator changed the webhook meanwhile
BY_OPERATOR = "an operator disabled it"


@dataclass(frozen=True, slots=True)
class AttemptPage:
    """Some attempts to deliver, latest first, and the id before which the next page begins; None at the end."""

    attempts: tuple[DeliveryAttempt, ...]
    before: str | None


def list_webhooks(services: Services) -> tuple[Webhook, ...]:
    """Returns all webhooks, oldest first. Costs one query."""
    return tuple(sorted(services.webhooks.list_all(), key=lambda each: (each.created_at_ms, each.webhook_id)))


def find_webhook(services: Services, webhook_id: str) -> Webhook:
    """Returns a webhook. Costs one read."""
    found = services.webhooks.get(webhook_id)
    if found is None:
        raise NotFound("webhook", webhook_id)
    return found


def check_sending(services: Services) -> Reach:
    """Returns how far deliveries of this deployment may go. Raises InvalidRequest where it sends none."""
    reach = services.settings.webhook_reach
    if reach is None:
        raise InvalidRequest.of("", "this deployment has no webhooks; deploy it with Webhooks=true")
    return reach


def create(
    services: Services,
    webhook_id: str,
    url: str,
    description: str | None,
    wanted: Filter,
    *,
    caller: Caller,
    now_ms: int,
) -> Webhook:
    """Makes a webhook with a new secret. Costs one query and one write, and a read where the id is taken.

    `webhook_id` is a new one, or made of the request's idempotency key. A webhook that an earlier request made under
    this id for the same is returned as it is. Raises IdempotencyConflict if that one differs or was changed since,
    InvalidRequest for a URL that no delivery may go to and for filters that no event could ever pass, where the
    deployment sends none, and where there are `MAX_WEBHOOKS` already. Requests at the same moment may make a few more.
    """
    _check_url(services, url)
    _check_filter(wanted)
    standing = services.webhooks.list_all()
    made = next((each for each in standing if each.webhook_id == webhook_id), None)
    if made is None and len(standing) >= limits.MAX_WEBHOOKS:
        raise InvalidRequest.of(
            "", f"there are {limits.MAX_WEBHOOKS} webhooks, the most allowed; remove one first"
        )
    by = caller.subject or caller.display
    webhook = Webhook(
        webhook_id=webhook_id,
        url=url,
        description=description,
        filter=wanted,
        secrets=(_secret(services),),
        created_by=by,
        created_at_ms=now_ms,
        changed_by=by,
        changed_at_ms=now_ms,
    )
    if made is None and services.webhooks.insert(webhook):
        return webhook
    made = made or find_webhook(services, webhook_id)
    same = (made.url, made.description, made.filter, made.version) == (url, description, wanted, 1)
    if not same:
        difference = "was changed since" if made.version > 1 else "differs from what this request asks for"
        raise IdempotencyConflict(
            f"Idempotency-Key was used before for the webhook {webhook_id}, which {difference}; read that one, and "
            "rotate its secret if the answer was lost, or use a new key for a new webhook"
        )
    return made


def change(
    services: Services, webhook_id: str, amend: Callable[[Webhook], Webhook], *, caller: Caller, now_ms: int
) -> tuple[Webhook, Webhook]:
    """Changes a webhook by `amend`, a pure function that may run several times. Returns it as it was and as it is.

    A change that changes nothing writes nothing. Raises InvalidRequest for a URL that no delivery may go to and for
    filters that no event could ever pass, ServiceUnavailable if too many other changes came between. Costs at most five
    reads and five writes, usually one of each.
    """
    by = caller.subject or caller.display
    before: Webhook | None = None
    for _ in range(_TRIES):
        standing = find_webhook(services, webhook_id)
        before = before or standing
        wanted = amend(standing)
        if wanted == standing:
            return before, standing
        if wanted.url != standing.url:
            _check_url(services, wanted.url)
        if wanted.filter != standing.filter:
            _check_filter(wanted.filter)
        changed = replace(wanted, changed_by=by, changed_at_ms=now_ms)
        if services.webhooks.save_if_unchanged(changed):
            return before, replace(changed, version=changed.version + 1)
    raise ServiceUnavailable("changing a webhook met too many other changes; repeat it in a moment")


def rotate(services: Services, webhook_id: str, *, asked: str | None, caller: Caller, now_ms: int) -> Webhook:
    """Gives a webhook a new secret. The one before it signs on for a day. The costs are those of `change`.

    `asked` is made of the request's idempotency key, None without one. A repeated request changes nothing and returns
    the webhook as it stands, so that a lost answer never takes the secret that the receiver knows. That holds while the
    secret of the first one signs, also after another rotation.
    """
    secret = _secret(services, asked)

    def amend(standing: Webhook) -> Webhook:
        for each in standing.signing(now_ms):
            if each.text == secret.text or (asked is not None and each.asked == asked):
                return standing
        return standing.rotated(secret, now_ms)

    return change(services, webhook_id, amend, caller=caller, now_ms=now_ms)[1]


def enable(services: Services, webhook_id: str, *, caller: Caller, now_ms: int) -> tuple[Webhook, Webhook]:
    """Enables a webhook. Events of the time before are not told again. The costs are those of `change`."""
    check_sending(services)
    return change(
        services,
        webhook_id,
        lambda standing: replace(standing, disabled_reason=None),
        caller=caller,
        now_ms=now_ms,
    )


def disable(services: Services, webhook_id: str, *, caller: Caller, now_ms: int) -> tuple[Webhook, Webhook]:
    """Disables a webhook; one that is disabled keeps its reason. The costs are those of `change`."""
    return change(
        services,
        webhook_id,
        lambda standing: replace(standing, disabled_reason=standing.disabled_reason or BY_OPERATOR),
        caller=caller,
        now_ms=now_ms,
    )


def remove(services: Services, webhook_id: str, *, caller: Caller) -> Webhook:
    """Removes a webhook with its secrets, and returns it as it was. Its log stays until its time.

    Costs one read and one write.
    """
    del caller  # the audit trail names it
    standing = find_webhook(services, webhook_id)
    services.webhooks.remove(webhook_id)
    return standing


def list_attempts(services: Services, webhook_id: str, *, limit: int, before: str | None) -> AttemptPage:
    """Returns at most `limit` (1-200) attempts to deliver to a webhook, latest first. Costs one read and one query."""
    find_webhook(services, webhook_id)
    found = services.webhooks.attempts(webhook_id, limit=limit, before=before)
    return AttemptPage(found, found[-1].attempt_id if len(found) == limit else None)


def _check_url(services: Services, url: str) -> None:
    try:
        target_of(url, check_sending(services))
    except ValueError as error:
        raise InvalidRequest.of("url", str(error)) from error


def _check_filter(wanted: Filter) -> None:
    name = wanted.fits_none()
    if name is not None:
        raise InvalidRequest.of(
            name,
            f"no event could ever pass these filters together (events: {', '.join(sorted(wanted.events))}); "
            f"leave out {name}, or name events that have such a value",
        )


def _secret(services: Services, asked: str | None = None) -> Secret:
    return new_secret(services.entropy.secret_bytes(SECRET_BYTES), asked)
