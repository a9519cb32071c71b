"""The routes of webhooks."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, page_answer
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import ULID, body_of, deps_of, id_of, key_and_dry_run_of, refuse_other_parameters
from tidegate.contracts.requests import read_no_options
from tidegate.contracts.times import to_wire
from tidegate.contracts.webhooks import (
    DeliveryPageOut,
    amended,
    delivery_out,
    new_secret_out,
    read_webhook,
    read_webhook_change,
    tested_out,
    webhook_out,
    webhooks_out,
)
from tidegate.domain.addresses import Reach, target_of
from tidegate.domain.audit import Details
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.events import EventType
from tidegate.domain.ids import derived_submission_id
from tidegate.domain.webhooks import Webhook
from tidegate.usecases.webhooks import manage
from tidegate.usecases.webhooks.attempt import Tools
from tidegate.usecases.webhooks.try_out import try_out

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.get("/v1/webhooks")
def list_webhooks() -> Response[str]:
    """Returns every webhook."""
    refuse_other_parameters(router)
    deps = deps_of(router)
    found = manage.list_webhooks(deps.services)
    return answer_with(HTTPStatus.OK, webhooks_out(found, deps.clock.now_ms()))


@router.post("/v1/webhooks")
def post_webhook() -> Response[str]:
    """Makes a webhook, and answers with its secret."""
    refuse_other_parameters(router)
    (url, description, wanted), deps = read_webhook(body_of(router)), deps_of(router)
    now_ms = deps.clock.now_ms()
    webhook_id = _key_of("webhook") or deps.services.entropy.new_ulid(now_ms)
    with audited_act(router, "webhook.create", webhook_id) as record:
        made = manage.create(
            deps.services, webhook_id, url, description, wanted, caller=caller_of(router), now_ms=now_ms
        )
        record.change(after=_details(made))
    answer = new_secret_out(made, deps.clock.now_ms())
    return answer_with(HTTPStatus.CREATED, answer, f"/v1/webhooks/{made.webhook_id}")


@router.get("/v1/webhooks/<webhook_id>")
def get_webhook(webhook_id: str) -> Response[str]:
    """Returns one webhook."""
    refuse_other_parameters(router)
    id_of("webhook", webhook_id, ULID)
    return _answer(manage.find_webhook(deps_of(router).services, webhook_id))


@router.patch("/v1/webhooks/<webhook_id>")
def patch_webhook(webhook_id: str) -> Response[str]:
    """Changes the fields of a webhook that the body names."""
    refuse_other_parameters(router)
    id_of("webhook", webhook_id, ULID)
    asked, deps = read_webhook_change(body_of(router)), deps_of(router)
    with audited_act(router, "webhook.change", webhook_id) as record:
        before, after = manage.change(
            deps.services,
            webhook_id,
            lambda standing: amended(standing, asked),
            caller=caller_of(router),
            now_ms=deps.clock.now_ms(),
        )
        record.change(before=_details(before), after=_details(after))
    return _answer(after)


@router.delete("/v1/webhooks/<webhook_id>")
def delete_webhook(webhook_id: str) -> Response[str]:
    """Removes a webhook, and answers with the webhook as it was."""
    _check_act(webhook_id)
    with audited_act(router, "webhook.remove", webhook_id) as record:
        removed = manage.remove(deps_of(router).services, webhook_id, caller=caller_of(router))
        record.change(before=_details(removed))
    return _answer(removed)


@router.post("/v1/webhooks/<webhook_id>/rotate")
def rotate_webhook(webhook_id: str) -> Response[str]:
    """Gives a webhook a new secret, and answers with it."""
    _check_act(webhook_id)
    deps, asked = deps_of(router), _key_of(f"rotation of {webhook_id}")
    with audited_act(router, "webhook.rotate", webhook_id):
        rotated = manage.rotate(
            deps.services, webhook_id, asked=asked, caller=caller_of(router), now_ms=deps.clock.now_ms()
        )
    return answer_with(HTTPStatus.OK, new_secret_out(rotated, deps.clock.now_ms(), asked))


@router.post("/v1/webhooks/<webhook_id>/enable")
def enable_webhook(webhook_id: str) -> Response[str]:
    """Enables a webhook."""
    _check_act(webhook_id)
    deps = deps_of(router)
    with audited_act(router, "webhook.enable", webhook_id) as record:
        before, after = manage.enable(
            deps.services, webhook_id, caller=caller_of(router), now_ms=deps.clock.now_ms()
        )
        record.change(before=_details(before), after=_details(after))
    return _answer(after)


@router.post("/v1/webhooks/<webhook_id>/disable")
def disable_webhook(webhook_id: str) -> Response[str]:
    """Disables a webhook."""
    _check_act(webhook_id)
    deps = deps_of(router)
    with audited_act(router, "webhook.disable", webhook_id) as record:
        before, after = manage.disable(
            deps.services, webhook_id, caller=caller_of(router), now_ms=deps.clock.now_ms()
        )
        record.change(before=_details(before), after=_details(after))
    return _answer(after)


@router.post("/v1/webhooks/<webhook_id>/test")
def try_webhook(webhook_id: str) -> Response[str]:
    """Sends a test delivery, and answers with what the receiver said."""
    _check_act(webhook_id)
    deps = deps_of(router)
    tools = Tools(deps.outside, deps.clock, deps.stopwatch)
    with audited_act(router, "webhook.test", webhook_id) as record:
        at = to_wire(deps.clock.now_ms()) or ""
        tried = try_out(deps.services, tools, webhook_id, at, caller=caller_of(router))
        record.change(after={"status": tried.attempt.status, "fault": tried.attempt.fault})
    answer, failure = tried.told.answer, tried.told.failure
    shown = tested_out(
        tried.attempt,
        succeeded=tried.told.is_success,
        said=None if answer is None else answer.body,
        message=None if failure is None else str(failure),
    )
    return answer_with(HTTPStatus.OK, shown)


@router.get("/v1/webhooks/<webhook_id>/deliveries")
def list_deliveries(webhook_id: str) -> Response[str]:
    """Returns a page of the attempts to deliver to a webhook, latest first."""
    refuse_other_parameters(router, "limit", "cursor")
    id_of("webhook", webhook_id, ULID)
    before = cursor_of(router)
    if before is not None and not ULID.fullmatch(before):
        raise InvalidRequest.of("cursor", "is not a cursor of this request; leave it out to start over")

    def read(limit: int) -> DeliveryPageOut:
        page = manage.list_attempts(deps_of(router).services, webhook_id, limit=limit, before=before)
        return {
            "deliveries": [delivery_out(each) for each in page.attempts],
            "cursor": next_cursor(router, page.before),
        }

    return page_answer(router, read)


def _check_act(webhook_id: str) -> None:
    """Refuses what an act without options does not take, and what can't be the id of a webhook."""
    refuse_other_parameters(router)
    read_no_options(body_of(router))
    id_of("webhook", webhook_id, ULID)


