"""Reads the API's answers about the states and the graph of a workflow, and refuses what this API can't have given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.domain.dependency import DependencyType
from tidegate.domain.states import State
from tidegate_cli.api_answers import number_of, object_of, text_of
from tidegate_cli.errors import CliError

# The letters of `GET /v1/workflows/{workflow_id}/states`, as docs/reference/api.md lists them.
LETTERS: Mapping[str, State] = {
    "P": State.PENDING,
    "D": State.SCHEDULED,
    "R": State.READY,
    "Q": State.QUEUED,
    "A": State.RUNNING,
    "S": State.SUCCEEDED,
    "F": State.FAILED,
    "T": State.TIMED_OUT,
    "C": State.CANCELLED,
    "K": State.SKIPPED,
}


@dataclass(frozen=True, slots=True)
class StatesView:
    """The states of a workflow's jobs. `letters` holds one for each job; it is None if the answer has changes alone.

    `changes` holds the letters of the jobs that changed, by index. `counts` holds the number of jobs by state; states
    that this client does not know are left out.
    """

    state: str
    version: str
    job_count: int
    counts: Mapping[State, int]
    letters: str | None
    changes: Mapping[int, str]


def states_view(answer: Mapping[str, Any]) -> StatesView:
    """Returns the states that an answer holds. Raises CliError if it is malformed."""
    letters = answer.get("states")
    counts, changes = object_of(answer, "counts"), object_of(answer, "changes")
    indexes = [index for each in changes.values() if isinstance(each, list) for index in each]
    if (
        not (letters is None or isinstance(letters, str))
        or not all(isinstance(each, list) for each in changes.values())
        or not all(isinstance(each, int) for each in (*indexes, *counts.values()))
    ):
        raise CliError("the API's answer has no states of a workflow; is --api-url a tidegate API?")
    return StatesView(
        state=text_of(answer, "state"),
        version=text_of(answer, "version"),
        job_count=number_of(answer, "job_count"),
        counts={state: counts[state] for state in State if counts.get(state)},
        letters=letters,
        changes={index: letter for letter, places in changes.items() for index in sorted(places)},
    )


@dataclass(frozen=True, slots=True)
class PathView:
    """A workflow's critical path: its length and its measured part in seconds, and its jobs, first job first.

    A row holds a job's key, its state, its duration in seconds, and how that is known.
    """

    seconds: float
    measured_seconds: float
    rows: Sequence[tuple[str, str, float, str]]


def path_view(answer: Mapping[str, Any]) -> PathView:
    """Returns the critical path that an answer holds. Raises CliError if it is malformed."""
    try:
        columns = (answer["keys"], answer["states"], answer["job_seconds"], answer["known_by"])
        rows = [
            (str(key), str(state), float(seconds), str(known))
            for key, state, seconds, known in zip(*columns, strict=True)
        ]
        return PathView(float(answer["seconds"]), float(answer["measured_seconds"]), rows)
    except (KeyError, TypeError, ValueError) as error:
        raise CliError("the API's answer has no critical path; is --api-url a tidegate API?") from error


@dataclass(frozen=True, slots=True)
class GraphView:
    """The keys of a workflow's jobs, and its edges: the upstream's index, the downstream's index, and the type."""

    keys: Sequence[str]
    edges: Sequence[tuple[int, int, str]]


def graph_view(answer: Mapping[str, Any]) -> GraphView:
    """Returns the graph that an answer holds. Raises CliError if it is malformed."""
    try:
        keys = [str(key) for key in answer["keys"]]
        unusual = {(job, place): str(kind) for job, place, kind in answer["edge_types"]}
        edges = [
            (job - distance, job, unusual.get((job, place), DependencyType.MUST_SUCCEED.value))
            for job, distances in enumerate(answer["parents"])
            for place, distance in enumerate(distances)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise CliError("the API's answer has no graph of a workflow; is --api-url a tidegate API?") from error
    return GraphView(keys, edges)
