"""Converts GitHub Actions workflows: jobs, their needs and conditions, matrices, and the `run` steps.

Source of the rules: the GitHub Actions documentation, "Workflow syntax".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import product
from math import prod
from typing import Any

from tidegate.domain import limits
from tidegate_cli.importing.conditions import (
    ALWAYS,
    FAILURE,
    NEVER,
    SKIPPED,
    SUCCESS,
    UNKNOWN,
    Constant,
    Ended,
    Expression,
    Outcome,
    every,
    some,
    upstreams_of,
)
from tidegate_cli.importing.documents import shortened
from tidegate_cli.importing.expressions import NotUnderstood
from tidegate_cli.importing.fields import note_unknown
from tidegate_cli.importing.github_steps import Defaults, command_of, environment_of, text_of
from tidegate_cli.importing.github_values import JobEnds, Scope, condition_of
from tidegate_cli.importing.lined import Lined, load_lined
from tidegate_cli.importing.model import (
    Effect,
    ImportRefused,
    Notes,
    Plan,
    ReadFile,
    Task,
    bounded_timeout,
    refuse_too_many,
)

MAX_MATRIX = 256
"""The most jobs of one matrix, as on GitHub (its documentation, "Usage limits")."""
_DEFAULT_MINUTES = 360
_ROOT_FIELDS = {"name", "jobs", "env", "defaults"}
_JOB_FIELDS = {"name", "needs", "if", "strategy", "steps", "timeout-minutes", "continue-on-error", "env"} | {
    "defaults",
    "runs-on",
    "uses",
    "concurrency",
}


@dataclass(slots=True)
class _Import:
    notes: Notes
    settings: dict[str, str]
    environment: dict[str, str]
    defaults: Lined | None
    ends: dict[str, JobEnds] = field(default_factory=dict)
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    plain: set[str] = field(default_factory=set)
    tasks: list[Task] = field(default_factory=list)


def read_github(text: str, notes: Notes, _read: ReadFile, settings: Mapping[str, str]) -> Plan:
    """Returns a GitHub workflow as a plan. `settings` give contexts by their whole path, such as `github.ref`.

    Raises ImportRefused, or MalformedFile if the text is not YAML.
    """
    root = load_lined(text, notes.file)
    jobs = root.get("jobs")
    if jobs is None or not jobs.fields():
        raise ImportRefused(notes.file, None, "is no GitHub workflow: it has no `jobs`")
    _note_root(root, notes)
    values = {name.lower(): value for name, value in settings.items()}
    made = _Import(notes, values, {}, root.get("defaults"))
    made.environment = environment_of(root.get("env"), Scope(values), notes)
    by_name = dict(jobs.fields())
    for name, job in by_name.items():
        made.needs[name] = _needs(job)
        for other in made.needs[name]:
            if other not in by_name:
                raise ImportRefused(notes.file, job.line, f"{name!r} needs {other!r}, which is no job")
    try:
        order = list(TopologicalSorter(made.needs).static_order())
    except CycleError as error:
        raise ImportRefused(
            notes.file, jobs.line, f"the jobs have a cycle: {' -> '.join(error.args[1])}"
        ) from error
    for name in order:
        made.ends[name] = _job(made, name, by_name[name])
    title = root.get("name")
    return Plan((title.text() if title else None) or notes.file.rpartition("/")[2], tuple(made.tasks))


def _note_root(root: Lined, notes: Notes) -> None:
    triggers = root.get("on")
    if triggers is not None:
        shown = triggers.text() or ", ".join(
            [name for name, _ in triggers.fields()] or [each.text() or "" for each in triggers.items()]
        )
        notes.add(
            triggers.line,
            f"on: {shown}",
            Effect.LEFT_OUT,
            "a workflow begins when somebody submits it",
            "let the system that sees the event run tidegate submit, or use a timetable of the deployment",
        )
    note_unknown(root, _ROOT_FIELDS | {"on"}, notes)


def _needs(job: Lined) -> tuple[str, ...]:
    needs = job.get("needs")
    if needs is None:
        return ()
    text = needs.text()
    return (text,) if text is not None else tuple(each.text() or "" for each in needs.items())


def _job(made: _Import, name: str, job: Lined) -> JobEnds:
    note_unknown(job, _JOB_FIELDS, made.notes)
    needs, waits = _condition(made, name, job)
    if isinstance(needs, Constant) and needs.value is not True:
        made.notes.add(
            job.line,
            f"job {name}",
            Effect.LEFT_OUT,
            "its condition is false"
            if needs.value is False
            else "its condition asks for a value that only GitHub knows",
            "give the value with --set, such as --set github.ref=refs/heads/main, or add the job by hand",
        )
        return JobEnds(NEVER, NEVER, NEVER, ALWAYS, (), None)
    runner = job.get("runs-on")
    if runner is not None:
        shown = runner.text() or str(runner.value)
        made.notes.add(
            runner.line,
            f"runs-on: {shown}",
            Effect.LEFT_OUT,
            "tidegate has pools, and GitHub's runners are none of them",
            "run workers that have what the job needs, and choose their pool with --pool",
        )
    combinations = _matrix(made, name, job)
    keys = []
    for number, values in enumerate(combinations, 1):
        key = name if values is None else f"{name}.{number}"
        key = shortened(key, limits.MAX_KEY_CHARACTERS)
        made.tasks.append(_task(made, key, name, job, needs, waits, values or {}))
        refuse_too_many(len(made.tasks), made.notes.file, job.line)
        keys.append(key)
    forgiven = job.get("continue-on-error")
    forgives = forgiven is not None and forgiven.value is True
    return JobEnds(
        every(Ended(key, SUCCESS | FAILURE if forgives else SUCCESS) for key in keys),
        NEVER if forgives else some(Ended(key, FAILURE) for key in keys),
        some(Ended(key, frozenset({Outcome.CANCELLED})) for key in keys),
        every(Ended(key, SKIPPED) for key in keys),
        tuple(keys),
        keys[0] if len(keys) == 1 else None,
    )


def _condition(made: _Import, name: str, job: Lined) -> tuple[Expression, tuple[str, ...]]:
    """Returns the needs of a job with its `if`, and the jobs that must have ended before it."""
    direct = made.needs[name]
    success = every(made.ends[other].ok for other in _that_must_succeed(made, direct))
    needs = success
    condition = job.get("if")
    if condition is None:
        made.plain.add(name)
    else:
        ancestors = _ancestors(made, direct)
        status = {
            "success": success,
            "always": ALWAYS,
            "failure": some(made.ends[other].failed for other in ancestors),
            "cancelled": some(made.ends[other].cancelled for other in ancestors),
        }
        source = condition.text() or ""

        def told(output: str) -> None:
            made.notes.add(
                condition.line,
                f"if: {source}",
                Effect.CHANGED,
                "the outputs of a job are its result: the last line that its command prints, as JSON",
                f'let the command print such a line, for example {{"{output}": "yes"}}',
            )

        scope = Scope(
            {**made.settings, **_named(made.environment)},
            status,
            {other: made.ends[other] for other in direct},
            told,
        )
        try:
            asked, asks_status = condition_of(source, scope)
        except NotUnderstood as error:
            made.notes.add(
                condition.line, f"if: {source}", Effect.LEFT_OUT, f"the condition {error}", "correct it"
            )
            asked, asks_status = UNKNOWN, False
        needs = asked if asks_status else every((success, asked))
        if not asks_status:
            made.plain.add(name)
    named = upstreams_of(needs)
    return needs, tuple(key for other in direct for key in made.ends[other].keys if key not in named)


def _that_must_succeed(made: _Import, direct: Sequence[str]) -> list[str]:
    """Returns the jobs whose success `success()` asks for: the needed ones, and all of their own.

    A job that asks for no status itself runs only if all before it succeeded, so nothing before it is named again.
    """
    found: dict[str, None] = {}
    left = list(reversed(direct))
    while left:
        name = left.pop()
        if name in found:
            continue
        found[name] = None
        if name not in made.plain:
            left.extend(reversed(made.needs[name]))
    return list(found)


def _ancestors(made: _Import, direct: Sequence[str]) -> list[str]:
    found: dict[str, None] = {}
    left = list(reversed(direct))
    while left:
        name = left.pop()
        if name not in found:
            found[name] = None
            left.extend(reversed(made.needs[name]))
    return list(found)


def _named(environment: Mapping[str, str]) -> dict[str, str]:
    return {f"env.{name.lower()}": value for name, value in environment.items()}


def _matrix(made: _Import, name: str, job: Lined) -> list[dict[str, str] | None]:
    """Returns the values of each job of a matrix; one None without a matrix."""
    strategy = job.get("strategy")
    matrix = None if strategy is None else strategy.get("matrix")
    if strategy is None or matrix is None:
        return [None]
    note_unknown(strategy, {"matrix", "fail-fast", "max-parallel"}, made.notes)
    fail_fast = strategy.get("fail-fast")
    if fail_fast is None or fail_fast.value is not False:
        made.notes.add(
            strategy.line,
            f"{name}: fail-fast",
            Effect.CHANGED,
            "GitHub cancels the other jobs of a matrix once one failed; tidegate lets them run",
            "cancel the workflow by hand if the others may stop",
        )
    axes = {key: value for key, value in matrix.fields() if key not in ("include", "exclude")}
    lists = [matrix.get("include"), matrix.get("exclude"), *axes.values()]
    if not matrix.fields() or any(part is not None and not isinstance(part.value, list) for part in lists):
        made.notes.add(
            matrix.line,
            f"{name}: matrix",
            Effect.UNFINISHED,
            "its values are known only when GitHub runs the workflow; one job is made",
            "write the jobs into workflow.yaml",
        )
        return [None]
    if prod(len(axis.value) for axis in axes.values()) > MAX_MATRIX:
        raise ImportRefused(
            made.notes.file, matrix.line, f"the matrix of {name!r} makes more than {MAX_MATRIX} jobs"
        )
    found = _combinations(
        {key: axis.value for key, axis in axes.items()},
        [each for each in matrix.value.get("exclude") or () if isinstance(each, dict)],
        [each for each in matrix.value.get("include") or () if isinstance(each, dict)],
    )
    if not 1 <= len(found) <= MAX_MATRIX:
        raise ImportRefused(
            made.notes.file,
            matrix.line,
            f"the matrix of {name!r} makes {len(found)} jobs; 1 to {MAX_MATRIX} can be imported",
        )
    return [_flat(each) for each in found]


def _combinations(
    axes: Mapping[str, list[Any]], exclude: Sequence[dict[str, Any]], include: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Returns the combinations of a matrix, by the rules of "include" and "exclude"."""
    base = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    base = [
        each
        for each in base
        if not any(
            excluded and all(each.get(key) == value for key, value in excluded.items())
            for excluded in exclude
        )
    ]
    found = [dict(each) for each in base]
    added: list[dict[str, Any]] = []
    for entry in include:
        fits = [
            index
            for index, original in enumerate(base)
            if all(original[key] == value for key, value in entry.items() if key in original)
        ]
        for index in fits:
            found[index].update(entry)
        if not fits:
            added.append(dict(entry))
    return found + added


