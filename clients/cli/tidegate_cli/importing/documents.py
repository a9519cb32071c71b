"""Writes a plan as the two documents of an import: a workflow, and the targets that its jobs are of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidegate.domain import limits
from tidegate.domain.graph import find_cycle
from tidegate.domain.targets import MAX_TARGETS
from tidegate.domain.texts import plain_message
from tidegate_cli.importing.conditions import Edge, edges_of
from tidegate_cli.importing.fitting import NoFit, fitted, in_folder
from tidegate_cli.importing.model import Command, Effect, ImportRefused, Notes, Plan, Task, refuse_too_many

NOOP_TYPE = "tidegate.noop"
_DIGEST_CHARACTERS = 8
_MAX_LABEL_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import: the body of a workflow, and the document of its targets."""

    workflow: dict[str, Any]
    targets: dict[str, Any]

    @property
    def job_count(self) -> int:
        """Returns the number of jobs, gates included."""
        return len(self.workflow["jobs"])


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of whoever imports a file.

    `prefix` begins the name of each target, and is a valid job type itself. `settings` give values that the file asks
    for. `pool` is for all jobs that require nothing. `timeout_seconds` (from 1) is for the jobs to which the file gives
    no time limit. `requires` says whether jobs require the capabilities that stand for amounts of cores and memory.
    `folder` is the folder on the workers in which commands run; None is the attempt's own, empty one.
    """

    prefix: str
    settings: Mapping[str, str] = field(default_factory=dict)
    pool: str | None = None
    timeout_seconds: int | None = None
    requires: bool = True
    folder: str | None = None


def to_documents(plan: Plan, notes: Notes, options: Options) -> Imported:
    """Returns the documents of a plan. A task that never runs is left out with a note.

    Raises ImportRefused if the plan has no job, too many, or something that a workflow can't hold.
    """
    pool = options.pool
    writer = _Writer(notes, options)
    for task in plan.tasks:
        writer.add(task)
    if not writer.jobs:
        raise ImportRefused(notes.file, None, "holds no job that could be imported")
    refuse_too_many(len(writer.jobs), notes.file)
    _refuse_cycle(writer.jobs, notes.file)
    workflow: dict[str, Any] = {"name": shortened(plan.name, limits.MAX_NAME_CHARACTERS)}
    if pool is not None and not any("requires" in job for job in writer.jobs):
        workflow["pool"] = pool
    elif pool is not None:
        for job in writer.jobs:
            if "requires" not in job:
                job["pool"] = pool
    if plan.priority is not None:
        workflow["priority"] = plan.priority
    if plan.tags:
        workflow["tags"] = _tags(plan.tags, notes)
    workflow["jobs"] = writer.jobs
    return Imported(workflow, {"version": 1, "targets": writer.targets})


def slug(text: str) -> str:
    """Returns a text as a part of a job type: small letters, digits, hyphens; begins with a letter."""
    made = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_MAX_LABEL_CHARACTERS].strip("-")
    return made if made[:1].isalpha() else f"x-{made}".rstrip("-")


def shortened(text: str, most: int) -> str:
    """Returns a text of at most `most` characters that a job may hold; a longer one ends with a digest."""
    plain = plain_message(text).replace("\n", " ").replace("\t", " ") or "unnamed"
    if len(plain) <= most and plain == text:
        return plain
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{plain[: most - _DIGEST_CHARACTERS - 1]}-{digest}"


@dataclass(slots=True)
class _Writer:
    notes: Notes
    options: Options
    jobs: list[dict[str, Any]] = field(default_factory=list)
    targets: dict[str, Any] = field(default_factory=dict)
    names: dict[Command, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    gates: dict[tuple[Edge, ...], str] = field(default_factory=dict)

    def add(self, task: Task) -> None:
        """Adds a task's job, and its target where its command is new."""
        edges = edges_of(task.needs, task.waits, self._gate)
        if edges is None:
            self.notes.add(
                None,
                task.key,
                Effect.LEFT_OUT,
                "its condition is false, or only the source's own system knows it",
                "give the values that the condition asks for with --set, or add the job by hand",
            )
            return
        self._insert(self._job(task, edges))

    def _job(self, task: Task, edges: Sequence[Edge]) -> dict[str, Any]:
        job: dict[str, Any] = {"key": task.key}
        if task.name and task.name != task.key:
            job["name"] = shortened(task.name, limits.MAX_NAME_CHARACTERS)
        job["type"] = NOOP_TYPE if task.command is None else self._target(task.key, task.command)
        if task.command is not None:
            job["max_retries"] = task.max_retries
        if task.timeout_seconds is not None and task.command is not None:
            job["timeout_seconds"] = task.timeout_seconds
        if task.priority is not None:
            job["priority"] = task.priority
        retry = {
            name: value
            for name, value in (
                ("backoff_seconds", task.backoff_seconds),
                ("max_backoff_seconds", task.max_backoff_seconds),
            )
            if value is not None
        }
        if retry:
            job["retry"] = retry
        if task.requires and self.options.requires:
            job["requires"] = list(task.requires[: limits.MAX_REQUIREMENTS])
        if task.concurrency_key is not None:
            job["concurrency_key"] = shortened(task.concurrency_key, limits.MAX_CONCURRENCY_KEY_CHARACTERS)
            job["concurrency_limit"] = task.concurrency_limit
        if task.tags:
            job["tags"] = _tags(task.tags, self.notes)
        if edges:
            job["depends_on"] = [self._dependency(task.key, edge) for edge in edges]
        if len(edges) > limits.MAX_DEPENDENCIES_PER_JOB:
            raise ImportRefused(
                self.notes.file,
                None,
                f"the job {task.key!r} has {len(edges):,} dependencies; at most "
                f"{limits.MAX_DEPENDENCIES_PER_JOB:,} are allowed: put a job without a command between",
            )
        return job

    def _dependency(self, key: str, edge: Edge) -> dict[str, str]:
        if edge.condition is None:
            return {"key": edge.key, "type": edge.type}
        if len(edge.condition) > limits.MAX_CONDITION_CHARACTERS:
            raise ImportRefused(
                self.notes.file,
                None,
                f"the condition of {key!r} on {edge.key!r} takes {len(edge.condition):,} characters; at most "
                f"{limits.MAX_CONDITION_CHARACTERS:,} are allowed: make it shorter",
            )
        return {"key": edge.key, "type": edge.type, "condition": edge.condition}

    def _gate(self, edges: list[Edge]) -> str:
        """Adds a job that does nothing with these edges, once for equal edges, and returns its key."""
        sorted_edges = tuple(sorted(edges, key=lambda edge: (edge.key, edge.type, edge.condition or "")))
        known = self.gates.get(sorted_edges)
        if known is not None:
            return known
        key = f"gate-{len(self.gates) + 1}"
        while key in self.keys:
            key += "-"
        self.gates[sorted_edges] = key
        depends_on = [self._dependency(key, edge) for edge in sorted_edges]
        name = "skipped if one of its conditions is false"
        self._insert({"key": key, "name": name, "type": NOOP_TYPE, "depends_on": depends_on})
        return key

    def _insert(self, job: dict[str, Any]) -> None:
        if job["key"] in self.keys:
            raise ImportRefused(
                self.notes.file, None, f"has two jobs with the key {job['key']!r}; rename one"
            )
        refuse_too_many(len(self.jobs) + 1, self.notes.file)
        self.keys.add(job["key"])
        self.jobs.append(job)

    def _target(self, key: str, command: Command) -> str:
        known = self.names.get(command)
        if known is not None:
            return known
        base = f"{self.options.prefix}.{slug(command.label)}"[: limits.MAX_TYPE_CHARACTERS - 6].rstrip("-.")
        name, number = base, 1
        while name in self.targets:  # ends, because each turn tries another name
            number += 1
            name = f"{base}-{number}"
        self.names[command] = name
        target: dict[str, Any] = {"command": list(self._argv(key, command))}
        if command.exit_codes:
            target["exit_codes"] = {
                str(each.number): {"retry": each.retry, "code": each.code} for each in command.exit_codes
            }
        self.targets[name] = target
        if len(self.targets) > MAX_TARGETS:
            raise ImportRefused(
                self.notes.file,
                None,
                f"has more than {MAX_TARGETS} different commands, and a targets.yaml holds no more: import it in parts",
            )
        return name

    def _argv(self, key: str, command: Command) -> tuple[str, ...]:
        folder = self.options.folder
        argv = command.argv if folder is None else in_folder(command.argv, folder)
        try:
            return fitted(argv)
        except NoFit as error:
            raise ImportRefused(
                self.notes.file,
                None,
                f"the command of {key!r} {error}: put it into a program of the worker's image",
            ) from error


def _tags(tags: Mapping[str, str], notes: Notes) -> dict[str, str]:
    if len(tags) > limits.MAX_TAGS:
        notes.add(
            None,
            f"{len(tags)} labels",
            Effect.CHANGED,
            f"a job has {limits.MAX_TAGS} tags at most",
            "choose the labels that you filter by",
        )
    kept = list(tags.items())[: limits.MAX_TAGS]
    most = limits.MAX_TAG_CHARACTERS
    return {shortened(name, most): shortened(value or "-", most) for name, value in kept}


def _refuse_cycle(jobs: Sequence[Mapping[str, Any]], file: str) -> None:
    index = {job["key"]: at for at, job in enumerate(jobs)}
    upstreams = []
    for job in jobs:
        named = [edge["key"] for edge in job.get("depends_on", ())]
        for key in named:
            if key not in index:
                raise ImportRefused(
                    file,
                    None,
                    f"the job {job['key']!r} depends on {key!r}, which there is not: correct its name",
                )
        upstreams.append([index[key] for key in named])
    cycle = find_cycle(upstreams)
    if cycle is not None:
        raise ImportRefused(file, None, "has a cycle: " + " -> ".join(jobs[at]["key"] for at in cycle))
