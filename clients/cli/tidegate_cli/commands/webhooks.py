"""The commands of `tidegate webhooks`: keep addresses outside that are told of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from tidegate_cli import ids
from tidegate_cli.commands.change import tags_of
from tidegate_cli.errors import UsageError
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, session_of
from tidegate_cli.tables import Cell, Column, TextTable, print_fields, print_table
from tidegate_cli.views import printable

webhooks = typer.Typer(
    help="Tell addresses outside of ends, times at risk and lost workers.", no_args_is_help=True
)

WebhookArgument = Annotated[
    str,
    typer.Argument(metavar="WEBHOOK", callback=ids.webhook_id, help="For example 01JD3V8Q5S2Y6W9K4M7N0P1R2T"),
]
_FilterOption = list[str] | None
EventOption = Annotated[
    _FilterOption,
    typer.Option(
        "--event",
        metavar="EVENT",
        help="job.ended, workflow.ended, deadline.at-risk or worker.lost; may be repeated. All without it.",
        show_default=False,
    ),
]
TypeOption = Annotated[
    _FilterOption,
    typer.Option(
        "--type", metavar="TYPE", help="Only jobs of this type; may be repeated.", show_default=False
    ),
]
PoolOption = Annotated[
    _FilterOption,
    typer.Option(
        "--pool",
        metavar="POOL",
        help="Only jobs and workers of this pool; may be repeated.",
        show_default=False,
    ),
]
StateOption = Annotated[
    _FilterOption,
    typer.Option(
        "--state",
        metavar="STATE",
        help="Only in this state, like FAILED; may be repeated.",
        show_default=False,
    ),
]
TagOption = Annotated[
    _FilterOption,
    typer.Option(
        "--tag", metavar="NAME=VALUE", help="Only with this tag; may be repeated.", show_default=False
    ),
]
DescriptionOption = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="For people.", show_default=False)
]
_NONE = "none"
_COLUMNS = (
    Column("id", fixed=True),
    Column("url", 90, folds=True),
    Column("enabled", 100),
    Column("events", 60, folds=True),
    Column("last success", 70),
    Column("why disabled", 50, folds=True),
)
_DELIVERIES = (
    Column("at", fixed=True),
    Column("event", 90),
    Column("attempt", 80, right=True),
    Column("outcome", 100),
    Column("status", 90, right=True),
    Column("fault", 70),
    Column("seconds", 60, right=True),
    Column("event id", 50, folds=True),
)
_STYLES = {"delivered": "green", "retried": "yellow", "given-up": "red", "tested": "cyan"}


@webhooks.command("list")
def list_webhooks(context: typer.Context, output: OutputOption = None, api_url: ApiUrlOption = None) -> None:
    """List the webhooks, oldest first.

    Example: tidegate webhooks list
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.list_webhooks()
    if session.is_structured:
        session.show({"webhooks": [dict(each) for each in found]})
    elif found:
        names = ("id", "url", "enabled", "events", "last_success_at", "disabled_reason")
        rows = [tuple(_plain(each.get(name)) for name in names) for each in found]
        print_table(TextTable(_COLUMNS, rows), session.out)
    else:
        session.out.print(Text("no webhooks", style="dim"))


@webhooks.command("get")
def get_webhook(
    context: typer.Context,
    webhook: WebhookArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show one webhook. Its secret is never shown again.

    Example: tidegate webhooks get 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.get_webhook(webhook), session)


@webhooks.command("create")
def create_webhook(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="An https address of the public internet.")],
    event: EventOption = None,
    job_type: TypeOption = None,
    pool: PoolOption = None,
    state: StateOption = None,
    tag: TagOption = None,
    description: DescriptionOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Make a webhook, and show its secret once. The events must pass every filter that you give.

    Example: tidegate webhooks create https://hooks.example.com/tidegate --event job.ended --state FAILED
    """
    session = session_of(context, output, api_url)
    filters = _filters(event, job_type, pool, state, tag)
    with session.client() as client:
        _show_secret(client.create_webhook(url, description=description, **filters), session)


@webhooks.command("change")
def change_webhook(
    context: typer.Context,
    webhook: WebhookArgument,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="The new address.", show_default=False)
    ] = None,
    event: EventOption = None,
    job_type: TypeOption = None,
    pool: PoolOption = None,
    state: StateOption = None,
    tag: TagOption = None,
    description: DescriptionOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Change a webhook. A filter that you give replaces the one that it has; `none` takes it off.

    Example: tidegate webhooks change 01JD3V8Q5S2Y6W9K4M7N0P1R2T --state FAILED --pool none
    """
    changes: dict[str, Any] = _filters(event, job_type, pool, state, tag)
    if url is not None:
        changes["url"] = url
    if description is not None:
        changes["description"] = description or None
    if not changes:
        raise UsageError(
            "nothing to change: name at least one of --url, --event, --type, --pool, --state, --tag and --description"
        )
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.change_webhook(webhook, changes), session)


