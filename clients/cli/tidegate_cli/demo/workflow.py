"""Builds the demo workflow: map-reduce text analytics over a tree of Python sources, as a body for the API.

    list -> count-* (a job for each package) -> merge-* (one for each initial) -> reduce -> report

More jobs show the other features: a start signal, conditions, a retry, and a failure with dependents of every type.
Jobs are submitted in the opposite order of their priorities, so that the run shows how priority decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidegate_samples.text.tree import SourceGroup, list_groups, standard_library

NAME = "demo: text analytics"
FIRST, URGENT, NORMAL, LOW = 1000, 900, 100, 10
PROCESS_POOL = "ecs"
_URGENT_PART = 3  # the largest third of the packages is urgent
_PROCESS_PART = 6  # every sixth count runs in the worker process
_BYTES_PER_SECOND = 2_000_000
_SIGNAL_SECONDS = 4.0
_LARGE_TREE_FILES = 100
_SUCCEEDED, _FAILED, _SKIPPED = "SUCCEEDED", "FAILED", "SKIPPED"


@dataclass(frozen=True, slots=True)
class _Demo:
    """The jobs of a demo workflow as the API takes them, and, by key, the state that each must end in."""

    source: Path | None
    jobs: list[dict[str, Any]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)

    def add(
        self, key: str, job_type: str, *depends_on: Mapping[str, str], ends: str = _SUCCEEDED, **fields: Any
    ) -> None:
        job = {"key": key, "type": job_type, **fields}
        job.setdefault("priority", NORMAL)
        job.setdefault("estimated_duration_seconds", 0.1)
        if depends_on:
            job["depends_on"] = [dict(dependency) for dependency in depends_on]
        self.jobs.append(job)
        self.states[key] = ends

    def tree_parameters(self, **more: str) -> dict[str, str]:
        """Returns the parameters of a job that reads the tree, with `more`.

        Without a source folder they name none, and workers read their own standard library.
        """
        return {**({"source": str(self.source)} if self.source else {}), **more}


def build(source: Path | None = None) -> dict[str, Any]:
    """Returns the body of `POST /v1/workflows` for a folder of Python sources (None: the standard library in use).

    The workers must find the folder at the same path. Raises ValueError if the folder has no Python sources.
    """
    return {"name": NAME, "tags": {"demo": "text"}, "jobs": _demo(source).jobs}


def expected_states(source: Path | None = None) -> dict[str, str]:
    """Returns, by key, the state in which each job of `build(source)` must end."""
    return _demo(source).states


def _demo(source: Path | None) -> _Demo:
    folder = source.resolve() if source else None
    groups = list_groups(folder or standard_library())
    demo = _Demo(folder)
    _add_map_reduce(demo, groups)
    _add_conditions(demo, sum(len(group.files) for group in groups))
    _add_failure(demo)
    _add_retry_and_signal(demo)
    demo.add(
        "list",
        "text.list_packages",
        name="list packages",
        parameters=demo.tree_parameters(),
        priority=FIRST,
    )
    return demo


def _add_map_reduce(demo: _Demo, groups: tuple[SourceGroup, ...]) -> None:
    smallest_first = sorted(groups, key=lambda group: (group.size_bytes, group.name))
    urgent_from = len(groups) - len(groups) // _URGENT_PART
    for place, group in enumerate(smallest_first):
        unhurried = NORMAL if group.is_package else LOW
        demo.add(
            f"count-{group.name}",
            "text.count_package",
            {"key": "list"},
            name=f"count {group.name}",
            parameters=demo.tree_parameters(package=group.name),
            priority=URGENT if place >= urgent_from else unhurried,
            estimated_duration_seconds=max(0.1, round(group.size_bytes / _BYTES_PER_SECOND, 2)),
            **({"pool": PROCESS_POOL} if place % _PROCESS_PART == 0 else {}),
        )
    initials = sorted({group.initial for group in groups})
    for initial in initials:
        counted = [group.name for group in groups if group.initial == initial]
        demo.add(
            f"merge-{initial}",
            "text.merge_initial",
            *({"key": f"count-{name}"} for name in counted),
            name=f"merge {initial}",
            parameters={"initial": initial},
            priority=URGENT,
        )
    demo.add("reduce", "text.reduce", *({"key": f"merge-{initial}"} for initial in initials), priority=URGENT)
    demo.add("report", "text.report", {"key": "reduce"}, priority=URGENT, pool=PROCESS_POOL)


def _add_conditions(demo: _Demo, files: int) -> None:
    is_large = files >= _LARGE_TREE_FILES
    for key, condition, holds in (
        ("only-if-large", f"upstream.result.files >= {_LARGE_TREE_FILES}", is_large),
        ("only-if-small", f"upstream.result.files < {_LARGE_TREE_FILES}", not is_large),
    ):
        demo.add(
            key,
            "demo.probe",
            {"key": "reduce", "type": "CONDITIONAL", "condition": condition},
            ends=_SUCCEEDED if holds else _SKIPPED,
        )


def _add_failure(demo: _Demo) -> None:
    dependents: tuple[tuple[str, dict[str, str], str], ...] = (
        ("needs-broken", {"key": "broken"}, _SKIPPED),
        ("needs-what-was-skipped", {"key": "needs-broken"}, _SKIPPED),
        ("clean-up-after-broken", {"key": "broken", "type": "MUST_COMPLETE"}, _SUCCEEDED),
        ("saw-broken-start", {"key": "broken", "type": "MUST_START"}, _SUCCEEDED),
        (
            "alert-about-broken",
            {
                "key": "broken",
                "type": "CONDITIONAL",
                "condition": 'upstream.status == "FAILED" && upstream.attempts == 1',
            },
            _SUCCEEDED,
        ),
    )
    for key, dependency, ends in dependents:
        demo.add(key, "demo.probe", dependency, ends=ends)
    demo.add("broken", "demo.broken", ends=_FAILED, name="fails for good")


def _add_retry_and_signal(demo: _Demo) -> None:
    demo.add("after-flaky", "demo.probe", {"key": "flaky"})
    demo.add(
        "flaky",
        "demo.flaky",
        name="fails once, then succeeds",
        parameters={"failing_attempts": 1},
        max_retries=3,
        retry={"backoff_seconds": 1, "max_backoff_seconds": 2},
    )
    demo.add("while-warming-up", "demo.probe", {"key": "warm-up", "type": "MUST_START"}, priority=FIRST)
    demo.add(
        "warm-up",
        "demo.start_signal",
        name="starts and goes on",
        parameters={"seconds": _SIGNAL_SECONDS},
        priority=FIRST,
        estimated_duration_seconds=_SIGNAL_SECONDS,
    )