def _flat(values: Mapping[str, Any], prefix: str = "matrix") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in values.items():
        path = f"{prefix}.{key}".lower()
        if isinstance(value, dict):
            found.update(_flat(value, path))
        elif isinstance(value, bool):
            found[path] = str(value).lower()
        elif isinstance(value, str | int | float):
            found[path] = str(value)
    return found


def _task(
    made: _Import,
    key: str,
    name: str,
    job: Lined,
    needs: Expression,
    waits: tuple[str, ...],
    matrix: Mapping[str, str],
) -> Task:
    notes = made.notes
    scope = Scope({**made.settings, **_named(made.environment), **matrix})
    environment = {**made.environment, **environment_of(job.get("env"), scope, notes)}
    scope = Scope({**scope.values, **_named(environment)})
    shell, folder = _default(made, job, "shell"), _default(made, job, "working-directory")
    defaults = Defaults(
        environment,
        None if shell is None else shell.text(),
        None if folder is None else text_of(folder, scope, notes),
    )
    uses = job.get("uses")
    command = None if uses is not None else command_of(job.get("steps"), name, defaults, scope, notes)
    if command is None:
        notes.add(
            (uses or job).line,
            f"job {name}" if uses is None else f"uses: {uses.text()}",
            Effect.LEFT_OUT,
            "nothing of it can run as a command; the job does nothing and keeps the order",
            "write a target that does the same, and name it as the job's type",
        )
    minutes = job.get("timeout-minutes")
    given = None if minutes is None else minutes.value
    if minutes is not None and not isinstance(given, int | float):
        notes.add(
            minutes.line,
            f"timeout-minutes: {minutes.text()}",
            Effect.CHANGED,
            f"it is no number; GitHub's {_DEFAULT_MINUTES} minutes hold",
            "write timeout_seconds into workflow.yaml",
        )
    seconds = 60 * (given if isinstance(given, int | float) else _DEFAULT_MINUTES)
    title = job.get("name")
    label = ", ".join(matrix.values())
    shown = text_of(title, scope, notes) if title is not None else f"{name} ({label})" if label else name
    most, group = _limits(made, name, job)
    return Task(
        key=key,
        command=command,
        needs=needs,
        waits=waits,
        name=shown,
        timeout_seconds=bounded_timeout(seconds, notes, job.line, f"timeout-minutes: {given}"),
        concurrency_key=group,
        concurrency_limit=most,
    )


