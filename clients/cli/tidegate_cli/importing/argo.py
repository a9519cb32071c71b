"""Converts Argo Workflows: the graph of DAG and steps templates.

Source of the rules: the Argo Workflows documentation, "Fields", "Enhanced Depends Logic" and "Variables".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

from tidegate.domain import limits
from tidegate_cli.importing.argo_conditions import (
    Result,
    depends_of,
    names_in,
    passes,
    statically_skipped,
    when_of,
)
from tidegate_cli.importing.argo_items import items_of
from tidegate_cli.importing.argo_spec import parallelism_of, parameters_of, priority_of, templates_of
from tidegate_cli.importing.argo_templates import Leaf, leaf_of, substituted
from tidegate_cli.importing.conditions import (
    ALWAYS,
    FAILURE,
    NEVER,
    SKIPPED,
    SUCCESS,
    All,
    Constant,
    Ended,
    Expression,
    Outcome,
    every,
    negation,
    some,
    upstreams_of,
)
from tidegate_cli.importing.documents import shortened
from tidegate_cli.importing.expressions import NotUnderstood
from tidegate_cli.importing.fields import note_unknown
from tidegate_cli.importing.lined import Lined, load_lined
from tidegate_cli.importing.model import (
    Effect,
    ImportRefused,
    Notes,
    Plan,
    ReadFile,
    Task,
    refuse_too_many,
)

MAX_TEMPLATE_DEPTH = 20
MAX_TEMPLATE_USES = 20_000
_KINDS = ("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow")
_TASK_FIELDS = {
    "name",
    "template",
    "arguments",
    "dependencies",
    "depends",
    "when",
    "withItems",
    "withParam",
} | {
    "withSequence",
    "continueOn",
    "inline",
}
_SPEC_FIELDS = {"entrypoint", "templates", "arguments", "onExit", "priority", "parallelism", "workflowSpec"}
_DAG_FIELDS = {"tasks", "failFast"}


@dataclass(slots=True)
class _Import:
    notes: Notes
    settings: Mapping[str, str]
    templates: dict[str, Lined]
    workflow_values: dict[str, str]
    limit: int | None
    tasks: list[Task] = field(default_factory=list)
    steady: set[str] = field(default_factory=set)
    uses: int = 0


@dataclass(frozen=True, slots=True)
class _Base:
    """The needs of the place where a template is used; its first tasks have them."""

    needs: Expression = ALWAYS
    waits: tuple[str, ...] = ()


def read_argo(text: str, notes: Notes, _read: ReadFile, settings: Mapping[str, str]) -> Plan:
    """Returns an Argo workflow as a plan, with all of its templates expanded from the entrypoint.

    `settings` give values: of workflow parameters by their name, of other variables by their whole path. Raises
    ImportRefused, or MalformedFile if the text is not YAML.
    """
    root = load_lined(text, notes.file)
    kind = root.get("kind")
    if kind is None or kind.value not in _KINDS:
        raise ImportRefused(
            notes.file, None, f"is no Argo workflow; its `kind` is one of {', '.join(_KINDS)}"
        )
    spec = root.get("spec")
    inner = None if spec is None else spec.get("workflowSpec")
    if spec is not None and inner is not None:
        note_unknown(spec, {"workflowSpec"}, notes)
    spec = inner or spec
    if spec is None:
        raise ImportRefused(notes.file, None, "has no `spec`")
    note_unknown(spec, _SPEC_FIELDS, notes)
    name = root.at("metadata", "name") or root.at("metadata", "generateName")
    title = (name.text() if name else None) or notes.file.rpartition("/")[2]
    made = _Import(notes, settings, templates_of(spec, notes), parameters_of(spec, notes, settings), None)
    made.workflow_values["workflow.name"] = title.rstrip("-")
    made.limit = parallelism_of(spec, notes)
    entry = spec.get("entrypoint")
    if entry is None or entry.text() is None:
        raise ImportRefused(notes.file, spec.line, "has no `entrypoint`; name the template to begin with")
    whole = _use(made, str(entry.text()), {}, "", entry, _Base(), ALWAYS, 0)
    exit_handler = spec.get("onExit")
    if exit_handler is not None and exit_handler.text():
        waits = tuple(task.key for task in made.tasks if task.key in whole.ends) or whole.ends
        _use(made, str(exit_handler.text()), {}, "onExit", exit_handler, _Base(ALWAYS, waits), ALWAYS, 0)
    labels = root.at("metadata", "labels")
    tags = {} if labels is None else {key: value.text() or "" for key, value in labels.fields()}
    return Plan(title.rstrip("-"), _limited(made, title), tags, priority_of(spec, notes))


def _limited(made: _Import, title: str) -> tuple[Task, ...]:
    if made.limit is None:
        return tuple(made.tasks)
    limit = made.limit
    return tuple(
        task
        if task.command is None or task.concurrency_key is not None
        else replace(task, concurrency_key=title, concurrency_limit=limit)
        for task in made.tasks
    )


def _use(
    made: _Import,
    name: str,
    values: Mapping[str, str],
    key: str,
    at: Lined,
    base: _Base,
    when: Expression,
    depth: int,
    inline: Lined | None = None,
) -> Result:
    """Adds the tasks of one use of a template. `key` is the path of names that leads to it; empty at the entrypoint."""
    made.uses += 1
    if depth > MAX_TEMPLATE_DEPTH or made.uses > MAX_TEMPLATE_USES:
        raise ImportRefused(
            made.notes.file,
            at.line,
            f"the templates use each other more than {MAX_TEMPLATE_DEPTH} levels deep, or more than "
            f"{MAX_TEMPLATE_USES:,} times",
        )
    template = inline or made.templates.get(name)
    if template is None:
        raise ImportRefused(made.notes.file, at.line, f"there is no template {name!r} in the file")
    full = every((base.needs, when))
    if isinstance(full, Constant) and full.value is not True:
        if full.value is None:
            made.notes.add(
                at.line,
                key or name,
                Effect.LEFT_OUT,
                "its condition asks for a value that is known only when Argo runs it",
                "give the value with --set, or add the job by hand",
            )
        return statically_skipped(base.needs)
    inner_base = _Base(full, base.waits)
    values = _inputs(template, values, made)
    if template.get("dag") is not None:
        results = _dag(made, template.get("dag"), values, key, inner_base, depth)
    elif template.get("steps") is not None:
        results = _steps(made, template.get("steps"), values, key, inner_base, depth)
    else:
        return _leaf(made, leaf_of(template, values, made.notes), key or name, base, when)
    return _group(results, base, when)


def _inputs(template: Lined, given: Mapping[str, str], made: _Import) -> dict[str, str]:
    found = dict(made.workflow_values)
    listed = template.at("inputs", "parameters")
    for parameter in () if listed is None else listed.items():
        name = parameter.get("name")
        value = parameter.get("value") or parameter.get("default")
        own = None if name is None else name.text()
        text = None if value is None else value.text()
        if own is not None and text is not None:
            found[f"inputs.parameters.{own}"] = substituted(text, found, made.notes, parameter)
    found.update({f"inputs.parameters.{own}": text for own, text in given.items()})
    return found


def _leaf(made: _Import, leaf: Leaf, key: str, base: _Base, when: Expression) -> Result:
    key = shortened(key, limits.MAX_KEY_CHARACTERS)
    needs = every((base.needs, when))
    made.tasks.append(
        Task(
            key=key,
            command=leaf.command,
            needs=needs,
            waits=base.waits,
            timeout_seconds=leaf.timeout_seconds,
            max_retries=leaf.max_retries,
            backoff_seconds=leaf.backoff_seconds,
            max_backoff_seconds=leaf.max_backoff_seconds,
            requires=leaf.requires,
            tags=leaf.tags,
            concurrency_key=leaf.mutex,
        )
    )
    refuse_too_many(len(made.tasks), made.notes.file)
    plain = _is_plain(base.needs, made)
    if when == ALWAYS:
        skipped: Expression = NEVER
        if plain:
            made.steady.add(key)
    elif plain:
        skipped = Ended(key, frozenset({Outcome.BRANCH}))
    else:
        skipped = every((Ended(key, SKIPPED), base.needs))
    omitted: Expression = Ended(key, frozenset({Outcome.BARRED}))
    if not plain:
        omitted = every((Ended(key, SKIPPED), negation(base.needs)))
    return Result(Ended(key, SUCCESS), Ended(key, FAILURE), skipped, omitted, (key,), key)


def _are_successes(needs: Expression) -> bool:
    """True if `needs` is the success of jobs. They ran only if the place of their graph let them run."""
    return all(isinstance(part, Ended) and part.outcomes == SUCCESS for part in _parts(needs))


def _is_plain(needs: Expression, made: _Import) -> bool:
    """True if `needs` is the success of jobs that are never skipped by a branch, or nothing."""
    if needs == ALWAYS:
        return True
    return _are_successes(needs) and upstreams_of(needs) <= made.steady


def _parts(needs: Expression) -> tuple[Expression, ...]:
    return needs.parts if isinstance(needs, All) else (needs,)


def _group(results: Sequence[Result], base: _Base, when: Expression) -> Result:
    followed: frozenset[str] = frozenset().union(*(result.followed for result in results))
    last = [result for result in results if not set(result.ends) <= followed]
    if not last:  # nothing in it runs
        return Result(base.needs, NEVER, NEVER, negation(base.needs), base.waits, None)
    ends = tuple(dict.fromkeys(end for result in last for end in result.ends))
    skipped = NEVER if when == ALWAYS else every((base.needs, negation(when)))
    return Result(
        every(passes(result) for result in last),
        some(result.failed for result in results),
        skipped,
        negation(base.needs),
        ends,
        results[0].key if len(results) == 1 else None,
    )


def _dag(
    made: _Import, dag: Lined | None, values: Mapping[str, str], key: str, base: _Base, depth: int
) -> list[Result]:
    if dag is None:
        return []
    note_unknown(dag, _DAG_FIELDS, made.notes)
    fail_fast = dag.get("failFast")
    if fail_fast is None or fail_fast.value is not False:
        made.notes.add(
            dag.line,
            "failFast: true",
            Effect.CHANGED,
            "Argo starts nothing more once a task failed; tidegate still runs the jobs that do not depend on it",
            "cancel the workflow by hand if nothing more may start",
        )
    tasks = _named_tasks(dag, made.notes)
    depends = {own: _depends_text(task) for own, task in tasks.items()}
    graph = {own: _upstreams(own, text, tasks, made.notes) for own, text in depends.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise ImportRefused(made.notes.file, dag.line, f"the tasks have a cycle: {cycle}") from error
    found: dict[str, Result] = {}
    for own in order:
        needs, waits = base.needs, base.waits
        if graph[own]:
            needs = depends_of(depends[own], found, made.notes, tasks[own])
            if not _are_successes(needs):
                needs = every((needs, base.needs))
            named = upstreams_of(needs)
            waits = tuple(
                end for other in graph[own] for end in found[other].ends if not named & {*found[other].ends}
            )
        found[own] = _task(made, tasks[own], values, _joined(key, own), _Base(needs, waits), depth, found)
    followed = frozenset(end for own in graph for other in graph[own] for end in found[other].ends)
    return [replace(result, followed=followed) for result in found.values()]


def _named_tasks(dag: Lined, notes: Notes) -> dict[str, Lined]:
    listed = dag.get("tasks")
    tasks: dict[str, Lined] = {}
    for task in () if listed is None else listed.items():
        name = task.get("name")
        own = None if name is None else name.text()
        if own is None or own in tasks:
            raise ImportRefused(notes.file, task.line, "a task has no `name`, or that of another one")
        tasks[own] = task
    return tasks


def _upstreams(own: str, depends: str, tasks: Mapping[str, Lined], notes: Notes) -> tuple[str, ...]:
    line = tasks[own].line
    try:
        names = names_in(depends)
    except NotUnderstood as error:
        raise ImportRefused(notes.file, line, f"depends: {depends!r} {error}") from error
    for other in names:
        if other not in tasks:
            raise ImportRefused(notes.file, line, f"{own!r} depends on {other!r}, which is no task")
    return names


def _joined(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _depends_text(task: Lined) -> str:
    depends = task.get("depends")
    if depends is not None:
        return str(depends.text() or "")
    listed = task.get("dependencies")
    names = [] if listed is None else [each.text() or "" for each in listed.items()]
    return " && ".join(names)


def _steps(
    made: _Import, steps: Lined | None, values: Mapping[str, str], key: str, base: _Base, depth: int
) -> list[Result]:
    known: dict[str, Result] = {}
    before: list[Result] = []
    for group in () if steps is None else steps.items():
        here = base
        if before:
            needs = every(passes(result) for result in before)
            if not _are_successes(needs):
                needs = every((needs, base.needs))
            named = upstreams_of(needs)
            here = _Base(needs, tuple(end for result in before for end in result.ends if end not in named))
        now: dict[str, Result] = {}
        for step in group.items() or [group]:
            name = step.get("name")
            if name is None or name.text() is None or name.text() in {*known, *now}:
                raise ImportRefused(
                    made.notes.file, step.line, "a step has no `name`, or that of another one"
                )
            own = str(name.text())
            now[own] = _task(made, step, values, _joined(key, own), here, depth, known)
        known.update(now)
        before = list(now.values())
    followed = frozenset(end for result in known.values() for end in result.ends) - {
        end for result in before for end in result.ends
    }
    return [replace(result, followed=followed) for result in known.values()]


def _task(
    made: _Import,
    task: Lined,
    values: Mapping[str, str],
    key: str,
    base: _Base,
    depth: int,
    others: Mapping[str, Result],
) -> Result:
    """Adds a task or step, once for each of its items."""
    note_unknown(task, _TASK_FIELDS, made.notes)
    go_on = task.get("continueOn")
    forgives = go_on is not None and (bool(go_on.get("failed")) or bool(go_on.get("error")))
    items = items_of(task, values, made.notes)
    if items is None:
        result = _once(made, task, values, key, base, depth, others)
        return replace(result, forgives_failure=forgives)
    results = [
        _once(made, task, {**values, **item}, f"{key}.{index}", base, depth, others)
        for index, item in enumerate(items)
    ]
    if not results:
        return Result(base.needs, NEVER, NEVER, negation(base.needs), base.waits, None)
    return Result(
        every(some((result.ok, result.skipped)) for result in results),
        some(result.failed for result in results),
        NEVER,
        every(result.omitted for result in results),
        tuple(end for result in results for end in result.ends),
        None,
        any_ok=some(result.ok for result in results),
        all_failed=every(result.failed for result in results),
        forgives_failure=forgives,
    )


def _once(
    made: _Import,
    task: Lined,
    values: Mapping[str, str],
    key: str,
    base: _Base,
    depth: int,
    others: Mapping[str, Result],
) -> Result:
    given: dict[str, str] = {}
    listed = task.at("arguments", "parameters")
    for parameter in () if listed is None else listed.items():
        name, value = parameter.get("name"), parameter.get("value")
        own = None if name is None else name.text()
        text = None if value is None else value.text()
        if own is None or text is None:
            made.notes.add(
                parameter.line,
                f"{key}: {own}",
                Effect.LEFT_OUT,
                "the argument has no plain value",
                "write the value into targets.yaml",
            )
            continue
        given[own] = substituted(text, values, made.notes, parameter)
    when = when_of(task.get("when"), values, others, made.notes)
    template, inline = task.get("template"), task.get("inline")
    if template is None and inline is None:
        made.notes.add(
            task.line,
            key,
            Effect.LEFT_OUT,
            "its template is not in the file; the job does nothing and keeps the order",
            "import the template's own file, and add its command",
        )
        return _leaf(made, Leaf(None), key, base, when)
    used = "" if template is None else substituted(str(template.text()), values, made.notes, template)
    return _use(made, used, given, key, task, base, when, depth + 1, inline)
