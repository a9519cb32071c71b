"""The command that forecasts what would end when after changes, and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from tidegate.domain.states import TERMINAL
from tidegate_cli import ids
from tidegate_cli.api_answers import objects_of
from tidegate_cli.commands.forecast import note_lines, print_lines, time_of, verdict_lines
from tidegate_cli.documents.submissions import read_document
from tidegate_cli.errors import OptionError
from tidegate_cli.options import ApiUrlOption, OutputOption, session_of
from tidegate_cli.tables import Cell, Column, TextTable, print_table
from tidegate_cli.views import printable

_COLUMNS = (
    Column("workflow or job", fixed=True, folds=True),
    Column("ends today", 100),
    Column("ends then", 100),
    Column("later by", 90),
    Column("between", 80),
)
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
_AskedArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID]...", show_default=False, help="Jobs and workflows to show, whether they change or not."
    ),
]
_SlotsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--slots",
        metavar="POOL=NUMBER",
        show_default=False,
        help="So many slots of the pool, like ecs=8; ecs=+4 and ecs=-2 change their number. May be repeated.",
    ),
]
_PriorityOption = Annotated[
    list[str] | None,
    typer.Option(
        "--priority",
        metavar="ID=PRIORITY",
        show_default=False,
        help="Another priority for a waiting job, or for those of a workflow. May be repeated.",
    ),
]
_PauseOption = Annotated[
    list[str] | None,
    typer.Option("--pause", metavar="TYPE", show_default=False, help="Pause a job type. May be repeated."),
]
_PausePoolOption = Annotated[
    list[str] | None,
    typer.Option("--pause-pool", metavar="POOL", show_default=False, help="Pause a pool. May be repeated."),
]
_SubmitOption = Annotated[
    str | None,
    typer.Option(
        "--submit",
        metavar="FILE",
        show_default=False,
        help="Submit this job or workflow besides; - is standard input. It is checked, and never written.",
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the command to the root."""
    app.command("what-if")(what_if)


def what_if(
    context: typer.Context,
    asked: _AskedArgument = None,
    slots: _SlotsOption = None,
    priority: _PriorityOption = None,
    pause: _PauseOption = None,
    pause_pool: _PausePoolOption = None,
    submit: _SubmitOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Forecast what would end when after changes.

    They are other slots, priorities, pauses or one more submission. Nothing is changed.

    Example: tidegate what-if --slots ecs=+4 --priority 01JD3V8Q5S2Y6W9K4M7N0P1R2T=900
    """
    session = session_of(context, output, api_url)
    changes: dict[str, Any] = {
        **_slots(slots or ()),
        **_given("pause_types", pause),
        **_given("pause_pools", pause_pool),
    }
    if priority:
        pairs = _pairs("--priority", priority)
        changes["priorities"] = {
            ids.any_id(name): _number("--priority", text) for name, text in pairs.items()
        }
    if submit is not None:
        changes["submit"] = read_document(submit, speed=None, pool=None, priority=None).body
    if not changes:
        raise OptionError(
            "--slots", "or another change is needed: --priority, --pause, --pause-pool or --submit"
        )
    with session.client() as client:
        answer = client.what_if({**changes, **_given("about", [ids.any_id(each) for each in asked or ()])})
    if session.is_structured:
        session.show(answer)
        return
    rows = [*objects_of(answer, "workflows"), *objects_of(answer, "jobs")]
    if rows:
        print_table(TextTable(_COLUMNS, [_row(each) for each in rows]), session.out)
    print_lines(_summary(answer), session.out)
    print_lines(note_lines(answer), session.out)


def _given(name: str, values: Sequence[str] | None) -> dict[str, Any]:
    return {name: list(values)} if values else {}


def _slots(given: Sequence[str]) -> dict[str, Any]:
    """Returns the fields of the request about slots: a number with a sign changes the number that there is."""
    changes: dict[str, dict[str, int]] = {}
    for pool, text in _pairs("--slots", given).items():
        field = "add_slots" if text[:1] in ("+", "-") else "slots"
        changes.setdefault(field, {})[pool] = _number("--slots", text)
    return dict(changes)


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """Returns the values of an option by name. Raises OptionError where one has no value, or a second one."""
    pairs: dict[str, str] = {}
    for each in given:
        name, text = _pair(option, each)
        if name in pairs:
            raise OptionError(option, f"gives {name!r} two values, {pairs[name]!r} and {text!r}: leave one")
        pairs[name] = text
    return pairs


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise OptionError(
            option, f"{text!r} has no value: write {'POOL=+4' if option == '--slots' else 'ID=900'}"
        )
    return name, value


def _number(option: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise OptionError(option, f"{text!r} is no whole number")
    return int(text)


def _row(each: Mapping[str, Any]) -> list[Cell]:
    later, without = each.get("later_seconds"), _without_end(each)
    bounds = [_seconds(later, name) for name in ("median", "low", "high")]
    return [
        printable(str(each.get("name") or each.get("key") or each.get("workflow_id") or each.get("job_id"))),
        time_of(each, "today", "median") or without,
        time_of(each, "then", "median") or without,
        bounds[0],
        f"{bounds[1]} and {bounds[2]}" if later else "",
    ]


def _without_end(each: Mapping[str, Any]) -> str:
    """Returns what stands for an end that does not come: the state of a job that has ended, "ended", or "never"."""
    state = str(each.get("state"))
    if state in TERMINAL:
        return state
    return "ended" if each.get("ended") else "never"


def _seconds(later: object, name: str) -> str:
    found = later.get(name) if isinstance(later, Mapping) else None
    return f"{found:+,.0f} s" if isinstance(found, int | float) else ""


def _summary(answer: Mapping[str, Any]) -> Iterator[str]:
    submitted = answer.get("submitted")
    if isinstance(submitted, Mapping):
        end = time_of(submitted, "end", "median")
        yield f"the submission ({submitted.get('job_count')} jobs) " + (
            f"ends about {end}" if end else "does not end"
        )
        yield from verdict_lines(submitted)
    unchanged = answer.get("unchanged_workflows")
    if unchanged:
        yield f"{unchanged} other workflows end as they do today"
    elif not objects_of(answer, "workflows"):
        yield "no workflow ends at another time"
