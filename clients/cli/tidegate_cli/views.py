"""Jobs and workflows as the API shows them. Fields that only a newer API has are accepted, and kept in `raw`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tidegate.domain.dependency import DependencyType
from tidegate.domain.states import TERMINAL, State
from tidegate_cli.errors import CliError

_JOB_ID_IN_TEXT = re.compile(r"\b[0-9A-Z]{26}(?:\.[0-9]{1,4})?\b")


@dataclass(frozen=True, slots=True)
class DependencyView:
    """One dependency of a job. `condition` is set for CONDITIONAL."""

    job_id: str | None
    key: str | None
    type: DependencyType
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it was last read. Times are in milliseconds since the epoch. `raw` is the API's own answer.

    `due_at` is the time at which a SCHEDULED job becomes READY, in the API's own form. `has_begun` is True if the job's
    code has started in its present life, that is since it was submitted or last reopened; a claim alone does not count.
    """

    job_id: str
    key: str | None
    name: str | None
    type: str
    state: State
    priority: int
    pool: str
    held_in: str | None
    attempt: int
    worker: str | None
    depends_on: tuple[DependencyView, ...]
    created_at_ms: int | None
    ready_at_ms: int | None
    queued_at_ms: int | None
    started_at_ms: int | None
    finished_at_ms: int | None
    due_at: str | None
    first_started_at_ms: int | None
    has_begun: bool
    estimated_seconds: float | None
    actual_seconds: float | None
    straggler: str
    progress: float | None
    progress_message: str
    error: str
    error_upstream_id: str | None
    raw: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Returns the name by which people know the job: its key, else its name, else its id."""
        return printable(self.key or self.name or self.job_id)

    @property
    def error_code(self) -> str:
        """Returns the code of the job's error; "" if it has none."""
        return str((self.raw.get("error") or {}).get("code") or "")

    @property
    def is_terminal(self) -> bool:
        """True if the job is in a state in which it stays, unless it is reopened."""
        return self.state in TERMINAL


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """A workflow with jobs in the order they were submitted; `raw` is the API's answer without its jobs."""

    workflow_id: str
    name: str | None
    jobs: tuple[JobView, ...]
    raw: Mapping[str, Any]

    @property
    def is_terminal(self) -> bool:
        """True if every job has ended."""
        return all(job.is_terminal for job in self.jobs)

    def as_json(self) -> dict[str, Any]:
        """Returns the API's answer with all jobs in it."""
        return {**self.raw, "jobs": [dict(job.raw) for job in self.jobs]}


def printable(text: str) -> str:
    """Returns the text as one line, with all characters escaped that would control a terminal."""
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)


def printable_lines(text: str) -> str:
    """Returns the text with its line ends and tabs kept, and everything else as `printable` returns it."""
    return re.sub(r"[^\n\t]+", lambda match: printable(match[0]), text)


def labels_of(jobs: Sequence[JobView]) -> dict[str, str]:
    """Returns the labels of the jobs that have a key or a name, by id. Jobs with the same label get their id added."""
    called = Counter(job.label for job in jobs)
    return {
        job.job_id: job.label if called[job.label] == 1 else f"{job.label} ({job.job_id})"
        for job in jobs
        if job.label != job.job_id
    }


def with_labels(text: str, labels: Mapping[str, str]) -> str:
    """Returns the text with each job id in it replaced by that job's label. `label (id)` becomes the label alone."""
    for job_id in set(_JOB_ID_IN_TEXT.findall(text)) & labels.keys():
        label = labels[job_id]
        text = text.replace(label if label.endswith(f"({job_id})") else f"{label} ({job_id})", job_id)
    return _JOB_ID_IN_TEXT.sub(lambda match: labels.get(match[0], match[0]), text)


def parse_time_ms(text: str | None) -> int | None:
    """Returns an RFC 3339 time as milliseconds since the epoch; None for None. Raises ValueError for any other text."""
    if text is None:
        return None
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


