"""Encodes small values of a job's item as short, readable text: its history, its dependencies and its dependents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tidegate.domain.dependency import Dependency, DependencyType, Dependent
from tidegate.domain.job import HistoryEntry, submission_of
from tidegate.domain.states import State

_ACTOR_CHARACTERS = 64
_REASON_CHARACTERS = 80
_AT = "@"


def history_line(at_ms: int, state: State, actor: str, reason: str = "") -> str:
    """Returns one line of a job's history.

    Its form is `1764000000000 QUEUED dispatcher`, with `: <reason>` at the end if there is a reason.
    """
    actor = actor.replace(": ", ":")[:_ACTOR_CHARACTERS]
    line = f"{at_ms} {state} {actor}"
    return f"{line}: {reason[:_REASON_CHARACTERS]}" if reason else line


def history_lines(history: Sequence[HistoryEntry], attempt: int) -> list[str]:
    """Returns the lines of a history; `attempt` is the job's current attempt.

    The attempt of a line is not written. Counted back from the job's current one, it falls by one with each RUNNING
    line. Only a line before a gap carries it, as in `1764000000000 QUEUED@1 dispatcher`.
    """
    lines: list[str] = []
    for entry in reversed(history):
        line = history_line(entry.at_ms, entry.state, entry.actor, entry.reason)
        if entry.attempt != attempt:
            line = line.replace(f" {entry.state} ", f" {entry.state}{_AT}{entry.attempt} ", 1)
        lines.append(line)
        attempt = entry.attempt - (entry.state is State.RUNNING)
    return lines[::-1]


def history_from(lines: Sequence[str], attempt: int) -> tuple[HistoryEntry, ...]:
    """Returns the history that its lines describe; `attempt` is the job's current attempt."""
    entries: list[HistoryEntry] = []
    for line in reversed(lines):
        at_ms, word, rest = line.split(" ", 2)
        actor, _, reason = rest.partition(": ")
        state, _, own_attempt = word.partition(_AT)
        attempt = int(own_attempt or attempt)
        entries.append(HistoryEntry(int(at_ms), State(state), attempt, actor, reason))
        attempt -= state == State.RUNNING
    return tuple(reversed(entries))


def dependency_text(job_id: str, dependency: Dependency) -> str:
    """Returns a dependency as text, such as `.3 MUST_SUCCEED`.

    The text is an index in the same workflow (or a whole id), the type, and a condition if there is one.
    """
    submission = submission_of(job_id)
    upstream = dependency.upstream_id
    short = upstream.removeprefix(submission) if upstream.startswith(f"{submission}.") else upstream
    words = [short, str(dependency.type), *([] if dependency.condition is None else [dependency.condition])]
    return " ".join(words)


def dependencies_from(submission: str, texts: Iterable[str]) -> tuple[Dependency, ...]:
    """Returns dependencies from their texts."""
    return tuple(dependency_from(submission, text) for text in texts)


def dependency_from(submission: str, text: str) -> Dependency:
    """Returns the dependency that a text describes; `submission` is the submission of its job."""
    short, _, rest = text.partition(" ")
    kind, space, condition = rest.partition(" ")
    upstream = f"{submission}{short}" if short.startswith(".") else short
    return Dependency(upstream, DependencyType(kind), condition if space else None)


def grouped_dependents(dependents: Sequence[Dependent]) -> dict[str, list[str]]:
    """Returns edges within a workflow as lists of "<index>.<ordinal>" by type."""
    grouped: dict[str, list[str]] = {}
    for edge in dependents:
        index = edge.job_id.partition(".")[2]
        grouped.setdefault(str(edge.type), []).append(f"{index}.{edge.ordinal}")
    return grouped


def dependents_from(submission_id: str, grouped: Mapping[str, Iterable[str]]) -> tuple[Dependent, ...]:
    """Returns edges from their stored form, lists of "<index>.<ordinal>" by type, in the order of the jobs."""
    edges = []
    for kind, places in grouped.items():
        for place in places:
            index, _, ordinal = place.partition(".")
            edge = Dependent(f"{submission_id}.{index}", int(ordinal), DependencyType(kind))
            edges.append((int(index), int(ordinal), edge))
    return tuple(edge for _, _, edge in sorted(edges, key=lambda entry: entry[:2]))
