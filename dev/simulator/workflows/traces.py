"""Reads workflows recorded by others (WfFormat), as far as a simulation needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.simulator.memory.seeded import JOB_TYPE
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate_cli.documents.wfformat import to_workflow

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "wfinstances"
TIMEOUT_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Trace:
    """The tasks of a recorded workflow in file order, each with its run time as its estimate."""

    name: str
    jobs: tuple[JobRequest, ...]
    runtimes_seconds: Mapping[str, float]

    def runtime_ms(self, key: str | None) -> int:
        """Returns how long a task lasts on the virtual clock, in whole milliseconds."""
        return round(self.runtimes_seconds[key or ""] * 1_000)


def sample_files() -> tuple[Path, ...]:
    """Returns the samples beside the repository (../shared/wfinstances), or none without that folder."""
    return tuple(sorted(SAMPLES.glob("*.json")))


def read_trace(file: Path) -> Trace:
    """Reads a WfFormat file as requests for the simulator's one job type. Times are as recorded."""
    body = to_workflow(json.loads(file.read_text(encoding="utf-8")), speed=1.0)
    jobs = tuple(
        JobRequest(
            type=JOB_TYPE,
            key=job["key"],
            estimated_duration_seconds=job["estimated_duration_seconds"],
            timeout_seconds=TIMEOUT_SECONDS,
            depends_on=tuple(DependencyRequest(key=edge["key"]) for edge in job.get("depends_on", ())),
        )
        for job in body["jobs"]
    )
    runtimes = {job["key"]: job["estimated_duration_seconds"] for job in body["jobs"]}
    return Trace(file.stem, jobs, runtimes)