def format_time(at_ms: int) -> str:
    """Returns a time, in milliseconds since the epoch, as RFC 3339 text in UTC with milliseconds."""
    return (
        datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def job_view(raw: Mapping[str, Any]) -> JobView:
    """Returns a job from the API's JSON. Raises CliError if this client can't read it."""
    try:
        return _job_view(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CliError(
            f"the API answered with a job that this client can't read ({error!r}); update one of them"
        ) from error


def _job_view(raw: Mapping[str, Any]) -> JobView:
    progress = raw.get("progress") or {}
    failure = raw.get("error") or {}
    started_at_ms = parse_time_ms(raw.get("started_at"))
    return JobView(
        job_id=_text(raw, "job_id"),
        key=_text_or_none(raw, "key"),
        name=_text_or_none(raw, "name"),
        type=_text(raw, "type"),
        state=State(raw["state"]),
        priority=_whole_number(raw, "priority"),
        pool=_text(raw, "pool"),
        held_in=_text_or_none(raw, "held_in"),
        attempt=_whole_number(raw, "attempt"),
        worker=_text_or_none(raw, "worker"),
        depends_on=tuple(_dependency(item) for item in raw.get("depends_on") or ()),
        created_at_ms=parse_time_ms(raw.get("created_at")),
        ready_at_ms=parse_time_ms(raw.get("ready_at")),
        queued_at_ms=parse_time_ms(raw.get("queued_at")),
        started_at_ms=started_at_ms,
        finished_at_ms=parse_time_ms(raw.get("finished_at")),
        due_at=_text_or_none(raw, "due_at"),
        first_started_at_ms=_first_start_ms(raw.get("history") or (), started_at_ms),
        has_begun=raw.get("began_at") is not None,
        estimated_seconds=_number_or_none(raw, "estimated_duration_seconds"),
        actual_seconds=_number_or_none(raw, "actual_duration_seconds"),
        straggler=_straggler_text(raw.get("straggler") or {}),
        progress=_number_or_none(progress, "fraction"),
        progress_message=printable(progress.get("message") or ""),
        error=_error_text(failure),
        error_upstream_id=_text_or_none(failure, "upstream_id"),
        raw=raw,
    )


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _text_or_none(raw: Mapping[str, Any], name: str) -> str | None:
    return None if raw.get(name) is None else _text(raw, name)


def _whole_number(raw: Mapping[str, Any], name: str) -> int:
    value = raw[name]
    if not isinstance(value, int):
        raise TypeError(f"{name} is no whole number")
    return value


def _number_or_none(raw: Mapping[str, Any], name: str) -> float | None:
    value = raw.get(name)
    if value is not None and not isinstance(value, int | float):
        raise TypeError(f"{name} is no number")
    return value


def _dependency(raw: Mapping[str, Any]) -> DependencyView:
    kind = DependencyType(raw.get("type") or DependencyType.MUST_SUCCEED)
    job_id, key, condition = (_text_or_none(raw, name) for name in ("job_id", "key", "condition"))
    return DependencyView(job_id, key, kind, condition)


def _first_start_ms(history: Sequence[Mapping[str, Any]], last_ms: int | None) -> int | None:
    """Returns the time of the first claim, because a MUST_START dependency waits for the first start.

    The API's `started_at` is that of the last attempt.
    """
    starts = [parse_time_ms(entry.get("at")) for entry in history if entry.get("state") == State.RUNNING]
    return min((start for start in [*starts, last_ms] if start is not None), default=None)


def _straggler_text(straggler: Mapping[str, Any]) -> str:
    runs, seconds = (_number_or_none(straggler, name) for name in ("runs", "p99_seconds"))
    if runs is None or seconds is None:
        return ""
    return f"runs longer than 99 % of {runs:,} jobs of its type, which took at most {seconds:g} s"


def _error_text(failure: Mapping[str, Any]) -> str:
    return printable(": ".join(part for part in (failure.get("code"), failure.get("message")) if part))


def judgement_text(raw: Mapping[str, Any]) -> str:
    """Returns the verdict about the time to finish by of a job or a workflow, as `at-risk (20 %)`; "" without one."""
    judged = raw.get("judgement")
    if not isinstance(judged, Mapping):
        return ""
    verdict, probability = printable(str(judged.get("verdict") or "")), judged.get("probability")
    return f"{verdict} ({probability:.0%})" if isinstance(probability, int | float) else verdict
