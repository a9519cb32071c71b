"""Timetables in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.timetables.timetable import Cause, Due, Run, RunOutcome, Template, Timetable
from tidegate.ports import RunPage, TimetablePage


class MemoryTimetableStore:
    """Keeps timetables in a `MemoryWorld`; see ports.TimetableStore."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def insert_if_absent(self, timetable: Timetable) -> Timetable | None:
        """Writes a new timetable and returns None; if its id is in use, returns the timetable that stands there."""
        self._world.charge("insert_timetable")
        with self._world.lock:
            standing = self._world.timetables.setdefault(timetable.timetable_id, timetable)
        return None if standing is timetable else standing

    def replace_if_unchanged(self, timetable: Timetable) -> bool:
        """Writes a changed timetable if the stored version is the one before `timetable.version`."""
        self._world.charge("replace_timetable")
        with self._world.lock:
            standing = self._world.timetables.get(timetable.timetable_id)
            if standing is None or standing.version != timetable.version - 1:
                return False
            self._world.timetables[timetable.timetable_id] = timetable
            return True

    def remove_if_unchanged(self, timetable: Timetable) -> bool:
        """Removes a timetable if the stored version is `timetable.version`."""
        self._world.charge("remove_timetable")
        with self._world.lock:
            standing = self._world.timetables.get(timetable.timetable_id)
            if standing is None or standing.version != timetable.version:
                return False
            del self._world.timetables[timetable.timetable_id]
            return True

    def drop_templates(self, timetable_id: str) -> None:
        """Removes the templates of a timetable that is gone; no error if there are none."""
        self._world.charge("drop_templates")
        with self._world.lock:
            for place in [each for each in self._world.templates if each[0] == timetable_id]:
                del self._world.templates[place]

    def get(self, timetable_id: str) -> Timetable | None:
        """Returns the timetable, None without one."""
        self._world.charge("get_timetable")
        with self._world.lock:
            return self._world.timetables.get(timetable_id)

    def get_many(self, timetable_ids: Sequence[str]) -> Mapping[str, Timetable]:
        """Returns the timetables that exist, by id."""
        self._world.charge("get_timetables")
        with self._world.lock:
            return {
                each: self._world.timetables[each] for each in timetable_ids if each in self._world.timetables
            }

    def page(self, *, limit: int, after: str | None = None) -> TimetablePage:
        """Returns at most `limit` timetables, by id, behind the id `after`."""
        self._world.charge("page_timetables")
        with self._world.lock:
            ids = sorted(each for each in self._world.timetables if after is None or each > after)[:limit]
            found = tuple(self._world.timetables[each] for each in ids)
        return TimetablePage(found, ids[-1] if len(ids) == limit else None)

    def save_template(self, timetable_id: str, template: Template) -> None:
        """Stores a template under an id that is used once."""
        self._world.charge("save_template")
        with self._world.lock:
            self._world.templates[timetable_id, template.template_id] = template

    def load_templates(self, timetables: Sequence[Timetable]) -> Mapping[str, Template]:
        """Returns the templates that exist, by their timetables' ids."""
        self._world.charge("load_templates")
        with self._world.lock:
            return {
                each.timetable_id: self._world.templates[each.timetable_id, each.template_id]
                for each in timetables
                if (each.timetable_id, each.template_id) in self._world.templates
            }

    def drop_template(self, timetable_id: str, template_id: str) -> None:
        """Removes a template; no error if it is gone."""
        self._world.charge("drop_template")
        with self._world.lock:
            self._world.templates.pop((timetable_id, template_id), None)

    def note_due(self, notes: Sequence[Due]) -> None:
        """Stores notes, over earlier ones of the same timetables and times."""
        for note in notes:
            self._world.charge("note_due")
            with self._world.lock:
                self._world.due_notes[note.at_ms, note.timetable_id] = note

    def drop_due(self, notes: Sequence[Due]) -> None:
        """Removes those of the notes that still stand as they were read."""
        for note in notes:
            self._world.charge("drop_due")
            with self._world.lock:
                standing = self._world.due_notes.get((note.at_ms, note.timetable_id))
                if standing and (standing.version, standing.noted_ms) == (note.version, note.noted_ms):
                    del self._world.due_notes[note.at_ms, note.timetable_id]

    def due(self, now_ms: int, *, limit: int) -> Sequence[Due]:
        """Returns at most `limit` notes with a time up to `now_ms`, the earliest first."""
        self._world.charge("due_timetables")
        with self._world.lock:
            places = sorted(place for place in self._world.due_notes if place[0] <= now_ms)[:limit]
            return [self._world.due_notes[place] for place in places]

    def latest_runs(self, timetable_ids: Sequence[str], *, limit: int) -> Mapping[str, Sequence[Run]]:
        """Returns the latest `limit` runs of each timetable, the latest first."""
        return {each: self._runs(each, limit, None).runs for each in dict.fromkeys(timetable_ids)}

    def runs(self, timetable_id: str, *, limit: int, after: str | None = None) -> RunPage:
        """Returns at most `limit` runs of a timetable, the latest first, behind the place `after`."""
        return self._runs(timetable_id, limit, after)

    def _runs(self, timetable_id: str, limit: int, after: str | None) -> RunPage:
        self._world.charge("runs_of_timetable")
        with self._world.lock:
            held = {
                f"{at_ms:015d}{'#manual' if is_manual else ''}": run
                for (of, at_ms, is_manual), run in self._world.timetable_runs.items()
                if of == timetable_id
            }
        places = sorted((each for each in held if after is None or each < after), reverse=True)[:limit]
        return RunPage(tuple(held[each] for each in places), places[-1] if len(places) == limit else None)

    def runs_at(self, timetable_id: str, scheduled_ms: Sequence[int]) -> Mapping[int, Run]:
        """Returns the records of these scheduled times that exist, by their time."""
        self._world.charge("runs_at")
        with self._world.lock:
            return {
                at_ms: self._world.timetable_runs[timetable_id, at_ms, False]
                for at_ms in scheduled_ms
                if (timetable_id, at_ms, False) in self._world.timetable_runs
            }

    def record(self, runs: Sequence[Run]) -> None:
        """Writes each record unless one stands there. A run that submitted something replaces one that did not."""
        for run in runs:
            self._world.charge("record_run")
            place = run.timetable_id, run.scheduled_ms, run.cause is Cause.MANUAL
            with self._world.lock:
                standing = self._world.timetable_runs.get(place)
                submits = run.outcome is RunOutcome.SUBMITTED
                if standing is None or (submits and standing.outcome is not RunOutcome.SUBMITTED):
                    self._world.timetable_runs[place] = run