def _default(made: _Import, job: Lined, name: str) -> Lined | None:
    own = job.at("defaults", "run", name)
    return own or (None if made.defaults is None else made.defaults.at("run", name))


def _limits(made: _Import, name: str, job: Lined) -> tuple[int, str | None]:
    """Returns how many jobs of the matrix may run at once, and the concurrency key that says so."""
    concurrency = job.get("concurrency")
    group = None if concurrency is None else (concurrency.text() or _text(concurrency.get("group")))
    if concurrency is not None and group is not None and "${{" not in group:
        note_unknown(concurrency, {"group"}, made.notes)
        return 1, group
    if concurrency is not None:
        made.notes.add(
            concurrency.line,
            f"concurrency: {group}",
            Effect.LEFT_OUT,
            "the name of the group is known only when GitHub runs it",
            "choose a concurrency_key in workflow.yaml",
        )
    most = job.at("strategy", "max-parallel")
    if most is None or not isinstance(most.value, int):
        return 1, None
    made.notes.add(
        most.line,
        f"max-parallel: {most.value}",
        Effect.CHANGED,
        "it became a concurrency key, so it holds for all submissions of this workflow together",
        "nothing, unless two of them must not slow each other down",
    )
    return min(max(1, most.value), limits.MAX_CONCURRENCY_LIMIT), f"{made.notes.file}/{name}"


def _text(part: Lined | None) -> str | None:
    return None if part is None else part.text()