def _key_of(kind: str) -> str | None:
    """Returns an id made of the request's idempotency key in its caller's namespace, None without one."""
    key, _ = key_and_dry_run_of(router)  # the option dry_run was refused before
    return None if key is None else derived_submission_id(kind, key, caller_of(router).namespace)


def _answer(webhook: Webhook) -> Response[str]:
    return answer_with(HTTPStatus.OK, webhook_out(webhook, deps_of(router).clock.now_ms()))


def _details(webhook: Webhook) -> Details:
    """Returns what the audit trail keeps of a webhook: the host of its URL, because the path may be confidential."""
    wanted = webhook.filter
    return {
        "host": target_of(webhook.url, Reach.ANY).authority,
        "enabled": webhook.is_enabled,
        "events": " ".join(each for each in EventType if each in wanted.events),
        "types": " ".join(sorted(wanted.types)),
        "pools": " ".join(sorted(wanted.pools)),
        "states": " ".join(sorted(wanted.states)),
        "tags": " ".join(f"{name}={value}" for name, value in sorted(wanted.tags.items())),
    }


refuse_other_methods(router, "/v1/webhooks", "GET", "POST")
refuse_other_methods(router, "/v1/webhooks/<webhook_id>", "DELETE", "GET", "PATCH")
for _act in ("rotate", "enable", "disable", "test"):
    refuse_other_methods(router, f"/v1/webhooks/<webhook_id>/{_act}", "POST")
refuse_other_methods(router, "/v1/webhooks/<webhook_id>/deliveries", "GET")
