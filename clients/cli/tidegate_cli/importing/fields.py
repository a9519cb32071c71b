"""Names the fields of a document that a converter does not read, so that none is dropped silently."""

from __future__ import annotations

from collections.abc import Set

from tidegate_cli.importing.lined import Lined
from tidegate_cli.importing.model import Effect, Notes

_REASONS = {
    "imagePullPolicy": ("tidegate runs no images", "nothing"),
    "volumes": ("tidegate mounts nothing", "run the workers where the files are"),
    "volumeMounts": ("tidegate mounts nothing", "run the workers where the files are"),
    "volumeClaimTemplates": ("tidegate mounts nothing", "run the workers where the files are"),
    "nodeSelector": ("tidegate knows pools, not machines", "name a pool or capabilities in the job"),
    "tolerations": ("tidegate knows pools, not machines", "name a pool or capabilities in the job"),
    "affinity": ("tidegate knows pools, not machines", "name a pool or capabilities in the job"),
    "schedule": (
        "a workflow has no timetable in its own document",
        "submit it by a timetable of the deployment",
    ),
    "schedules": (
        "a workflow has no timetable in its own document",
        "submit it by a timetable of the deployment",
    ),
    "activeDeadlineSeconds": (
        "a workflow has no time limit, its jobs have one each",
        "set timeout_seconds in the jobs, or finish_by in the workflow",
    ),
    "permissions": ("tidegate gives job code no rights at GitHub", "give the command a token of its own"),
    "container": (
        "a command runs in the worker's own environment",
        "build the worker's image with what it needs",
    ),
    "services": ("tidegate starts no services beside a job", "run the service where the workers reach it"),
    "environment": ("tidegate has no deployment environments", "submit the job by hand, or put it on hold"),
    "outputs": (
        "tidegate keeps one result of a job: the last line that its command prints, as JSON",
        "let the command print the outputs as one JSON object",
    ),
    "timeout-minutes": ("a step has no time limit, its job has one", "let the command limit itself"),
}


def note_unknown(part: Lined, known: Set[str], notes: Notes) -> None:
    """Adds a note for each field of an object that the converter does not read."""
    for name, value in part.fields():
        if name not in known:
            why, do = _REASONS.get(name, ("it has no counterpart", "see whether the job needs it"))
            shown = value.text()
            notes.add(value.line, name if shown is None else f"{name}: {shown}", Effect.LEFT_OUT, why, do)
