"""The port for the jobs themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from tidegate.domain.dependency import Dependency, Dependent
from tidegate.domain.errors import NotFound, ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job, JobInput, Json
from tidegate.domain.stored import Stored
from tidegate.domain.submission import ExternalEdge
from tidegate.domain.transitions import KeepIfEnded, Transition, TransitionRefused

TransitionOutcome: TypeAlias = Job | TransitionRefused | NotFound | ServiceUnavailable | ServiceRefused
"""The outcome of one of many transitions: the job after it, or the error that it met.

The job is as it is now, which may be further on where another process changed it since. After a claim it still belongs
to the claiming worker. TransitionRefused holds the job as it was at the refusal or later. NotFound says that a
consistent read found no job. After ServiceUnavailable the transition may have been carried out: repeat it, or leave
that to the process that repeats it anyway.
"""


@dataclass(frozen=True, slots=True)
class DependentsPage:
    """A page of the edges that leave a job. `next` is where the next page begins, None at the end."""

    edges: tuple[Dependent, ...]
    next: tuple[str, int] | None


class JobStore(Protocol):
    """The jobs themselves: the truth that every decision is based on."""

    def get(self, job_id: str, *, consistent: bool = False) -> Job | None:
        """Returns the job, None where there is none. Without `consistent` it may be a little old."""

    def get_many(self, job_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Job]:
        """Returns the jobs that exist, by id. Without `consistent` they may be a little old.

        Takes any number of ids and asks for them in bounded batches.
        """

    def load_input(self, job: Job) -> JobInput:
        """Returns the job's input, from the job itself or from the Payloads table where it overflowed."""

    def load_inputs(self, jobs: Sequence[Job]) -> dict[str, JobInput]:
        """Returns the inputs of many jobs, by job id. Reads in bounded batches."""

    def load_dependencies(self, wanted: Sequence[tuple[Job, int]]) -> dict[tuple[str, int], Dependency]:
        """Returns single dependencies, by job id and place in `depends_on`.

        `wanted` names each by its job and that place. Reads neither parameters nor results, in portions whose size no
        caller decides, and keeps only what is wanted. Raises NotFound where an input has passed its retention.
        """

    def load_result(self, job: Job) -> Json:
        """Returns the job's result, None without one.

        Reads the job itself, or the Payloads table where the result overflowed.
        """

    def stored(self, job: Job, given: JobInput | None = None, result: Json = None) -> Stored:
        """Returns how a job is stored, as far as DynamoDB bills it. Makes no request.

        `given` and `result` are those that overflowed, as they were loaded; their sizes come with it.
        """

    def store_result_overflow(self, job: Job, result: Json) -> bool:
        """Stores a result that is too large for the job's item under the job's attempt.

        Returns False where the item can hold it.
        """

    def store_input(self, job: Job, given: JobInput) -> str:
        """Stores the new input of a job that is to be rerun; returns the name of its part.

        It is written before the rerun, and never over the input of another rerun or of the submission.
        """

    def keep_parts(self, kept: Sequence[KeepIfEnded]) -> None:
        """Keeps the overflow of jobs as long as the jobs are to be kept, never shorter than now.

        It is called before the jobs themselves are kept. A part that is gone already is no error.
        """

    def insert_if_absent(self, jobs: Sequence[Job]) -> tuple[str, ...]:
        """Writes new jobs, each only if its id is unused.

        Returns the ids that already existed; those jobs are unchanged.
        """

    def stage(self, jobs: Sequence[Job]) -> None:
        """Writes jobs of a submission in STAGING.

        It overwrites a job of an earlier call, but never one that changed since.
        """

    def unstage(self, job_ids: Sequence[str]) -> None:
        """Removes jobs of an ABANDONED submission and their overflow. A job that is gone already is no error."""

    def apply(self, transition: Transition) -> Job:
        """Carries out one transition as one conditional write. Returns the job after it.

        Raises TransitionRefused (with the job as it is) or NotFound.
        """

    def apply_all(self, transitions: Sequence[Transition]) -> list[TransitionOutcome]:
        """Carries out many transitions, each under its own condition. Returns their outcomes in the same order.

        Transitions of the same job are carried out in their order. Nothing is raised: an error is the transition's
        outcome.
        """

    def add_edges(self, edges: Sequence[ExternalEdge]) -> None:
        """Writes edges to jobs of earlier submissions under their upstreams. Writing one twice changes nothing."""

    def list_dependents(self, job: Job) -> Sequence[Dependent]:
        """Returns all edges that leave `job`: those in its item, and those that overflowed (read consistently)."""

    def page_dependents(
        self, job: Job, *, limit: int, after: tuple[str, int] | None = None
    ) -> DependentsPage:
        """Returns at most `limit` (1-1,000) of the edges that leave `job`, behind the place `after`.

        A place is the `next` of an earlier page, and means something to the store alone. Makes at most one request.
        """

    def list_dependents_of(self, jobs: Sequence[Job]) -> list[Sequence[Dependent]]:
        """Returns the edges that leave each of many jobs, in the order of `jobs`. Reads side by side."""
