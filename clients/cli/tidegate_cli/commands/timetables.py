"""The commands of `tidegate timetables` that make, show, change and remove timetables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tidegate_cli.commands.timetable_options import (
    AnchorOption,
    CronOption,
    EndOption,
    EveryOption,
    GraceOption,
    JitterOption,
    MissedOption,
    NameOption,
    OverlapOption,
    StartOption,
    TimetableArgument,
    ZoneOption,
    given_fields,
)
from tidegate_cli.documents.timetables import read_timetable
from tidegate_cli.errors import UsageError
from tidegate_cli.options import ApiUrlOption, IdempotencyKeyOption, OutputOption, Session, session_of
from tidegate_cli.tables import Cell, Column, TextTable, print_fields, print_table
from tidegate_cli.views import printable

timetables = typer.Typer(
    help="Submit a job or a workflow again and again, at set times.", no_args_is_help=True
)

_FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A timetable, or the job or the workflow that it submits, in JSON or YAML; - is standard input.",
    ),
]
_NewFileOption = Annotated[
    str | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="The new values, or the new job or workflow, in JSON or YAML; - is standard input.",
        show_default=False,
    ),
]
_LimitOption = Annotated[int, typer.Option("--limit", min=1, help="Most timetables to list.")]
COLUMNS = (
    Column("timetable", fixed=True),
    Column("name", 70, folds=True),
    Column("state", 100),
    Column("runs", 80, folds=True),
    Column("next", 90),
    Column("last run", 85),
    Column("last state", 84),
    Column("job types", 30, folds=True),
    Column("submitted by", 20, folds=True),
)
_TEMPLATES = ("job", "workflow")


@timetables.command("create")
def create_timetable(
    context: typer.Context,
    file: _FileArgument,
    cron: CronOption = None,
    zone: ZoneOption = None,
    every_seconds: EveryOption = None,
    anchor: AnchorOption = None,
    name: NameOption = None,
    start: StartOption = None,
    end: EndOption = None,
    jitter_seconds: JitterOption = None,
    missed: MissedOption = None,
    grace_seconds: GraceOption = None,
    overlap: OverlapOption = None,
    paused: Annotated[bool, typer.Option("--paused", help="Make it without letting it run.")] = False,
    idempotency_key: IdempotencyKeyOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Make a timetable. Options replace the values of FILE.

    Example: tidegate timetables create examples/timetable.yaml --zone Europe/Berlin --overlap skip
    """
    given = given_fields(
        {
            "cron": cron, "zone": zone, "every_seconds": every_seconds, "anchor": anchor, "name": name,
            "start": start, "end": end, "jitter_seconds": jitter_seconds, "missed": missed,
            "grace_seconds": grace_seconds, "overlap": overlap, "paused": paused or None,
        }
    )  # fmt: skip
    body = _merged(read_timetable(file, needs_template=True), given)
    session = session_of(context, output, api_url)
    with session.client() as client:
        made = client.create_timetable(body, idempotency_key)
    if session.is_structured:
        session.show(made)
        return
    session.out.print(printable(str(made.get("timetable_id"))), markup=False, highlight=False)
    session.tell(_says_next(made))


