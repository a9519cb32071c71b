"""The options that narrow a command to some jobs. They are stated once, for all commands that take them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer

from tidegate.domain.states import State
from tidegate.domain.verdicts import FinishVerdict
from tidegate_cli import ids
from tidegate_cli.commands.choices import word_of
from tidegate_cli.connection import Parameter


def only(name: str, help_text: str, metavar: str = "TEXT") -> typer.models.OptionInfo:
    """Returns an option that narrows the jobs to those `help_text` describes."""
    option: typer.models.OptionInfo = typer.Option(
        name, help=f"Only jobs {help_text}.", metavar=metavar, show_default=False
    )
    return option


PoolFilter = Annotated[str | None, only("--pool", "of this pool")]
TypeFilter = Annotated[str | None, only("--type", "of this type")]
_FROM = "from this time on: created, due, ready, dispatched or ended, by their state"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """What a caller gave of the options that narrow jobs. Each field is the option that its annotation states."""

    pool: PoolFilter = None
    type: TypeFilter = None
    workflow: Annotated[str | None, only("--workflow", "of this workflow", "ID")] = None
    worker: Annotated[str | None, only("--worker", "that this worker claimed last", "ID")] = None
    tag: Annotated[list[str] | None, only("--tag", "with this tag; may be repeated", "NAME=VALUE")] = None
    name: Annotated[str | None, only("--name", "whose name begins so")] = None
    key: Annotated[str | None, only("--key", "whose key begins so")] = None
    error: Annotated[str | None, only("--error", "with this error code", "CODE")] = None
    failure: Annotated[str | None, only("--failure", "of this failure group", "FINGERPRINT")] = None
    submitted_by: Annotated[str | None, only("--submitted-by", "of this caller, as a whole ARN")] = None
    since: Annotated[str | None, only("--from", _FROM, "TIME")] = None
    to: Annotated[str | None, only("--to", "up to this time", "TIME")] = None
    finish_by: Annotated[
        str | None, only("--finish-by", "that ought to end by this time or earlier", "TIME")
    ] = None
    verdict: Annotated[
        FinishVerdict | None,
        typer.Option(
            "--verdict",
            parser=word_of(FinishVerdict),
            metavar="VERDICT",
            help=f"Only jobs with this verdict about their time to finish by: {', '.join(FinishVerdict)}.",
            show_default=False,
        ),
    ] = None
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only jobs that run, or ran, longer than their estimate.")
    ] = False
    waits_longer_than: Annotated[
        float | None, only("--waits-longer-than", "that have waited so long in their state", "SECONDS")
    ] = None

    def given(self) -> dict[str, Any]:
        """Returns the filters that were given, by the names that the API gives them.

        Raises CliError for an id or a fingerprint that can't be one.
        """
        named = {
            "from" if each.name == "since" else each.name: getattr(self, each.name) for each in fields(self)
        }
        checks = {"workflow": ids.workflow_id, "worker": ids.worker_id, "failure": ids.fingerprint}
        return {
            name: checks[name](value) if name in checks else value
            for name, value in named.items()
            if value is not None and value is not False and value != []
        }

    def as_parameters(self) -> dict[str, Parameter]:
        """Returns `given` as the query parameters of a listing. Raises CliError as `given` does."""
        given: dict[str, Parameter] = self.given()
        if self.overdue:
            given["overdue"] = "true"
        if self.waits_longer_than is not None:
            given["waits_longer_than"] = f"{self.waits_longer_than:.3f}"
        return given


def of_states(states: Sequence[State]) -> dict[str, str]:
    """Returns the filter for jobs in one of several states, as the API takes it."""
    return {"state": ",".join(dict.fromkeys(states))}


def takes_job_filter(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command all options of `JobFilter` in place of its parameter `wanted`, which receives their values."""
    hints = get_type_hints(command, include_extras=True)
    parameters = [
        each.replace(annotation=hints[each.name]) for each in inspect.signature(command).parameters.values()
    ]
    at = [each.name for each in parameters].index("wanted")
    options = get_type_hints(JobFilter, include_extras=True)
    parameters[at : at + 1] = [
        inspect.Parameter(each.name, parameters[at].kind, default=each.default, annotation=options[each.name])
        for each in fields(JobFilter)
    ]

    @wraps(command)
    def narrowed(**given: Any) -> None:
        wanted = JobFilter(**{name: given.pop(name) for name in options})
        command(**given, wanted=wanted)

    # `inspect` reads this name, which the type of a function does not have.
    narrowed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    narrowed.__annotations__ = {each.name: each.annotation for each in parameters}
    return narrowed
