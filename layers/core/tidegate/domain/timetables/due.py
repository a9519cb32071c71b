"""Decides which scheduled times of a timetable are run, and which were missed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.domain.limits import MAX_TIMETABLE_RUNS
from tidegate.domain.timetables.timetable import Missed, Timetable

_HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class DueRuns:
    """The scheduled times to run now, in order, after those that were missed.

    `missed` counts the missed times, `missed_ms` is the latest of them, None without any. All lie before the first of
    `runs`. Times are in milliseconds since the epoch.
    """

    runs: tuple[int, ...]
    missed: int
    missed_ms: int | None


def due_at_ms(timetable: Timetable, scheduled_ms: int) -> int:
    """Returns when the run of a scheduled time is to begin: up to the timetable's jitter later, always the same.

    Both times are in milliseconds since the epoch. The delay follows from the timetable and the time alone, so that
    every process and every repetition comes to the same moment.
    """
    if not timetable.jitter_seconds:
        return scheduled_ms
    text = f"{timetable.timetable_id}#{scheduled_ms}"
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:_HASH_BYTES], "big")
    return scheduled_ms + (number * timetable.jitter_seconds * 1_000 >> 8 * _HASH_BYTES)


def due_runs(timetable: Timetable, times: Sequence[int], now_ms: int) -> DueRuns:
    """Decides about scheduled times that have come, given in order.

    A time is missed if its run was to begin more than the grace ago. Of the missed ones the timetable runs none, the
    latest, or at most the latest `MAX_TIMETABLE_RUNS`. At most as many times are run in all; the rest stays for the
    next look. A run that is not to begin yet holds back those after it, so that runs keep their order.
    """
    due = 0
    while due < len(times) and due_at_ms(timetable, times[due]) <= now_ms:
        due += 1
    late = due
    grace_ms = timetable.grace_seconds * 1_000
    while late and now_ms - due_at_ms(timetable, times[late - 1]) <= grace_ms:
        late -= 1
    caught_up = {Missed.SKIP: 0, Missed.ONCE: 1, Missed.ALL: MAX_TIMETABLE_RUNS}[timetable.missed]
    missed = max(0, late - caught_up)
    runs = tuple(times[missed:due])[:MAX_TIMETABLE_RUNS]
    return DueRuns(runs, missed, times[missed - 1] if missed else None)