@webhooks.command("remove")
def remove_webhook(
    context: typer.Context,
    webhook: WebhookArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Remove a webhook with its secrets. Deliveries that wait are dropped.

    Example: tidegate webhooks remove 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.remove_webhook(webhook), session)


@webhooks.command("rotate")
def rotate_webhook(
    context: typer.Context,
    webhook: WebhookArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Give a webhook a new secret, and show it once. The one before it signs on for a day.

    Example: tidegate webhooks rotate 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show_secret(client.rotate_webhook(webhook), session)


@webhooks.command("enable")
def enable_webhook(
    context: typer.Context,
    webhook: WebhookArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Enable a webhook. Events of the time before are not told again.

    Example: tidegate webhooks enable 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.set_webhook_enabled(webhook, True), session)


@webhooks.command("disable")
def disable_webhook(
    context: typer.Context,
    webhook: WebhookArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Disable a webhook.

    Example: tidegate webhooks disable 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.set_webhook_enabled(webhook, False), session)


@webhooks.command("test")
def try_webhook(
    context: typer.Context,
    webhook: WebhookArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Send a test delivery, and show what the receiver answered.

    Example: tidegate webhooks test 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.try_webhook(webhook)
    if session.is_structured:
        session.show(found)
        return
    delivery = found.get("delivery") or {}
    fields = [
        ("succeeded", found.get("succeeded")),
        ("status", delivery.get("status")),
        ("seconds", delivery.get("took_seconds")),
        ("answer", found.get("answer")),
        ("message", found.get("message")),
    ]
    print_fields([(name, _plain(value)) for name, value in fields], session.out)


@webhooks.command("deliveries")
def list_deliveries(
    context: typer.Context,
    webhook: WebhookArgument,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="The most attempts shown.")] = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List attempts to deliver to a webhook, latest first.

    The log keeps them for a week.

    Example: tidegate webhooks deliveries 01JD3V8Q5S2Y6W9K4M7N0P1R2T --limit 20
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.list_deliveries(webhook, limit=limit)
    if session.is_structured:
        session.show({"deliveries": [dict(each) for each in found]})
        return
    if not found:
        session.out.print(Text("no deliveries", style="dim"))
        return
    rows: list[Sequence[Cell]] = [
        (
            _plain(each.get("at")),
            _plain(each.get("event_type")),
            _plain(each.get("attempt")),
            Text(_plain(each.get("outcome")), style=_STYLES.get(str(each.get("outcome")), "")),
            _plain(each.get("status")),
            _plain(each.get("fault")),
            _plain(each.get("took_seconds")),
            _plain(each.get("event_id")),
        )
        for each in found
    ]
    print_table(TextTable(_DELIVERIES, rows), session.out)
    session.tell_cut("deliveries", len(found), limit)


def _filters(
    event: _FilterOption,
    job_type: _FilterOption,
    pool: _FilterOption,
    state: _FilterOption,
    tag: _FilterOption,
) -> dict[str, Any]:
    """Returns the filters that are given, as the API takes them. Raises OptionError for a tag without a value."""
    given: dict[str, Any] = {}
    for name, values in (("events", event), ("types", job_type), ("pools", pool), ("states", state)):
        if values is not None:
            given[name] = [] if values == [_NONE] else values
    if tag is not None:
        given["tags"] = tags_of(tag)
    return given


def _show(webhook: Mapping[str, Any], session: Session) -> None:
    if session.is_structured:
        session.show(webhook)
    else:
        print_fields([(name, _plain(value)) for name, value in webhook.items()], session.out)


def _show_secret(found: Mapping[str, Any], session: Session) -> None:
    if session.is_structured:
        session.show(found)
        return
    fields = {**(found.get("webhook") or {}), "secret": found.get("secret")}
    print_fields([(name, _plain(value)) for name, value in fields.items()], session.out)
    session.out.print(Text("The secret is not shown again: store it at the receiver.", style="dim"))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        value = ", ".join(f"{name}={held}" for name, held in value.items())
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return printable("-" if value is None or value == "" else str(value))
