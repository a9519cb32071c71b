"""A job type with a side effect that happens once, however often its code runs.

Job code may run again after a failure, an interruption or a lost worker. The job's id is the same in every attempt, so
it is the key under which the payment is booked. Give it to a payment service or a database in the same way.

Copy this file into layers/jobs/tidegate_jobs and run `tidegate local up`. Then submit a job:

    echo '{"type": "example.pay", "parameters": {"ledger": "/tmp/ledger.db", "cents": 1250}}' | tidegate submit - --wait
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from pydantic import Field

from tidegate.jobs import JobContext, Parameters, job

CREATE = "CREATE TABLE IF NOT EXISTS payments (job_id TEXT PRIMARY KEY, cents INTEGER)"
BOOK = "INSERT INTO payments VALUES (?, ?) ON CONFLICT (job_id) DO NOTHING"


class Payment(Parameters):
    """The SQLite file that holds the payments, and the amount in cents."""

    ledger: str
    cents: int = Field(gt=0)


@job("example.pay")
def pay(parameters: Payment, context: JobContext) -> dict[str, bool]:
    """Books a payment; `new` is false where an earlier attempt had booked it already."""
    with closing(sqlite3.connect(parameters.ledger)) as ledger, ledger:
        ledger.execute(CREATE)
        booked = ledger.execute(BOOK, (context.job_id, parameters.cents)).rowcount
    return {"new": booked == 1}
