"""The ports for timetables: their store, the calendar, and the reader of their templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.timetables.timetable import Cron, Due, Run, Template, Timetable


@dataclass(frozen=True, slots=True)
class TimetablePage:
    """Timetables in the order of their ids, and the id behind which the next page begins, None at the end."""

    timetables: tuple[Timetable, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class RunPage:
    """Runs, the latest first, and the place behind which the next page begins, None at the end."""

    runs: tuple[Run, ...]
    next: str | None


class TimetableStore(Protocol):
    """Timetables, their templates, the notes of when they are due, and their runs.

    The timetable's own item decides what it is, and the record of a run that the run was dealt with. Notes are hints.
    """

    def insert_if_absent(self, timetable: Timetable) -> Timetable | None:
        """Writes a new timetable and returns None; if its id is in use, returns the timetable that stands there."""

    def replace_if_unchanged(self, timetable: Timetable) -> bool:
        """Writes a changed timetable if the stored version is the one before `timetable.version`."""

    def remove_if_unchanged(self, timetable: Timetable) -> bool:
        """Removes a timetable if the stored version is `timetable.version`."""

    def drop_templates(self, timetable_id: str) -> None:
        """Removes the templates of a timetable that is gone, at most 100; no error if there are none."""

    def get(self, timetable_id: str) -> Timetable | None:
        """Returns the timetable by a consistent read, None without one."""

    def get_many(self, timetable_ids: Sequence[str]) -> Mapping[str, Timetable]:
        """Returns the timetables that exist, by id, from consistent reads of up to 100 at once."""

    def page(self, *, limit: int, after: str | None = None) -> TimetablePage:
        """Returns at most `limit` timetables, by id, behind the id `after`. They may be a little old."""

    def save_template(self, timetable_id: str, template: Template) -> None:
        """Stores a template under an id that is used once."""

    def load_templates(self, timetables: Sequence[Timetable]) -> Mapping[str, Template]:
        """Returns the templates that exist, by their timetables' ids, from consistent reads of up to 100 at once."""

    def drop_template(self, timetable_id: str, template_id: str) -> None:
        """Removes a template; no error if it is gone."""

    def note_due(self, notes: Sequence[Due]) -> None:
        """Stores notes, over earlier ones of the same timetables and times."""

    def drop_due(self, notes: Sequence[Due]) -> None:
        """Removes those of the notes that still stand as they were read."""

    def due(self, now_ms: int, *, limit: int) -> Sequence[Due]:
        """Returns at most `limit` notes with a time up to `now_ms`, the earliest first. They may be a little old."""

    def latest_runs(self, timetable_ids: Sequence[str], *, limit: int) -> Mapping[str, Sequence[Run]]:
        """Returns the latest `limit` runs of each timetable, the latest first, from consistent reads."""

    def runs(self, timetable_id: str, *, limit: int, after: str | None = None) -> RunPage:
        """Returns at most `limit` runs of a timetable, the latest first, behind the place `after`."""

    def runs_at(self, timetable_id: str, scheduled_ms: Sequence[int]) -> Mapping[int, Run]:
        """Returns the records of these scheduled times that exist, by their time, from consistent reads."""

    def record(self, runs: Sequence[Run]) -> None:
        """Writes each record unless one stands there. A run that submitted something replaces one that did not."""


class Calendar(Protocol):
    """The times of cron expressions, on the clocks of time zones."""

    def check(self, cron: Cron) -> None:
        """Raises InvalidRequest, which names `cron` or `zone`, where the expression or the zone can't be read.

        Also where no time follows from the expression.
        """

    def following(self, cron: Cron, after_ms: int, up_to_ms: int, *, limit: int) -> Sequence[int]:
        """Returns the first `limit` times after `after_ms` and up to `up_to_ms`, in order."""

    def latest(self, cron: Cron, after_ms: int, up_to_ms: int, *, limit: int) -> Sequence[int]:
        """Returns the latest `limit` times after `after_ms` and up to `up_to_ms`, in order."""

    def local(self, at_ms: int, zone: str) -> str:
        """Returns a moment on the clock of a zone with its offset, such as 2026-12-01T06:00:00+01:00."""


class TemplateReader(Protocol):
    """Reads templates of timetables as the API reads submissions."""

    def read(self, template: Mapping[str, Any], field: str) -> JobRequest | WorkflowRequest:
        """Returns the submission that a template asks for; `field` is its path in the request.

        Raises InvalidRequest that names each wrong field.
        """
