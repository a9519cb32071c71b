"""Builds a workflow in code, and finds its faults before anything is sent.

with Workflow("nightly") as nightly:
    extract = nightly.job("extract", parameters={"day": "2026-12-01"})
    load = nightly.job("load", after=extract)
    nightly.job("report", after_end=load, when={extract: "upstream.result.rows > 0"})
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

from tidegate_client.errors import InvalidWorkflow

MAX_JOBS = 10_000
"""The most jobs that a workflow may have."""
MAX_DEPENDENCIES = 2_000
"""The most dependencies that a job may have."""


class Retry(TypedDict, total=False):
    """The backoff between attempts in seconds, and the codes of errors that are never or always retried."""

    backoff_seconds: int
    max_backoff_seconds: int
    never_on: Sequence[str]
    always_on: Sequence[str]


class Share(TypedDict, total=False):
    """The share of its pool that a job belongs to. `weight` is for operators."""

    name: str
    weight: int


class JobOptions(TypedDict, total=False):
    """The options of a job, as `POST /v1/jobs` takes them. docs/reference/api.md has their bounds and defaults.

    `timeout_seconds` and `estimated_duration_seconds` are in seconds. `not_before` and `finish_by` are aware datetimes
    or RFC 3339.
    """

    name: str
    description: str
    priority: int
    pool: str
    requires: Sequence[str]
    share: str | Share
    concurrency_key: str
    concurrency_limit: int
    tags: Mapping[str, str]
    not_before: datetime | str
    finish_by: datetime | str
    estimated_duration_seconds: float
    timeout_seconds: int
    max_retries: int
    retry: Retry


class WorkflowOptions(TypedDict, total=False):
    """The options of a workflow. All but the last three apply to jobs that give none of their own.

    `critical_path_weight` is in points of priority per second. `finish_by`, an aware datetime or RFC 3339, is for the
    end of the last job.
    """

    priority: int
    pool: str
    share: str | Share
    tags: Mapping[str, str]
    critical_path_weight: float
    finish_by: datetime | str
    namespace: str


@dataclass(frozen=True, slots=True)
class JobRef:
    """A job of a workflow under construction, to name as an upstream of another."""

    key: str
    workflow: Workflow = field(repr=False)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A job of an earlier submission, to name as an upstream by its id."""

    job_id: str


Upstream = JobRef | Earlier | str
"""An upstream: a job of the workflow, or its key (also of a job that is added later), or a job submitted earlier."""
Upstreams = Upstream | Iterable[Upstream]


