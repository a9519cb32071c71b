"""Job code of the kill tests alone: each attempt is written down, and its effect is fenced by the attempt.

It reaches both kinds of workers the way a user's job code does, as a module of the package `tidegate_jobs`; see
deployment.py. What it writes to is a database file on this machine, which no kill and no restart takes away.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing

from pydantic import Field

from tidegate.domain.job import Json
from tidegate.jobs import (
    JobContext,
    Parameters,
    job,
)

_BUSY_SECONDS = 30.0


class RecordedParameters(Parameters):
    """How long the job takes, in seconds, and the file of the ledger."""

    seconds: float = Field(ge=0, le=60)
    ledger: str


@job("recorded.work")
def work(parameters: RecordedParameters, context: JobContext) -> Json:
    """Raises the job's fence to this attempt, works for `seconds`, and then has its effect if the fence still holds."""
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
        return "repeated"  # an earlier attempt had it, and was lost before that was known
    ledger.execute("INSERT INTO effects VALUES (?, ?)", me)
    return "committed"


def _note(ledger: sqlite3.Connection, me: tuple[str, int], what: str) -> None:
    ledger.execute(
        "INSERT INTO log (at, job_id, attempt, pid, what) VALUES (?, ?, ?, ?, ?)",
        (time.time(), *me, os.getpid(), what),
    )
