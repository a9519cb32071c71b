"""The job types of the text statistics: list the groups of a source tree, count, merge by initial, reduce, report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, Field

from tidegate.jobs import JobContext, JobError, Parameters, job
from tidegate_samples.text.counting import Counts, add_up, count_file
from tidegate_samples.text.tree import SourceGroup, folder_in_root, list_groups

REPORT_FOLDER_VARIABLE = "TIDEGATE_REPORT_FOLDER"
_TOP_SHOWN = 10

ModelT = TypeVar("ModelT", bound=BaseModel)


class SourceTree(Parameters):
    """A folder of Python sources inside the root that the operator named; the root itself where none is given.

    Where the operator named no root it is the standard library of the worker's interpreter. Nothing outside it is read.
    """

    source: str | None = Field(default=None, max_length=1_000)


class PackageParameters(SourceTree):
    """One group of the tree, by its name."""

    package: str


class InitialParameters(Parameters):
    """The initial that the merged groups share."""

    initial: str


class NoParameters(Parameters):
    """The parameters of a job that needs none, because everything comes from its upstreams."""


class Listing(BaseModel):
    """The size of the source tree."""

    packages: int
    files: int
    size_bytes: int
    largest: str


class Merged(Counts):
    """Counts over the groups of one initial. `largest` is the group with the most lines, of `packages` groups."""

    initial: str
    packages: int
    largest: str
    largest_lines: int


class Counted(Counts):
    """Counts of one group."""

    package: str


class Reduced(Counts):
    """Counts over the whole tree. `by_initial` holds lines; `comment_percent` is 0-100."""

    packages: int
    largest: str
    comment_percent: float
    by_initial: dict[str, int]


class ReportResult(BaseModel):
    """The report, and the file that holds it where the worker was given a folder for reports."""

    file: str | None
    report: str


@job("text.list_packages")
def list_packages(parameters: SourceTree, context: JobContext) -> Listing:  # noqa: ARG001 - as all job code
    """Lists the packages and groups of modules of a source tree."""
    groups = _groups(parameters)
    return Listing(
        packages=len(groups),
        files=sum(len(group.files) for group in groups),
        size_bytes=sum(group.size_bytes for group in groups),
        largest=max(groups, key=lambda group: group.size_bytes).name,
    )


@job("text.count_package")
def count_package(parameters: PackageParameters, context: JobContext) -> Counted:
    """Tokenises one package and counts its lines, words, identifiers and comments."""
    group = next((group for group in _groups(parameters) if group.name == parameters.package), None)
    if group is None:
        raise JobError(
            f"there is no {parameters.package!r} in the source tree of this worker; "
            "list the packages where they are counted",
            retryable=False,
        )
    counts = []
    for done, path in enumerate(group.files):
        context.check()
        context.progress(done / len(group.files), path.name)
        counts.append(count_file(path))
    return Counted(package=group.name, **add_up(counts).model_dump())


@job("text.merge_initial", reads_upstreams=True)
def merge_initial(parameters: InitialParameters, context: JobContext) -> Merged:
    """Merges the counts of all packages with one initial."""
    parts = _results(context, Counted)
    largest = max(parts, key=lambda part: part.lines)
    return Merged(
        initial=parameters.initial,
        packages=len(parts),
        largest=largest.package,
        largest_lines=largest.lines,
        **add_up(parts).model_dump(),
    )


@job("text.reduce", reads_upstreams=True)
def reduce_all(parameters: NoParameters, context: JobContext) -> Reduced:  # noqa: ARG001 - as all job code
    """Reduces the merged counts to one."""
    parts = sorted(_results(context, Merged), key=lambda part: part.initial)
    counts = add_up(parts)
    return Reduced(
        packages=sum(part.packages for part in parts),
        largest=max(parts, key=lambda part: part.largest_lines).largest,
        comment_percent=round(100 * counts.comment_share, 2),
        by_initial={part.initial: part.lines for part in parts},
        **counts.model_dump(),
    )


@job("text.report", reads_upstreams=True)
def write_report(parameters: NoParameters, context: JobContext) -> ReportResult:  # noqa: ARG001 - as all job code
    """Writes the report: as the job's result, and as a file where TIDEGATE_REPORT_FOLDER names a folder."""
    (reduced,) = _results(context, Reduced)
    text = _report(reduced)
    folder = os.environ.get(REPORT_FOLDER_VARIABLE)
    if not folder:
        return ReportResult(file=None, report=text)
    path = Path(folder) / f"report-{context.job_id}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return ReportResult(file=str(path), report=text)


def _groups(parameters: SourceTree) -> tuple[SourceGroup, ...]:
    try:
        return list_groups(folder_in_root(parameters.source))
    except ValueError as error:
        raise JobError(str(error), retryable=False) from error


def _results(context: JobContext, model: type[ModelT]) -> list[ModelT]:
    """Returns the results of all upstreams as `model`."""
    if not context.upstreams:
        raise JobError(f"this job needs upstreams that bring {model.__name__}", retryable=False)
    return [model.model_validate(upstream.result) for upstream in context.upstreams.values()]


def _report(reduced: Reduced) -> str:
    rows = [
        ("packages and groups of modules", f"{reduced.packages:,}"),
        ("files", f"{reduced.files:,}"),
        ("files that could not be read", f"{reduced.unreadable:,}"),
        ("lines", f"{reduced.lines:,}"),
        ("words in comments and strings", f"{reduced.words:,}"),
        ("identifiers", f"{reduced.identifiers:,}"),
        ("comments", f"{reduced.comment_percent} % of all characters"),
        ("largest", reduced.largest),
    ]
    top = sorted(reduced.top_identifiers.items(), key=lambda item: (-item[1], item[0]))[:_TOP_SHOWN]
    lines = ["# What is in the source tree", "", "| | |", "|---|---:|"]
    lines += [f"| {name} | {value} |" for name, value in rows]
    lines += ["", "| most frequent identifiers | times |", "|---|---:|"]
    lines += [f"| `{name}` | {count:,} |" for name, count in top]
    lines += ["", "| initial | lines |", "|---|---:|"]
    lines += [f"| {initial} | {count:,} |" for initial, count in reduced.by_initial.items()]
    return "\n".join(lines) + "\n"
