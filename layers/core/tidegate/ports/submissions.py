"""The port for workflow submissions and their plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tidegate.domain.submission import Phase, Submission, SubmissionPlan
from tidegate.domain.verdicts import Judgement


@dataclass(frozen=True, slots=True)
class OpenSubmission:
    """A submission with work left, and when it was opened, in milliseconds since the epoch."""

    opened_at_ms: int
    submission_id: str


@dataclass(frozen=True, slots=True, order=True)
class Reminder:
    """A note that a submission, of a workflow or of one job, has times to finish by.

    `at_ms` is the next of these times as far as the note knows, in milliseconds since the epoch. It orders the notes.
    """

    at_ms: int
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

    def set_finish_by_if(
        self, submission: Submission, finish_by_ms: int | None, judgements: Sequence[Judgement]
    ) -> bool:
        """Sets a workflow's time to finish by, with the judgements about it.

        `finish_by_ms` is in milliseconds since the epoch; None takes the time off. Returns False where the record has
        another time, or other judgements, than `submission` has.
        """

    def remind(self, reminder: Reminder, now_ms: int) -> None:
        """Stores a reminder, and dates it by `now_ms`. An earlier time of the reminder that stands there stays.

        Raises ServiceUnavailable, also where the reminder kept changing meanwhile.
        """

    def list_reminders(self, *, limit: int, after: Reminder | None = None) -> tuple[Reminder, ...]:
        """Returns at most `limit` reminders, the next time first. The list may lag behind the writes by moments.

        With `after` it begins behind that reminder, which may be gone by now.
        """

    def change_reminder_if(self, reminder: Reminder, to_ms: int | None, *, dated_before_ms: int) -> bool:
        """Gives a reminder another time, in milliseconds since the epoch; None removes it.

        Returns False where the reminder has another time than `reminder`, or is not dated before `dated_before_ms`.
        """
