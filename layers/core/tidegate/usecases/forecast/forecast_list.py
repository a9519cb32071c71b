"""Forecasts the ends of the workflows of a list, which share one scene and the same draws."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tidegate.domain.forecast.forecast import FEWEST_DRAWS, Interval, forecast_ends
from tidegate.domain.forecast.run_times import learned
from tidegate.domain.job import Job
from tidegate.domain.states import TERMINAL
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.forecast.notes import Note, cut_short, notes_of
from tidegate.usecases.forecast.read_scene import SceneRead, read_listed_scene
from tidegate.usecases.read.workflows import WorkflowRow
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.usual_runs import known_overruns

MAX_WORKFLOWS: Final = 20
"""Workflows of a list that are forecast: the first ones that run."""
MAX_LEFT: Final = 2_000
"""Jobs that have not ended, of all these workflows together."""
_STAGES: Final = 2  # the scene is read in the first half of the time, and stepped in the other


@dataclass(frozen=True, slots=True)
class ListForecast:
    """The forecast ends of workflows, by their ids; None where a workflow does not end as things stand.

    `left_out` counts the other workflows that run, as the list shows them. `draws` is how many courses were drawn, 0
    where nothing was forecast.
    """

    ends: Mapping[str, Interval | None]
    left_out: int
    draws: int
    notes: tuple[Note, ...]


def forecast_list(
    services: Services, rows: Sequence[WorkflowRow], *, now_ms: int, until: Deadline = NEVER
) -> ListForecast:
    """Forecasts when the first workflows of a list end that have not ended: MAX_WORKFLOWS, with MAX_LEFT jobs left.

    A workflow that would be too large is passed over. Reads what `read_listed_scene` says, in half of the time until
    `until`, and steps the scene at least once, and no more after `until`. Raises ServiceUnavailable.
    """
    running = [row for row in rows if row.summary.ended_at_ms is None]
    chosen = _chosen(running)
    if not chosen:
        return ListForecast({}, len(running), 0, ())
    read = read_listed_scene(services, chosen, now_ms, until.part(_STAGES))
    groups = _by_workflow(read, chosen)
    run_times = learned(read.ended, known_overruns(services, now_ms, until))
    ids = [[job.job_id for job in jobs] for jobs in groups.values()]
    ends, draws = forecast_ends(read.scene, run_times, ids, draws=FEWEST_DRAWS, is_over=until.is_over)
    notes = notes_of(read, run_times, [job for jobs in groups.values() for job in jobs])
    return ListForecast(
        dict(zip(groups, ends, strict=True)),
        len(running) - len(groups),
        draws,
        (*notes, *cut_short(draws, FEWEST_DRAWS)),
    )


def _by_workflow(read: SceneRead, chosen: Collection[str]) -> dict[str, list[Job]]:
    """Returns the jobs of the chosen workflows that are going to run. One that has ended meanwhile has no entry.

    One that was not read has none either, although the scene may hold those of its jobs that others wait for.
    """
    groups: dict[str, list[Job]] = {}
    for job in read.wanted:
        if job.workflow_id in chosen and job.workflow_id in read.workflows:
            group = groups.setdefault(job.workflow_id, [])
            if job.job_id not in read.skipped:
                group.append(job)
    return groups


def _chosen(running: Sequence[WorkflowRow]) -> dict[str, int]:
    """Returns the workflows to forecast, with the numbers of their jobs."""
    chosen: dict[str, int] = {}
    left = 0
    for row in running:
        counts = row.summary.counts
        own = sum(count for state, count in counts.items() if state not in TERMINAL)
        if left + own <= MAX_LEFT:
            left += own
            chosen[row.submission.submission_id] = row.submission.job_count
        if len(chosen) == MAX_WORKFLOWS:
            break
    return chosen
