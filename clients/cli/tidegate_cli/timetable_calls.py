"""The part of the API's client that makes, changes and runs timetables."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from tidegate_cli import ids
from tidegate_cli.connection import Connection
from tidegate_client.operations import timetables


class TimetablesConnection(Connection):
    """Makes, changes and runs timetables by a method for each route. They raise what those of `Client` raise."""

    def create_timetable(
        self, body: Mapping[str, Any], idempotency_key: str | None = None
    ) -> Mapping[str, Any]:
        """Makes a timetable, `body` as `POST /v1/timetables` takes it, and returns it as the API shows it.

        A second call with the same `idempotency_key` returns the same timetable. Without a key the client makes a new
        one.
        """
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        return self._ask(timetables.create_timetable, body, idempotency_key=key)

    def list_timetables(self, *, submitted_by: str | None = None, limit: int = 50) -> list[Mapping[str, Any]]:
        """Returns at most `limit` timetables as the API shows them; `submitted_by` is the subject of a caller."""
        return self._list(
            lambda size: timetables.list_timetables(submitted_by=submitted_by, page_size=size),
            "timetables",
            limit,
        )

    def get_timetable(self, timetable_id: str) -> Mapping[str, Any]:
        """Returns a timetable with its template, as the API shows it."""
        return self._ask(timetables.get_timetable, ids.timetable_id(timetable_id))

    def change_timetable(self, timetable_id: str, change: Mapping[str, Any]) -> Mapping[str, Any]:
        """Changes a timetable, and returns it after that. A second call has no further effect."""
        return self._ask(timetables.change_timetable, ids.timetable_id(timetable_id), change)

    def remove_timetable(self, timetable_id: str) -> Mapping[str, Any]:
        """Removes a timetable, and returns it as it was."""
        return self._ask(timetables.remove_timetable, ids.timetable_id(timetable_id))

    def set_timetable_paused(self, timetable_id: str, paused: bool) -> Mapping[str, Any]:
        """Pauses or resumes a timetable, and returns it after that. A second call has no further effect."""
        make = timetables.pause_timetable if paused else timetables.resume_timetable
        return self._ask(make, ids.timetable_id(timetable_id))

    def run_timetable(self, timetable_id: str, idempotency_key: str | None = None) -> Mapping[str, Any]:
        """Runs a timetable once, now, and returns the run. A second call with the same key returns the same run."""
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        return self._ask(timetables.run_timetable, ids.timetable_id(timetable_id), idempotency_key=key)

    def count_backfill(self, timetable_id: str, since: str, until: str) -> Mapping[str, Any]:
        """Returns how many scheduled times lie from `since` on and before `until`, both RFC 3339 with a zone."""
        return self._ask(timetables.count_backfill, ids.timetable_id(timetable_id), since, until)

    def backfill(self, timetable_id: str, since: str, until: str) -> Mapping[str, Any]:
        """Submits scheduled times of such a range, as many as one call does, and returns the runs and `next_from`.

        A repeated call submits nothing twice.
        """
        return self._ask(timetables.backfill, ids.timetable_id(timetable_id), since, until)

    def next_runs(self, timetable_id: str, count: int) -> Mapping[str, Any]:
        """Returns the next `count` scheduled times of a timetable, as the API shows them."""
        return self._ask(timetables.next_runs, ids.timetable_id(timetable_id), count=count)

    def list_runs(self, timetable_id: str, *, limit: int = 50) -> list[Mapping[str, Any]]:
        """Returns at most `limit` runs of a timetable, the latest first, as the API shows them."""
        some_id = ids.timetable_id(timetable_id)
        return self._list(lambda size: timetables.list_runs(some_id, page_size=size), "runs", limit)
