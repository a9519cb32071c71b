"""The log that the attempts of a run write, and the rules that hold for it whatever was killed."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

_BUSY_SECONDS = 30.0
_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE fences (job_id TEXT PRIMARY KEY, attempt INTEGER NOT NULL);
CREATE TABLE effects (job_id TEXT NOT NULL, attempt INTEGER NOT NULL);
CREATE TABLE log (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL, job_id TEXT NOT NULL, attempt INTEGER NOT NULL, pid INTEGER NOT NULL, what TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log, in the order of writing. `at_s` is the time since the epoch."""

    number: int
    at_s: float
    job_id: str
    attempt: int
    pid: int
    what: str


class Ledger:
    """The database file that all attempts of one run write to. `effects` holds their effects."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(sqlite3.connect(path, isolation_level=None)) as ledger:
            ledger.executescript(_SCHEMA)

    def log(self) -> list[Entry]:
        """Returns all lines of the log."""
        with closing(sqlite3.connect(self.path)) as ledger:
            return [
                Entry(*row)
                for row in ledger.execute(
                    "SELECT number, at, job_id, attempt, pid, what FROM log ORDER BY number"
                )
            ]

    def under_way(self) -> list[Entry]:
        """Returns the beginnings of attempts without an end. Some of them may never end."""
        log = self.log()
        ended = {(entry.job_id, entry.attempt) for entry in log if entry.what != "began"}
        return [
            entry for entry in log if entry.what == "began" and (entry.job_id, entry.attempt) not in ended
        ]

    def effects(self) -> list[tuple[str, int]]:
        """Returns job id and attempt of every effect that happened."""
        with closing(sqlite3.connect(self.path)) as ledger:
            return list(ledger.execute("SELECT job_id, attempt FROM effects"))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Locks the ledger while the block runs, so that no attempt is in the middle of writing."""
        with closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)) as ledger:
            ledger.execute("BEGIN IMMEDIATE")
            yield
            ledger.execute("ROLLBACK")

    def count(self) -> int:
        """Returns the number of effects."""
        with closing(sqlite3.connect(self.path)) as ledger:
            (found,) = ledger.execute("SELECT count(*) FROM effects").fetchone()
            return int(found)


def check_effects(ledger: Ledger, attempts: Mapping[str, int], upstreams: Mapping[str, str]) -> None:
    """Asserts that every job had its effect once and fenced.

    `attempts` is how often, according to tidegate, each job was claimed. `upstreams` gives the upstream of each job
    that depends on one.
    """
    effects, log = ledger.effects(), ledger.log()
    assert sorted(job_id for job_id, _ in effects) == sorted(attempts), "one effect for each job"
    began: dict[str, list[Entry]] = defaultdict(list)
    effect_of: dict[str, Entry] = {}
    for entry in log:
        if entry.what == "began":
            began[entry.job_id].append(entry)
        elif entry.what == "committed":
            effect_of[entry.job_id] = entry
    for job_id, claims in attempts.items():
        numbers = [entry.attempt for entry in began[job_id]]
        assert len(set(numbers)) == len(numbers), f"an attempt of {job_id} began twice: {numbers}"
        assert numbers, f"{job_id} never began"
        assert max(numbers) == claims, f"{job_id} was claimed {claims} times, and began as {numbers}"
        effect = effect_of[job_id]
        later = [each for each in began[job_id] if each.attempt > effect.attempt]
        assert all(effect.number < each.number for each in later), (
            f"a stale attempt of {job_id} had its effect"
        )
    for downstream, upstream in upstreams.items():
        assert effect_of[upstream].number < began[downstream][0].number, f"{downstream} ran too early"
