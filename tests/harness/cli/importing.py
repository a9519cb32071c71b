"""Imports of small files, and checks that hold for every import: it can be submitted, and its targets can be loaded."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.harness.functions.api_calls import SETTINGS, Answer, Api
from tidegate.adapters.conditions.cel import CelConditions
from tidegate.bootstrap import target_support
from tidegate.domain.dependency import DependencyType, Verdict, judge
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.states import State
from tidegate.jobs.loader import load_registry
from tidegate.jobs.registry import Registry
from tidegate.jobs.targets.file import register_targets
from tidegate.settings import Settings
from tidegate_cli.importing.conditions import Edge, Outcome
from tidegate_cli.importing.documents import Imported, Options
from tidegate_cli.importing.formats import Format, import_text
from tidegate_cli.importing.model import Notes
from tidegate_cli.importing.written import targets_text

NAMES = {
    Format.ARGO: "pipeline.yaml",
    Format.GITHUB: "ci.yml",
    Format.MAKEFLOW: "work.mf",
    Format.DAGMAN: "work.dag",
}
_STATES = {Outcome.BRANCH: State.SKIPPED, Outcome.BARRED: State.SKIPPED}
_CODES = {Outcome.BRANCH: "branch-not-taken", Outcome.BARRED: "dependency-unsatisfiable"}


def imported(
    format_: Format, text: str, files: Mapping[str, str] | None = None, **options: Any
) -> tuple[Imported, Notes]:
    """Imports a text. `files` are the files beside it."""
    return import_text(
        format_, text, NAMES[format_], read=(files or {}).get, options=Options(prefix="work", **options)
    )


def jobs(made: Imported) -> dict[str, dict[str, Any]]:
    """Returns the jobs of an import by key."""
    return {job["key"]: job for job in made.workflow["jobs"]}


def edges(made: Imported) -> set[tuple[str, str]]:
    """Returns the graph of an import as pairs of upstream and downstream."""
    found = jobs(made).items()
    return {(edge["key"], key) for key, job in found for edge in job.get("depends_on", ())}


def argv(made: Imported, key: str) -> list[str]:
    """Returns the command of a job."""
    command: list[str] = made.targets["targets"][jobs(made)[key]["type"]]["command"]
    return command


def constructs(notes: Notes) -> list[str]:
    """Returns the constructs that notes name, without those that every import has."""
    always = {"the folder of the commands", "no time limit"}
    return [note.construct for note in notes.kept if note.construct not in always]


def submitted(made: Imported) -> Answer:
    """Submits an import to a deployment in memory that has its targets, and asserts that every target can be loaded."""
    registry = Registry()
    for name in load_registry().types():
        known = load_registry().find(name)
        assert known is not None
        registry.add(known)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "targets.yaml"
        path.write_text(targets_text(made), encoding="utf-8")
        assert list(register_targets(path.parent, registry, target_support())) == []
    wanted = {each for job in made.workflow["jobs"] for each in job.get("requires", ())}
    pools = {
        **SETTINGS.pools,
        "ecs": Pool("ecs", "", PoolKind.PROCESS, max_timeout_seconds=43_200, capabilities=frozenset(wanted)),
    }
    api = Api(registry=registry, settings=Settings(pools=pools, default_pool="lambda", shards=2))
    return api.call("POST", "/v1/workflows", made.workflow)


def must_submit(made: Imported) -> None:
    """Asserts that an import can be submitted as it is."""
    answer = submitted(made)
    assert answer.status == 201, answer.body
    assert len(answer.body["job_ids"]) == made.job_count


def is_satisfied(edge: Edge, outcome: Outcome) -> bool:
    """Decides an edge as tidegate does, by its own rules and its own evaluator of conditions."""
    state = _STATES.get(outcome) or State(outcome.value)
    verdict = judge(DependencyType(edge.type), state, started=state is not State.SKIPPED)
    if verdict is not Verdict.EVALUATE:
        return verdict is Verdict.SATISFIED
    CelConditions().check(edge.condition or "")
    value = {
        "status": state.value,
        "result": None,
        "duration_seconds": 1.0,
        "attempts": 1,
        "code": _CODES.get(outcome, ""),
        "reason": "",
        "error": None,
    }
    return CelConditions().evaluate(edge.condition or "", value)
