"""Job code of the kill tests: it logs each attempt, and fences its effect by the attempt.

It reaches both kinds of workers like a user's job code, as a module of the package `tidegate_jobs` (see deployment.py).
It writes to a database file on this machine, which survives every kill and restart.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing

from pydantic import Field

from tidegate.domain.job import Json
from tidegate.jobs import JobContext, Parameters, job

_BUSY_SECONDS = 30.0


class RecordedParameters(Parameters):
    """The duration of the job in seconds, and the file of the ledger."""

    seconds: float = Field(ge=0, le=60)
    ledger: str


@job("recorded.work")
def work(parameters: RecordedParameters, context: JobContext) -> Json:
    """Raises the job's fence to this attempt, works for `seconds`, and has its effect if the fence still holds."""
    me = (context.job_id, context.attempt)
    with closing(sqlite3.connect(parameters.ledger, timeout=_BUSY_SECONDS, isolation_level=None)) as ledger:
        ledger.execute("BEGIN IMMEDIATE")
        ledger.execute(
            "INSERT INTO fences VALUES (?, ?) "
            "ON CONFLICT (job_id) DO UPDATE SET attempt = max(attempt, excluded.attempt)",
            me,
        )
        _note(ledger, me, "began")
        ledger.execute("COMMIT")
        context.sleep(parameters.seconds)
        ledger.execute("BEGIN IMMEDIATE")
        what = _effect(ledger, me)
        _note(ledger, me, what)
        ledger.execute("COMMIT")
    return {"attempt": context.attempt, "effect": what}


def _effect(ledger: sqlite3.Connection, me: tuple[str, int]) -> str:
    job_id, attempt = me
    (fence,) = ledger.execute("SELECT attempt FROM fences WHERE job_id = ?", (job_id,)).fetchone()
    if fence != attempt:
        return "refused"
    if ledger.execute("SELECT 1 FROM effects WHERE job_id = ?", (job_id,)).fetchone():
        return "repeated"  # an earlier attempt had the effect, and was lost before anyone learned of it
    ledger.execute("INSERT INTO effects VALUES (?, ?)", me)
    return "committed"


def _note(ledger: sqlite3.Connection, me: tuple[str, int], what: str) -> None:
    ledger.execute(
        "INSERT INTO log (at, job_id, attempt, pid, what) VALUES (?, ?, ?, ?, ?)",
        (time.time(), *me, os.getpid(), what),
    )
