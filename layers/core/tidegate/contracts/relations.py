"""The answers about the jobs around a job, and the chain as a drawing in Mermaid or Graphviz."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

from tidegate.contracts.times import Time, to_wire
from tidegate.domain.dependency import Dependency, Dependent
from tidegate.domain.job import Job


class UpstreamOut(TypedDict):
    """A dependency of a job. `state` is null where the upstream has passed its retention.

    `satisfied` is null where it can't be told any more. `satisfied_at` is null too where the upstream no longer shows
    it.
    """

    job_id: str
    key: str | None
    name: str | None
    state: str | None
    type: str
    condition: str | None
    satisfied: bool | None
    satisfied_at: Time | None


class DownstreamOut(TypedDict):
    """A job that depends on another. `state` is null where it has passed its retention."""

    job_id: str
    key: str | None
    name: str | None
    state: str | None
    type: str


class UpstreamPageOut(TypedDict):
    """A page of a job's dependencies. `cursor` asks for the next page, null where there is none."""

    job_id: str
    dependencies: list[UpstreamOut]
    cursor: str | None


class DownstreamPageOut(TypedDict):
    """A page of the jobs that depend on a job. `cursor` asks for the next page, null where there is none."""

    job_id: str
    dependents: list[DownstreamOut]
    cursor: str | None


class ChainJobOut(TypedDict):
    """A job of a chain."""

    job_id: str
    key: str | None
    name: str | None
    type: str
    state: str


class LinkOut(TypedDict):
    """An edge of a chain."""

    upstream_id: str
    downstream_id: str
    type: str


class ChainOut(TypedDict):
    """The jobs around a job, nearest first, and the edges between them. `more` says that a bound cut some off.

    `drawing` is the chain in the language of Mermaid or Graphviz, null where none was asked for.
    """

    job_id: str
    jobs: list[ChainJobOut]
    edges: list[LinkOut]
    more: bool
    drawing: str | None


def upstream_out(
    dependency: Dependency, upstream: Job | None, satisfied: bool | None, satisfied_at_ms: int | None
) -> UpstreamOut:
    """Returns a dependency as clients read it. `satisfied_at_ms` is in milliseconds since the epoch."""
    return {
        "job_id": dependency.upstream_id,
        "key": upstream.key if upstream else None,
        "name": upstream.name if upstream else None,
        "state": upstream.state if upstream else None,
        "type": dependency.type,
        "condition": dependency.condition,
        "satisfied": satisfied,
        "satisfied_at": to_wire(satisfied_at_ms),
    }


def downstream_out(dependent: Dependent, job: Job | None) -> DownstreamOut:
    """Returns a dependent as clients read it."""
    return {
        "job_id": dependent.job_id,
        "key": job.key if job else None,
        "name": job.name if job else None,
        "state": job.state if job else None,
        "type": dependent.type,
    }


def chain_job_out(job: Job) -> ChainJobOut:
    """Returns a job of a chain as clients read it."""
    return {"job_id": job.job_id, "key": job.key, "name": job.name, "type": job.type, "state": job.state}


# The characters that mean something in a label of Mermaid, as it writes them.
_MERMAID = str.maketrans({"#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;"})


def mermaid(chain: Mapping[str, Any]) -> str:
    """Returns a chain, as `ChainOut` has it, as a flowchart of Mermaid."""
    names = _names(chain["jobs"])
    lines = ["flowchart TD"]
    for job in chain["jobs"]:
        label = _label(job).translate(_MERMAID)
        lines.append(f'  {names[job["job_id"]]}["{label}<br/>{job["state"]}"]')
    for edge in chain["edges"]:
        ends = names[edge["upstream_id"]], names[edge["downstream_id"]]
        lines.append(f"  {ends[0]} -->|{edge['type']}| {ends[1]}")
    return "\n".join(lines) + "\n"


def dot(chain: Mapping[str, Any]) -> str:
    """Returns a chain, as `ChainOut` has it, as a digraph of Graphviz."""
    names = _names(chain["jobs"])
    lines = ["digraph chain {", "  node [shape=box];"]
    for job in chain["jobs"]:
        label = _label(job).replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'  {names[job["job_id"]]} [label="{label}\\n{job["state"]}"];')
    for edge in chain["edges"]:
        ends = names[edge["upstream_id"]], names[edge["downstream_id"]]
        lines.append(f'  {ends[0]} -> {ends[1]} [label="{edge["type"]}"];')
    return "\n".join([*lines, "}"]) + "\n"


def _names(jobs: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Returns short names for the jobs, which every drawing language takes."""
    return {job["job_id"]: f"n{number}" for number, job in enumerate(jobs)}


def _label(job: Mapping[str, Any]) -> str:
    return str(job["key"] or job["name"] or job["job_id"])
