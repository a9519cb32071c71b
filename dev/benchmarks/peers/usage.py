"""Counts of requests and units up to a moment, by kind, caller and subject.

The emulator, which counts, and the benchmark, which reads, both use it, so it imports the standard library only.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

REQUESTS = "requests"  # what: "dynamodb.PutItem", "sqs.ReceiveMessage"
WRITE_UNITS = "write_units"  # what: "Jobs", or "Jobs/by_group" for an index
READ_UNITS = "read_units"  # what: "Jobs"
INVOCATIONS = "invocations"  # caller: the function
BUSY_MS = "busy_ms"  # caller: the function

Key = tuple[str, str, str]  # kind, caller, what


@dataclass(frozen=True, slots=True)
class Usage:
    """The counts up to a moment, or between two moments."""

    counts: Mapping[Key, float] = field(default_factory=dict)

    def __sub__(self, earlier: Usage) -> Usage:
        """Returns the counts since `earlier`."""
        left = {key: count - earlier.counts.get(key, 0.0) for key, count in self.counts.items()}
        return Usage({key: count for key, count in left.items() if count})

    def total(self, kind: str, *, caller: str | None = None, service: str = "") -> float:
        """Returns the sum over one kind.

        `caller` and `service` limit it to one caller and to subjects with that prefix.
        """
        return sum(
            count
            for (found, who, what), count in self.counts.items()
            if found == kind and caller in (None, who) and what.startswith(service)
        )

    def callers(self) -> list[str]:
        """Returns all callers with a count, in order."""
        return sorted({who for _, who, _ in self.counts})

    def by_what(self, kind: str, caller: str) -> dict[str, float]:
        """Returns the counts of one kind and caller, largest first."""
        found = {what: n for (k, who, what), n in self.counts.items() if k == kind and who == caller}
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))

    def only(self, caller: str) -> Usage:
        """Returns the counts of one caller."""
        return Usage({key: count for key, count in self.counts.items() if key[1] == caller})

    def to_json(self) -> list[list[str | float]]:
        """Returns a list of [kind, caller, what, count]."""
        return [[*key, count] for key, count in sorted(self.counts.items())]

    @classmethod
    def from_json(cls, rows: list[list[str | float]]) -> Usage:
        """Reads the list that `to_json` makes."""
        return cls({(str(kind), str(who), str(what)): float(n) for kind, who, what, n in rows})


class Tally:
    """A count that grows and is safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Key] = Counter()
        self._marks: dict[tuple[str, str], tuple[int, float]] = {}

    def add(self, kind: str, caller: str, what: str, count: float = 1.0) -> None:
        """Adds to one count."""
        with self._lock:
            self._counts[kind, caller, what] += count  # type: ignore[assignment]  # Counter is typed for int

    def mark(self, table: str, event: str, at_s: float) -> None:
        """Records that an event happened to an item of `table`, at a time in seconds since the epoch."""
        with self._lock:
            seen, _ = self._marks.get((table, event), (0, 0.0))
            self._marks[table, event] = (seen + 1, at_s)

    def marks(self, table: str, events: list[str]) -> tuple[int, float]:
        """Returns how often any of `events` happened in `table`, and when the last of them did."""
        with self._lock:
            found = [self._marks.get((table, event), (0, 0.0)) for event in events]
        return sum(seen for seen, _ in found), max((at_s for _, at_s in found), default=0.0)

    def usage(self) -> Usage:
        """Returns the counts so far."""
        with self._lock:
            return Usage(dict(self._counts))
