"""Submissions and their plans in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dev.simulator.memory.world import MemoryWorld
from tidegate.adapters.aws.calls import chunks
from tidegate.domain.changes import WorkflowChange
from tidegate.domain.errors import NotFound
from tidegate.domain.submission import DONE_WITH, Phase, Submission, SubmissionPlan
from tidegate.domain.verdicts import Judgement
from tidegate.ports import OpenSubmission, Reminder

READ_BATCH = 100


class MemorySubmissionStore:
    """Keeps submissions in a `MemoryWorld`; see ports.SubmissionStore."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def begin_if_absent(self, submission: Submission) -> Submission | None:
        """Writes a new submission and returns None; if its id is in use, returns the existing submission."""
        self._world.charge("begin_if_absent")
        with self._world.lock:
            standing = self._world.submissions.get(submission.submission_id)
            if standing is None:
                self._world.submissions[submission.submission_id] = submission
            return standing

    def get(self, submission_id: str) -> Submission | None:
        """Returns the submission, or None."""
        self._world.charge("get_submission")
        return self._world.submissions.get(submission_id)

    def get_many(self, submission_ids: Sequence[str]) -> dict[str, Submission]:
        """Returns the submissions that exist, by id."""
        known = self._world.submissions
        for _ in chunks(list(dict.fromkeys(submission_ids)), READ_BATCH):
            self._world.charge("get_submissions")
        return {each: known[each] for each in submission_ids if each in known}

    def set_phase_if(self, submission_id: str, expected: Phase, to: Phase) -> bool:
        """Changes the phase to `to`; returns False if it was not `expected`."""
        self._world.charge("set_phase_if")
        with self._world.lock:
            submission = self._world.submissions.get(submission_id)
            if submission is None or submission.phase is not expected:
                return False
            self._world.submissions[submission_id] = replace(submission, phase=to)
            return True

    def save_plan(self, submission_id: str, plan: SubmissionPlan) -> None:
        """Stores the plan, over one that an earlier request left."""
        self._world.charge("save_plan")
        self._world.plans[submission_id] = plan

    def load_plan(self, submission_id: str) -> SubmissionPlan:
        """Returns the plan; raises NotFound if none was saved."""
        self._world.charge("load_plan")
        plan = self._world.plans.get(submission_id)
        if plan is None:
            raise NotFound("plan of submission", submission_id)
        return plan

    def list_open(
        self, *, opened_before_ms: int, limit: int, after: OpenSubmission | None = None
    ) -> tuple[OpenSubmission, ...]:
        """Returns at most `limit` open submissions, begun before `opened_before_ms`, after the submission `after`."""
        self._world.charge("list_open")
        with self._world.lock:
            found = [
                (submission.created_at_ms, submission.submission_id)
                for submission in self._world.submissions.values()
                if submission.phase not in DONE_WITH and submission.created_at_ms < opened_before_ms
            ]
        start = () if after is None else (after.opened_at_ms, after.submission_id)
        behind = sorted(place for place in found if place > start)
        return tuple(OpenSubmission(*place) for place in behind[:limit])

    def set_finish_by_if(
        self, submission: Submission, finish_by_ms: int | None, judgements: Sequence[Judgement]
    ) -> bool:
        """Sets a workflow's time to finish by, with the judgements about it, if both are as in `submission`."""
        self._world.charge("set_finish_by_if")
        with self._world.lock:
            standing = self._world.submissions.get(submission.submission_id)
            if standing is None:
                return False
            read = (submission.finish_by_ms, submission.judgements)
            if (standing.finish_by_ms, standing.judgements) != read:
                return False
            old = self._world.workflow(submission.submission_id)
            self._world.submissions[submission.submission_id] = replace(
                standing, finish_by_ms=finish_by_ms, judgements=tuple(judgements)
            )
            new = self._world.workflow(submission.submission_id)
            self._world.workflow_changes.append(WorkflowChange(old, new))
            return True

    def remind(self, reminder: Reminder, now_ms: int) -> None:
        """Stores a reminder, and dates it by `now_ms`. An earlier time of the reminder that stands there stays."""
        self._world.charge("remind")
        with self._world.lock:
            at_ms, _ = self._world.reminders.get(reminder.submission_id, (reminder.at_ms, 0))
            self._world.reminders[reminder.submission_id] = min(at_ms, reminder.at_ms), now_ms

    def list_reminders(self, *, limit: int, after: Reminder | None = None) -> tuple[Reminder, ...]:
        """Returns at most `limit` reminders, the next time first, behind the reminder `after`."""
        self._world.charge("list_reminders")
        with self._world.lock:
            found = [Reminder(at_ms, each) for each, (at_ms, _) in self._world.reminders.items()]
        return tuple(sorted(each for each in found if after is None or each > after)[:limit])

    def change_reminder_if(self, reminder: Reminder, to_ms: int | None, *, dated_before_ms: int) -> bool:
        """Gives a reminder another time, or removes it for None, if it has this time and is not dated later."""
        self._world.charge("change_reminder_if")
        with self._world.lock:
            at_ms, dated_ms = self._world.reminders.get(reminder.submission_id, (None, 0))
            if at_ms != reminder.at_ms or dated_ms >= dated_before_ms:
                return False
            if to_ms is None:
                del self._world.reminders[reminder.submission_id]
            else:
                self._world.reminders[reminder.submission_id] = to_ms, dated_ms
            return True
