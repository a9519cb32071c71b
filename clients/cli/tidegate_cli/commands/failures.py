"""The commands `tidegate failures`: failed jobs grouped by their cause, and acts on a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from tidegate.domain.failures import FAILED_STATES, MAX_SAMPLES
from tidegate_cli.api_answers import number_of, objects_of
from tidegate_cli.client import Client
from tidegate_cli.commands.in_bulk import YesOption, act_on_all
from tidegate_cli.commands.job_filter import JobFilter, PoolFilter, TypeFilter, of_states, only
from tidegate_cli.commands.times import time_option
from tidegate_cli.options import ApiUrlOption, DryRunOption, OutputOption, session_of
from tidegate_cli.plots import sparkline
from tidegate_cli.tables import Cell, Column, TextTable, print_fields, print_table

failures = typer.Typer(help="Show, retry or mute failed jobs by their cause.", no_args_is_help=True)

COLUMNS = (
    Column("fingerprint", fixed=True),
    Column("jobs", 100, right=True),
    Column("type", 90),
    Column("code", 80),
    Column("over time", 60),
    Column("last", 70),
    Column("workflows", 40, right=True),
    Column("muted by", 50),
    Column("message", 95, folds=True),
)
_DEFAULT_LIMIT: Final = 1_000  # as many failed jobs as one page looks at
_MOST_PAGES: Final = 50  # a page that ends early for its number of groups has looked at 200 failed jobs

SinceOption = Annotated[str | None, time_option("--since", "Only jobs that failed from this time on")]
FingerprintArgument = Annotated[
    str, typer.Argument(metavar="FINGERPRINT", help="As `tidegate failures list` shows it.")
]


@failures.command("list")
def list_failures(
    context: typer.Context,
    since: SinceOption = None,
    pool: PoolFilter = None,
    job_type: TypeFilter = None,
    code: Annotated[str | None, only("--code", "with this error code", "CODE")] = None,
    muted: Annotated[bool, typer.Option("--muted", help="Show muted groups too.")] = False,
    limit: Annotated[
        int,
        typer.Option(
            "--limit",
            min=1,
            max=10_000,
            help="Look at so many failed jobs, and at those of a page more at most.",
        ),
    ] = _DEFAULT_LIMIT,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show failed and timed-out jobs by type, error code and message. The largest group comes first.

    The jobs of the last day are shown unless you give `--since`. Messages that differ in names and numbers only are one
    group.

    Example: tidegate failures list --since 7d
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = _all_pages(client, limit, since=since, pool=pool, job_type=job_type, code=code, muted=muted)
    if session.is_structured:
        session.show(found)
    else:
        _print_groups(objects_of(found, "groups"), session.out)
    if found["left_out"]:
        session.tell(f"{found['left_out']:,} muted groups are left out; --muted shows them")
    if found["cursor"] is not None:
        session.tell(
            f"looked back to {found['looked_back_to']}: there may be earlier failures, which --limit lets you see"
        )


@failures.command("retry")
def retry_failures(
    context: typer.Context,
    fingerprint: FingerprintArgument,
    since: SinceOption = None,
    pool: PoolFilter = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Retry all jobs of a failure group.

    It counts them first and asks. Jobs that were skipped because of them are opened too.

    Example: tidegate failures retry 3f2a91c07b5d8e64 --since 24h
    """
    session = session_of(context, output, api_url)
    narrowed = JobFilter(failure=fingerprint, pool=pool, since=since)
    wanted = {**of_states(FAILED_STATES), **narrowed.given()}
    act_on_all(session, "retry", wanted, {}, yes=yes, dry_run=dry_run)


@failures.command("mute")
def mute_failures(
    context: typer.Context,
    fingerprint: FingerprintArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Leave a failure group out of lists, because its cause is known. The jobs stay as they are.

    Example: tidegate failures mute 3f2a91c07b5d8e64
    """
    _set_muted(context, fingerprint, True, output, api_url)


@failures.command("unmute")
def unmute_failures(
    context: typer.Context,
    fingerprint: FingerprintArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show a failure group in lists again.

    Example: tidegate failures unmute 3f2a91c07b5d8e64
    """
    _set_muted(context, fingerprint, False, output, api_url)


def _set_muted(
    context: typer.Context, fingerprint: str, muted: bool, output: OutputOption, api_url: ApiUrlOption
) -> None:
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.set_failures_muted(fingerprint, muted)
    if session.is_structured:
        session.show(found)
        return
    change = found.get("change") or {}
    fields: list[tuple[str, Cell]] = [
        ("fingerprint", str(found.get("fingerprint"))),
        ("muted", "yes" if found.get("muted") else "no"),
        ("by", str(change.get("by") or "-")),
        ("at", str(change.get("at") or "-")),
    ]
    print_fields(fields, session.out)


def _all_pages(client: Client, limit: int, **filters: Any) -> dict[str, Any]:
    """Returns the pages that look at `limit` failed jobs together, as one page."""
    pages = [client.list_failures(**filters)]
    looked_at = number_of(pages[0], "looked_at")
    while pages[-1].get("cursor") is not None and looked_at < limit and len(pages) < _MOST_PAGES:
        pages.append(client.list_failures(**filters, cursor=pages[-1]["cursor"]))
        looked_at += number_of(pages[-1], "looked_at")
    return {
        **pages[0],
        "groups": merged(group for page in pages for group in objects_of(page, "groups")),
        "left_out": max(number_of(page, "left_out") for page in pages),
        "looked_at": looked_at,
        "looked_back_to": pages[-1].get("looked_back_to"),
        "cursor": pages[-1].get("cursor"),
    }


def merged(groups: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns the groups of several pages, those with one fingerprint as one, the largest first.

    The groups of later pages have earlier jobs. The number of workflows is then the least that there can be.
    """
    found: dict[str, dict[str, Any]] = {}
    for group in groups:
        later = found.get(group["fingerprint"])
        found[group["fingerprint"]] = dict(group) if later is None else _joined(later, group)
    return sorted(found.values(), key=lambda group: -group["count"])


def _joined(later: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    jobs: dict[str, int] = {}
    for each in (*later["workflows"], *earlier["workflows"]):
        jobs[each["workflow_id"]] = jobs.get(each["workflow_id"], 0) + each["jobs"]
    most = sorted(jobs.items(), key=lambda item: -item[1])[:MAX_SAMPLES]
    return {
        **later,
        "count": later["count"] + earlier["count"],
        "first_at": earlier["first_at"],
        "over_time": [
            one + other for one, other in zip(later["over_time"], earlier["over_time"], strict=True)
        ],
        "job_ids": [*later["job_ids"], *earlier["job_ids"]][:MAX_SAMPLES],
        "workflow_count": max(later["workflow_count"], earlier["workflow_count"], len(jobs)),
        "workflows": [{"workflow_id": each, "jobs": count} for each, count in most],
    }


def _print_groups(groups: Sequence[Mapping[str, Any]], console: Console) -> None:
    if not groups:
        console.print(Text("no failures", style="dim"))
        return
    rows: list[Sequence[Cell]] = [
        (
            str(group["fingerprint"]),
            f"{group['count']:,}",
            str(group["type"]),
            str(group["code"] or "-"),
            sparkline(group["over_time"]),
            str(group["last_at"]),
            f"{group['workflow_count']:,}",
            str((group["muted"] or {}).get("by", "-")),
            str(group["message"] or "-"),
        )
        for group in groups
    ]
    print_table(TextTable(COLUMNS, rows), console)
