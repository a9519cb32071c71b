"""The port for workflow submissions and their plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tidegate.domain.submission import Phase, Submission, SubmissionPlan


@dataclass(frozen=True, slots=True)
class OpenSubmission:
    """A submission with work left, and when it was opened, in milliseconds since the epoch."""

    opened_at_ms: int
    submission_id: str


class SubmissionStore(Protocol):
    """The store of workflow submissions and their plans."""

    def begin_if_absent(self, submission: Submission) -> Submission | None:
        """Writes a new submission in STAGING.

        Returns the one that its id already has, None where the new one was written.
        """

    def get(self, submission_id: str) -> Submission | None:
        """Returns the submission from a consistent read, None where there is none."""

    def get_many(self, submission_ids: Sequence[str]) -> Mapping[str, Submission]:
        """Returns the submissions that exist, by id, from consistent reads of up to 100 at once."""

    def set_phase_if(self, submission_id: str, expected: Phase, to: Phase) -> bool:
        """Changes the phase: STAGING to COMMITTED or ABANDONED, then to COMPLETE or REMOVED.

        Returns False where the phase was not `expected`.
        """

    def save_plan(self, submission_id: str, plan: SubmissionPlan) -> None:
        """Stores the plan. It overwrites the plan of an earlier call."""

    def load_plan(self, submission_id: str) -> SubmissionPlan:
        """Returns the plan. Raises NotFound where none was saved."""

    def list_open(
        self, *, opened_before_ms: int, limit: int, after: OpenSubmission | None = None
    ) -> tuple[OpenSubmission, ...]:
        """Returns at most `limit` submissions that are not COMPLETE or REMOVED, oldest first.

        They were opened before `opened_before_ms`, in milliseconds since the epoch. With `after` the list begins behind
        that submission, which may be COMPLETE or REMOVED by now.
        """