class Workflow:
    """A workflow under construction. As a context manager it checks itself at the end of the block.

    `check` and `as_json` raise InvalidWorkflow that names every fault: a cycle with its jobs, an upstream that is no
    job of the workflow with the nearest key, and too many jobs or dependencies. Other faults are for the API to find.
    """

    def __init__(self, name: str | None = None, **options: Unpack[WorkflowOptions]) -> None:
        _refuse_unknown(options, WorkflowOptions, "a workflow")
        self.name = name
        self._options = _plain(options)
        self._jobs: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.check()

    def __len__(self) -> int:
        return len(self._jobs)

    def job(
        self,
        key: str,
        type: str | None = None,  # noqa: A002 - the field's name in the API
        *,
        parameters: Mapping[str, Any] | None = None,
        after: Upstreams = (),
        after_start: Upstreams = (),
        after_end: Upstreams = (),
        when: Mapping[Upstream, str] | None = None,
        **options: Unpack[JobOptions],
    ) -> JobRef:
        """Adds a job, and returns it to name as an upstream. `type` is its job type, `key` itself by default.

        The job runs once every upstream of `after` succeeded, of `after_start` began, and of `after_end` ended however
        it ended. `when` has a condition in CEL for each upstream, such as `upstream.result.rows > 0`. An upstream that
        makes one of them impossible skips the job.

        Raises InvalidWorkflow if the key is taken, an option is unknown, or a job of another workflow is named.
        """
        if key in self._jobs:
            raise InvalidWorkflow([f"the key {key!r} is taken by another job; keys are unique in a workflow"])
        _refuse_unknown(options, JobOptions, f"job {key!r}")
        depends_on = [
            *(self._edge(upstream, "MUST_SUCCEED") for upstream in _each(after)),
            *(self._edge(upstream, "MUST_START") for upstream in _each(after_start)),
            *(self._edge(upstream, "MUST_COMPLETE") for upstream in _each(after_end)),
            *(
                {**self._edge(upstream, "CONDITIONAL"), "condition": condition}
                for upstream, condition in (when or {}).items()
            ),
        ]
        job = {"key": key, "type": type or key, "parameters": dict(parameters or {}), **_plain(options)}
        self._jobs[key] = {**job, "depends_on": depends_on} if depends_on else job
        return JobRef(key, self)

    def check(self) -> None:
        """Raises InvalidWorkflow that names every fault that can be found here."""
        faults = [*self._bound_faults(), *self._upstream_faults()]
        if not faults:
            faults += self._cycle()
        if faults:
            raise InvalidWorkflow(faults)

    def as_json(self) -> dict[str, Any]:
        """Returns the body for `POST /v1/workflows`. Raises InvalidWorkflow as `check` does."""
        self.check()
        named = {} if self.name is None else {"name": self.name}
        return {**named, **self._options, "jobs": [dict(job) for job in self._jobs.values()]}

    def _edge(self, upstream: Upstream, kind: str) -> dict[str, Any]:
        if isinstance(upstream, Earlier):
            return {"job_id": upstream.job_id, "type": kind}
        if isinstance(upstream, str):
            return {"key": upstream, "type": kind}
        if upstream.workflow is not self:
            raise InvalidWorkflow(
                [f"{upstream.key!r} is a job of another workflow; name a submitted one with Earlier(job_id)"]
            )
        return {"key": upstream.key, "type": kind}

    def _edges(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        for key, job in self._jobs.items():
            yield key, job.get("depends_on", [])

    def _bound_faults(self) -> Iterator[str]:
        if not self._jobs:
            yield "the workflow has no job"
        if len(self._jobs) > MAX_JOBS:
            yield f"the workflow has {len(self._jobs):,} jobs; at most {MAX_JOBS:,} fit"
        for key, edges in self._edges():
            if len(edges) > MAX_DEPENDENCIES:
                yield f"job {key!r} has {len(edges):,} dependencies; at most {MAX_DEPENDENCIES:,} fit"

    def _upstream_faults(self) -> Iterator[str]:
        for key, edges in self._edges():
            for upstream in sorted({edge["key"] for edge in edges if "key" in edge} - self._jobs.keys()):
                yield f"job {key!r} depends on {upstream!r}, which is no job here" + _nearest(
                    upstream, self._jobs
                )

    def _cycle(self) -> Iterator[str]:
        graph = {key: [edge["key"] for edge in edges if "key" in edge] for key, edges in self._edges()}
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            yield "the jobs wait for each other in a cycle: " + " → ".join(map(repr, error.args[1]))


def _each(upstreams: Upstreams) -> Iterable[Upstream]:
    return (upstreams,) if isinstance(upstreams, JobRef | Earlier | str) else upstreams


def _plain(options: JobOptions | WorkflowOptions) -> dict[str, Any]:
    """Returns the options with each datetime as RFC 3339 text."""
    given: dict[str, Any] = {**options}
    for name in ("not_before", "finish_by"):
        moment = given.get(name)
        if isinstance(moment, datetime):
            if moment.tzinfo is None:
                raise InvalidWorkflow([f"{name} has no zone; give an aware datetime"])
            given[name] = moment.isoformat()
    return given


def _refuse_unknown(options: Mapping[str, Any], known: type, owner: str) -> None:
    faults = [
        f"{owner} has no option {name!r}" + _nearest(name, known.__annotations__)
        for name in options
        if name not in known.__annotations__
    ]
    if faults:
        raise InvalidWorkflow(faults)


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
