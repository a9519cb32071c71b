"""The part of an Argo workflow around its templates: parameters, priority and parallelism."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.domain import limits
from tidegate_cli.importing.lined import Lined
from tidegate_cli.importing.model import Effect, ImportRefused, Notes


def templates_of(spec: Lined, notes: Notes) -> dict[str, Lined]:
    """Returns the templates of a file by name."""
    listed = spec.get("templates")
    found: dict[str, Lined] = {}
    for template in () if listed is None else listed.items():
        name = template.get("name")
        if name is None or name.text() is None:
            raise ImportRefused(notes.file, template.line, "a template has no `name`")
        found[str(name.text())] = template
    return found


def parameters_of(spec: Lined, notes: Notes, settings: Mapping[str, str]) -> dict[str, str]:
    """Returns the values of the workflow's parameters by their path; `settings` replace those of the file."""
    found: dict[str, str] = {}
    listed = spec.at("arguments", "parameters")
    for parameter in () if listed is None else listed.items():
        name = parameter.get("name")
        value = parameter.get("value") or parameter.get("default")
        if name is None or name.text() is None:
            raise ImportRefused(notes.file, parameter.line, "a parameter has no `name`")
        key = str(name.text())
        text = settings.get(key) or (None if value is None else value.text())
        if text is not None:
            found[f"workflow.parameters.{key}"] = text
            if key not in settings:
                notes.add(
                    parameter.line,
                    f"{key}: {text}",
                    Effect.CHANGED,
                    "the parameter has this value in every submission",
                    f"import again with --set {key}=VALUE for another value",
                )
    return {**found, **{key: value for key, value in settings.items() if "." in key}}


def priority_of(spec: Lined, notes: Notes) -> int | None:
    """Returns the workflow's priority if it is one that a workflow may have."""
    priority = spec.get("priority")
    if priority is None:
        return None
    value = priority.value
    if isinstance(value, int) and limits.MIN_PRIORITY <= value <= limits.MAX_PRIORITY:
        return value
    notes.add(
        priority.line,
        f"priority: {value}",
        Effect.LEFT_OUT,
        f"priorities are {limits.MIN_PRIORITY} to {limits.MAX_PRIORITY}",
        "choose one in workflow.yaml",
    )
    return None


def parallelism_of(spec: Lined, notes: Notes) -> int | None:
    """Returns how many jobs of the workflow may run at once, if that can be a concurrency limit."""
    parallelism = spec.get("parallelism")
    if parallelism is None:
        return None
    value = parallelism.value
    if not isinstance(value, int) or not 1 <= value <= limits.MAX_CONCURRENCY_LIMIT:
        notes.add(
            parallelism.line,
            f"parallelism: {value}",
            Effect.LEFT_OUT,
            f"a concurrency limit is 1 to {limits.MAX_CONCURRENCY_LIMIT}",
            "limit the slots of the pool instead",
        )
        return None
    notes.add(
        parallelism.line,
        f"parallelism: {value}",
        Effect.CHANGED,
        "it became a concurrency key, so it holds for all submissions of this workflow together",
        "nothing, unless two of them must not slow each other down",
    )
    return value
