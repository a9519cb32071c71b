"""Says what a forecast takes for granted, and what keeps jobs from one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tidegate.domain.dependency import DependencyType
from tidegate.domain.forecast.run_times import RunTimes
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.usecases.forecast.read_scene import SceneRead


class NoteCode(StrEnum):
    """The codes of notes. A note says why a job has no forecast, or names an assumption."""

    POOL_PAUSED = "pool-paused"
    POOL_GONE = "pool-gone"
    NO_SLOTS = "no-slots"
    TYPE_PAUSED = "type-paused"
    ON_HOLD = "on-hold"
    GOING_TO_BE_SKIPPED = "going-to-be-skipped"
    CONDITIONS_TAKEN_AS_TRUE = "conditions-taken-as-true"
    RUN_TIMES_GUESSED = "run-times-guessed"
    NOT_ALL_READ = "not-all-read"
    CUT_SHORT = "cut-short"


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that a forecast takes for granted, or that keeps jobs from a forecast."""

    code: NoteCode
    message: str


def notes_of(read: SceneRead, run_times: RunTimes, jobs: Sequence[Job]) -> Iterator[Note]:
    """Yields the notes of a forecast of these jobs of the scene."""
    yield from _holds(read, jobs)
    conditions = sum(
        any(wait.type is DependencyType.CONDITIONAL for wait in job.waits) for job in read.scene.jobs
    )
    if read.skipped:
        yield Note(
            NoteCode.GOING_TO_BE_SKIPPED,
            f"Jobs that are going to be skipped, as an upstream did not end as they need: {len(read.skipped):,}.",
        )
    if conditions:
        yield Note(
            NoteCode.CONDITIONS_TAKEN_AS_TRUE,
            f"Jobs whose conditions are taken to be true: {conditions:,}.",
        )
    guessed = sum(run_times.of(job.type, job.estimated_duration_seconds).is_guess for job in jobs)
    if guessed:
        yield Note(
            NoteCode.RUN_TIMES_GUESSED,
            "Jobs without an estimate, of types of which no ended job was read: "
            f"{guessed:,}. A minute is taken for each.",
        )
    if not read.is_whole:
        yield Note(
            NoteCode.NOT_ALL_READ,
            "More competes for the slots than was read, so starts and ends may come later.",
        )


def cut_short(draws: int, wanted: int) -> Iterator[Note]:
    """Yields a note where fewer courses were drawn than are wanted."""
    if draws < wanted:
        yield Note(
            NoteCode.CUT_SHORT,
            f"The time of an answer allowed {draws} of {wanted} draws, so the intervals are coarse.",
        )


def _holds(read: SceneRead, jobs: Sequence[Job]) -> Iterator[Note]:
    """Yields what keeps jobs from starting at all."""
    scene = read.scene
    waiting = [job for job in jobs if job.state is not State.RUNNING]
    for pool in sorted({job.pool for job in waiting}):
        if pool not in scene.pools:
            yield Note(NoteCode.POOL_GONE, f"Pool {pool} is no longer deployed.")
        elif scene.rules.is_paused(pool):
            yield Note(NoteCode.POOL_PAUSED, f"Pool {pool} is paused.")
        elif scene.pools[pool].slots == 0:
            yield Note(NoteCode.NO_SLOTS, f"Pool {pool} has no slot: no worker of it is live.")
    for job_type in sorted({job.type for job in waiting}):
        if scene.rules.type_rule(job_type).paused:
            yield Note(NoteCode.TYPE_PAUSED, f"Job type {job_type} is paused.")
    on_hold = sum(job.on_hold for job in waiting)
    if on_hold:
        yield Note(NoteCode.ON_HOLD, f"Jobs on hold: {on_hold:,}.")