@timetables.command("list")
def list_timetables(
    context: typer.Context,
    submitted_by: Annotated[
        str | None,
        typer.Option(
            "--submitted-by", metavar="CALLER", help="Only those of this caller.", show_default=False
        ),
    ] = None,
    limit: _LimitOption = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List timetables with their next time and their last run.

    Example: tidegate timetables list
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.list_timetables(submitted_by=submitted_by, limit=limit)
    if session.is_structured:
        session.show({"timetables": [dict(each) for each in found]})
    else:
        _print_rows(found, session.out)
    session.tell_cut("timetables", len(found), limit)


@timetables.command("show")
def show_timetable(
    context: typer.Context,
    timetable_id: TimetableArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show a timetable with the job or the workflow that it submits.

    Example: tidegate timetables show 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _show(client.get_timetable(timetable_id), session)


@timetables.command("change")
def change_timetable(
    context: typer.Context,
    timetable_id: TimetableArgument,
    file: _NewFileOption = None,
    cron: CronOption = None,
    zone: ZoneOption = None,
    every_seconds: EveryOption = None,
    anchor: AnchorOption = None,
    name: NameOption = None,
    start: StartOption = None,
    end: EndOption = None,
    jitter_seconds: JitterOption = None,
    missed: MissedOption = None,
    grace_seconds: GraceOption = None,
    overlap: OverlapOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Change a timetable. A value that is not given stays.

    Example: tidegate timetables change 01JD3V8Q5S2Y6W9K4M7N0P1R2T --cron '30 5 * * *' --missed once
    """
    given = given_fields(
        {
            "cron": cron, "zone": zone, "every_seconds": every_seconds, "anchor": anchor, "name": name,
            "start": start, "end": end, "jitter_seconds": jitter_seconds, "missed": missed,
            "grace_seconds": grace_seconds, "overlap": overlap,
        }
    )  # fmt: skip
    change = _merged({} if file is None else read_timetable(file, needs_template=False), given)
    if not change:
        raise UsageError("nothing to change: name at least one value, such as --cron, or give --file")
    session = session_of(context, output, api_url)
    with session.client() as client:
        _tell(client.change_timetable(timetable_id, change), session)


@timetables.command("pause")
def pause_timetable(
    context: typer.Context,
    timetable_id: TimetableArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Pause a timetable. It submits nothing until it is resumed.

    Example: tidegate timetables pause 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _tell(client.set_timetable_paused(timetable_id, True), session)


@timetables.command("resume")
def resume_timetable(
    context: typer.Context,
    timetable_id: TimetableArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Resume a timetable. It passes over the times during the pause.

    Example: tidegate timetables resume 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        _tell(client.set_timetable_paused(timetable_id, False), session)


@timetables.command("remove")
def remove_timetable(
    context: typer.Context,
    timetable_id: TimetableArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Remove a timetable. The jobs that it submitted stay.

    Example: tidegate timetables remove 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        removed = client.remove_timetable(timetable_id)
    if session.is_structured:
        session.show(removed)
        return
    session.out.print(f"{timetable_id} is removed", markup=False, highlight=False)


def short_time(value: object) -> str:
    """Returns a time of the API without its thousandths where it has none, and - for null."""
    return "-" if value is None else printable(str(value)).replace(".000Z", "Z")


def _merged(body: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the body with the options in place of its values. One recurrence takes the place of the other."""
    if "cron" in given or "zone" in given:
        body = {name: value for name, value in body.items() if name not in ("every_seconds", "anchor")}
    elif "every_seconds" in given or "anchor" in given:
        body = {name: value for name, value in body.items() if name not in ("cron", "zone")}
    return {**body, **given}


def _says_next(timetable: Mapping[str, Any]) -> str:
    state, at = timetable.get("state"), timetable.get("next_at")
    return f"it is {state}" if at is None else f"it is {state}, and runs next at {short_time(at)}"


def _tell(timetable: Mapping[str, Any], session: Session) -> None:
    if session.is_structured:
        session.show(timetable)
        return
    text = f"{timetable.get('timetable_id')}: {_says_next(timetable)}"
    session.out.print(printable(text), markup=False, highlight=False, soft_wrap=True)


def _print_rows(found: Sequence[Mapping[str, Any]], out: Console) -> None:
    if not found:
        out.print(Text("no timetables", style="dim"))
        return
    print_table(TextTable(COLUMNS, [_row(each) for each in found]), out)


def _row(timetable: Mapping[str, Any]) -> tuple[Cell, ...]:
    last = timetable.get("last_run") or {}
    return (
        printable(str(timetable.get("timetable_id"))),
        _plain(timetable.get("name")),
        _plain(timetable.get("state")),
        _recurrence(timetable),
        short_time(timetable.get("next_at")),
        short_time(last.get("scheduled_at")),
        _plain(last.get("state") or last.get("outcome")),
        ", ".join(map(printable, timetable.get("job_types") or ())),
        _plain(timetable.get("submitted_by")),
    )


def _recurrence(timetable: Mapping[str, Any]) -> str:
    if timetable.get("cron") is not None:
        return f"{_plain(timetable['cron'])} {_plain(timetable.get('zone'))}"
    return f"every {_plain(timetable.get('every_seconds'))} s"


def _show(timetable: Mapping[str, Any], session: Session) -> None:
    if session.is_structured:
        session.show(timetable)
        return
    fields = [
        (name, _field(name, value))
        for name, value in timetable.items()
        if value is not None and name not in _TEMPLATES
    ]
    template = next((name for name in _TEMPLATES if timetable.get(name) is not None), None)
    if template is not None:
        fields.append((template, printable(json.dumps(timetable[template], ensure_ascii=False))))
    print_fields(fields, session.out)


def _field(name: str, value: Any) -> str:
    if name == "last_run":
        return f"{short_time(value.get('scheduled_at'))} {_plain(value.get('state') or value.get('outcome'))}"
    if isinstance(value, list):
        return ", ".join(printable(str(each)) for each in value)
    return short_time(value)


def _plain(value: object) -> str:
    return "-" if value is None else printable(str(value))
