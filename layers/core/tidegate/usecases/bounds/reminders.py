"""Leaves reminders of submissions that have times to finish by, for the reaper, which judges these times."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.ports import Reminder
from tidegate.usecases.services import Services


def remind(services: Services, submission_id: str, times_ms: Iterable[int | None], now_ms: int) -> None:
    """Leaves a reminder of the first of these times, in milliseconds since the epoch; none where all are None.

    It is left before the times are written, so that no time is without one. The reaper removes a reminder of times that
    were never written. Costs one write of an item and its entry in an index. Raises ServiceUnavailable.
    """
    first_ms = min((at_ms for at_ms in times_ms if at_ms is not None), default=None)
    if first_ms is not None:
        services.submissions.remind(Reminder(first_ms, submission_id), now_ms)
